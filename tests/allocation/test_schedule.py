"""Schedules with carryover: limits held, nothing better found, and proofs that bound."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import InfeasibleError, Model, SolverError
from optimizer.allocation import AllocationProblem, allocate
from optimizer.allocation.schedule import ScheduleFound, solve_schedule
from optimizer.allocation.schedule_proof import ScheduleProof, schedule_bound
from optimizer.allocation.stocks import ScheduleProblem, stocks
from optimizer.curves import HillCurve, LogCurve

CONCAVE_GAP = 1e-8  # proved without draws
EVENED_GAP = 1e-6  # where no step at all is allowed: solved with a step of a millionth
CAUTIOUS_GAP = 1e-5
CLARABEL = 1e-6  # relative, what the rival's answer is good for
GRID = 12


def problem(
    *, seed: int = 0, n: int = 3, periods: int = 12, steep: float = 0.0, **changes: object
) -> ScheduleProblem:
    """A random schedule problem: Hill curves of slope up to 1, or steep ones."""
    rng = np.random.default_rng(seed)
    usual = np.round(np.exp(rng.normal(7.0, 0.5, n)), 2)
    slope = rng.uniform(1.5, 2.5, n) if steep else rng.uniform(0.6, 1.0, n)
    budget = round(float(usual.sum()) * periods, 2)
    retention = rng.uniform(0.0, 0.8, n)
    made = ScheduleProblem(
        cells=tuple(f"channel {i}" for i in range(n)),
        gains=HillCurve(usual * rng.uniform(2.0, 4.0, n), 1.3 * usual, slope),
        retention=retention,
        carried=usual / (1.0 - retention) * rng.uniform(0.3, 1.5, n),
        floor=np.zeros((periods, n)),
        cap=np.tile(np.round(2.0 * usual * periods, 2), (periods, 1)),
        lower=np.round(0.5 * usual * periods, 2),
        upper=np.round(2.0 * usual * periods, 2),
        least_total=budget,
        most_total=budget,
        reference=np.tile(usual, (periods, 1)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def limited(**more: object) -> ScheduleProblem:
    """Floors, caps, closed periods and smoothness at once."""
    base = problem(**more)  # type: ignore[arg-type]
    usual = base.reference[0]
    is_open = np.ones(base.cap.shape, dtype=bool)
    is_open[3:5, 0] = is_open[0, 1] = is_open[-2:, 2] = False
    floor = np.where(is_open, np.round(0.4 * usual, 2), 0.0)
    cap = np.where(is_open, np.round(1.6 * usual, 2), 0.0)
    return replace(base, floor=floor, cap=cap, smooth=0.15)


def assert_keeps_every_limit(posed: ScheduleProblem, found: ScheduleFound) -> None:
    spend, lots = found.spend, found.spend / posed.lot
    np.testing.assert_allclose(lots, np.round(lots), atol=1e-5)
    assert np.all(spend >= posed.floor)
    assert np.all(spend <= posed.cap)
    totals = np.round(spend.sum(axis=0), 6)
    assert np.all(totals >= posed.lower)
    assert np.all(totals <= posed.upper)
    total = round(float(spend.sum()), 4)
    assert posed.least_total <= total <= posed.most_total
    if posed.smooth is not None:
        step = np.abs(np.diff(spend, axis=0)) - posed.smooth * spend[:-1]
        assert np.all(step[posed.is_linked] <= (2.0 + posed.smooth) * posed.lot)


def objective_by_hand(posed: ScheduleProblem, spend: np.ndarray) -> float:
    """The objective period by period, with nothing of the code under test but the curves."""
    stock, alone, earned = posed.carried, posed.carried, 0.0
    tail = np.zeros((posed.n_counted - posed.n_periods, len(posed.cells)))
    for money in np.concatenate([spend, tail]):
        stock, alone = money + posed.retention * stock, posed.retention * alone
        with_plan = posed.mean_gain.value((1.0 - posed.retention) * stock)
        earned += float((with_plan - posed.mean_gain.value((1.0 - posed.retention) * alone)).sum())
    return earned - posed.cost_per_spend * float(spend.sum())


def clarabel_value(posed: ScheduleProblem) -> float:
    """The same problem posed to cvxpy in spend, not in stocks."""
    import cvxpy

    spend = cvxpy.Variable(posed.cap.shape)
    steps = np.arange(posed.n_counted)[:, None] - np.arange(posed.n_periods)[None, :]
    earned = []
    for i, r in enumerate(posed.retention):
        memory = np.where(steps >= 0, r ** np.maximum(steps, 0), 0.0)
        past = r ** np.arange(1, posed.n_counted + 1) * posed.carried[i]
        level = (1.0 - r) * (memory @ spend[:, i] + past)
        scale, rate = posed.gains.scale[i], posed.gains.rate[i]  # type: ignore[union-attr]
        earned.append(scale * cvxpy.sum(cvxpy.log1p(rate * level)))
    rows = [spend >= posed.floor, spend <= posed.cap]
    rows += [cvxpy.sum(spend, axis=0) >= posed.lower, cvxpy.sum(spend, axis=0) <= posed.upper]
    total = cvxpy.sum(spend)
    rows += [total >= posed.least_total, total <= min(posed.most_total, 1e12)]
    if posed.smooth is not None:
        linked = posed.is_linked.astype(float)
        step = cvxpy.multiply(linked, spend[1:] - spend[:-1])
        rows += [cvxpy.abs(step) <= cvxpy.multiply(posed.smooth * linked, spend[:-1])]
    goal = sum(earned) - posed.cost_per_spend * total
    asked = cvxpy.Problem(cvxpy.Maximize(goal), rows)
    asked.solve(solver="CLARABEL")
    return float(asked.value) - float(posed.carried_gain.sum())


def logarithmic(posed: ScheduleProblem) -> ScheduleProblem:
    usual = posed.reference[0]
    return replace(posed, gains=LogCurve(2.0 * usual, 1.5 / usual))


@pytest.mark.parametrize(
    "posed",
    [
        logarithmic(problem()),
        logarithmic(limited()),
        logarithmic(limited(cost_per_spend=1.0, least_total=0.0, most_total=np.inf)),
        logarithmic(problem(cost_per_spend=1.0, least_total=3e4, most_total=5e4)),
        logarithmic(problem(n=1, periods=3)),
    ],
    ids=["plain", "limited", "free", "between", "small"],
)
def test_it_agrees_with_clarabel_in_other_variables(posed):
    found = solve_schedule(posed)
    rival = clarabel_value(posed)
    assert_keeps_every_limit(posed, found)
    assert found.certificate.value == pytest.approx(rival, rel=CLARABEL)
    assert found.certificate.upper_bound >= rival * (1.0 - CLARABEL)
    assert found.certificate.gap <= CONCAVE_GAP


@pytest.mark.parametrize("seed", range(6))
def test_concave_schedules_are_proved(seed):
    for posed in (problem(seed=seed, n=6), limited(seed=seed, n=4, periods=20)):
        found = solve_schedule(posed)
        assert_keeps_every_limit(posed, found)
        assert found.certificate.gap <= CONCAVE_GAP
        by_hand = objective_by_hand(posed, found.spend)
        assert found.certificate.value == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("steep", [0.0, 1.0], ids=["concave", "S-shaped"])
@pytest.mark.parametrize("seed", range(4))
def test_no_schedule_on_a_grid_is_better_than_proved(seed, steep):
    posed = problem(seed=seed, n=2, periods=3, steep=steep, cost_per_spend=0.3)
    posed = replace(posed, least_total=0.0, lower=np.zeros(2))
    found = solve_schedule(posed)
    axis = np.linspace(0.0, 1.0, GRID)
    best = -np.inf
    for cell in itertools.product(axis, repeat=3):
        spend = np.array(cell)[:, None] * posed.upper / 3.0
        if spend.sum() <= posed.most_total:
            best = max(best, posed.objective(spend))
    assert found.certificate.upper_bound >= best
    assert found.certificate.value >= best * (1.0 - 1e-9)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), steep=st.booleans())
def test_any_prices_bound_any_feasible_schedule(data, steep):
    posed = limited(n=3, periods=8, steep=float(steep), cost_per_spend=0.2)
    posed = replace(posed, least_total=0.0, lower=np.zeros(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    prices = rng.uniform(-0.5, 3.0, (posed.n_counted, 3))
    steps = rng.uniform(-0.2, 1.0, (2, 7, 3))
    proof = ScheduleProof(prices, rng.normal(), rng.normal(size=3), steps[0], steps[1])
    level = np.clip(rng.uniform(0.4, 1.6, 3), 0.45, 1.55) * posed.reference[0]
    spend = np.where(posed.is_open, level, 0.0)
    spend *= min(1.0, posed.most_total / spend.sum())
    assert np.all(spend >= posed.floor)
    assert schedule_bound(posed, proof) >= posed.objective(spend)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), steep=st.booleans(), intervals=st.sampled_from([2, 7, 60]))
def test_paths_bound_any_feasible_schedule_at_any_prices(data, steep, intervals):
    posed = limited(n=3, periods=8, steep=float(steep), cost_per_spend=0.2)
    posed = replace(posed, least_total=0.0, lower=np.zeros(3))
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    steps = rng.uniform(-0.2, 0.5, (2, 7, 3))
    prices, totals = np.zeros((posed.n_counted, 3)), 0.3 * rng.normal(size=3)
    proof = ScheduleProof(prices, rng.uniform(-0.5, 3), totals, *steps, n_intervals=intervals)
    spend = np.where(posed.is_open, rng.uniform(0.45, 1.55, 3) * posed.reference[0], 0.0)
    spend *= min(1.0, posed.most_total / spend.sum())
    assert schedule_bound(posed, proof) >= posed.objective(spend)


def test_paths_are_exact_but_for_the_width_of_their_intervals():
    posed = problem(n=1, periods=6)
    found = solve_schedule(posed)
    excess = [
        schedule_bound(posed, replace(found.proof, n_intervals=count)) - found.certificate.value
        for count in (50, 200, 800)
    ]
    assert excess[0] > excess[1] > excess[2] > 0.0
    assert excess[2] < 0.02 * found.certificate.value


def test_paths_prove_s_shaped_schedules_closer_than_envelopes():
    posed = problem(steep=1.0, n=3, periods=13)
    found = solve_schedule(posed)
    by_stocks = schedule_bound(posed, replace(found.proof, n_intervals=0))
    assert found.proof.n_intervals > 0
    assert found.certificate.upper_bound < by_stocks
    assert found.certificate.gap < 0.03


def test_a_wrong_proof_shows_as_a_wide_gap_and_an_empty_one_is_refused():
    posed = problem()
    found = solve_schedule(posed)
    worse = replace(found.proof, stock=found.proof.stock * 1.5)
    assert schedule_bound(posed, worse) > found.certificate.upper_bound * (1.0 + 1e-3)
    with pytest.raises(SolverError, match="bounds no schedule"):
        schedule_bound(posed, replace(found.proof, stock=found.proof.stock * np.nan))


def test_without_carryover_the_schedule_is_even_and_as_good_as_the_split():
    posed = problem(retention=np.zeros(3), carried=np.zeros(3))
    found = solve_schedule(posed)
    split = allocate(
        AllocationProblem(
            cells=posed.cells,
            gains=posed.mean_gain.rescaled(12.0, 1.0),
            total_budget=posed.most_total,
            lower=posed.lower,
            upper=posed.upper,
            reference=posed.reference.sum(axis=0),
        )
    )
    assert found.certificate.value == pytest.approx(split.certificate.value, rel=CONCAVE_GAP)
    assert np.ptp(found.spend, axis=0).max() <= 0.05  # currency: flat to a few cents


def test_what_the_past_left_is_waited_for():
    little, much = (
        solve_schedule(problem(n=1, retention=np.array([0.7]), carried=np.array([stock])))
        for stock in (0.0, 2e4)
    )
    assert much.spend[0, 0] < little.spend[0, 0]
    assert much.spend[-4:, 0].sum() > little.spend[-4:, 0].sum()


@pytest.mark.parametrize("steep", [0.0, 1.0], ids=["concave", "S-shaped"])
def test_tightening_a_limit_never_raises_what_is_proved(steep):
    wide = problem(steep=steep)
    usual = wide.reference[0]
    values = []
    for cap in (2.5, 1.8, 1.3):
        posed = replace(wide, cap=np.tile(np.round(cap * usual, 2), (12, 1)))
        values.append(solve_schedule(posed).certificate)
    for loose, tight in itertools.pairwise(values):
        assert tight.value <= loose.upper_bound


def test_another_currency_changes_only_the_unit():
    posed = problem()
    found = solve_schedule(posed)
    rate = 1000.0
    money = ("carried", "floor", "cap", "lower", "upper", "least_total", "most_total", "reference")
    scaled = {name: getattr(posed, name) * rate for name in money}
    other = solve_schedule(
        replace(posed, **scaled, gains=posed.mean_gain.rescaled(rate, 1.0), lot=posed.lot * rate)
    )
    assert other.certificate.value == pytest.approx(rate * found.certificate.value, rel=1e-9)


def test_no_step_at_all_keeps_every_run_even():
    found = solve_schedule(replace(limited(), smooth=0.0))
    for cell in range(3):
        cuts = np.flatnonzero(~limited().is_linked[:, cell]) + 1
        for run in np.split(found.spend[:, cell], cuts):
            assert np.ptp(run) <= 0.011
    assert found.certificate.gap <= EVENED_GAP


@pytest.mark.parametrize("share", [0.0, 1.0], ids=["least", "most"])
def test_a_budget_that_leaves_no_choice_is_spent_anyway(share):
    posed = limited()
    least, most = posed.totals_range
    budget = round(float((least + share * (most - least)).sum()), 2)
    found = solve_schedule(replace(posed, least_total=budget, most_total=budget))
    assert round(float(found.spend.sum()), 2) == budget
    lost = found.rounding_loss / found.certificate.value  # steps at their limits, in whole cents
    assert found.certificate.gap <= CONCAVE_GAP + 1.01 * lost
    assert lost < 1e-6


def test_locked_channels_and_channels_without_open_periods_are_left_alone():
    posed = limited()
    lower, upper, cap, floor = (
        part.copy() for part in (posed.lower, posed.upper, posed.cap, posed.floor)
    )
    lower[1] = upper[1] = 7000.0
    lower[2] = cap[:, 2] = floor[:, 2] = 0.0
    posed = replace(posed, lower=lower, upper=upper, cap=cap, floor=floor, least_total=12_000.0)
    found = solve_schedule(replace(posed, most_total=20_000.0))
    assert round(float(found.spend[:, 1].sum()), 2) == 7000.0
    assert not found.spend[:, 2].any()
    assert found.certificate.gap <= CONCAVE_GAP


def test_s_shaped_schedules_pulse_and_say_how_far_they_may_be_from_the_best():
    posed = problem(steep=1.0, n=2, retention=np.zeros(2), carried=np.zeros(2), periods=24)
    scarce = replace(posed, lower=np.zeros(2), least_total=6000.0, most_total=6000.0)
    found = solve_schedule(scarce)
    even = np.full((24, 2), 6000.0 / 48.0)
    assert not found.is_concave
    assert found.certificate.value > 1.5 * scarce.objective(even)
    assert (found.spend < 1.0).any()  # some periods stay dark
    assert found.certificate.gap <= 0.02  # without carryover pulses nearly reach the envelope


def drawn(posed: ScheduleProblem, *, draws: int = 60, steepest: float = 1.0) -> ScheduleProblem:
    """The same problem with draws around its curves."""
    rng = np.random.default_rng(5)
    curve = posed.mean_gain

    def around(centre: float, most: float = np.inf) -> list[float]:
        return np.minimum(centre * np.exp(0.4 * rng.normal(size=draws)), most).tolist()

    channels = [
        {
            "channel": name,
            "history_spend_per_period": float(posed.reference[0, i]),
            "curve": {
                "family": "hill",
                "ceiling": around(curve.ceiling[i]),  # type: ignore[attr-defined]
                "half_saturation": around(curve.half_saturation[i]),  # type: ignore[attr-defined]
                "slope": around(curve.slope[i], steepest),  # type: ignore[attr-defined]
            },
        }
        for i, name in enumerate(posed.cells)
    ]
    model = Model.from_dict({"channels": channels})
    return replace(posed, gains=model.tabulated(posed.level_range[1].max(axis=0)))


@pytest.mark.parametrize("caution", [0.5, 1.0])
def test_caution_is_proved_and_buys_certainty(caution):
    bold = drawn(problem())
    posed = replace(bold, caution=caution)
    found, neutral = solve_schedule(posed), solve_schedule(bold)
    assert_keeps_every_limit(posed, found)
    assert found.certificate.gap <= CAUTIOUS_GAP
    assert neutral.certificate.gap <= CAUTIOUS_GAP
    assert posed.objective(found.spend) > posed.objective(neutral.spend)
    spread = [np.std(posed.gain_draws(s.spend) - posed.reference_gain) for s in (found, neutral)]
    assert spread[0] < spread[1]


def test_caution_with_s_shaped_draws_still_bounds():
    posed = replace(drawn(problem(n=2, periods=6, steep=1.0), steepest=9.0), caution=0.5)
    found = solve_schedule(posed)
    assert_keeps_every_limit(posed, found)
    assert posed.objective(posed.reference) <= found.certificate.upper_bound
    assert 0.0 <= found.certificate.gap < 0.2


def test_impossible_limits_are_named():
    with pytest.raises(InfeasibleError, match=r"minima and floors.*at least .*\(channel"):
        solve_schedule(replace(limited(), least_total=100.0, most_total=100.0))
    with pytest.raises(InfeasibleError, match=r"maxima and caps.*at most"):
        solve_schedule(replace(limited(), least_total=1e9, most_total=1e9))
    posed = limited()
    dark = posed.cap.copy()
    dark[:, 0] = 0.0
    with pytest.raises(InfeasibleError, match=r"channel 0's cap.*0 open periods.*at least"):
        solve_schedule(replace(posed, cap=dark, floor=np.zeros_like(dark)))
    low = posed.upper.copy()
    low[1] = 1.0
    with pytest.raises(InfeasibleError, match=r"channel 1's floor.*at most 1\.00"):
        solve_schedule(replace(posed, upper=low))


def test_stocks_follow_their_recursion():
    rng = np.random.default_rng(1)
    spend, retention, carried = rng.uniform(0, 9, (5, 2)), np.array([0.3, 0.9]), np.array([4.0, 2])
    found = stocks(spend, retention, carried, 9)
    assert np.allclose(found[0], spend[0] + retention * carried)
    assert np.allclose(found[1:5], spend[1:] + retention * found[:4])
    assert np.allclose(found[5:], retention * found[4:8])
