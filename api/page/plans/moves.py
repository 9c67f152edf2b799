"""What a plan moves, by the fewest names: cells where they are few, else channels or markets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.page.plans.pictures import SAME, cell_name

Plain = Mapping[str, Any]

FEW = 6  # cells that are told one by one


@dataclass(frozen=True, slots=True)
class Moves:
    """Whose money moves, the most first, and what moves besides."""

    named: tuple[tuple[str, float], ...]  # name, currency
    within: float = 0.0  # between the markets of the channels that are named, currency

    @property
    def rises(self) -> list[str]:
        """Names of those that get more."""
        return [name for name, moved in self.named if moved > 0.0]

    @property
    def cuts(self) -> list[str]:
        """Names of those that get less."""
        return [name for name, moved in self.named if moved < 0.0]

    @property
    def raised(self) -> float:
        """What those that get more get, currency."""
        return sum(max(moved, 0.0) for _, moved in self.named)


def moves(plan: Plain) -> Moves:
    """What a Plan document moves against the current split.

    Many cells are added up by channel, or, where channels keep their money, by market.

    Examples
    --------
    >>> def row(channel, market, change):
    ...     names = {"channel": channel, "market": market}
    ...     return {**names, "spend": 50.0 + change, "current_spend": 50.0}
    >>> cells = [("tv", -9.0), ("search", 6.0), ("radio", 2.0), ("print", 1.0)]
    >>> rows = [row(name, market, change) for name, change in cells for market in "ab"]
    >>> found = moves({"allocation": [*rows, row("tv", "c", 10.0), row("tv", "d", -10.0)]})
    >>> found.cuts, found.rises, found.raised, found.within
    (['tv'], ['search', 'radio', 'print'], 18.0, 10.0)
    """
    rows = plan["allocation"]
    cells = _summed([(cell_name(row), _change(row)) for row in rows])
    if len(cells) <= FEW or all(row["market"] is None for row in rows):
        return Moves(cells)
    channels = _summed([(row["channel"], _change(row)) for row in rows])
    if channels:
        return Moves(channels, _within_channels(rows))
    return Moves(_summed([(str(row["market"]), _change(row)) for row in rows]) or cells)


def _change(row: Plain) -> float:
    return float(row["spend"] - row["current_spend"])


def _summed(changes: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Changes by name, the largest first; those within a rounding left out."""
    total: dict[str, float] = {}
    for name, change in changes:
        total[name] = total.get(name, 0.0) + change
    told = [(name, change) for name, change in total.items() if abs(change) >= SAME]
    return tuple(sorted(told, key=lambda pair: -abs(pair[1])))


def _within_channels(rows: Sequence[Plain]) -> float:
    """What moves between the markets of each channel."""
    up: dict[str, float] = {}
    down: dict[str, float] = {}
    for row in rows:
        side = up if _change(row) > 0.0 else down
        side[row["channel"]] = side.get(row["channel"], 0.0) + abs(_change(row))
    return sum(min(raised, down.get(channel, 0.0)) for channel, raised in up.items())
