"""Which lift test next: what every affordable one would teach, what that is worth, what it costs.

A test moves the spend of one channel, everywhere or in some markets, away from the plan. Its
lift is correlated with what the plan stands on; what it takes from that doubt is worth a gain per
period (:mod:`optimizer.information`), for as long as plans are made after it. It costs what
straying from the plan forgoes. Tests are chosen one after another, each given those before it,
until none is worth its cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.amounts import about
from optimizer.cells import Question, ask, stated_split
from optimizer.errors import ProblemError
from optimizer.experiments_document import Experiments, ProposedTest
from optimizer.fitting.lift_verdicts import share_shown
from optimizer.information import Doubt, explained, gain
from optimizer.model import Model, ResidualNoise
from optimizer.plan import plan
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]

MULTIPLES = (0.0, 1.75)  # of the planned spend
LENGTHS = {"day": (14, 28, 42, 56), "week": (2, 4, 6, 8), "month": (1, 2, 3)}  # periods
YEARS = {"day": 365, "week": 52, "month": 12}  # periods
PROPOSALS = 2
STEP = 0.05  # relative, of spend: over which the marginal return's fall is measured
STRAIGHT = 0.01  # of marginal return over spend: the least curvature that is believed
MOST_CARRIED = 0.9  # autocorrelation of noise beyond which a fit says nothing of it
MOST_MARKETS = 12  # tried one by one, the largest
WORTHWHILE = 1e-4  # of all spend over the horizon: less is not worth anybody's trouble
FAINT = 0.3  # share of the doubt about a lift that a test should take away
SMALLEST = 1e-12


class NoTestError(ProblemError):
    """No test can be proposed for this model."""

    code = "no_test"


def propose_tests(
    model: Model,
    scenario: Scenario,
    *,
    noise: float | None = None,
    horizon: int | None = None,
    most: int = PROPOSALS,
) -> Experiments:
    """The lift tests to run next, beside the plan of a scenario.

    Parameters
    ----------
    model : Model
        With draws: what is certain needs no test.
    scenario : Scenario
    noise : float, optional
        Standard deviation, currency per period, of the ups and downs of revenue that a lift has
        to stand out from, everywhere together; the fit's own where absent.
    horizon : int, optional
        Periods over which what is learned will be used, the test's included; absent: a year.
    most : int
        Tests proposed at most; fewer where the next is not worth its cost.

    Returns
    -------
    Experiments

    Raises
    ------
    NoTestError
        The model has no draws, or nothing says how noisy revenue is.
    DocumentError
        If the scenario has faults.
    InfeasibleError
        If no plan satisfies it.
    """
    question = ask(model, scenario)
    _check(model, noise)
    found = plan(model, scenario)
    spend = stated_split(question.model, found.split)
    here = _Place(question, spend / scenario.periods, noise)
    years = horizon or YEARS[model.period]
    rows = list(here.tests())
    doubt = here.doubt(rows)
    proposals: list[ProposedTest] = []
    tests, left = _judged(here, rows, doubt, years), rows
    while tests and len(proposals) < most and tests[0][1].pays:
        row, test = tests[0]
        proposals.append(test)
        doubt = doubt.after(doubt.away[:, row.place], row.error)
        left = [other for other in left if other.channel != row.channel]
        tests = _judged(here, left, doubt, years)
    others = tuple(test for _, test in tests)
    return Experiments(
        currency=scenario.currency or model.currency,
        period=model.period,
        horizon=years,
        noise="fitted" if noise is None else "stated",
        proposals=tuple(proposals),
        others=others,
        statement=_statement(proposals, others),
        model=model.content_hash,
        scenario=scenario.content_hash,
    )


def _check(model: Model, noise: float | None) -> None:
    if model.n_draws < 2:
        raise NoTestError(
            "This model has no draws: it is sure of everything, so no test could teach it "
            "anything. Fit it with draws, or state lists of draws."
        )
    if noise is not None and not 0.0 < noise < np.inf:
        raise NoTestError(f"A noise of {noise:g} cannot be meant. State a sum of money above 0.")
    if noise is None and not (model.fit and model.fit.noise):
        raise NoTestError(
            "Nothing says how noisy revenue is: this model was not fitted here. State the standard "
            "deviation of revenue from period to period (noise, or --noise), beside seasons."
        )


@dataclass(frozen=True)
class _Row:
    """A test that could be run."""

    channel: str
    cells: npt.NDArray[np.intp]  # moved
    markets: tuple[str, ...]
    multiple: float
    n_periods: int
    error: float  # of the lift of steady spend, currency per period
    place: int  # of its lift among the quantities in doubt


@dataclass(frozen=True)
class _Place:
    """A plan, and what is known of the curves where it stands; money per period.

    Quantities in doubt, in order: what the next unit of spend earns more than elsewhere (n), the
    plan's uplift, and the lift of every test.
    """

    question: Question
    spend: FloatArray  # (n,)
    noise: float | None

    @property
    def model(self) -> Model:
        return self.question.model

    @cached_property
    def worth(self) -> FloatArray:
        """What a unit of revenue counts in the objective (n,)."""
        return self.question.value_per_revenue

    @cached_property
    def response(self) -> FloatArray:
        """Revenue (n_draws, n) as planned."""
        return self.model.response(self.spend)

    @cached_property
    def lifts(self) -> dict[float, FloatArray]:
        """Lift (n_draws, n) of every multiple of every cell's spend."""
        return {m: self.model.response(m * self.spend) - self.response for m in MULTIPLES}

    @cached_property
    def active(self) -> npt.NDArray[np.bool_]:
        """Cells (n,) with both spend and room to move."""
        return (self.spend > 0.0) & (self.room > 0.0)

    @cached_property
    def somewhere(self) -> FloatArray:
        """The spend (n,); where there is none, any at which curves have a slope."""
        return np.where(self.spend > 0.0, self.spend, 1.0)

    @cached_property
    def marginal(self) -> FloatArray:
        """What the next unit of spend earns (n_draws, n), in the objective's money."""
        return np.asarray(self.model.marginal_response(self.somewhere) * self.worth)

    @cached_property
    def curvature(self) -> FloatArray:
        """How fast the mean marginal return falls (n,); never as slowly as a straight line's."""
        step = STEP * self.somewhere
        before, behind = (
            self.model.marginal_response(self.somewhere + sign * step).mean(axis=0)
            for sign in (-1.0, 1.0)
        )
        usual = self.marginal.mean(axis=0) / self.somewhere
        fall = (before - behind) * self.worth / (2.0 * step)
        return np.asarray(np.maximum(fall, STRAIGHT * usual))

    @cached_property
    def room(self) -> FloatArray:
        """How far each cell's spend may move, up and down together, (n,)."""
        limits, question = self.question.limits, self.question
        most = question.span[1] if question.span else question.budget
        upper = np.minimum(limits.upper, most)
        return np.asarray(np.maximum(upper - limits.least, 0.0) / question.scenario.periods)

    @cached_property
    def price(self) -> FloatArray:
        """What a unit of money earns elsewhere (n_draws,); its bare cost where totals are free."""
        if not self.question.is_fixed:
            return np.full(len(self.response), self.question.cost_per_spend)
        weights = np.where(self.active, 1.0 / np.maximum(self.curvature, SMALLEST), 0.0)
        return np.asarray(self.marginal @ (weights / max(float(weights.sum()), SMALLEST)))

    def tests(self) -> Iterator[_Row]:
        """Every test that can be run: where, how much, how long."""
        place = self.spend.size
        for channel in self.model.names:
            for cells, markets in self._areas(channel):
                for multiple in MULTIPLES:
                    place += 1
                    for length in LENGTHS[self.model.period]:
                        error = self._error(cells, length)
                        yield _Row(channel, cells, markets, multiple, length, error, place)

    def doubt(self, rows: Sequence[_Row]) -> Doubt:
        """All that is not known of marginal returns, the uplift and every lift."""
        kinds = {row.place: row for row in rows}
        lifts = [self.lifts[row.multiple][:, row.cells].sum(axis=1) for row in kinds.values()]
        ahead = self.marginal - self.price[:, None]
        return Doubt.of(np.column_stack([ahead, self._uplift, *lifts]))

    @property
    def _uplift(self) -> FloatArray:
        """The plan's gain over the current split (n_draws,), whole plan."""
        periods = self.question.scenario.periods
        current = self.question.scaled_current(float(self.spend.sum()) * periods) / periods
        gained = self.response - self.model.response(current)
        return np.asarray(gained @ self.worth * periods)

    def _areas(self, channel: str) -> Iterator[tuple[npt.NDArray[np.intp], tuple[str, ...]]]:
        """Where a channel can be tested: everywhere, or where others stay as a control."""
        places = self.question.places
        mine = np.flatnonzero(places.members([channel]) & self.active)
        mine = mine[np.argsort(-self.spend[mine], kind="stable")]
        markets = [places.markets[cell] for cell in mine]
        if None in markets:
            yield mine, ()
            return
        alone = [[i] for i in range(min(mine.size, MOST_MARKETS))]
        half = [list(range(1, mine.size, 2))] if mine.size > 3 else []
        for at in [*alone, *half]:
            yield mine[at], tuple(str(markets[i]) for i in at)

    def _error(self, cells: npt.NDArray[np.intp], length: int) -> float:
        """Standard error of the lift of steady spend that a test of some length would show."""
        entries = [self.model.channels[cell] for cell in cells]
        spread = sum(self._variance(cells, noise, length) for noise in self._noises(cells))
        kept = [entry.carryover.lasting for entry in entries if entry.carryover]
        retention = float(np.mean(kept)) if kept else 0.0
        return math.sqrt(2.0 * spread / length) / share_shown(length, retention)

    def _noises(self, cells: npt.NDArray[np.intp]) -> list[ResidualNoise]:
        """The ups and downs of revenue where a test runs."""
        if self.noise is not None:
            return [ResidualNoise(sd=self.noise, autocorrelation=0.0)]
        markets = {self.model.channels[cell].market for cell in cells}
        fitted = self.model.fit.noise if self.model.fit else ()
        return [entry for entry in fitted if entry.market is None or entry.market in markets]

    def _variance(self, cells: npt.NDArray[np.intp], noise: ResidualNoise, length: int) -> float:
        """Variance of one series, as if it did not hang together; of its part in some markets."""
        carried = min(max(noise.autocorrelation, 0.0), MOST_CARRIED)
        inflation = min((1.0 + carried) / (1.0 - carried), float(length))
        mean = self.response.mean(axis=0)
        share = 1.0
        if noise.market is None:
            mine = self.question.places.members([self.model.channels[cells[0]].channel])
            share = float(mean[cells].sum() / mean[mine].sum())
        return noise.sd**2 * inflation * share


def _judged(
    here: _Place, rows: Sequence[_Row], doubt: Doubt, horizon: int
) -> list[tuple[_Row, ProposedTest]]:
    """The best test of every channel, the most worth running first."""
    places = sorted({row.place for row in rows})
    covariances = dict(zip(places, doubt.covariance(doubt.away[:, places]), strict=True))
    best: dict[str, tuple[_Row, ProposedTest]] = {}
    for row in rows:
        learned = explained(covariances[row.place], float(doubt.variance[row.place]), row.error)
        test = _test(here, row, _Learned(doubt.variance, learned), horizon)
        if row.channel not in best or test.net > best[row.channel][1].net:
            best[row.channel] = (row, test)
    return sorted(best.values(), key=lambda pair: -pair[1].net)


@dataclass(frozen=True)
class _Learned:
    """The variance of every quantity in doubt, and what a test takes of it."""

    variance: FloatArray  # (n_quantities,)
    taken: FloatArray  # (n_quantities,)


def _test(here: _Place, row: _Row, known: _Learned, horizon: int) -> ProposedTest:
    """What one test teaches, what that is worth and what it costs."""
    n, cells = here.spend.size, row.cells
    variance, learned = known.variance, known.taken
    mine = np.flatnonzero(here.question.places.members([row.channel]) & here.active)
    earned = gain(learned[mine], here.curvature[mine], here.room[mine]).sum()
    lift = here.lifts[row.multiple][:, cells].mean(axis=0)
    more = (row.multiple - 1.0) * here.spend[cells].sum()
    forgone = float(here.price.mean()) * more - float(lift @ here.worth[cells])
    left = max(horizon - row.n_periods, 0)
    figures = {
        "expected_lift": float(lift.sum()),
        "lift_sd": float(np.sqrt(variance[row.place])),
        "standard_error": row.error,
        "learned": float(learned[row.place] / max(variance[row.place], SMALLEST)),
        "uplift_sd_before": float(np.sqrt(variance[n])),
        "uplift_sd_after": float(np.sqrt(max(variance[n] - learned[n], 0.0))),
        "gain_per_period": float(earned),
        "value": float(earned) * left,
        "cost": max(forgone, 0.0) * row.n_periods,
    }
    usual = WORTHWHILE * float(here.spend.sum()) * horizon
    test = ProposedTest(
        channel=row.channel,
        markets=row.markets,
        multiple=row.multiple,
        spend_control=float(here.spend[cells].sum()),
        spend_test=float(row.multiple * here.spend[cells].sum()),
        n_periods=row.n_periods,
        pays=figures["value"] > max(figures["cost"], usual),
        statement="",
        **figures,
    )
    return test.model_copy(update={"statement": _words(test, here, left)})


def _words(test: ProposedTest, here: _Place, left: int) -> str:
    """A test in a sentence a planner can act on."""
    unit = f" {here.model.currency}" if here.model.currency else ""
    period = here.model.period
    do = (
        f"Switch {test.name} off"
        if test.multiple == 0.0
        else f"Raise {test.name} to {test.multiple:g} times its planned spend"
    )
    faint = (
        " It would hardly show: its worth is that of many such tests, on average."
        if test.learned < FAINT
        else ""
    )
    return (
        f"{do} for {test.n_periods} {period}s: a lift of {about(test.expected_lift)}{unit} a "
        f"{period} is expected, give or take {about(test.lift_sd)}, and would be seen to within "
        f"{about(test.standard_error)}. What is learned is worth about {about(test.value)}{unit} "
        f"over the {left} {period}s after it; the test forgoes {about(test.cost)}{unit}.{faint}"
    )


def _statement(proposals: Sequence[ProposedTest], others: Sequence[ProposedTest]) -> str:
    """The advice in one sentence."""
    if proposals:
        names = " and ".join(test.name for test in proposals)
        rest = "" if any(test.pays for test in others) else " No other test is worth its cost."
        return f"Test {names} next.{rest}"
    if not others:
        return "No channel has both spend and room to move, so no test would change the plan."
    return (
        "No test is worth its cost: what it would teach earns less than it forgoes. Keep to the "
        "plan."
    )
