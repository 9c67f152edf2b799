"""The ledger that judges the kills sees what is lost or there twice, and accuses nobody else."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import delete, event, insert

from api.store import audit
from api.store.clock import now
from api.store.tables import scenarios
from benchmarks.service_ledger import SCENARIO, Acknowledged, Ledger, faults


@pytest.fixture
def ledger():
    """A ledger of a service that is not there: its rows are written by the tests."""
    return Ledger("http://127.0.0.1:1", "", "", "", random.Random(1))


@pytest.fixture
def keep(database, workspace):
    """Keeps a scenario, as the service does."""

    def one(identity):
        row = {"id": identity, "workspace": workspace, "version": 1, "name": "Spring"}
        row |= {"document": SCENARIO, "created_at": now(), "updated_at": now()}
        with database.write() as connection:
            connection.execute(insert(scenarios).values(**row))
            audit.record(connection, workspace=workspace, actor="key_1", action="scenario.create")

    return one


def acknowledge(ledger, identity):
    number = len(ledger.rows) + 1
    ledger.rows.append(Acknowledged(f"request-{number}", "/v1/scenarios", {}, identity))


def test_what_is_kept_and_acknowledged_is_right(database, ledger, keep):
    keep("scn_1")
    acknowledge(ledger, "scn_1")
    assert faults(database, ledger, at_rest=True) == []


def test_what_is_acknowledged_and_gone_is_found(database, ledger, keep):
    keep("scn_1")
    acknowledge(ledger, "scn_1")
    with database.write() as connection:
        connection.execute(delete(scenarios))
    assert "scn_1 was acknowledged and is gone" in faults(database, ledger)


def test_what_is_kept_twice_is_found(database, ledger, keep):
    keep("scn_1")
    acknowledge(ledger, "scn_1")
    keep("scn_2")
    assert faults(database, ledger) == [], "its answer may be on its way"
    assert faults(database, ledger, at_rest=True) == ["2 of scenarios for 1 requests"]
    keep("scn_3")
    assert faults(database, ledger) == ["3 of scenarios for 1 requests"]


def test_what_is_acknowledged_while_it_looks_is_not_called_lost(database, ledger, keep):
    """The store is seen at one moment; a server that was not killed goes on answering after it."""

    def goes_on(connection, cursor, statement, *_):
        if statement.startswith("SELECT jobs.id") and not ledger.rows:
            acknowledge(ledger, "scn_1")
            keep("scn_1")

    event.listen(database.engine, "after_cursor_execute", goes_on)
    try:
        assert faults(database, ledger) == []
    finally:
        event.remove(database.engine, "after_cursor_execute", goes_on)
    assert ledger.named("scn") == ["scn_1"]
    assert faults(database, ledger, at_rest=True) == []
