r"""Lift tests in a likelihood: one more residual each, at full weight.

.. math:: r = \frac{\sum_c f_c(b_c) - f_c(a_c) - \mathrm{lift}}{\mathrm{standard\ error}}

over the curves :math:`c` a test moved from spend :math:`a_c` to :math:`b_c`, steady spend all of
it. Exact: no prior is changed, and what the tests say of one curve reaches the others through the
posterior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from optimizer.history import History
from optimizer.lift_tests import LiftTest

FloatArray = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


class Steady(Protocol):
    """A model that says what its curves earn at steady spend, incremental revenue."""

    def steady(self, parameters: FloatArray, curves: Places, spend: FloatArray) -> FloatArray:
        """Incremental revenue, (..., n), of curves (n,) at multiples (n,) of their mean spend."""

    def steady_slopes(
        self, parameters: FloatArray, curves: Places, spend: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The same (n,) at one point, and its Jacobian (n, n_parameters)."""


@dataclass(frozen=True, slots=True)
class FittedCurve:
    """What a test has to know of a curve: whose it is, and its units."""

    channel: str
    market: str | None
    usual: float  # mean spend, currency per period
    unit: float  # currency per unit of the model's revenue


@dataclass(frozen=True)
class LiftRows:
    """Tests as a model sees them; an entry is one curve moved by one test."""

    curves: Places  # (n_entries,)
    control: FloatArray  # (n_entries,), multiples of the curve's mean spend
    test: FloatArray  # (n_entries,), likewise
    units: FloatArray  # (n_entries,), currency per unit of the curve's revenue
    whose: Places  # (n_entries,), the test an entry belongs to
    lift: FloatArray  # (n_tests,), currency per period
    error: FloatArray  # (n_tests,), currency per period
    ends: Places  # (n_tests,), periods of the history gone by when the test ended

    @classmethod
    def of(
        cls, tests: Sequence[LiftTest], curves: Sequence[FittedCurve], history: History
    ) -> LiftRows:
        """Tests of curves that are fitted; every test must move one at least.

        A test of several markets spends in each in proportion to what is usual there.
        """
        entries = [_entries(test, curves) for test in tests]
        count = [len(found) for found in entries]
        flat = [entry for found in entries for entry in found]
        ends = np.searchsorted(
            history.dates.to_numpy().astype("datetime64[D]"),
            np.array([test.end for test in tests], "datetime64[D]"),
            side="right",
        )
        return cls(
            curves=np.array([place for place, _, _ in flat], np.intp),
            control=np.array([control for _, control, _ in flat], np.float64),
            test=np.array([test for _, _, test in flat], np.float64),
            units=np.array([curves[place].unit for place, _, _ in flat], np.float64),
            whose=np.repeat(np.arange(len(tests)), count),
            lift=np.array([test.lift for test in tests], np.float64),
            error=np.array([test.standard_error for test in tests], np.float64),
            ends=np.asarray(ends, np.intp),
        )

    def until(self, n_periods: int) -> LiftRows:
        """The tests that had ended after the history's first periods."""
        kept = np.flatnonzero(self.ends <= n_periods)
        mine = np.isin(self.whose, kept)
        return replace(
            self,
            curves=self.curves[mine],
            control=self.control[mine],
            test=self.test[mine],
            units=self.units[mine],
            whose=np.searchsorted(kept, self.whose[mine]),
            lift=self.lift[kept],
            error=self.error[kept],
            ends=self.ends[kept],
        )

    @property
    def sums(self) -> FloatArray:
        """Currency that a unit of an entry's revenue adds to a test, (n_entries, n_tests)."""
        mine = self.whose[:, None] == np.arange(self.lift.size)
        return np.asarray(mine * self.units[:, None], np.float64)


@dataclass(frozen=True)
class Lifts:
    """Tests beside the model whose curves they are tests of."""

    model: Steady
    rows: LiftRows

    def expected(self, parameters: FloatArray) -> FloatArray:
        """The lift per period the curves predict, (..., n_tests), currency."""
        rows, steady = self.rows, self.model.steady
        high = steady(parameters, rows.curves, rows.test)
        return np.asarray((high - steady(parameters, rows.curves, rows.control)) @ rows.sums)

    def costs(self, parameters: FloatArray) -> FloatArray:
        """Sum of squared residuals of each row of parameters."""
        left = (self.rows.lift - self.expected(parameters)) / self.rows.error
        return np.asarray((left**2).sum(axis=-1))

    def residuals(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Standardised lift left unexplained (n_tests,), and the Jacobian of what is explained."""
        rows, slopes = self.rows, self.model.steady_slopes
        high, by_high = slopes(parameters, rows.curves, rows.test)
        low, by_low = slopes(parameters, rows.curves, rows.control)
        sums = rows.sums.T / rows.error[:, None]
        return rows.lift / rows.error - sums @ (high - low), sums @ (by_high - by_low)


def _entries(test: LiftTest, curves: Sequence[FittedCurve]) -> list[tuple[int, float, float]]:
    """Curve, control and test spend, in multiples of mean spend, of what a test moved."""
    mine = moved_curves(test, curves)
    usual = sum(curves[place].usual for place in mine)
    return [(place, test.spend_control / usual, test.spend_test / usual) for place in mine]


def moved_curves(test: LiftTest, curves: Sequence[FittedCurve]) -> list[int]:
    """The places of the curves a test moved."""
    return [
        place
        for place, curve in enumerate(curves)
        if curve.channel == test.channel and (not test.markets or curve.market in test.markets)
    ]
