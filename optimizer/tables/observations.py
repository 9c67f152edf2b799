"""Tables of any shape as one long list of observations: what, when, where, how much, and whence.

A long table, a wide table, and several of them to be joined all become the same list, so that
duplicates, gaps and partners are looked for once. Every observation knows its file, row, column.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from optimizer.tables.cells import (
    FloatArray,
    Mark,
    Table,
    decimal_mark,
    flags,
    is_blank,
    is_text,
    names,
    numbers,
    plain_numbers,
)
from optimizer.tables.columns import MEASURES, ControlKind, Roles, shortened
from optimizer.tables.dates import days_of
from optimizer.tables.findings import Finding, Notebook, Severity, counted, fatal
from optimizer.tables.headers import channel_of, is_delivery, recipe

MOST_NAMED = 6  # columns in the advice on how to use them
KEY = ["part", "period", "market", "name"]
WORDS = ["part", "market", "name", "column", "file"]  # few, written again and again


def observe(table: Table, roles: Roles, notebook: Notebook) -> pd.DataFrame:
    """One table as observations.

    Parameters
    ----------
    table : Table
    roles : Roles
    notebook : Notebook
        Receives every unreadable cell, negative spend, blank cells and what was ignored.

    Returns
    -------
    DataFrame
        One row per observation: ``part`` ("spend", "revenue", "population", a measure, or the
        kind of a control), ``day`` (since 1970), ``market`` and ``name`` ("" for none), ``value``
        (NaN for a blank cell), ``row``, ``column``, ``file``.
    """
    _report_ignored(table, roles, notebook)
    mark = _mark(table, roles, notebook)
    place = pd.DataFrame({"day": days_of(table, roles.date, notebook), "row": table.rows})
    place["market"] = names(table, roles.market, notebook) if roles.market else ""
    channel = names(table, roles.channel, notebook) if roles.channel else ""
    parts = []
    for name, column in roles.channels.items():
        values = _spend(table, column, mark, notebook)
        parts.append(place.assign(part="spend", name=name, value=values, column=column))
    if roles.spend:
        values = _spend(table, roles.spend, mark, notebook)
        parts.append(place.assign(part="spend", name=channel, value=values, column=roles.spend))
    if roles.revenue:
        values = _revenue(table, roles, mark, notebook)
        parts.append(
            place.assign(part="revenue", name=channel, value=values, column=roles.revenue[0])
        )
    if roles.population:
        values = numbers(table, roles.population, mark, notebook)
        parts.append(
            place.assign(part="population", name="", value=values, column=roles.population)
        )
    for measure, column in roles.measures.items():
        counts = _measure(table, column, mark, notebook)
        if counts is not None:
            parts.append(place.assign(part=measure, name=channel, value=counts, column=column))
    for column, kind in roles.controls.items():
        for name, values in _control(table, column, mark, notebook).items():
            parts.append(place.assign(part=kind, name=name, value=values, column=column))
    return pd.concat(parts, ignore_index=True).assign(file=table.file or "")


def _report_ignored(table: Table, roles: Roles, notebook: Notebook) -> None:
    if not roles.ignored:
        return
    listed = shortened([f'"{name}"' for name in roles.ignored])
    notebook.note(
        "ignored_columns", f"columns not used: {listed}; {_cure(table, roles)}", file=table.file
    )


def _cure(table: Table, roles: Roles) -> str:
    """What to do about columns that are not used."""
    if roles.layout == "attributed":
        return "revenue known by channel needs no others."
    controls = [name for name in roles.ignored if not (channel_of(name) or is_delivery(name))]
    if not controls:
        return "impressions, clicks and the like are not needed; name spend under channels."
    few = controls[:MOST_NAMED] + ["..."] * (len(controls) > MOST_NAMED)
    them = "them" if len(controls) == len(roles.ignored) else "those that explain revenue"
    return f"to use {them}: {recipe({'controls': few}, table.file)}."


def _mark(table: Table, roles: Roles, notebook: Notebook) -> Mark:
    """The table's decimal mark; a table that leaves it open is a fatal finding."""
    columns = [*roles.number_columns(), *roles.controls]
    texts = [
        cell for column in columns for cell in table.frame[column].tolist() if isinstance(cell, str)
    ]
    mark = decimal_mark(texts, table.usual_mark)
    if mark is None:
        shown = next(text for text in texts if "," in text or "." in text)
        notebook.fatal(
            "ambiguous_numbers",
            f'numbers such as "{shown}" do not tell a decimal mark from a thousands mark; '
            "write them without thousands marks, as 1234.5.",
            file=table.file,
        )
        return "."
    return mark


def _spend(table: Table, column: str, mark: Mark, notebook: Notebook) -> FloatArray:
    values = numbers(table, column, mark, notebook)
    advice = "book a refund where it was spent, or write 0."
    negative = [
        fatal(
            "negative_spend",
            f"the spend is {values[place]:g}; {advice}",
            table.rows[place],
            column,
            table.file,
        )
        for place in np.flatnonzero(values < 0)
    ]
    whole = "nearly every spend is negative; write spend as positive numbers."
    notebook.fatal_each(negative, len(values), whole)
    _report_blank(table, column, "count as 0 spend", notebook)
    return values


def _revenue(table: Table, roles: Roles, mark: Mark, notebook: Notebook) -> FloatArray:
    values = np.ones(len(table.rows))
    done = "count as 0 revenue" if roles.channel else "were filled by a straight line"
    if roles.market and not roles.channel:
        done += ", or count as closed before a market's first revenue and after its last"
    for column in roles.revenue:
        values = values * numbers(table, column, mark, notebook)
        _report_blank(table, column, done, notebook)
    column = " x ".join(roles.revenue)
    negative = [
        Finding(
            "negative_revenue",
            Severity.WARNING,
            f"the revenue is {values[place]:g}; it was kept, as more was returned than sold.",
            int(table.rows[place]),
            column,
            table.file,
        )
        for place in np.flatnonzero(values < 0)
    ]
    notebook.warn_each(negative, "{n} more rows have negative revenue; they were kept.")
    return values


def _report_blank(table: Table, column: str, done: str, notebook: Notebook) -> None:
    cells = table.frame[column].tolist()
    plain, _ = plain_numbers(cells)
    blank = [place for place in np.flatnonzero(~plain) if is_blank(cells[place])]
    if blank:
        where = "is empty" if len(blank) == 1 else f"and {len(blank) - 1} more are empty"
        notebook.warning(
            "blank_cell",
            f"this cell {where}; empty cells {done}.",
            row=int(table.rows[blank[0]]),
            column=column,
            file=table.file,
        )


def _measure(table: Table, column: str, mark: Mark, notebook: Notebook) -> FloatArray | None:
    """Counts of what spend bought; None, with a warning, where they are none."""
    own = Notebook()
    values = numbers(table, column, mark, own)
    wrong = own.findings[0].message if own.findings else None
    if wrong is None and bool(np.any(values < 0.0)):
        wrong = "a count is negative"
    if wrong is None:
        return values
    notebook.warning(
        "measure_left_out",
        f"the column was left out, nothing else rests on it: {wrong.rstrip('.')}.",
        column=column,
        file=table.file,
    )
    return None


def _control(table: Table, column: str, mark: Mark, notebook: Notebook) -> dict[str, FloatArray]:
    cells = table.frame[column]
    if not is_text(cells):
        _report_blank(table, column, "were filled from their neighbours", notebook)
        return {column: numbers(table, column, mark, notebook)}
    levels = flags(cells)
    if len(levels) > max(12, len(cells) // 10):
        notebook.fatal(
            "too_many_levels",
            f"the control has {len(levels)} different texts; give numbers or at most 12 flags.",
            column=column,
            file=table.file,
        )
        return {}
    named = ", ".join(f'"{level}"' for level in levels)
    notebook.note(
        "text_flags",
        f"the text became {counted(len(levels), 'control column')} of 0 and 1: {named or 'none'}.",
        column=column,
        file=table.file,
    )
    return {f"{column}_{level}": values for level, values in levels.items()}


def currency_of(
    tables: Sequence[Table], all_roles: Sequence[Roles], declared: str | None, notebook: Notebook
) -> str | None:
    """The one currency of all tables; a second one is a fatal finding.

    Parameters
    ----------
    tables, all_roles : sequences of equal length
    declared : str or None
        The currency the user states.
    """
    found = declared
    for table, roles in zip(tables, all_roles, strict=True):
        if roles.currency is None:
            continue
        for row, cell in zip(table.rows, table.frame[roles.currency].tolist(), strict=True):
            code = "" if is_blank(cell) else str(cell).strip()
            if code and found and code.casefold() != found.casefold():
                notebook.fatal(
                    "two_currencies",
                    f"{code} here, {found} before; convert all money to one currency.",
                    row=int(row),
                    column=roles.currency,
                    file=table.file,
                )
                return found
            found = found or code or None
    return found


def check_duplicates(observed: pd.DataFrame, notebook: Notebook) -> None:
    """Fatal findings for a date, channel and market given twice; both rows are named.

    `observed` has a ``period`` column beside those of :func:`observe`. Population may repeat, and
    so may measures, of which the first counts.
    """
    listed = observed[~observed["part"].isin(["population", *MEASURES])]
    first = listed.drop_duplicates(KEY)
    again = listed[listed.duplicated(KEY)]
    if again.empty:
        return
    pairs = again.merge(first[[*KEY, "row", "file"]], on=KEY, suffixes=("", "_first"))
    for pair in pairs.drop_duplicates(["file", "row"]).to_dict("records"):
        before = f"row {pair['row_first']}"
        if pair["file_first"] != pair["file"]:
            before += f" of {pair['file_first']}"
        about = " and ".join(str(word) for word in (pair["name"], pair["market"]) if word)
        notebook.fatal(
            "duplicate_row",
            f"this period{' of ' + about if about else ''} was already given in {before}; "
            "keep one of them, or add them up.",
            row=_as_int(pair["row"]),
            file=_as_file(pair["file"]),
        )


def report_unmatched(observed: pd.DataFrame, layout: str, notebook: Notebook) -> None:
    """One finding for each row of one file that has no partner in the others."""
    spend = observed[observed["part"] == "spend"]
    revenue = observed[observed["part"] == "revenue"]
    key = ["period", "market", "name"] if layout == "attributed" else ["period", "market"]
    filled = "revenue 0" if layout == "attributed" else "revenue by a straight line"
    for rows, partners, what, done in (
        (spend, revenue, "revenue", filled),
        (revenue, spend, "spend", "spend 0"),
    ):
        known = pd.MultiIndex.from_frame(partners[key].drop_duplicates())
        alone = rows[~pd.MultiIndex.from_frame(rows[key]).isin(known)]
        for row in alone.drop_duplicates(["file", "row"]).itertuples():
            about = " and ".join(str(word) for word in (row.name, row.market) if word)
            notebook.warning(
                "unmatched_row",
                f"no {what} was found for this period{' of ' + about if about else ''} "
                f"in the other files; it was given {done}.",
                row=_as_int(row.row),
                file=_as_file(row.file),
            )


def _as_int(value: object) -> int:
    return int(str(value))


def _as_file(value: object) -> str | None:
    return str(value) or None


def control_kinds(observed: pd.DataFrame) -> dict[str, ControlKind]:
    """Control name -> kind, in order of appearance."""
    others = ["spend", "revenue", "population", *MEASURES]
    controls = observed[~observed["part"].isin(others)]
    listed = controls.drop_duplicates(["part", "name"])
    return dict(zip(listed["name"], listed["part"], strict=True))
