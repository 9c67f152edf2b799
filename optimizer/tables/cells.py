"""Cells of a table as numbers, names and flags.

People's tables write 1,234.50, 1.234,50, 1 234,50 and 1234.5 for one number. A whole table is
read by one decimal mark, proved by its own cells; where nothing proves it, the reader asks.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.tables.findings import Finding, Notebook, fatal

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Mark = Literal[".", ","]

LARGEST = 1e13  # beyond this a cent is no longer exact
CLEAR_MAJORITY = 0.9  # share of the telling cells that settles a decimal mark
_MARKS: tuple[Mark, Mark] = (".", ",")
_SPACES = re.compile(r"[\s\u00a0\u202f\u2009'’_]")
_CURRENCY = re.compile(
    r"(?i)^(?:[€$£¥₽₴₹₺]|[a-z]{3}(?=[\s\d\-+])|руб\.?|р\.)|(?:[€$£¥₽₴₹₺]|руб\.?|р\.)$"
)
_CURRENCY_AFTER = re.compile(r"(?i)(?<=[\d\s])(?:eur|usd|gbp|rub|chf|cny|jpy|pln|sek|nok|dkk)$")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_PLAIN = r"^-?[0-9]{1,15}(?:\.(?:[0-9]{1,2}|[0-9]{4,16}))?$"  # no mark of thousands, read at once
_NOT_FINITE = re.compile(r"(?i)[-+]?(?:nan|inf|infinity|#num!|#div/0!|∞)")
_NO_FLAG = frozenset({"", "na", "n/a", "none", "no", "null", "empty", "-", "nan", "false", "0"})


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it came: cells of any kind, with the place each row had in its file."""

    frame: pd.DataFrame
    rows: npt.NDArray[np.int64]  # (n_rows,), 1-based row of the file, header is row 1
    file: str | None = None
    usual_mark: Mark | None = None  # decimal mark where no cell proves one; None: ask


def is_blank(cell: Any) -> bool:
    """Whether a cell holds nothing (a floating NaN is something, and wrong)."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is pd.NA or cell is pd.NaT


def bare(text: str) -> str:
    """A number's text without spaces, currency signs and accounting brackets."""
    text = text.strip().replace("\u2212", "-").replace("\ufeff", "")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    sign = "-" if text.startswith("-") else ""
    text = text[1:].strip() if text.startswith(("-", "+")) else text
    text = _CURRENCY_AFTER.sub("", _CURRENCY.sub("", text).strip())
    return sign + _SPACES.sub("", text)


def plain_numbers(cells: Sequence[Any]) -> tuple[BoolArray, FloatArray]:
    """The cells that are plain numbers by the mark ".", all at once.

    Parameters
    ----------
    cells : sequence of length n

    Returns
    -------
    plain : ndarray of shape (n,)
        Whether a cell is text such as 12 or 1234.50, where "." cannot part thousands.
    values : ndarray of shape (n,)
        Their numbers; NaN elsewhere.

    Examples
    --------
    >>> plain_numbers(["12", "1234.50", "1.234", "n/a"])
    (array([ True,  True, False, False]), array([  12. , 1234.5,    nan,    nan]))
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        texts = pa.array(cells, pa.string())
    except (pa.ArrowException, UnicodeError):  # cells of other kinds, or text that is broken
        return np.zeros(len(cells), dtype=bool), np.full(len(cells), np.nan)
    plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN), False)
    values = pc.cast(pc.if_else(plain, texts, None), pa.float64())
    return (
        plain.to_numpy(zero_copy_only=False),
        pc.fill_null(values, math.nan).to_numpy(zero_copy_only=False).copy(),
    )


def decimal_mark(texts: Sequence[str], usual: Mark | None) -> Mark | None:
    """The decimal mark of a table, by the cells that leave no doubt.

    Parameters
    ----------
    texts : sequence of str
        Cells of the table's number columns, as written.
    usual : "." or "," or None
        What to take where every cell with a mark could be read both ways.

    Returns
    -------
    "." or "," or None
        None where the cells contradict each other or nothing decides. A few that contradict all
        others decide nothing: read by the others' mark, they are no numbers.

    Examples
    --------
    >>> decimal_mark(["1.234", "12,5"], None), decimal_mark(["1,234", "12.5"], None)
    (',', '.')
    >>> decimal_mark(["1,234", "5,678"], None) is None
    True
    """
    plain, _ = plain_numbers(texts)
    proved: Counter[Mark] = Counter()
    proved["."] = sum("." in text for text in compress(texts, plain))
    doubtful = False
    for text in compress(texts, ~plain):
        if "," in text or "." in text:
            possible = [mark for mark in _MARKS if to_number(text, mark) is not None]
            doubtful = doubtful or len(possible) == 2
            if len(possible) == 1:
                proved[possible[0]] += 1
    if not proved.total():
        return usual if doubtful else "."
    mark, times = proved.most_common(1)[0]
    return mark if times >= CLEAR_MAJORITY * proved.total() else None


def to_number(text: str, mark: Mark) -> float | None:
    """The number a cell's text stands for; None where it is no number.

    Examples
    --------
    >>> to_number("1 234,50 €", ","), to_number("(1,000)", "."), to_number("n/a", ".")
    (1234.5, -1000.0, None)
    """
    number = bare(text)
    thousands = "." if mark == "," else ","
    whole, _, fraction = number.partition(mark)
    if thousands in fraction or not _well_grouped(whole, thousands):
        return None
    plain = whole.replace(thousands, "") + ("." + fraction if mark in number else "")
    if _NOT_FINITE.fullmatch(plain):
        return math.nan
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _well_grouped(whole: str, thousands: str) -> bool:
    groups = whole.lstrip("-+").split(thousands)
    return len(groups) == 1 or (
        1 <= len(groups[0]) <= 3
        and not groups[0].startswith("0")
        and all(len(group) == 3 for group in groups[1:])
    )


def numbers(table: Table, column: str, mark: Mark, notebook: Notebook) -> FloatArray:
    """A column as numbers; NaN where the cell is blank or wrong (wrong ones are fatal findings).

    Parameters
    ----------
    table : Table
    column : str
    mark : "." or ","
        The table's decimal mark.
    notebook : Notebook
        Receives text in numbers, numbers that are not finite and numbers too large to be exact.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    cells = table.frame[column]
    if pd.api.types.is_bool_dtype(cells.dtype) or pd.api.types.is_numeric_dtype(cells.dtype):
        found = _typed_numbers(cells)
        blank = (
            np.asarray(cells.isna())
            if pd.api.types.is_extension_array_dtype(cells.dtype)
            else np.zeros(len(cells), dtype=bool)
        )
    else:
        found, blank = _cell_numbers(table, column, mark, notebook)
    _check_range(table, column, np.where(blank, 0.0, found), notebook)
    return np.where(np.isfinite(found) & (np.abs(found) <= LARGEST), found, np.nan)


def _typed_numbers(cells: pd.Series[Any]) -> FloatArray:
    if pd.api.types.is_complex_dtype(cells.dtype):
        return np.full(len(cells), np.nan)
    return np.array(cells.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _cell_numbers(
    table: Table, column: str, mark: Mark, notebook: Notebook
) -> tuple[FloatArray, BoolArray]:
    cells = table.frame[column].tolist()
    plain, found = plain_numbers(cells if mark == "." else [None] * len(cells))
    blank = np.zeros(len(cells), dtype=bool)
    wrong: list[Finding] = []
    first = ""
    for place in np.flatnonzero(~plain):
        cell = cells[place]
        value = _one_number(cell, mark)
        if value is not None:
            found[place] = value
            continue
        blank[place] = True
        if not is_blank(cell):
            first = first or shown(cell)
            message = f"{shown(cell)} is not a number; write a plain number such as 1234.5."
            wrong.append(fatal("text_in_number", message, table.rows[place], column, table.file))
    notebook.fatal_each(
        wrong,
        len(found),
        f"the column holds no numbers, but cells such as {first}; "
        "name another, or write plain numbers such as 1234.5.",
    )
    return found, blank


def shown(cell: Any) -> str:
    """A cell in quotation marks, long ones cut."""
    text = str(cell)
    return f'"{text[:40]}..."' if len(text) > 40 else f'"{text}"'


def _one_number(cell: Any, mark: Mark) -> float | None:
    if isinstance(cell, str):
        return to_number(cell, mark) if cell.strip() else None
    if is_blank(cell):
        return None
    try:
        return float(cell)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def _check_range(table: Table, column: str, found: FloatArray, notebook: Notebook) -> None:
    told = {
        "number_too_large": "is above 1e13, where a cent is no longer exact; correct it or use "
        "a larger unit.",
        "non_finite_value": "is not a finite number (NaN or infinity); write one, or 0 for none.",
    }
    finite = np.isfinite(found)
    for code, marked in (
        ("number_too_large", finite & (np.abs(found) > LARGEST)),
        ("non_finite_value", ~finite),
    ):
        faults = [
            fatal(
                code,
                f"{f'{found[place]:.4g}' if finite[place] else 'the value'} {told[code]}",
                table.rows[place],
                column,
                table.file,
            )
            for place in np.flatnonzero(marked)
        ]
        notebook.fatal_each(faults, len(found), f"nearly every value {told[code]}")


def names(table: Table, column: str, notebook: Notebook) -> list[str]:
    """A column as names (channels, markets); a blank one is a fatal finding."""
    known: dict[str, str] = {}  # names are few and written again and again
    found = []
    for cell in table.frame[column].tolist():
        if isinstance(cell, str):
            found.append(known[cell] if cell in known else known.setdefault(cell, _name(cell)))
        else:
            blank = is_blank(cell) or (isinstance(cell, float) and math.isnan(cell))
            found.append("" if blank else _name(cell))
    missing = "the name is missing; write one in every row, or delete the row."
    notebook.fatal_each(
        [
            fatal("blank_name", missing, row, column, table.file)
            for row, name in zip(table.rows, found, strict=True)
            if not name
        ],
        len(found),
        "the column holds no names; name another, or fill it in.",
    )
    return found


def _name(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())


def is_text(cells: pd.Series[Any]) -> bool:
    """Whether at least half of a column's filled cells are words rather than numbers."""
    if pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype):
        return False
    filled = [cell for cell in cells.tolist() if isinstance(cell, str) and cell.strip()]
    words = [
        cell for cell in filled if to_number(cell, ".") is None and to_number(cell, ",") is None
    ]
    return len(words) > 0 and len(words) >= len(filled) / 2


def holds_words(cells: pd.Series[Any]) -> bool:
    """Whether the first cells are words without digits, some of them repeated, as channels are.

    Examples
    --------
    >>> holds_words(pd.Series(["tv", "search"] * 5)), holds_words(pd.Series(["2024-01-01"] * 5))
    (True, False)
    """
    first = cells.iloc[:200]
    found = [cell for cell in first.tolist() if isinstance(cell, str) and cell.strip()]
    plain = [cell for cell in found if not any(sign.isdigit() for sign in cell)]
    return len(plain) > len(first) / 2 and 1 < len(set(plain)) <= len(plain) / 2


def flags(cells: pd.Series[Any]) -> dict[str, FloatArray]:
    """A text column as one 0/1 series per level; "na", "none", "no" and blanks are no flag.

    Examples
    --------
    >>> flags(pd.Series(["na", "sale", "na"]))
    {'sale': array([0., 1., 0.])}
    """
    words = ["" if is_blank(cell) else " ".join(str(cell).split()) for cell in cells.tolist()]
    levels = sorted({word for word in words if word.casefold() not in _NO_FLAG})
    return {level: np.array([float(word == level) for word in words]) for level in levels}
