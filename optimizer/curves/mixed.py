"""Cells of different families side by side, as one curve object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from optimizer.curves.curve import BestResponse, Curve, FloatArray, Floats

if TYPE_CHECKING:
    import cvxpy

Cells = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class MixedCurve(Curve):
    """Groups of cells, each group one family; the positions of a group's cells stand beside it."""

    groups: tuple[tuple[Cells, Curve], ...]

    @property
    def n_cells(self) -> int:
        return sum(cells.size for cells, _ in self.groups)

    def _gather(
        self, shape: tuple[int, ...], part: Callable[[Cells, Curve], FloatArray]
    ) -> FloatArray:
        out = np.empty(shape)
        for cells, curve in self.groups:
            out[..., cells] = part(cells, curve)
        return out

    def value(self, spend: FloatArray) -> FloatArray:
        return self._gather(spend.shape, lambda cells, curve: curve.value(spend[..., cells]))

    def marginal(self, spend: FloatArray) -> FloatArray:
        return self._gather(spend.shape, lambda cells, curve: curve.marginal(spend[..., cells]))

    def second_derivative(self, spend: FloatArray) -> FloatArray:
        return self._gather(
            spend.shape, lambda cells, curve: curve.second_derivative(spend[..., cells])
        )

    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        prices = np.broadcast_to(price, (*np.shape(price)[:-1], self.n_cells))
        return self._gather(
            prices.shape, lambda cells, curve: curve.inverse_marginal(prices[..., cells])
        )

    def inflection(self) -> FloatArray:
        return self._gather((self.n_cells,), lambda _, curve: curve.inflection())

    def hill_columns(self) -> FloatArray | None:
        columns = np.empty((3, self.n_cells))
        for cells, curve in self.groups:
            part = curve.hill_columns()
            if part is None:
                return None
            columns[:, cells] = part
        return columns

    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:
        shape = np.broadcast(low, high).shape
        return self._gather(
            shape,
            lambda cells, curve: curve.fourth_derivative_bound(low[..., cells], high[..., cells]),
        )

    def best_response(
        self,
        price: Floats,
        lower: FloatArray,
        upper: FloatArray,
        may_be_zero: bool = False,
    ) -> BestResponse:
        prices = np.broadcast_to(np.asarray(price, dtype=float), np.broadcast(price, lower).shape)
        spend, value, bound = (np.empty(prices.shape) for _ in range(3))
        for cells, curve in self.groups:
            part = curve.best_response(
                prices[..., cells], lower[..., cells], upper[..., cells], may_be_zero
            )
            spend[..., cells], value[..., cells] = part.spend, part.value
            bound[..., cells] = part.upper
        return BestResponse(spend, value, bound)

    def rescaled(self, money: Floats, value: Floats) -> Self:
        values = np.broadcast_to(np.asarray(value, dtype=float), (self.n_cells,))
        return type(self)(
            tuple((cells, curve.rescaled(money, values[cells])) for cells, curve in self.groups)
        )

    def take(self, cells: Cells) -> Self:
        groups = []
        for members, curve in self.groups:
            places = [
                (new, int(np.flatnonzero(members == old)[0]))
                for new, old in enumerate(cells)
                if old in members
            ]
            if places:
                new, inside = (np.array(part, dtype=np.intp) for part in zip(*places, strict=True))
                groups.append((new, curve.take(inside)))
        return type(self)(tuple(groups))

    def cvxpy_expression(self, spend: cvxpy.Expression) -> cvxpy.Expression | None:
        parts = [curve.cvxpy_expression(spend[cells]) for cells, curve in self.groups]
        if any(part is None for part in parts):
            return None
        import cvxpy

        return cvxpy.sum(cvxpy.hstack(parts))


def mixed(groups: Sequence[tuple[Sequence[int], Curve]]) -> Curve:
    """One curve object from families and the positions their cells take among all cells."""
    if len(groups) == 1:
        cells, curve = groups[0]
        return curve.take(np.argsort(np.asarray(cells)))
    return MixedCurve(tuple((np.asarray(cells, dtype=np.intp), curve) for cells, curve in groups))
