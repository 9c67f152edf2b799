r"""Prices on every coupling row turn the problem into one small problem per cell.

.. math:: UB(\mu) = \sum_i \max_{x \in D_i} \big( c_i f_i(x) - p_i x - \nu_i [x > 0]
    - \alpha (x - h_i)^+ - \beta (h_i - x)^+ \big) + \sum_r \max(\mu_r lo_r, \mu_r hi_r)

bounds what any feasible split earns, for ANY prices of the right signs. Prices are one flat
array: total, rows, targets, counts, increases, decreases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.allocation.problem import (
    CENTS_AGREE,
    AllocationProblem,
    Box,
    FloatArray,
    in_money,
)
from optimizer.allocation.tangents import Tangents
from optimizer.curves import BestResponse, Curve, TableCurve

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NOTHING = 1e200  # less than any split earns: where bounds hold no whole lot


@dataclass(frozen=True, slots=True)
class Charges:
    """What prices make of each cell, and the constant they add to the bound."""

    worth: FloatArray  # (n,), of a unit of the objective's gain
    extra: FloatArray  # (n,), of a unit of the targets' gain where its curves differ
    price: FloatArray  # (n,), of a unit of spend
    active: FloatArray  # (n,), of being active
    up: float  # of a unit above the reference
    down: float  # of a unit below it
    constant: float


class Lagrangian:
    """A problem's cells under prices.

    Parameters
    ----------
    problem : AllocationProblem
    gains : Curve
        What the objective counts: the mean gains, or re-weighted ones.
    earned : Curve, optional
        What targets count that are not judged with caution, where that is another curve.
    """

    def __init__(
        self, problem: AllocationProblem, gains: Curve, earned: Curve | None = None
    ) -> None:
        self.problem, self.gains, self.earned = problem, gains, earned
        self.rows = problem.coupling
        targets = problem.targets
        n = problem.lower.size
        self.target_worth = np.array([t.worth for t in targets]).reshape(-1, n)
        self.target_cost = np.array([t.cost for t in targets]).reshape(-1, n)
        self.target_least = np.array([t.least for t in targets])
        self.on_gains = np.array([earned is None or t.is_cautious for t in targets], dtype=bool)
        self.members = np.array([c.members for c in problem.counts], dtype=float).reshape(-1, n)
        self.least_active = np.array([float(c.at_least) for c in problem.counts])
        self.most_active = np.array([float(c.at_most) for c in problem.counts])

    @cached_property
    def bend(self) -> FloatArray:
        """Spend (n,) beyond which every cell's gain is concave."""
        return self.gains.inflection()

    @cached_property
    def tangents(self) -> Tangents:
        """Where lines from the feet of domains touch the gains."""
        return Tangents(self.gains, self.bend, self.problem.upper)

    @cached_property
    def matrix(self) -> FloatArray | csr_array:
        """The total's row above the others (1 + m, n); sparse where they are."""
        rows = self.rows.matrix
        if isinstance(rows, np.ndarray):
            return np.vstack([np.ones((1, rows.shape[1])), rows])
        from scipy.sparse import csr_array, vstack

        ones = csr_array(np.ones((1, rows.shape[1])))
        return csr_array(vstack([ones, rows]))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of rows, targets and counts."""
        return len(self.rows.names), len(self.target_least), len(self.least_active)

    def reached(self, spend: FloatArray) -> FloatArray:
        """What the cells add to each target (k, n), its costs deducted."""
        gain = self.gains.value(spend)
        other = gain if self.earned is None else self.earned.value(spend)
        counted = np.where(self.on_gains[:, None], gain, other)
        return np.asarray(self.target_worth * counted - self.target_cost * spend)

    def split(self, prices: FloatArray) -> tuple[float, FloatArray, FloatArray, FloatArray]:
        """Prices of total, rows, targets and counts; short arrays are filled with zeros."""
        m, k, c = self.sizes
        full = np.zeros(1 + m + k + c + 2)
        given = np.atleast_1d(np.asarray(prices, dtype=float))
        full[: given.size] = given[: full.size]
        return float(full[0]), full[1 : 1 + m], full[1 + m : 1 + m + k], full[1 + m + k :]

    def charges(self, prices: FloatArray, box: Box) -> Charges:
        """What prices, moved to their right signs, charge every cell within a box."""
        problem = self.problem
        total, rows, targets, rest = self.split(prices)
        total = _signed(total, box.least_total, box.budget)
        rows = _signed_rows(rows, self.rows.lower, self.rows.upper)
        targets, counts = np.maximum(targets, 0.0), rest[:-2]
        up, down = np.maximum(rest[-2:], 0.0) if problem.most_moved is not None else (0.0, 0.0)
        price = problem.cost_per_spend + total + self.rows.charged(rows)
        shared = np.where(self.on_gains, targets, 0.0)
        constant = _most(np.array([total]), box.least_total, box.budget)
        constant += _most(rows, self.rows.lower, self.rows.upper)
        constant += _most(counts, self.least_active, self.most_active)
        constant += (up + down) * (problem.most_moved or 0.0) - float(targets @ self.target_least)
        return Charges(
            worth=np.asarray(float(problem.counts_gain) + shared @ self.target_worth),
            extra=np.asarray((targets - shared) @ self.target_worth),
            price=np.asarray(price + targets @ self.target_cost),
            active=np.asarray(counts @ self.members),
            up=float(up),
            down=float(down),
            constant=constant,
        )

    def respond(self, box: Box, charges: Charges) -> BestResponse:
        """Every cell's best answer within its domain, with a proved ceiling."""
        answer = self._over_range(box, charges)
        value, upper, spend = answer.value, answer.upper, answer.spend
        active = np.where(box.upper > 0.0, charges.active, 0.0)
        value, upper = value - active, upper - active
        if not box.optional.any():
            return BestResponse(spend, value, upper)
        idle = -charges.down * self.problem.reference
        off = box.optional & (value < idle)
        spend = np.where(off, 0.0, spend)
        value = np.where(off, idle, value)
        upper = np.where(box.optional, np.maximum(upper, idle), upper)
        return BestResponse(spend, value, upper)

    def bound(self, box: Box, prices: FloatArray) -> float:
        """UB of the prices over a box, rounding included."""
        charges = self.charges(prices, box)
        return self.total(self.respond(box, charges), charges, box)

    def total(self, answer: BestResponse, charges: Charges, box: Box) -> float:
        """UB from the cells' ceilings."""
        reach = float(np.abs(charges.price) @ box.upper + np.abs(answer.upper).sum())
        slack = 4.0 * box.upper.size * float(np.finfo(float).eps) * (reach + abs(charges.constant))
        return float(answer.upper.sum()) + charges.constant + slack

    def _over_range(self, box: Box, charges: Charges) -> BestResponse:
        """Best answers over [lower, upper], with a kink at the reference where moves cost."""
        if charges.up == 0.0 and charges.down == 0.0:
            return self._best(charges, charges.price, box.lower, box.upper)
        home = self.problem.reference
        middle = np.clip(home, box.lower, box.upper)
        less = self._best(charges, charges.price - charges.down, box.lower, middle)
        more = self._best(charges, charges.price + charges.up, middle, box.upper)
        below = np.where(home >= box.lower, -charges.down * home, -np.inf)
        above = np.where(home <= box.upper, charges.up * home, -np.inf)
        is_less = less.value + below > more.value + above
        return BestResponse(
            np.where(is_less, less.spend, more.spend),
            np.maximum(less.value + below, more.value + above),
            np.maximum(less.upper + below, more.upper + above),
        )

    def _best(
        self, charges: Charges, price: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> BestResponse:
        if self.problem.has_coarse_lots:
            return self._on_lots(charges, price, lower, upper)
        if self.earned is not None and np.any(charges.extra > 0.0):
            return self._blend(charges).best_response(price, lower, upper)
        worth = charges.worth
        if np.all(worth == 1.0):
            return self.gains.best_response(price, lower, upper)
        counted = np.where(worth > 0.0, worth, 1.0)
        answer = self.gains.best_response(price / counted, lower, upper)
        plain = np.where(price > 0.0, lower, upper)
        return BestResponse(
            np.where(worth > 0.0, answer.spend, plain),
            np.where(worth > 0.0, answer.value * counted, -price * plain),
            np.where(worth > 0.0, answer.upper * counted, -price * plain),
        )

    @cached_property
    def _lots(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Spends in whole lots (k, 1) and what the objective and the targets count there."""
        most = int(self.problem.upper.max() / self.problem.lot * (1.0 + 1e-12))
        spend = in_money(np.arange(most + 1.0), self.problem.lot)[:, None]
        at = np.minimum(spend, np.maximum(self.problem.upper, spend[1:2].max(initial=0.0)))
        earned = self.gains if self.earned is None else self.earned
        return spend, self.gains.value(at), earned.value(at)

    def on_lots(self, box: Box, spend: FloatArray) -> FloatArray:
        """The nearest whole lots (n,) within each cell's bounds, where they hold any."""
        lot = self.problem.lot
        least = np.ceil(box.lower / lot - CENTS_AGREE)
        most = np.maximum(np.floor(box.upper / lot + CENTS_AGREE), least)
        return in_money(np.clip(np.round(spend / lot), least, most), lot)

    def _on_lots(
        self, charges: Charges, price: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> BestResponse:
        """Every whole lot within the bounds, tried; where bounds hold none, the lower one."""
        spend, gains, earned = self._lots
        worth = charges.worth * gains + charges.extra * earned - price * spend
        near = CENTS_AGREE * self.problem.lot
        inside = (spend >= lower - near) & (spend <= upper + near)
        worth = np.where(inside, worth, -NOTHING)
        best = worth.argmax(axis=0)
        value = worth.max(axis=0)
        error = float(getattr(self.gains, "error", np.zeros(1)).max())
        return BestResponse(spend[best, 0], value, value + error)

    def _blend(self, charges: Charges) -> TableCurve:
        """The objective's and the targets' tables added up, cell by cell."""
        gains, earned = self.gains, self.earned
        assert isinstance(gains, TableCurve)
        assert isinstance(earned, TableCurve)
        a, b = charges.worth[:, None], charges.extra[:, None]
        return TableCurve(
            gains.nodes,
            a * gains.values + b * earned.values,
            a * gains.slopes_right + b * earned.slopes_right,
            a * gains.slopes_left + b * earned.slopes_left,
            a * gains.error + b * earned.error,
        )

    def value(self, spend: FloatArray, charges: Charges) -> FloatArray:
        """What each cell (n,) earns at a split under the charges."""
        home = self.problem.reference
        earned = charges.worth * self.gains.value(spend) - charges.price * spend
        if self.earned is not None:
            earned = earned + charges.extra * self.earned.value(spend)
        moved = charges.up * np.maximum(spend - home, 0.0)
        moved += charges.down * np.maximum(home - spend, 0.0)
        return np.asarray(earned - moved - np.where(spend > 0.0, charges.active, 0.0))


def _signed(price: float, lower: float, upper: float) -> float:
    """A price of the sign its limits ask for."""
    if np.isneginf(lower) or lower <= 0.0 < upper:
        price = max(price, 0.0)  # no total is below zero: that side never binds
    return min(price, 0.0) if np.isposinf(upper) else price


def _signed_rows(prices: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    prices = np.where(np.isneginf(lower), np.maximum(prices, 0.0), prices)
    return np.asarray(np.where(np.isposinf(upper), np.minimum(prices, 0.0), prices))


def _most(prices: FloatArray, lower: FloatArray | float, upper: FloatArray | float) -> float:
    """sum max(mu lo, mu hi), nothing where the price is zero."""
    with np.errstate(invalid="ignore"):
        charged = np.where(prices > 0.0, prices * upper, prices * lower)
    return float(np.where(prices == 0.0, 0.0, charged).sum())


def under(problem: AllocationProblem, direction: FloatArray | None) -> tuple[Lagrangian, float]:
    """The Lagrangian of a problem under a direction over its draws, and a level to add.

    By a measure of risk the objective is at most the re-weighted mean; a cautious target's left
    side likewise, so what is asked of it falls by the difference in the reference's level.
    """
    floor = problem.box.floor
    draws = problem.draws
    if direction is None or draws is None or not problem.is_cautious:
        return Lagrangian(problem, problem.mean_gain.within(floor, problem.upper)), 0.0
    weights = problem.measure.weights(direction)
    source = draws.source.value(problem.reference)
    before = source.sum(axis=1)
    offset = float(before.mean() - weights @ before) if problem.counts_gain else 0.0
    gains = draws.weighted(weights)
    if not problem.targets:
        return Lagrangian(problem, gains), offset
    level = source.mean(axis=0) - weights @ source
    eased = tuple(
        replace(t, least=t.least - float(level @ t.worth)) if t.is_cautious else t
        for t in problem.targets
    )
    are_alike = all(target.is_cautious for target in eased)
    judged = replace(problem, targets=eased)
    return Lagrangian(judged, gains, None if are_alike else problem.mean_gain), offset
