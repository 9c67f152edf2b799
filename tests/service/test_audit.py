"""The audit log: every row that was changed, taken out or put in shows."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, insert, select, update

from api.store import audit
from api.store.tables import audit_events

ROWS = 12


def record(database, count=1, workspace="wsp_1"):
    for number in range(count):
        with database.write() as connection:
            audit.record(
                connection,
                workspace=workspace,
                actor="key_1",
                action=f"deed.{number}",
                resource=f"scn_{number}",
                detail={"number": number, "имя": "名"},
            )


def verdict(database):
    with database.read() as connection:
        return audit.verify(connection)


@pytest.fixture
def log(database):
    record(database, ROWS)
    return database


def test_an_untouched_log_is_whole(log):
    chain = verdict(log)
    assert (chain.rows, chain.broken_at) == (ROWS, None)


def test_an_empty_log_is_whole(database):
    assert verdict(database).broken_at is None


CHANGES = {
    "workspace": "wsp_2",
    "actor": "key_2",
    "action": "nothing",
    "resource": None,
    "detail": {"number": 99},
    "at": 1,
    "previous": "f" * 64,
    "hash": "f" * 64,
}


def test_a_change_of_any_column_is_tried():
    assert CHANGES.keys() == {column.name for column in audit_events.c} - {"seq"}


@pytest.mark.parametrize("column", CHANGES)
@pytest.mark.parametrize("seq", [1, ROWS // 2, ROWS])
def test_a_changed_row_shows(log, column, seq):
    with log.write() as connection:
        changed = update(audit_events).where(audit_events.c.seq == seq)
        connection.execute(changed.values({column: CHANGES[column]}))
    assert verdict(log).broken_at == seq


@pytest.mark.parametrize("seq", [1, ROWS // 2, ROWS - 1])
def test_a_row_taken_out_shows(log, seq):
    with log.write() as connection:
        connection.execute(delete(audit_events).where(audit_events.c.seq == seq))
    assert verdict(log).broken_at == seq + 1


def test_a_row_taken_out_and_the_rest_renumbered_shows(log):
    with log.write() as connection:
        connection.execute(delete(audit_events).where(audit_events.c.seq == 3))
        for seq in range(4, ROWS + 1):
            moved = update(audit_events).where(audit_events.c.seq == seq)
            connection.execute(moved.values(seq=seq - 1))
    assert verdict(log).broken_at == 3


@pytest.mark.parametrize("seq", [0, ROWS + 5])
def test_a_row_put_in_shows(log, seq):
    with log.write() as connection:
        last = connection.execute(select(audit_events).where(audit_events.c.seq == ROWS))
        forged = dict(last.mappings().one()) | {"seq": seq, "hash": "e" * 64}
        connection.execute(insert(audit_events).values(forged))
    assert verdict(log).broken_at == seq


def test_two_rows_exchanged_show(log):
    with log.write() as connection:
        for before, after in ((4, 99), (5, 4), (99, 5)):
            moved = update(audit_events).where(audit_events.c.seq == before)
            connection.execute(moved.values(seq=after))
    assert verdict(log).broken_at == 4


def test_the_last_hash_tells_that_the_end_was_cut_off(log):
    noted = verdict(log).last
    with log.write() as connection:
        connection.execute(delete(audit_events).where(audit_events.c.seq > ROWS - 2))
    assert verdict(log).last != noted


def test_writers_at_once_make_one_chain(database):
    threads = [
        threading.Thread(target=record, args=(database, 10, f"wsp_{place}")) for place in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdict(database) == audit.Chain(40, verdict(database).last, None)


def test_what_is_rolled_back_leaves_no_row(log):
    def fails_after_it():
        with log.write() as connection:
            audit.record(connection, workspace="wsp_1", actor="key_1", action="deed")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_after_it()
    assert verdict(log).rows == ROWS
