"""Many plausible curves per cell, tabulated once, averaged with any weights at table speed.

The posterior gives each cell N curves. Any weighted sum of them is one piecewise cubic on nodes
chosen once: exact values and slopes at the nodes, and on each piece the classical Hermite bound
h^4 / 384 max|f''''|, summed over draws with the weights' sizes. Nodes stand so that this bound
is spread evenly. Weights may be negative: the sum is then a difference of monotone curves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from optimizer.curves.curve import Curve, FloatArray
from optimizer.curves.table import TableCurve

N_NODES = 193
NEAREST_TO_ZERO = (1e-13, 1e-20, 1e-30, 1e-45, 1e-60)  # the first node, as a share of the last
NEARLY_NOTHING = 1e-9  # of the value at the last node: what the first may be worth
EVEN_SHARE = 0.2  # of the nodes stand at even steps of log spend, the rest where the bound is
PLACING_DRAWS = 24  # draws that decide where the nodes stand


@dataclass(frozen=True)
class DrawCurves:
    """N equally likely curves for each of n cells."""

    cells: tuple[Curve, ...]  # n curve objects of N "cells" each: one per draw

    @property
    def n_cells(self) -> int:
        """Number of cells n."""
        return len(self.cells)

    @cached_property
    def n_draws(self) -> int:
        """Number of draws N."""
        return self.cells[0].n_cells

    def value(self, spend: FloatArray) -> FloatArray:
        """Revenue (N, n) at a split (n,)."""
        return self._each("value", spend)

    def marginal(self, spend: FloatArray) -> FloatArray:
        """Marginal revenue (N, n) at a split (n,)."""
        return self._each("marginal", spend)

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        """Slope (N, n) of the marginal at a split (n,)."""
        return self._each("second_derivative", spend)

    def _each(self, what: str, spend: FloatArray) -> FloatArray:
        groups = self._side_by_side
        if len(groups) == 1 and not self._apart:
            return np.asarray(getattr(groups[0][1], what)(spend))
        out = np.empty((self.n_draws, self.n_cells))
        for cells, curve in groups:
            out[:, cells] = getattr(curve, what)(spend[cells])
        for cell in self._apart:
            out[:, cell] = getattr(self.cells[cell], what)(np.full(self.n_draws, spend[cell]))
        return out

    @cached_property
    def _apart(self) -> tuple[int, ...]:
        """Cells whose draws are tables, each on nodes of its own."""
        return tuple(i for i, curve in enumerate(self.cells) if isinstance(curve, TableCurve))

    @cached_property
    def _side_by_side(self) -> list[tuple[list[int], Curve]]:
        """Cells of one family as one curve object with parameters (N, cells)."""
        families: dict[type[Curve], list[int]] = {}
        for cell, curve in enumerate(self.cells):
            if cell not in self._apart:
                families.setdefault(type(curve), []).append(cell)
        return [
            (cells, _beside([self.cells[cell] for cell in cells])) for cells in families.values()
        ]

    def rescaled(self, money: float, value: FloatArray) -> DrawCurves:
        """The curves value x money x f(x / money), value (n,)."""
        return DrawCurves(
            tuple(
                curve.rescaled(money, worth) for curve, worth in zip(self.cells, value, strict=True)
            )
        )

    def tabulated(self, largest: FloatArray) -> TabulatedDraws:
        """All draws on shared nodes from 0 to the largest spend (n,) of each cell."""
        return TabulatedDraws.of(self, largest)


@dataclass(frozen=True)
class TabulatedDraws:
    """Values, slopes and interpolation bounds of every draw at the nodes.

    ``money`` and ``worth`` say in which unit the tables are read: worth x money x f(x / money).
    They are applied to the few numbers of a weighted table, never to the draws, so that another
    span or another margin costs nothing.
    """

    source: DrawCurves  # already in that unit
    nodes: FloatArray  # (n, m)
    values: FloatArray  # (n, m, N)
    slopes_right: FloatArray  # (n, m - 1, N), at the left end of each piece
    slopes_left: FloatArray  # (n, m - 1, N), at the right end of each piece
    error: FloatArray  # (n, m - 1, N)
    money: float = 1.0
    worth: float | FloatArray = 1.0  # (n,)
    known_mean: TableCurve | None = None  # of the tables as they stand, before money and worth

    @classmethod
    def of(cls, draws: DrawCurves, largest: FloatArray) -> TabulatedDraws:
        """Tabulate every draw up to the largest spend (n,)."""
        placed = [_place(curve, x) for curve, x in zip(draws.cells, largest, strict=True)]
        length = max(nodes.size for nodes in placed)
        nodes = np.stack([_padded(row, length) for row in placed])
        shape = (*nodes.shape, draws.n_draws)
        values, slopes = np.zeros(shape), np.zeros(shape)
        error = np.zeros((shape[0], shape[1] - 1, shape[2]))
        for cell, curve in enumerate(draws.cells):
            x = nodes[cell][1:, None]
            values[cell, 1:], slopes[cell, 1:] = curve.value(x), curve.marginal(x)
            bound = curve.fourth_derivative_bound(x[:-1], x[1:])
            error[cell, 1:] = np.diff(x, axis=0) ** 4 / 384.0 * bound
        right, left = slopes[:, :-1].copy(), slopes[:, 1:].copy()
        for cell, curve in enumerate(draws.cells):
            if isinstance(curve, TableCurve):
                left[cell] = curve.marginal(np.nextafter(nodes[cell][1:, None], 0.0))
                right[cell, 0] = curve.marginal(np.zeros(1))
            else:
                right[cell, 0] = left[cell, 0] = values[cell, 1] / nodes[cell, 1]
                error[cell, 0] = values[cell, 1]
        return cls(draws, nodes, values, right, left, error)

    @property
    def n_draws(self) -> int:
        """Number of draws N."""
        return self.source.n_draws

    @cached_property
    def mean(self) -> TableCurve:
        """The mean curve of every cell."""
        if self.known_mean is not None:
            return self.known_mean.rescaled(self.money, self.worth)
        return self.weighted(np.full(self.n_draws, 1.0 / self.n_draws))

    def weighted(self, weights: FloatArray) -> TableCurve:
        """The curves sum_s w_s f_s as tables; weights (N,) may be negative."""
        return self._averaged(weights).rescaled(self.money, self.worth)

    def _averaged(self, weights: FloatArray) -> TableCurve:
        """The same before money and worth."""
        return TableCurve(
            self.nodes,
            self.values @ weights,
            self.slopes_right @ weights,
            self.slopes_left @ weights,
            self.error @ np.abs(weights),
        )

    def with_mean(self) -> TabulatedDraws:
        """The same tables that know their mean, for questions asked again and again."""
        uniform = np.full(self.n_draws, 1.0 / self.n_draws)
        return replace(self, known_mean=self._averaged(uniform))

    def rescaled(self, money: float, value: FloatArray) -> TabulatedDraws:
        """The same tables for value x money x f(x / money), value (n,)."""
        return replace(
            self,
            source=self.source.rescaled(money, value),
            money=self.money * money,
            worth=self.worth * value,
        )

    def within(self, lower: FloatArray, upper: FloatArray) -> TabulatedDraws:
        """The same tables without the pieces that no cell's [lower, upper] reaches."""
        nodes = self.nodes * self.money
        first = int((nodes[:, 1:] < lower[:, None]).sum(axis=1).min())
        last = int((nodes[:, :-1] <= upper[:, None]).sum(axis=1).max())
        keep, pieces = slice(first, last + 1), slice(first, last)
        return replace(
            self,
            nodes=self.nodes[:, keep],
            values=self.values[:, keep],
            slopes_right=self.slopes_right[:, pieces],
            slopes_left=self.slopes_left[:, pieces],
            error=self.error[:, pieces],
            known_mean=self.known_mean and _part(self.known_mean, keep, pieces),
        )


def _part(table: TableCurve, keep: slice, pieces: slice) -> TableCurve:
    """A table without the nodes and pieces outside two ranges."""
    return TableCurve(
        table.nodes[:, keep],
        table.values[:, keep],
        table.slopes_right[:, pieces],
        table.slopes_left[:, pieces],
        table.error[:, pieces],
    )


def _beside(members: list[Curve]) -> Curve:
    """Members of one family, N draws each, with their parameters as columns (N, members)."""
    names = [part.name for part in fields(members[0])]  # type: ignore[arg-type]
    columns = [np.stack([getattr(curve, name) for curve in members], axis=1) for name in names]
    return type(members[0])(*columns)


def _place(curve: Curve, largest: float) -> FloatArray:
    """Nodes from 0 to the largest spend, denser where the fourth derivative is large."""
    stated = _stated_nodes(curve, largest)
    if stated is not None:
        return stated
    few = curve.take(np.unique(np.linspace(0, curve.n_cells - 1, PLACING_DRAWS).astype(np.intp)))
    grid = np.geomspace(_first_node(few, largest), largest, 160)
    bound = few.fourth_derivative_bound(grid[:, None], grid[:, None]).mean(axis=1)
    density = grid * bound**0.25
    density /= max(float(density.mean()), 1e-300)
    density = (1.0 - EVEN_SHARE) * density + EVEN_SHARE
    effort = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    steps = np.linspace(0.0, effort[-1], N_NODES - 1)
    inner = np.exp(np.interp(steps, effort, np.log(grid)))
    inner[0], inner[-1] = grid[0], largest
    return np.concatenate([[0.0], inner])


def _first_node(curve: Curve, largest: float) -> float:
    """The largest of some small spends at which hardly anything is earned yet."""
    firsts = largest * np.array(NEAREST_TO_ZERO)
    worth = curve.value(np.append(firsts, largest)[:, None]).mean(axis=1)
    small = np.flatnonzero(worth[:-1] <= NEARLY_NOTHING * worth[-1])
    return float(firsts[small[0]] if small.size else firsts[-1])


def _stated_nodes(curve: Curve, largest: float) -> FloatArray | None:
    """A stated table's own nodes: there the tabulation is exact."""
    if not isinstance(curve, TableCurve):
        return None
    inside = np.unique(curve.nodes[curve.nodes < largest])
    return np.append(inside, largest)


def _padded(nodes: FloatArray, length: int) -> FloatArray:
    """Nodes stretched to a common length by halving the widest last pieces."""
    missing = length - nodes.size
    extra = np.linspace(nodes[-2], nodes[-1], missing + 2)[1:-1]
    return np.sort(np.concatenate([nodes, extra]))
