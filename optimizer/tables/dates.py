"""Dates as people write them, and the even calendar behind them.

All rows of a column are read together: 03/04/2024 alone could be March or April, but a column
with 03/25/2024 in it, or one whose days are evenly spaced only one way round, leaves no doubt.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.tables.cells import Table, is_blank, shown
from optimizer.tables.findings import Finding, Notebook, Severity, fatal

Days = npt.NDArray[np.int64]  # days since 1970-01-01
NO_DAY = np.iinfo(np.int64).min
_FIRST, _LAST = dt.date(1970, 1, 1), dt.date(2200, 1, 1)
_EXCEL_ZERO = dt.date(1899, 12, 30)
_TIME = r"(?:[T ]+\d{1,2}:\d{2}.*)?"
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _TIME)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})" + _TIME)
_SLASHED = re.compile(r"(\d{1,2})(?:/(\d{1,2})/(\d{4}|\d{2})|-(\d{1,2})-(\d{4}))" + _TIME)
_ISO_WEEK = re.compile(r"(\d{4})-?[Ww](\d{1,2})(?:-?([1-7]))?")
_MONTH = re.compile(r"(\d{4})[-/.]?(\d{2})|(\d{1,2})[-/.](\d{4})")
_WEEK_NUMBER = re.compile(
    r"(?i)(?:kw|cw|w|week)[ ./]*(\d{1,2})[ ./-]+(\d{4})|(\d{4})[ ./-]*(?:kw|cw|week)[ ./]*(\d{1,2})"
)
_DAY_NAMED = re.compile(r"(\d{1,2})[. -]+([^\W\d_]{3,9})[., -]+(\d{4}|\d{2})" + _TIME)
_NAMED_DAY = re.compile(r"([^\W\d_]{3,9})[. ]+(\d{1,2}),? +(\d{4})" + _TIME)
_NAMED_MONTH = re.compile(r"([^\W\d_]{3,9})(?:[., /-]+(\d{4})|[-'](\d{2}))")
_SERIAL = re.compile(r"(\d{5})(?:\.\d*)?")
_ADVICE = "write dates as 2024-01-31"
_MONTHS = (  # English and German
    ("january", "januar", "jänner"),
    ("february", "februar"),
    ("march", "märz", "maerz", "mrz"),
    ("april",),
    ("may", "mai"),
    ("june", "juni"),
    ("july", "juli"),
    ("august",),
    ("september",),
    ("october", "oktober"),
    ("november",),
    ("december", "dezember"),
)
_ALONE = 20.0  # times the usual step between a date that stands apart and the others


class Spacing(StrEnum):
    """The step between two periods of a history."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def periods_per_year(self) -> float:
        """Periods in a year: 365.25 days, 52.18 weeks or 12 months."""
        return {"day": 365.25, "week": 365.25 / 7, "month": 12.0}[self.value]


def days_of(table: Table, column: str, notebook: Notebook) -> Days:
    """A column of dates as days since 1970; unreadable ones are fatal findings.

    Parameters
    ----------
    table : Table
    column : str
    notebook : Notebook
        Receives unreadable and ambiguous dates, and a note where an order had to be proved.

    Returns
    -------
    ndarray of shape (n_rows,), days
        ``NO_DAY`` where the cell could not be read.
    """
    cells = table.frame[column].tolist()
    known: dict[str, int] = {}  # long tables repeat each date many times
    days = np.full(len(cells), NO_DAY, dtype=np.int64)
    slashed: dict[int, tuple[int, int, int]] = {}
    for place, cell in enumerate(cells):
        text = cell.strip() if isinstance(cell, str) else ""
        if text in known:
            days[place] = known[text]
        elif match := _SLASHED.fullmatch(text):
            second, year = match[2] or match[4], match[3] or match[5]
            slashed[place] = (int(match[1]), int(second), _full_year(year))
        elif text:
            days[place] = known[text] = _day(text)
        else:
            days[place] = _day(cell)
    _settle_order(table, column, slashed, days, notebook)
    _report_serials(table, column, cells, notebook)
    _report_unreadable(table, column, days, slashed, notebook)
    return days


def _report_serials(table: Table, column: str, cells: Sequence[Any], notebook: Notebook) -> None:
    if any(_SERIAL.fullmatch(str(cell).strip()) for cell in cells[:50]):
        message = "day counts were read as Excel's: 45292 is 2024-01-01."
        notebook.note("excel_dates", message, column=column, file=table.file)


def _day(cell: Any) -> int:
    """One cell as a day, or ``NO_DAY``; never a guess between day and month."""
    try:
        date = _date(cell)
    except (ValueError, OverflowError):
        return NO_DAY
    if date is None or not _FIRST <= date < _LAST:
        return NO_DAY
    return (date - _FIRST).days


def _date(cell: Any) -> dt.date | None:
    if is_blank(cell) or isinstance(cell, bool):
        return None
    if isinstance(cell, pd.Timestamp | dt.datetime):
        return dt.date(cell.year, cell.month, cell.day)
    if isinstance(cell, dt.date):
        return cell
    if isinstance(cell, pd.Period):
        return cell.start_time.date()
    if isinstance(cell, int | float | np.integer | np.floating):
        return _numeric_date(float(cell))
    return _text_date(cell.strip()) if isinstance(cell, str) else None


def _numeric_date(number: float) -> dt.date | None:
    if number > 190_000 and number.is_integer():
        return _text_date(str(int(number)))
    if 20_000 <= number <= 109_000:  # Excel's count of days
        return _EXCEL_ZERO + dt.timedelta(days=int(number))
    return None


def _text_date(text: str) -> dt.date | None:
    for pattern, made in _PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            return made(match)
    return None


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], dt.date | None]], ...] = (
    (_YEAR_FIRST, lambda found: dt.date(int(found[1]), int(found[2]), int(found[3]))),
    (_COMPACT, lambda found: dt.date(int(found[1]), int(found[2]), int(found[3]))),
    (_DOTTED, lambda found: dt.date(_full_year(found[3]), int(found[2]), int(found[1]))),
    (
        _ISO_WEEK,
        lambda found: dt.date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1)),
    ),
    (_MONTH, lambda found: dt.date(int(found[1] or found[4]), int(found[2] or found[3]), 1)),
    (
        _WEEK_NUMBER,
        lambda found: dt.date.fromisocalendar(
            int(found[2] or found[3]), int(found[1] or found[4]), 1
        ),
    ),
    (_DAY_NAMED, lambda found: _named_day(found[3], found[2], found[1])),
    (_NAMED_DAY, lambda found: _named_day(found[3], found[1], found[2])),
    (_NAMED_MONTH, lambda found: _named_day(found[2] or found[3], found[1], "1")),
    (_SERIAL, lambda found: _numeric_date(float(found[1]))),
)


def _named_day(year: str, month: str, day: str) -> dt.date | None:
    """A day of a month given by its name, which may be cut to three letters or more."""
    word = month.casefold()
    for number, names in enumerate(_MONTHS, start=1):
        if any(name.startswith(word) for name in names):
            return dt.date(_full_year(year), number, int(day))
    return None


def _full_year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


Order = Literal["day/month/year", "month/day/year"]


def _settle_order(
    table: Table,
    column: str,
    slashed: dict[int, tuple[int, int, int]],
    days: Days,
    notebook: Notebook,
) -> None:
    """Decide day/month/year or month/day/year for all rows at once."""
    if not slashed:
        return
    order = _proved_order(list(slashed.values()))
    if order is None:
        first = next(iter(slashed))
        cell = table.frame[column].iloc[first]
        notebook.fatal(
            "ambiguous_dates",
            f'"{cell}" could be day/month or month/day, and the other rows do not decide; '
            f"{_ADVICE}.",
            row=int(table.rows[first]),
            column=column,
            file=table.file,
        )
        return
    for place, parts in slashed.items():
        days[place] = _ordered_day(parts, order)
    notebook.note(
        "date_order",
        f"dates were read as {order}, the only order that fits all rows.",
        column=column,
        file=table.file,
    )


def _ordered_day(parts: tuple[int, int, int], order: Order) -> int:
    first, second, year = parts
    day, month = (first, second) if order == "day/month/year" else (second, first)
    try:
        date = dt.date(year, month, day)
    except ValueError:
        return NO_DAY
    return (date - _FIRST).days if _FIRST <= date < _LAST else NO_DAY


def _proved_order(parts: list[tuple[int, int, int]]) -> Order | None:
    """The one order all rows agree with; failing that, the one whose dates are evenly spaced."""
    orders: tuple[Order, Order] = ("day/month/year", "month/day/year")
    read = {order: np.array([_ordered_day(part, order) for part in parts]) for order in orders}
    wrong = {order: float(np.mean(days == NO_DAY)) for order, days in read.items()}
    if max(wrong.values()) > 0:
        least = min(orders, key=lambda order: wrong[order])
        return least if wrong[least] < min(0.2, max(wrong.values())) else None
    even = [order for order in orders if _is_even(read[order])]
    return even[0] if len(even) == 1 else None


def _is_even(days: Days) -> bool:
    steps = np.diff(np.unique(days))
    if len(steps) < 2:
        return False
    return bool(np.all(steps == steps[0])) or bool(np.all((steps >= 28) & (steps <= 31)))


def _report_unreadable(
    table: Table,
    column: str,
    days: Days,
    slashed: dict[int, tuple[int, int, int]],
    notebook: Notebook,
) -> None:
    ambiguous = any(found.code == "ambiguous_dates" for found in notebook.findings)
    cells = table.frame[column].tolist()
    wrong = []
    for place in np.flatnonzero(days == NO_DAY):
        if not (ambiguous and int(place) in slashed):
            cell = cells[place]
            told = "an empty cell" if is_blank(cell) else shown(cell)
            message = f"{told} is not a date; {_ADVICE}, or delete the row if it is a total."
            wrong.append(fatal("unreadable_date", message, table.rows[place], column, table.file))
    failed = (cells[place] for place in np.flatnonzero(days == NO_DAY))
    example = next((shown(cell) for cell in failed if not is_blank(cell)), "an empty one")
    notebook.fatal_each(
        wrong,
        len(days),
        f"the column holds no dates, but cells such as {example}; name another, or {_ADVICE}.",
    )


def spacing_of(days: Days) -> Spacing | None:
    """Daily, weekly or monthly, by which calendar the days fill; None where none does.

    Parameters
    ----------
    days : ndarray of shape (n,), days since 1970
        In any order, repeats allowed.

    Examples
    --------
    >>> spacing_of(np.arange(0, 70, 7))
    <Spacing.WEEK: 'week'>
    """
    distinct = np.unique(days)
    if len(distinct) < 3:
        return None
    for spacing in Spacing:
        periods = np.unique(period_numbers(distinct, spacing))
        filled = len(periods) / (periods[-1] - periods[0] + 1)
        if filled > 0.6 and len(distinct) <= 1.2 * len(periods):
            return spacing
    return None


def apart(days: Days) -> Days:
    """The few days so far from all others that they alone spoil an even calendar.

    Parameters
    ----------
    days : ndarray of shape (n,), days since 1970
        Distinct and ascending, of no spacing.

    Examples
    --------
    >>> apart(np.array([*range(0, 700, 7), 9000]))
    array([9000])
    """
    steps = np.diff(days)
    cuts = np.flatnonzero(steps > _ALONE * np.median(steps))
    for cut in cuts:
        low, high = days[: cut + 1], days[cut + 1 :]
        few, many = (low, high) if len(low) < len(high) else (high, low)
        if len(few) <= max(1, len(days) // 20) and spacing_of(many) is not None:
            return few
    return days[:0]


def period_numbers(days: Days, spacing: Spacing) -> Days:
    """The period each day falls in, counted on an even calendar.

    Weeks are counted from the column's usual weekday, a day off going to the nearest week;
    months are calendar months.
    """
    if spacing is Spacing.DAY:
        return days
    if spacing is Spacing.WEEK:
        weekday = _usual_weekday(days)
        return np.floor_divide(days - weekday + 3, 7)
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return months.astype(np.int64)


def period_starts(numbers: Days, spacing: Spacing, days: Days) -> Days:
    """The day a period is dated by: its own, its usual weekday, or the first of the month."""
    if spacing is Spacing.DAY:
        return numbers
    if spacing is Spacing.WEEK:
        return numbers * 7 + _usual_weekday(days)
    return numbers.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _usual_weekday(days: Days) -> int:
    """0 to 6 (0 is a Thursday, 1970-01-01); on a tie the earliest."""
    return int(np.argmax(np.bincount(np.mod(days, 7), minlength=7)))


def snapped_rows(
    days: Days, spacing: Spacing, rows: Days, files: npt.NDArray[np.object_], column: str
) -> list[Finding]:
    """One finding for each row whose date is off the even calendar and was moved onto it."""
    moved = _off_calendar(days, spacing)
    starts = period_starts(period_numbers(days, spacing), spacing, days)
    return [
        Finding(
            "irregular_spacing",
            Severity.WARNING,
            f"{iso(days[place])} is off the {spacing.value}ly calendar of the other rows; "
            f"it was counted for {iso(starts[place])}.",
            int(rows[place]),
            column,
            files[place] or None,
        )
        for place in moved
    ]


def _off_calendar(days: Days, spacing: Spacing) -> npt.NDArray[np.intp]:
    if spacing is Spacing.DAY:
        return np.array([], dtype=np.intp)
    if spacing is Spacing.WEEK:
        return np.flatnonzero(np.mod(days, 7) != _usual_weekday(days))
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    day = (days - months.astype("datetime64[D]").astype(np.int64)) + 1
    last = ((months + 1).astype("datetime64[D]").astype(np.int64) - days) == 1
    usual = int(np.argmax(np.bincount(day)))
    if np.mean(last) > 0.5:
        return np.flatnonzero(~last)
    return np.flatnonzero((day != usual) & ~(last & (day < usual)))


def iso(day: int | np.integer[Any]) -> str:
    """A day since 1970 as text.

    Examples
    --------
    >>> iso(0)
    '1970-01-01'
    """
    return (_FIRST + dt.timedelta(days=int(day))).isoformat()
