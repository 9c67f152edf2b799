"""Columns said once for several tables: each table takes the part that is its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.errors import HistoryError, nearest
from optimizer.tables.cells import Table
from optimizer.tables.findings import stopped

Columns = Mapping[str, Any]


def columns_by_table(
    tables: Sequence[Table], columns: Columns | Sequence[Columns | None] | None
) -> list[Columns | None]:
    """The columns that hold for each table: given for all, beside them, or by file name.

    Raises
    ------
    HistoryError
        A file or a column is named that is not there.
    """
    names = [str(table.file) for table in tables]
    if columns is None:
        return [None for _ in names]
    if not isinstance(columns, Mapping):
        if len(columns) != len(names):
            raise HistoryError(
                f"columns has {len(columns)} entries for {len(names)} files. Give one per file."
            )
        return list(columns)
    if any(name in columns for name in names):
        unknown = [key for key in columns if key not in names]
        if unknown:
            hint = stopped(nearest(str(unknown[0]), names))
            raise HistoryError(f'columns names "{unknown[0]}", which is no file read; {hint}')
        return [columns.get(name) for name in names]
    if len(names) == 1:
        return [columns]
    return _shared_columns(columns, [list(table.frame.columns) for table in tables])


def _shared_columns(columns: Columns, present: Sequence[Sequence[str]]) -> list[Columns | None]:
    """One mapping for several files: each takes what it has, and some file must have each."""
    everywhere = {name for own in present for name in own}
    for role, wanted in columns.items():
        for name in _columns_named(role, wanted):
            if name not in everywhere:
                hint = stopped(nearest(str(name), everywhere))
                raise HistoryError(f'no file has a column "{name}" (given as {role}); {hint}')
    return [_present_part(columns, frozenset(own)) for own in present]


def _columns_named(role: str, wanted: Any) -> list[Any]:
    if isinstance(wanted, Mapping):
        return list(wanted.values() if role == "channels" else wanted)
    return list(wanted) if isinstance(wanted, list | tuple) else [wanted]


def _present_part(columns: Columns, own: frozenset[str]) -> Columns:
    """The part of shared columns whose columns this file has."""
    part: dict[str, Any] = {}
    for role, wanted in columns.items():
        if role == "channels" and isinstance(wanted, Mapping):
            part[role] = {channel: name for channel, name in wanted.items() if name in own}
        elif role == "controls" and isinstance(wanted, Mapping):
            part[role] = {name: kind for name, kind in wanted.items() if name in own}
        elif role in ("channels", "controls") and isinstance(wanted, list | tuple):
            part[role] = [name for name in wanted if name in own]
        elif all(name in own for name in _columns_named(role, wanted)):
            part[role] = wanted
    return part
