"""What every response curve can do, and the rigorous best response they share.

A curve object holds one family's curves for ``n`` cells at once; a *cell* is one thing to be
funded. Spend in, revenue out, both currency over the same span (a period, or a whole plan).
All families but the table are *sigmoid*: convex up to an inflection (0 for concave families),
concave beyond it. That one fact makes the global best response to a price, and a proved upper
bound on it, a matter of three candidates.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import cvxpy

FloatArray = npt.NDArray[np.float64]
Floats = float | FloatArray

BISECTIONS = 64
SMALLEST_SPEND = 1e-280  # stands for a best spend too small for floating point
BLOCK = 16384  # cells answered at a time: their arrays stay in the processor's cache


@dataclass(frozen=True, slots=True)
class BestResponse:
    """Where each cell earns most at a price, and a proved ceiling on what it can earn there."""

    spend: FloatArray  # (..., n), currency
    value: FloatArray  # (..., n), f(spend) - price x spend
    upper: FloatArray  # (..., n), at least the maximum of f(x) - price x over the domain


@dataclass(frozen=True, slots=True)
class TotalResponse:
    """All cells' answers to one price, summed: nothing is kept per cell."""

    spend: float  # currency
    value: float  # of f(spend) - price x spend
    upper: float  # at least the largest sum of f(x) - price x over the domains
    give: float  # currency per unit of price, <= 0: how spend off the bounds follows the price


class Curve(ABC):
    """Response curves of ``n`` cells; arrays of spend are shaped (..., n)."""

    @property
    @abstractmethod
    def n_cells(self) -> int:
        """Number of cells."""

    @abstractmethod
    def value(self, spend: FloatArray) -> FloatArray:
        """Revenue at a spend; zero at zero spend."""

    @abstractmethod
    def marginal(self, spend: FloatArray) -> FloatArray:
        """Revenue from the next unit of spend; may be infinite at zero spend."""

    @abstractmethod
    def second_derivative(self, spend: FloatArray) -> FloatArray:
        """Slope of the marginal, 1 / currency."""

    @abstractmethod
    def inverse_marginal(self, price: FloatArray) -> FloatArray:
        """Largest spend whose marginal is at least the price; 0 where none is.

        Infinite where the price is not positive and the curve never falls.
        """

    @abstractmethod
    def inflection(self) -> FloatArray:
        """Spend (n,) beyond which the curve is concave; 0 for concave families."""

    @abstractmethod
    def fourth_derivative_bound(self, low: FloatArray, high: FloatArray) -> FloatArray:
        """Bound on the fourth derivative's size over [low, high], 0 < low <= high."""

    @abstractmethod
    def best_response(
        self,
        price: Floats,
        lower: FloatArray,
        upper: FloatArray,
        may_be_zero: bool = False,
    ) -> BestResponse:
        """Global maximiser of f(x) - price x over [lower, upper], joined by 0 if allowed."""

    def total_response(self, price: float, lower: FloatArray, upper: FloatArray) -> TotalResponse:
        """The sums of ``best_response`` over cells (n,), in blocks: memory stays flat."""
        parts = []
        for block in blocks(lower.size):
            curve, low, high = self.part(block), lower[block], upper[block]
            answer = curve.best_response(price, low, high)
            give = curve.give(answer.spend, low, high).sum()
            parts.append((answer.spend.sum(), answer.value.sum(), answer.upper.sum(), give))
        return TotalResponse(*(math.fsum(sums) for sums in zip(*parts, strict=True)))

    def shifted_response(
        self, price: float, shift: float, lower: FloatArray, upper: FloatArray
    ) -> FloatArray:
        """Best spends (n,), moved along ``give`` as if the price rose by a little more.

        No cell leaves its branch of the curve or its bounds: one that jumps stays as it was.
        """
        spend = np.empty(lower.size)
        for block in blocks(lower.size):
            curve, low, high = self.part(block), lower[block], upper[block]
            best = curve.best_response(price, low, high).spend
            moved = best + shift * curve.give(best, low, high)
            spend[block] = np.minimum(np.maximum(moved, low), high)
        return spend

    def give(self, spend: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """How each best spend (n,) follows its price: 1 / f'', zero at the bounds."""
        with np.errstate(all="ignore"):
            bend = self.second_derivative(spend)
            inside = (spend > lower) & (spend < upper) & (bend < 0.0)
            return np.where(inside, 1.0 / bend, 0.0)

    def part(self, block: slice) -> Curve:
        """The curves of consecutive cells."""
        return self.take(np.arange(self.n_cells)[block])

    @abstractmethod
    def rescaled(self, money: Floats, value: Floats) -> Self:
        """The curve value x money x f(x / money): a longer span, or another unit of worth."""

    @abstractmethod
    def take(self, cells: npt.NDArray[np.intp]) -> Self:
        """The curves of some of the cells."""

    def within(self, lower: FloatArray, upper: FloatArray) -> Curve:  # noqa: ARG002
        """The same curves on [lower, upper] only, where that is cheaper."""
        return self

    def hill_columns(self) -> FloatArray | None:
        """Ceiling, half-saturation and slope (3, n) where every cell is a Hill curve, else None.

        A straight line through zero stands as its slope, 0 and 1.
        """
        return None

    def cvxpy_expression(self, spend: cvxpy.Expression) -> cvxpy.Expression | None:  # noqa: ARG002
        """Total revenue as a disciplined concave expression; None where there is none."""
        return None

    def concave_envelope(
        self, spend: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> FloatArray:
        """Least concave function above the curve on [lower, upper], at spends (..., n).

        By duality it is min over prices of max_y f(y) - price y + price x: the price at which
        the best response steps across x is found by bisection.
        """
        spend = np.clip(spend, lower, upper)
        width = np.where(upper > lower, upper - lower, 1.0)
        steepest = self._steepest(lower, upper)
        low, high = -steepest / 1e6 - self.value(upper) / width, 2.0 * steepest
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            below = self.best_response(middle, lower, upper).spend <= spend
            low, high = np.where(below, low, middle), np.where(below, middle, high)
        values = [self.best_response(p, lower, upper).upper + p * spend for p in (low, high)]
        least = np.maximum(np.minimum(*values), self.value(spend))
        at_end = (spend <= lower) | (spend >= upper)
        return np.where(at_end, self.value(spend), least)

    def non_convexity(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """Largest distance (n,) from the curve up to its concave envelope on [lower, upper]."""
        steps = np.linspace(0.0, 1.0, 257)[:, None]
        spend = lower + steps * (upper - lower)
        gap = self.concave_envelope(spend, lower, upper) - self.value(spend)
        return np.asarray(np.maximum(gap.max(axis=0), 0.0))

    def _steepest(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """A marginal (n,) no chord on [lower, upper] exceeds by much: a start for bisection."""
        width = np.where(upper > lower, upper - lower, 1.0)
        grid = lower + np.concatenate([[0.0], np.geomspace(1e-9, 1.0, 60)])[:, None] * width
        rise = np.diff(self.value(grid), axis=0) / np.diff(grid, axis=0)
        return np.asarray(np.maximum(rise.max(axis=0), 1e-300))


def blocks(n_cells: int) -> Iterator[slice]:
    """Consecutive cells, few enough at a time to stay in the processor's cache."""
    for first in range(0, n_cells, BLOCK):
        yield slice(first, min(first + BLOCK, n_cells))


class SigmoidCurve(Curve):
    """A family whose every member is convex up to its inflection and concave beyond."""

    @property
    def n_cells(self) -> int:
        return int(self._parameters()[0].size)

    def _parameters(self) -> tuple[FloatArray, ...]:
        return tuple(getattr(self, item.name) for item in fields(self))  # type: ignore[arg-type]

    def take(self, cells: npt.NDArray[np.intp]) -> Self:
        return type(self)(*(parameter[cells] for parameter in self._parameters()))

    def part(self, block: slice) -> Self:
        return type(self)(*(parameter[block] for parameter in self._parameters()))

    def value_and_marginal(self, spend: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Revenue and marginal at once, where they share their work."""
        return self.value(spend), self.marginal(spend)

    def best_response(
        self,
        price: Floats,
        lower: FloatArray,
        upper: FloatArray,
        may_be_zero: bool = False,
    ) -> BestResponse:
        """Global maximiser of f(x) - price x, with a proved bound.

        On the convex part only its ends can be best. On the concave part [a, upper] the tangent
        at any point bounds the curve, so the bound holds however well the root was found.
        """
        prices = np.broadcast_to(np.asarray(price, dtype=float), np.broadcast(price, lower).shape)
        if prices.ndim != 1 or prices.size <= BLOCK:
            return self._best_response(prices, lower, upper, may_be_zero)
        answer = BestResponse(*(np.empty(prices.size) for _ in range(3)))
        for block in blocks(prices.size):
            few = self.part(block)._best_response(
                prices[block], lower[block], upper[block], may_be_zero
            )
            answer.spend[block], answer.value[block] = few.spend, few.value
            answer.upper[block] = few.upper
        return answer

    def _best_response(
        self, prices: FloatArray, lower: FloatArray, upper: FloatArray, may_be_zero: bool
    ) -> BestResponse:
        start = np.minimum(np.maximum(lower, self.inflection()), upper)
        with np.errstate(over="ignore", invalid="ignore"):
            root = np.minimum(np.maximum(self.inverse_marginal(prices), start), upper)
        value, marginal = self.value_and_marginal(root)
        tiny = root < SMALLEST_SPEND
        if tiny.any():
            tiny &= (root > 0.0) | np.isinf(marginal)
            root = np.where(tiny, np.minimum(SMALLEST_SPEND, upper), root)
            value, marginal = self.value_and_marginal(root)
        value = value - prices * root
        bound = value + _tangent_slack(marginal - prices, root, start, upper)
        at_lower = (self.value(lower) if lower.any() else 0.0) - prices * lower
        spend = np.where(at_lower >= value, lower, root)
        value, bound = np.maximum(value, at_lower), np.maximum(bound, at_lower)
        if may_be_zero:
            spend = np.where(value < 0.0, 0.0, spend)
            value, bound = np.maximum(value, 0.0), np.maximum(bound, 0.0)
        return BestResponse(spend, value, bound)


def _tangent_slack(
    slope: FloatArray, root: FloatArray, start: FloatArray, upper: FloatArray
) -> FloatArray:
    """How far a tangent of that slope at the root can still rise inside [start, upper]."""
    room = np.where(slope > 0.0, upper - root, start - root)
    with np.errstate(invalid="ignore"):
        return np.where(room == 0.0, 0.0, slope * room)
