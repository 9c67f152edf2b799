"""Lift tests: a channel's spend was moved on purpose, and revenue was compared with a control.

Spend and lift are per period and of the whole market the curve describes: what the channel spends
there a period without the test and with it, and what revenue a period differed by.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field

from optimizer.errors import HistoryError, nearest
from optimizer.history import History
from optimizer.tables.findings import SHOWN, Finding, Severity, stopped


@dataclass(frozen=True, slots=True)
class LiftTest:
    """One finished test: spend moved from one level to another, and what that changed."""

    channel: str
    start: dt.date  # first day of the test
    end: dt.date  # last day of the test
    spend_control: float  # currency per period, without the test
    spend_test: float  # currency per period, with it
    lift: float  # currency per period, revenue with the test minus without
    standard_error: float  # currency per period, of the lift
    markets: tuple[str, ...] = ()  # tested together; none: all there are
    row: int | None = field(default=None, compare=False)  # of the file it was read from

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            object.__setattr__(self, name, as_date(getattr(self, name)))
        for name in ("spend_control", "spend_test", "lift", "standard_error"):
            object.__setattr__(self, name, _as_number(name, getattr(self, name)))
        given = self.markets
        together = (given,) if isinstance(given, str) else tuple(given)
        object.__setattr__(self, "markets", together)

    @property
    def name(self) -> str:
        """What to call the test in a sentence."""
        where = f" in {' and '.join(self.markets)}" if self.markets else ""
        return f"{self.channel}{where} from {self.start}"


def as_date(day: dt.date | str) -> dt.date:
    """A day as people write it in scripts.

    Examples
    --------
    >>> as_date("2026-03-02"), as_date(dt.datetime(2026, 3, 2, 12))
    (datetime.date(2026, 3, 2), datetime.date(2026, 3, 2))

    Raises
    ------
    HistoryError
        It is no day.
    """
    if isinstance(day, dt.datetime):
        return day.date()
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(day)
    except (TypeError, ValueError) as wrong:
        raise HistoryError(f"{day!r} is not a date. Write dates as 2026-03-02.") from wrong


def _as_number(name: str, value: object) -> float:
    """A number of a test, as a plain float."""
    if isinstance(value, (int, float)) or hasattr(value, "__float__"):
        return float(value)
    raise HistoryError(f"{name} of a lift test is {value!r}. Write a plain number such as 1234.5.")


class UnusableTestsError(HistoryError):
    """Lift tests have faults: all are carried, the first few are in the text."""

    code = "unusable_lift_tests"

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)
        self.findings = findings

    def __str__(self) -> str:
        lines = [str(finding) for finding in self.findings[:SHOWN]]
        hidden = len(self.findings) - len(lines)
        if len(self.findings) == 1:
            return f"The lift tests cannot be used: {lines[0]}"
        head = f"The lift tests cannot be used, for {len(self.findings)} reasons:"
        return "\n  ".join([head, *lines, *([f"and {hidden} more."] if hidden else [])])


def check_lift_tests(tests: Sequence[LiftTest], history: History | None = None) -> None:
    """Refuse tests that cannot be meant, or that are not of this history.

    Raises
    ------
    UnusableTestsError
        With every fault at once.
    """
    if isinstance(tests, str) or not all(isinstance(test, LiftTest) for test in tests):
        raise HistoryError(
            "lift_tests takes LiftTest records. read_lift_tests makes them of a file."
        )
    found = tuple(lift_test_faults(tests, history))
    if found:
        raise UnusableTestsError(found)


def lift_test_faults(
    tests: Sequence[LiftTest], history: History | None = None
) -> Iterator[Finding]:
    """Everything wrong with tests, test after test."""
    seen: dict[object, LiftTest] = {}
    for test in tests:
        for code, column, message in _own_faults(test):
            yield _fault(test, code, column, message)
        for code, column, message in _strange(test, history) if history else ():
            yield _fault(test, code, column, message)
        if seen.setdefault(test, test) is not test:
            yield _fault(test, "duplicate_test", None, "the test is given twice; keep one row.")


def _fault(test: LiftTest, code: str, column: str | None, message: str) -> Finding:
    """A fault of one test; named in words where it was not read from a row."""
    words = message if test.row is not None else f"the test of {test.name}: {message}"
    return Finding(code, Severity.FATAL, words, test.row, column)


def _own_faults(test: LiftTest) -> Iterator[tuple[str, str | None, str]]:
    """What a test says against itself: code, column, sentence."""
    if not test.channel:
        yield "blank_name", "channel", "the channel is missing; write its name."
    for name in ("spend_control", "spend_test", "lift", "standard_error"):
        value = getattr(test, name)
        if not math.isfinite(value):
            yield "non_finite_value", name, f"{value} is no finite number; write one."
        elif name.startswith("spend") and value < 0.0:
            yield "negative_spend", name, f"the spend is {value:g}; write it as 0 or more."
    if test.standard_error <= 0.0:
        message = (
            f"a standard error of {test.standard_error:g} would leave no doubt at all; write the "
            "test's own, above 0 (its 90 % interval is 3.3 standard errors wide)."
        )
        yield "no_standard_error", "standard_error", message
    if test.spend_control == test.spend_test:
        message = f"spend was {test.spend_test:g} with and without the test, so it shows nothing."
        yield "equal_spends", "spend_test", f"{message} Write both levels, or delete the row."
    if test.end < test.start:
        message = f"the test ends on {test.end}, before it starts on {test.start}; swap the two."
        yield "end_before_start", "end", message


def _strange(test: LiftTest, history: History) -> Iterator[tuple[str, str | None, str]]:
    """What a history knows nothing of: code, column, sentence."""
    if test.channel and test.channel not in history.channels:
        hint = stopped(nearest(test.channel, history.channels))
        yield "unknown_channel", "channel", f'no channel "{test.channel}" in the history; {hint}'
    yield from _strange_markets(test, history)
    first, last = history.dates[0].date(), history.dates[-1].date()
    beyond = last + _step(history)
    if test.start < first or test.end >= beyond:
        message = (
            f"the test from {test.start} to {test.end} lies outside the history, which goes from "
            f"{first} to {beyond - dt.timedelta(days=1)}; mend the dates, or bring a history that "
            "holds them."
        )
        yield "outside_history", "start" if test.start < first else "end", message


def _strange_markets(test: LiftTest, history: History) -> Iterator[tuple[str, str | None, str]]:
    known = [name for name in history.markets if name is not None]
    for market in test.markets:
        if not known:
            message = (
                f'the history has no markets, so a test in "{market}" must be scaled to the whole '
                "of it: spends, lift and standard error; then leave the market out."
            )
            yield "unknown_market", "market", message
        elif market not in known:
            hint = stopped(nearest(market, known))
            yield "unknown_market", "market", f'no market "{market}" in the history; {hint}'
    if history.layout == "attributed" and len(known) > 1 and len(test.markets) != 1:
        message = "curves are fitted market by market, so a test needs one market; write its name."
        yield "no_market", "market", message


def _step(history: History) -> dt.timedelta:
    """The length of the last period."""
    days = {"day": 1, "week": 7, "month": history.dates[-1].days_in_month}
    return dt.timedelta(days=int(days[history.spacing.value]))


def lift_tests_hash(tests: Sequence[LiftTest]) -> str:
    """``sha256:`` of what the tests say, in whatever order."""
    rows = sorted(json.dumps(astuple(test)[:-1], default=str) for test in tests)
    return f"sha256:{hashlib.sha256(json.dumps(rows).encode()).hexdigest()}"
