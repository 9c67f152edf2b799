"""Every limit of an allocation problem by name, as rows of a program that can each give.

A *limit* is one side of a bound, of the total, of a row, count, target, or of the money moved.
Its *slack* is how far it gives. Curves enter as chords between nodes, whose filling in order
takes whole numbers where a curve is convex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from optimizer.allocation.chords import Chords, fill
from optimizer.allocation.problem import AllocationProblem, FloatArray
from optimizer.allocation.programs import IntArray, Program
from optimizer.allocation.rows import BoolArray
from optimizer.curves import TabulatedDraws

FARTHEST = 10.0  # of the largest amount of a problem: what a cell may get where limits give
NODES_INSIDE, NODES_BEYOND = 24, 8  # of a curve, up to a cell's upper bound and beyond it
MOST_ORDERED = 400  # nodes taken in order by whole numbers; above it chords go over convex parts
FINEST_LOT = 0.01
BUDGET, MOVED = "budget", "money moved"


_RowKind = tuple["Unit", str, bool]


class Unit(StrEnum):
    """What a limit is stated in."""

    MONEY = "money"
    CELLS = "cells"
    UNITS = "units"


@dataclass(frozen=True, slots=True)
class Limit:
    """One side of what a planner asked for."""

    subject: str  # what is limited
    is_most: bool  # at most, rather than at least
    bound: float  # in its unit
    size: float  # of one unit of slack, in its unit
    unit: Unit = Unit.MONEY
    ending: str = ""
    states_bound: bool = True  # where the subject alone says it, the bound being 0
    target: int | None = None  # its place among the problem's targets
    is_bound: bool = False  # of a single cell

    def __str__(self) -> str:
        side = "at most" if self.is_most else "at least"
        stated = f" {side} {amount(self.bound)}" if self.states_bound else ""
        return f"{self.subject}{stated}{self.ending}"


def amount(value: float) -> str:
    """Money in words: separators, and cents only where there are any.

    Examples
    --------
    >>> amount(1_300_000.0), amount(0.1 + 0.2), amount(-0.001)
    ('1,300,000', '0.30', '0')
    """
    cents = round(value, 2) + 0.0
    return f"{cents:,.0f}" if cents == round(cents) else f"{cents:,.2f}"


@dataclass(frozen=True, slots=True)
class Limits:
    """A problem's limits, each a row with a slack column of its own."""

    problem: AllocationProblem
    program: Program
    names: tuple[Limit, ...]  # K
    slacks: IntArray  # (K,), columns
    rows: IntArray  # (K,), rows
    scale: float  # currency of one unit of a spend column
    spends: IntArray  # (n,), columns
    moves: IntArray  # (2n,) columns: up from and down to the reference; none unless asked for
    switches: IntArray  # (n,), columns: 1 where a cell is active; -1 where it is always

    def spend(self, values: FloatArray) -> FloatArray:
        """The split (n,) in currency that a program's columns hold."""
        return np.asarray(values[self.spends] * self.scale)


@dataclass(slots=True)
class _Writer:
    """Writes a problem's limits into a program."""

    problem: AllocationProblem
    scale: float
    program: Program = field(default_factory=Program)
    names: list[Limit] = field(default_factory=list)
    slacks: list[IntArray] = field(default_factory=list)
    rows: list[IntArray] = field(default_factory=list)

    def soft(
        self,
        limits: Sequence[Limit],
        *terms: tuple[IntArray, IntArray, FloatArray | float],
        bound: FloatArray,
    ) -> None:
        """Rows that may give: limits (k,) all of one side, their bounds (k,) as the row reads."""
        if not limits:
            return
        count, is_most = len(limits), limits[0].is_most
        slack = self.program.columns(np.zeros(count), np.full(count, np.inf))
        own = (np.arange(count), slack, -1.0 if is_most else 1.0)
        sides = {"high": bound} if is_most else {"low": bound}
        self.rows.append(self.program.rows(*terms, own, count=count, **sides))
        self.slacks.append(slack)
        self.names += limits


def stated(
    problem: AllocationProblem,
    *,
    on_lots: bool = False,
    gives: bool = True,
    with_moves: bool = False,
    nodes: Sequence[FloatArray] = (),
) -> Limits:
    """A problem's limits; on whole lots if asked, with curves exact at further nodes (n,) each.

    Where none is to give, the bounds of single cells are the columns' own, which is faster.
    """
    n = problem.lower.size
    largest = max(problem.total_budget, float(problem.upper.max()), float(problem.lower.max()))
    largest = largest if largest > 0.0 else 1.0
    writer = _Writer(problem, largest / n)
    reach = np.full(n, FARTHEST * largest)
    least = np.zeros(n)
    if not gives:
        reach = np.minimum(problem.upper, reach)
        least = np.where(optional_cells(problem), 0.0, problem.lower)
    spends = writer.program.columns(least / writer.scale, reach / writer.scale)
    if on_lots:
        _whole_lots(writer, spends, reach)
    _total(writer, spends)
    if gives:
        _bounds(writer, spends)
    switches = _activity(writer, spends, reach)
    _sums(writer, spends, problem.lot if on_lots else 0.0)
    _targets(writer, spends, reach, nodes)
    moves = np.zeros(0, dtype=np.int64)
    if with_moves or problem.most_moved is not None:
        moves = _moves(writer, spends)
    none = np.zeros(0, dtype=np.int64)
    slacks, rows = (np.concatenate([none, *parts]) for parts in (writer.slacks, writer.rows))
    names = tuple(writer.names)
    return Limits(
        problem, writer.program, names, slacks, rows, writer.scale, spends, moves, switches
    )


def _whole_lots(writer: _Writer, spends: IntArray, reach: FloatArray) -> None:
    lot = writer.problem.lot
    lots = writer.program.columns(np.zeros(reach.size), np.floor(reach / lot), whole=True)
    cells = np.arange(spends.size)
    writer.program.rows(
        (cells, spends, 1.0),
        (cells, lots, -lot / writer.scale),
        low=0.0,
        high=0.0,
        count=spends.size,
    )


def _total(writer: _Writer, spends: IntArray) -> None:
    problem, scale = writer.problem, writer.scale
    least = problem.total_budget if problem.least_total is None else problem.least_total
    is_free = least <= 0.0 and problem.total_budget >= float(problem.upper.sum()) * (1.0 - 1e-12)
    every = (np.zeros_like(spends), spends, 1.0)
    if not is_free:
        limit = Limit(BUDGET, True, problem.total_budget, scale)
        writer.soft([limit], every, bound=np.array([problem.total_budget / scale]))
    if least > 0.0:
        writer.soft([Limit(BUDGET, False, least, scale)], every, bound=np.array([least / scale]))


def optional_cells(problem: AllocationProblem) -> BoolArray:
    """Which cells (n,) may get nothing below their lower bound."""
    none = np.zeros(problem.lower.size, dtype=bool)
    return none if problem.optional is None else np.asarray(problem.optional)


def _bounds(writer: _Writer, spends: IntArray) -> None:
    problem, scale = writer.problem, writer.scale
    floored = np.flatnonzero((problem.lower > 0.0) & ~optional_cells(problem))
    capped = np.flatnonzero(np.isfinite(problem.upper))
    for cells, limit, is_most in ((floored, problem.lower, False), (capped, problem.upper, True)):
        names = [
            Limit(problem.cells[i], is_most, float(limit[i]), scale, is_bound=True) for i in cells
        ]
        own = (np.arange(cells.size), spends[cells], 1.0)
        writer.soft(names, own, bound=limit[cells] / scale)


def _activity(writer: _Writer, spends: IntArray, reach: FloatArray) -> IntArray:
    """Cells that may be off, their minimum where on, and counts of those that are on.

    Gives the column (n,) that says whether a cell is on, -1 where it has none.
    """
    problem, scale = writer.problem, writer.scale
    switched = optional_cells(problem).copy()
    for count in problem.counts:
        switched |= count.members
    cells = np.flatnonzero(switched)
    on = np.full(switched.size, -1, dtype=np.int64)
    if not cells.size:
        return on
    on[cells] = writer.program.columns(np.zeros(cells.size), np.ones(cells.size), whole=True)
    own, place = on[cells], np.arange(cells.size)
    for factor, side in ((reach[cells], {"high": 0.0}), (problem.lot, {"low": 0.0})):
        switch = (place, own, -factor / scale)
        writer.program.rows((place, spends[cells], 1.0), switch, count=cells.size, **side)
    floored = np.flatnonzero(optional_cells(problem) & (problem.lower > problem.lot))
    least = problem.lower[floored].tolist()
    names = [
        Limit(problem.cells[i], False, money, scale, ending=" if active", is_bound=True)
        for i, money in zip(floored, least, strict=True)
    ]
    place = np.arange(floored.size)
    minimum = (place, on[floored], -problem.lower[floored] / scale)
    writer.soft(names, (place, spends[floored], 1.0), minimum, bound=np.zeros(floored.size))
    for count in problem.counts:
        members = on[np.flatnonzero(count.members)]
        active = (np.zeros_like(members), members, 1.0)
        for number, is_most in ((count.at_least, False), (count.at_most, True)):
            if number < members.size if is_most else number > 0:
                limit = Limit(count.name, is_most, number, 1.0, Unit.CELLS, " cells")
                writer.soft([limit], active, bound=np.array([float(number)]))
    return on


def _sums(writer: _Writer, spends: IntArray, allowance: float) -> None:
    """The linear rows; shares and ratios hold to one lot."""
    from scipy.sparse import coo_array

    rows, scale = writer.problem.rows, writer.scale
    if rows is None or not rows.names:
        return
    table = coo_array(rows.matrix)
    places, cells = table.coords
    largest = np.full(len(rows.names), 1e-300)
    np.maximum.at(largest, places, np.abs(table.data))
    own = [table.data[places == m] for m in range(largest.size)]
    is_equality = rows.lower == rows.upper
    for side, is_most in ((rows.lower, False), (rows.upper, True)):
        kept = np.flatnonzero(np.isfinite(side))
        order = np.full(largest.size, -1)
        order[kept] = np.arange(kept.size)
        of_kept = order[places] >= 0
        kinds = [_kind_of_row(own[m], bool(is_equality[m]), is_most) for m in kept]
        names = [
            Limit(rows.names[m], is_most, float(side[m]), float(largest[m]) * scale, *kind)
            for m, kind in zip(kept, kinds, strict=True)
        ]
        values = table.data[of_kept] / largest[places[of_kept]]
        entries = (order[places[of_kept]], spends[cells[of_kept]], values)
        moved = side[kept] / largest[kept] + (allowance if is_most else -allowance)
        writer.soft(names, entries, bound=moved / scale)


def _kind_of_row(coefficients: FloatArray, is_equality: bool, is_most: bool) -> _RowKind:
    """A row's unit, the ending of its name, and whether its bound is to be named.

    A share or a ratio compares two sums: its name says its size, its bound is 0.
    """
    is_mixed = bool(np.any(coefficients > 0.0) and np.any(coefficients < 0.0))
    is_money = is_mixed or bool(np.all(np.abs(np.abs(coefficients) - 1.0) < 1e-12))
    side = " from above" if is_most else " from below"
    unit = Unit.MONEY if is_money else Unit.UNITS
    return unit, side if is_mixed and is_equality else "", not is_mixed


def _moves(writer: _Writer, spends: IntArray) -> IntArray:
    """Columns up from and down to the reference, and the limit on either's sum."""
    problem, scale, n = writer.problem, writer.scale, spends.size
    up, down = (writer.program.columns(np.zeros(n), np.full(n, np.inf)) for _ in range(2))
    cells, start = np.arange(n), problem.reference / scale
    terms = ((cells, spends, 1.0), (cells, up, -1.0), (cells, down, 1.0))
    writer.program.rows(*terms, low=start, high=start, count=n)
    if problem.most_moved is not None:
        both = writer.program.columns(np.zeros(1), np.full(1, np.inf))
        first = np.zeros(1, dtype=np.int64)
        for side in (up, down):
            sums = ((np.zeros_like(side), side, 1.0), (first, both, -1.0))
            writer.program.rows(*sums, high=0.0, count=1)
        limit = Limit(MOVED, True, problem.most_moved, scale)
        writer.soft([limit], (first, both, 1.0), bound=np.array([problem.most_moved / scale]))
    return np.concatenate([up, down])


def gain_at(problem: AllocationProblem, spend: FloatArray) -> FloatArray:
    """Mean gain (n,) of every cell at a split (n,), also above its upper bound."""
    if isinstance(problem.gains, TabulatedDraws):
        return np.asarray(problem.gains.source.value(spend).mean(axis=0))
    return np.asarray(problem.gains.value(spend))


def _targets(
    writer: _Writer, spends: IntArray, reach: FloatArray, nodes: Sequence[FloatArray]
) -> None:
    problem, scale = writer.problem, writer.scale
    if not problem.targets:
        return
    earning = np.flatnonzero(np.any([target.worth > 0.0 for target in problem.targets], axis=0))
    points = _points(problem, reach, nodes)
    gains = np.array([gain_at(problem, point) for point in points])
    parts = [Chords.of(points[:, i], gains[:, i]) for i in earning]
    if sum(part.ordered for part in parts) > MOST_ORDERED:
        parts = [part.concave for part in parts]
    filled = [
        fill(writer.program, part, int(spends[i]), scale)
        for part, i in zip(parts, earning, strict=True)
    ]
    for number, target in enumerate(problem.targets):
        most = float(target.worth @ gains.max(axis=0) + abs(target.cost) @ problem.upper)
        size = max(abs(target.least), most, 1e-300) / spends.size
        limit = Limit(
            target.name,
            False,
            target.least,
            size,
            states_bound=target.least != 0.0,
            target=number,
        )
        earned = [
            (np.zeros_like(columns), columns, target.worth[i] * part.slopes * scale / size)
            for columns, part, i in zip(filled, parts, earning, strict=True)
        ]
        paid = (np.zeros_like(spends), spends, -target.cost * scale / size)
        writer.soft([limit], *earned, paid, bound=np.array([target.least / size]))


def _points(
    problem: AllocationProblem, reach: FloatArray, nodes: Sequence[FloatArray]
) -> FloatArray:
    """Spends (k, n) between which chords stand for the curves, rising from 0."""
    inside = (np.arange(NODES_INSIDE + 1) / NODES_INSIDE)[:, None] ** 2 * problem.upper
    first = np.maximum(np.maximum(problem.upper, 1e-3 * reach), 1e-300)
    reach = np.maximum(reach, first)
    beyond = first * (reach / first) ** ((np.arange(NODES_BEYOND) + 1.0) / NODES_BEYOND)[:, None]
    known = np.array([np.clip(node, 0.0, reach) for node in nodes]).reshape(-1, reach.size)
    return np.sort(np.concatenate([inside, beyond, problem.lower[None], known]), axis=0)
