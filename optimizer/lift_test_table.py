"""Lift tests as a table holds them: one a row, read with every fault at once, and written."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.errors import HistoryError, nearest
from optimizer.history import History
from optimizer.lift_tests import LiftTest, UnusableTestsError, lift_test_faults
from optimizer.tables.cells import FloatArray, Mark, Table, decimal_mark, is_blank, numbers
from optimizer.tables.dates import NO_DAY, days_of, iso
from optimizer.tables.findings import Finding, Notebook, Severity, fatal, stopped
from optimizer.tables.headers import folded, usual_for

#: Column -> the names it goes by, folded.
COLUMNS = {
    "channel": ("channel",),
    "market": ("market", "markets"),
    "start": ("start", "start_date", "from", "first_day"),
    "end": ("end", "end_date", "to", "until", "last_day"),
    "spend_control": ("spend_control", "control_spend"),
    "spend_test": ("spend_test", "test_spend"),
    "lift": ("lift", "incremental_revenue"),
    "standard_error": ("standard_error", "std_error", "stderr", "se"),
}
NUMBERS = ("spend_control", "spend_test", "lift", "standard_error")
BETWEEN_MARKETS = ";"


def lift_tests_of_table(table: Table, history: History | None = None) -> tuple[LiftTest, ...]:
    """The lift tests of a table.

    Parameters
    ----------
    table : Table
        Columns ``channel, start, end, spend_control, spend_test, lift, standard_error``, money per
        period of the whole market the curve describes, and ``market`` where the history has
        several (names joined by ``;`` were tested together).
    history : History, optional
        What the tests are held against too.

    Raises
    ------
    HistoryError
        A column is missing; as UnusableTestsError with every fault of the rows at once.
    """
    places = _places(table)
    if table.frame.empty:
        raise HistoryError(f"{_named(table)} holds no lift tests. Give one in each row.")
    notebook = Notebook()
    days = [days_of(table, places[name], notebook) for name in ("start", "end")]
    mark = _mark(table, places, notebook)
    values = {name: numbers(table, places[name], mark, notebook) for name in NUMBERS}
    tests = list(_tests(table, places, days, values))
    wrong = [found for found in notebook.findings if found.severity is Severity.FATAL]
    found = [
        *wrong,
        *_blanks(table, places, values, wrong),
        *_faults(table, places, tests, history),
    ]
    if found:
        raise UnusableTestsError(tuple(sorted(found, key=lambda one: one.row or 0)))
    return tuple(tests)


def _places(table: Table) -> dict[str, str]:
    """Which column plays which part."""
    names = [str(name) for name in table.frame.columns]
    places = {
        part: next((name for name in names if folded(name) in usual), None)
        for part, usual in COLUMNS.items()
    }
    for part in ("channel", "market"):
        places[part] = places[part] or next(iter(usual_for(part, names)), None)
    missing = [part for part, name in places.items() if name is None and part != "market"]
    if missing:
        hint = stopped(nearest(missing[0], names))
        wanted = ", ".join(part for part in COLUMNS if part != "market")
        raise HistoryError(
            f"{_named(table)} has no column {' and no '.join(missing)}; {hint} "
            f"A table of lift tests has the columns {wanted}, and market where there are several."
        )
    return {part: name for part, name in places.items() if name is not None}


def _named(table: Table) -> str:
    return table.file or "The table"


def _mark(table: Table, places: dict[str, str], notebook: Notebook) -> Mark:
    """The table's decimal mark; a table that leaves it open is a fault."""
    cells = (cell for name in NUMBERS for cell in table.frame[places[name]].tolist())
    texts = [cell for cell in cells if isinstance(cell, str)]
    mark = decimal_mark(texts, table.usual_mark)
    if mark is None:
        shown = next(text for text in texts if "," in text or "." in text)
        message = (
            f'numbers such as "{shown}" do not tell a decimal mark from a thousands mark; write '
            "them without thousands marks, as 1234.5."
        )
        notebook.fatal("ambiguous_numbers", message, file=table.file)
    return mark or "."


def _tests(
    table: Table,
    places: dict[str, str],
    days: Sequence[npt.NDArray[np.int64]],
    values: dict[str, FloatArray],
) -> Iterator[LiftTest]:
    """The tests of the rows whose cells can be read."""
    channels = table.frame[places["channel"]].tolist()
    markets = (
        table.frame[places["market"]].tolist() if "market" in places else [None] * len(days[0])
    )
    for place, row in enumerate(table.rows.tolist()):
        own = {name: float(column[place]) for name, column in values.items()}
        ends = [int(column[place]) for column in days]
        if NO_DAY in ends or any(math.isnan(value) for value in own.values()):
            continue
        start, end = (dt.date.fromisoformat(iso(day)) for day in ends)
        together = tuple(name for part in _word(markets[place]).split(BETWEEN_MARKETS)
                         if (name := part.strip()))  # fmt: skip
        yield LiftTest(
            channel=_word(channels[place]),
            start=start,
            end=end,
            markets=together,
            row=row,
            **own,
        )


def _word(cell: Any) -> str:
    """A name as a cell holds it; nothing where it is blank."""
    if is_blank(cell) or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return " ".join(str(cell).split())


def _blanks(
    table: Table,
    places: dict[str, str],
    values: dict[str, FloatArray],
    wrong: Sequence[Finding],
) -> Iterator[Finding]:
    """Numbers that are missing, where nothing else was said of the cell."""
    told = {(found.row, found.column) for found in wrong} | {(None, f.column) for f in wrong
                                                            if f.row is None}  # fmt: skip
    for name, column in values.items():
        for place in np.flatnonzero(np.isnan(column)):
            row, header = int(table.rows[place]), places[name]
            if (row, header) not in told and (None, header) not in told:
                message = "the number is missing; write it, or delete the row."
                yield fatal("blank_number", message, row, header, table.file)


def _faults(
    table: Table, places: dict[str, str], tests: Sequence[LiftTest], history: History | None
) -> Iterator[Finding]:
    """What the tests say against themselves and the history, under the table's own headers."""
    for found in lift_test_faults(tests, history):
        header = places.get(found.column or "", found.column)
        yield replace(found, column=header, file=table.file)


def lift_test_record(test: LiftTest) -> dict[str, Any]:
    """A test as a row of the table that is read.

    Examples
    --------
    >>> day = dt.date(2026, 3, 2)
    >>> lift_test_record(LiftTest("tv", day, day, 100.0, 0.0, -80.0, 20.0))["lift"]
    -80.0
    """
    markets = {"market": f"{BETWEEN_MARKETS} ".join(test.markets)} if test.markets else {}
    return {
        "channel": test.channel,
        **markets,
        "start": test.start.isoformat(),
        "end": test.end.isoformat(),
        **{name: getattr(test, name) for name in NUMBERS},
    }
