"""A finished geo test read: treated markets against a synthetic control, with a placebo interval.

The test markets' revenue is set against what the others say it would have been. How far that can
be off is seen where nothing happened: other markets, drawn in groups as large as the test's, are
put in its place. Each placebo's effect is divided by how well its own control predicts single
periods, so that small, noisy markets do not speak for large ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.stats import t as student

from optimizer.amounts import about
from optimizer.documents import Document
from optimizer.errors import HistoryError, nearest
from optimizer.geo_revenue import GeoRevenue
from optimizer.lift_tests import LiftTest, as_date
from optimizer.synthetic_control import METHODS, Control, Method, synthetic_control
from optimizer.tables.findings import stopped

FloatArray = npt.NDArray[np.float64]
Spans = Literal["day", "week", "month"]

PLACEBOS = 100  # groups put in the test's place
FEWEST_CONTROLS = 4  # markets that were not treated
FEWEST_BEFORE = 10  # periods before the test
DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12.0}


class GeoTestError(HistoryError):
    """A geo test cannot be read as it stands."""

    code = "unusable_geo_test"


class MethodResult(Document):
    """What one way of making a control finds."""

    method: Literal["ridge", "non_negative"]
    lift: float = Field(description="revenue per period of the test markets together")
    missed: float = Field(
        description="error of single periods left out before the test, of their mean"
    )


class GeoTestResult(Document):
    """What a finished geo test found."""

    markets: tuple[str, ...] = Field(description="treated, together")
    controls: int = Field(description="markets that were not treated")
    period: Literal["day", "week", "month"]
    start: dt.date
    end: dt.date = Field(description="last day of the test")
    n_periods: int = Field(description="of the test")
    n_before: int = Field(description="periods before it")
    method: Literal["ridge", "non_negative"] = Field(description="the one that misses less")
    methods: tuple[MethodResult, ...]
    expected: float = Field(description="per period, what would have come without the test")
    lift: float = Field(description="per period, of the test markets together, test minus expected")
    standard_error: float = Field(description="of the lift, per period")
    interval: tuple[float, float] = Field(description="90 % interval of the lift, per period")
    relative: float = Field(description="lift over expected, a share")
    p_value: float = Field(description="share of placebos at least as far from zero, itself one")
    p_in_time: float = Field(
        description="share of stretches of its own past at least as far from its control"
    )
    whole: float = Field(description="revenue of all markets over that of the test markets, before")
    weights: dict[str, float] = Field(description="control market -> its weight")
    dates: tuple[dt.date, ...] = Field(description="of the series below")
    observed: tuple[float, ...] = Field(description="per period, test markets together")
    synthetic: tuple[float, ...] = Field(description="per period, what the control says")
    statement: str

    def lift_test(
        self,
        channel: str,
        *,
        spend_control: float,
        spend_test: float,
        per: Spans | None = None,
        whole: bool = True,
    ) -> LiftTest:
        """The row that a fit reads.

        Parameters
        ----------
        channel : str
        spend_control, spend_test : float
            Spend in the test markets together, per period of this test, without and with it.
        per : "day", "week" or "month", optional
            The periods of the history that will be fitted; this test's own if absent.
        whole : bool
            Of all markets together, as a curve of the whole describes them, each market taken to
            respond like the treated ones; otherwise of the test markets alone.
        """
        size = DAYS[per or self.period] / DAYS[self.period] * (self.whole if whole else 1.0)
        return LiftTest(
            channel=channel,
            start=self.start,
            end=self.end,
            spend_control=spend_control * size,
            spend_test=spend_test * size,
            lift=self.lift * size,
            standard_error=self.standard_error * size,
            markets=() if whole else self.markets,
        )


def analyse_geo_test(
    geo: GeoRevenue,
    *,
    markets: Sequence[str],
    start: dt.date,
    end: dt.date | None = None,
    seed: int = 1,
) -> GeoTestResult:
    """Lift of a finished test in some markets, against a synthetic control of the others.

    Parameters
    ----------
    geo : GeoRevenue
        Revenue (or conversions) of all markets, before and during the test.
    markets : sequence of str
        Those treated, all in the same way over the same time.
    start : date
        First day of the test.
    end : date, optional
        Its last day; the last there is if absent. What comes after is not read.
    seed : int
        Of the placebo groups.

    Raises
    ------
    GeoTestError
        Unknown markets, or too little time or too few markets to judge by.
    """
    last = None if end is None else as_date(end)
    named = (markets,) if isinstance(markets, str) else tuple(dict.fromkeys(markets))
    test = _Test.of(geo, named, as_date(start), last)
    found = {name: test.control(test.treated, name) for name in METHODS}
    best = min(METHODS, key=lambda name: found[name].missed)
    scores = test.placebos(best, np.random.default_rng(seed))
    return _result(test, found, best, scores)


@dataclass(frozen=True)
class _Test:
    """A test with the series around it."""

    geo: GeoRevenue
    treated: npt.NDArray[np.intp]
    first: int  # period the test begins with
    stop: int  # period after its last

    @classmethod
    def of(
        cls, geo: GeoRevenue, markets: tuple[str, ...], start: dt.date, end: dt.date | None
    ) -> _Test:
        """The test, or every reason why it cannot be read."""
        days = geo.dates.to_numpy().astype("datetime64[D]")
        first = int(np.searchsorted(days, np.datetime64(start, "D")))
        stop = days.size
        if end is not None:
            stop = int(np.searchsorted(days, np.datetime64(end, "D"), side="right"))
        known = {name: place for place, name in enumerate(geo.markets)}
        wrong = [
            f'no market "{name}"; {stopped(nearest(name, known))}'
            for name in markets
            if name not in known
        ]
        wrong += _too_little(geo, markets, (first, stop), (start, end))
        if wrong:
            raise GeoTestError("The geo test cannot be read: " + "\n  ".join(wrong))
        treated = np.array([known[name] for name in markets], np.intp)
        test = cls(geo, treated, first, stop)
        if not test.usable[treated].all():
            raise GeoTestError(
                "The test markets have gaps, or no revenue before the test to compare with. Fill "
                "them in, or leave such a market out."
            )
        return test

    @property
    def n_after(self) -> int:
        return self.stop - self.first

    @cached_property
    def usable(self) -> npt.NDArray[np.bool_]:
        """Markets without gaps that earned something before the test, (n_markets,)."""
        return _usable(self.geo, self.first, self.stop)

    @cached_property
    def others(self) -> npt.NDArray[np.intp]:
        """Usable markets that were not treated."""
        return np.setdiff1d(np.flatnonzero(self.usable), self.treated)

    def relative(self, group: npt.NDArray[np.intp]) -> FloatArray:
        """A group's revenue over its mean before the test, up to the test's end."""
        series = self.geo.revenue[: self.stop, group].sum(axis=1)
        return np.asarray(series / series[: self.first].mean())

    def control(self, group: npt.NDArray[np.intp], method: Method) -> Control:
        """A group made of the untreated markets outside it."""
        controls = self.relative_each(group)
        return synthetic_control(self.relative(group), controls, self.first, self.n_after, method)

    def relative_each(self, group: npt.NDArray[np.intp]) -> FloatArray:
        """The same of every untreated market outside a group, (n_periods, n_controls)."""
        series = self.geo.revenue[: self.stop, np.setdiff1d(self.others, group)]
        return np.asarray(series / series[: self.first].mean(axis=0))

    def effect(self, group: npt.NDArray[np.intp], control: Control) -> float:
        """Mean of the group's revenue over its control's during the test, less 1 before it."""
        apart = self.relative(group) - control.expected
        return float(apart[self.first :].mean())

    def placebos(self, method: Method, rng: np.random.Generator) -> FloatArray:
        """Effects of untreated groups, each over what its control misses, (n_groups,)."""
        size = min(self.treated.size, max(self.others.size // 3, 1))
        scores: list[float] = []
        most = self.others.size if size == 1 else PLACEBOS
        while len(scores) < most:
            order = rng.permutation(self.others)
            for begin in range(0, order.size - size + 1, size):
                group = np.sort(order[begin : begin + size])
                control = self.control(group, method)
                scores.append(self.effect(group, control) / max(control.missed, 1e-12))
        return np.array(scores[:most])

    def p_in_time(self, method: Method) -> float:
        """Share of stretches as long as the test whose mean lies as far from the control as its.

        The control is made of all periods as if nothing had happened, and stretches run on from
        the end to the beginning: the permutations of [1]_.

        References
        ----------
        .. [1] Chernozhukov, Wuethrich and Zhu (2021), An Exact and Robust Conformal Inference
           Method for Counterfactual and Synthetic Controls.
        """
        whole = replace(self, first=self.stop)
        control = synthetic_control(
            whole.relative(self.treated),
            whole.relative_each(self.treated),
            self.stop,
            self.n_after,
            method,
        )
        left = whole.relative(self.treated) - control.expected
        sums = np.convolve(np.concatenate([left, left]), np.ones(self.n_after), mode="valid")
        far = np.abs(sums[: left.size])
        return float(np.mean(far >= far[self.first] - 1e-12))


def _usable(geo: GeoRevenue, first: int, stop: int) -> npt.NDArray[np.bool_]:
    """Markets (n_markets,) without gaps that earned something in the first periods."""
    seen = geo.revenue[:stop]
    return np.asarray(np.isfinite(seen).all(axis=0) & (seen[:first].sum(axis=0) > 0.0))


def _too_little(
    geo: GeoRevenue,
    markets: tuple[str, ...],
    span: tuple[int, int],
    stated: tuple[dt.date, dt.date | None],
) -> list[str]:
    """What is missing to judge a test by."""
    (first, stop), (start, end) = span, stated
    last, found = geo.dates[-1].date(), []
    if not markets:
        found.append("it names no market; say where the spend was moved.")
    if end is not None and end < start:
        found.append(f"it ends on {end}, before it starts on {start}; swap the two.")
    elif stop <= first:
        found.append(f"no data from {start} on: the series end on {last}; mend the dates.")
    if first < FEWEST_BEFORE:
        found.append(
            f"only {first} {geo.spacing.value}s before {start}; bring {FEWEST_BEFORE} at least, "
            "better several times the test's own length."
        )
    usable = _usable(geo, first, stop)
    left = sum(bool(usable[i]) for i, name in enumerate(geo.markets) if name not in markets)
    if left < FEWEST_CONTROLS:
        found.append(f"only {left} markets were not treated; bring {FEWEST_CONTROLS} at least.")
    return found


def _result(
    test: _Test, found: dict[Method, Control], best: Method, scores: FloatArray
) -> GeoTestResult:
    """Everything a test found, in money."""
    geo, control = test.geo, found[best]
    before = np.where(test.usable, geo.revenue[: test.first], 0.0)
    usual = float(before[:, test.treated].sum(axis=1).mean())
    effect = test.effect(test.treated, control)
    spread = float(np.sqrt((scores**2).mean()))
    error = control.missed * spread
    free = max(test.others.size // test.treated.size - 1, 2)
    reach = float(student.ppf(0.95, free))
    more = int((np.abs(scores) >= abs(effect) / max(control.missed, 1e-12)).sum())
    expected = float(control.expected[test.first :].mean()) * usual
    rest = np.setdiff1d(test.others, test.treated)
    series = geo.revenue[: test.stop, test.treated].sum(axis=1)
    lift = effect * usual
    low, high = (effect - reach * error) * usual, (effect + reach * error) * usual
    p_value = (1 + more) / (1 + scores.size)
    p_time = test.p_in_time(best)
    spacing = geo.spacing.value
    last = geo.dates[test.stop - 1].date() + dt.timedelta(days=round(DAYS[spacing]) - 1)
    names = tuple(geo.markets[place] for place in test.treated)
    return GeoTestResult(
        markets=names,
        controls=rest.size,
        period=spacing,
        start=geo.dates[test.first].date(),
        end=last,
        n_periods=test.n_after,
        n_before=test.first,
        method=best,
        methods=tuple(
            MethodResult(
                method=name,
                lift=test.effect(test.treated, other) * usual,
                missed=other.missed,
            )
            for name, other in found.items()
        ),
        expected=expected,
        lift=lift,
        standard_error=error * usual,
        interval=(low, high),
        relative=lift / expected,
        p_value=p_value,
        p_in_time=p_time,
        whole=float(before.sum() / before[:, test.treated].sum()),
        weights={
            geo.markets[place]: float(weight)
            for place, weight in zip(rest, control.weights, strict=True)
        },
        dates=tuple(day.date() for day in geo.dates[: test.stop]),
        observed=tuple(series.tolist()),
        synthetic=tuple((control.expected * usual).tolist()),
        statement=(
            f"{' and '.join(names)} earned {about(abs(lift))} a {spacing} "
            f"{'less' if lift < 0.0 else 'more'} than without the test (90 % interval of the lift "
            f"{about(low)} to {about(high)}), {abs(lift / expected):.1%} of it: "
            f"p = {p_value:.2g} against other markets, {p_time:.2g} against its own past."
        ),
    )
