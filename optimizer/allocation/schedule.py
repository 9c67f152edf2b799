r"""The best schedule of a budget over cells and periods with carryover, with a proof.

Concave curves: one banded interior point, whose prices close the proof. S-shaped curves pulse:
their concave envelopes give the prices of the proof, and climbs from several starts (the relaxed
schedule, an even one, each cell's best pulse) give the schedule; the gap says how far apart the
two are. With caution the draws are re-weighted as in `risk`: schedule and weights in turn, the
weights from the best mixture of the schedules found so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optimizer.allocation.certificate import draw_weights
from optimizer.allocation.chain import Chain
from optimizer.allocation.envelope import Envelope, true_slopes
from optimizer.allocation.interior import PRECISE, BandedInterior, Interior, Limits, Slopes
from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, in_money
from optimizer.allocation.rounding import rounded
from optimizer.allocation.schedule_proof import (
    ScheduleCertificate,
    ScheduleProof,
    certify_schedule,
    schedule_bound,
    spend_worth,
    weighted_gain,
)
from optimizer.allocation.stocks import BoolArray, FloatArray, ScheduleProblem

CAUTIOUS_ROUNDS = 10
CAUTIOUS_GAP = 1e-6  # of the gain: the rounds stop here; 1e-5 is promised
WORTH_ANOTHER = 0.9  # of the gap: S-shaped rounds that leave more are the last
CLIMBS = 12
EXPLORING = 1e-6  # tolerance of a climb's steps
CLIMBED = 1e-6  # of the value: a climb that gains less has ended
STRIDES = (1.0, 0.5, 0.2, 0.05)  # of a climb's step, the best is taken
PULSES = (2, 3, 4, 6, 8, 13)  # periods between two bursts
NEAR_NOTHING = 1e-9  # of a lot: where slopes at no stock, which may be infinite, are taken
TIGHTEST_STEP = 1e-6  # smoothness below it is kept by evening out the runs


@dataclass(frozen=True)
class ScheduleFound:
    """A schedule in whole lots with its proof and certificate."""

    spend: FloatArray  # (T, n), currency per period
    certificate: ScheduleCertificate
    proof: ScheduleProof
    is_concave: bool
    rounding_loss: float  # of the objective, currency


@dataclass(frozen=True)
class _Candidate:
    problem: ScheduleProblem
    spend: FloatArray  # (T, n), currency, before rounding
    proof: ScheduleProof
    is_concave: bool

    @cached_property
    def bound(self) -> float:
        """What its proof shows no schedule exceeds."""
        return schedule_bound(self.problem, self.proof)


def solve_schedule(problem: ScheduleProblem) -> ScheduleFound:
    """The best schedule and its proof.

    Raises
    ------
    InfeasibleError
        If no schedule keeps to every limit, or none does in whole lots.
    """
    problem.check_feasible()
    solved = replace(problem, smooth=_solvable_step(problem))
    found = _cautious(solved) if problem.is_cautious else _Search(solved, None).best()
    spend = in_whole_lots(problem, _evened(problem, found.spend))
    certificate = certify_schedule(solved, spend, found.proof)
    loss = max(problem.objective(found.spend) - certificate.value, 0.0)
    return ScheduleFound(spend, certificate, found.proof, found.is_concave, loss)


def _solvable_step(problem: ScheduleProblem) -> float | None:
    """Smoothness with an inside: a little more than none at all."""
    return None if problem.smooth is None else max(problem.smooth, TIGHTEST_STEP)


def _evened(problem: ScheduleProblem, spend: FloatArray) -> FloatArray:
    """Every run of linked periods at its mean, where hardly any step is allowed."""
    if problem.smooth is None or problem.smooth >= TIGHTEST_STEP:
        return spend
    out = spend.copy()
    for cell in range(len(problem.cells)):
        cuts = np.flatnonzero(~problem.is_linked[:, cell]) + 1
        runs = np.split(spend[:, cell], cuts)
        out[:, cell] = np.concatenate([np.full(run.size, run.mean()) for run in runs])
    return out


class _Search:
    """One schedule under one set of curves: the mean's, or re-weighted ones."""

    def __init__(self, problem: ScheduleProblem, direction: FloatArray | None) -> None:
        self.problem, self.direction = problem, direction
        self.curve, _ = weighted_gain(problem, direction)
        self.even, self.is_given, self.limits = inside_start(problem)
        self.chain = Chain.of(problem, self.even, self.is_given)
        self.envelope = Envelope.of(self.curve, problem.level_range[1].max(axis=0))

    @property
    def is_concave(self) -> bool:
        """Whether no curve bends upwards."""
        return not bool(self.envelope.is_s_shaped.any())

    def best(self, start: FloatArray | None = None) -> _Candidate:
        """The best schedule found and the lowest bound proved."""
        relaxed = self._candidate(*self._solved(self.envelope))
        if self.is_concave or self.chain.size == 0:
            return relaxed
        starts = [relaxed.spend]
        starts += [start] if start is not None else [self.even, self._pulsed(relaxed.spend)]
        climbed = max((self._climbed(each) for each in starts), key=self._value)
        final = self._candidate(*self._solved(self._model_at(self.problem.levels(climbed))))
        lowest = min(relaxed, final, key=lambda found: found.bound)
        best = max(climbed, relaxed.spend, final.spend, key=self._value)
        return replace(lowest, spend=best)

    def _value(self, spend: FloatArray) -> float:
        earned = float(self.curve.value(self.problem.levels(spend)).sum())
        return earned - self.problem.cost_per_spend * float(spend.sum())

    def _candidate(self, spend: FloatArray, proof: ScheduleProof) -> _Candidate:
        return _Candidate(self.problem, spend, proof, self.is_concave)

    def _solved(
        self, slopes: Slopes, tolerance: float = PRECISE
    ) -> tuple[FloatArray, ScheduleProof]:
        """The interior point's schedule for concave slopes, with the proof of its prices."""
        chain = self.chain
        spend, found = self.even, None
        if chain.size:
            start = chain.at(self.even)
            found = BandedInterior(chain, self.limits, slopes, start).solve(start, tolerance)
            inside = np.clip(found.spend, chain.at(self.problem.floor), chain.at(self.problem.cap))
            spend = chain.table(inside, self.even)
        level = 1.0 - self.problem.retention
        levels = np.maximum(self.problem.levels(spend), NEAR_NOTHING * self.problem.lot)
        stock_prices = level * slopes(levels)[0]
        return spend, self._proof(found, stock_prices)

    def _proof(self, found: Interior | None, stock_prices: FloatArray) -> ScheduleProof:
        n_cells, chain = len(self.problem.cells), self.chain
        steps = np.zeros((2, max(self.problem.n_periods - 1, 0), n_cells))
        totals = np.zeros(n_cells + 1)
        if found is not None:
            totals = found.totals
            if found.rise.size:
                at = chain.is_linked
                period, cell = chain.period[:-1][at], chain.cell[:-1][at]
                steps[:, period, cell] = found.rise[at], found.fall[at]
        budget = float(totals[-1])
        worth = spend_worth(self.problem, stock_prices) - self.problem.cost_per_spend - budget
        cells = np.where(self.is_given, self._price_of_given(worth), totals[:-1])
        return ScheduleProof(stock_prices, budget, cells, steps[0], steps[1], self.direction)

    def _price_of_given(self, worth: FloatArray) -> FloatArray:
        """Prices (n,) of totals at which cells held at their caps, or floors, stay there."""
        problem = self.problem
        least = np.where(problem.is_open, worth, np.inf).min(axis=0)
        most = np.where(problem.is_open, worth, -np.inf).max(axis=0)
        at_cap = self.even.sum(axis=0) > problem.floor.sum(axis=0)
        price = np.where(at_cap, least, most)
        return np.where(np.isfinite(price), price, 0.0)

    def _climbed(self, spend: FloatArray) -> FloatArray:
        """A local best near a schedule, by quadratic models that do not bend up."""
        value = self._value(spend)
        for _ in range(CLIMBS):
            aim, _ = self._solved(self._model_at(self.problem.levels(spend)), EXPLORING)
            tries = [spend + size * (aim - spend) for size in STRIDES]
            values = [self._value(each) for each in tries]
            best = int(np.argmax(values))
            gained = values[best] - value
            if gained > 0.0:
                spend, value = tries[best], values[best]
            if gained <= CLIMBED * abs(value):
                break
        return spend

    def _model_at(self, here: FloatArray) -> Slopes:
        """Slopes of S-shaped curves to first order, of concave ones as they are."""
        inside = np.maximum(here, 1e-9 * self.problem.level_range[1])
        first, second = true_slopes(self.curve, inside)
        bent = self.envelope.is_s_shaped

        def slopes(levels: FloatArray) -> tuple[FloatArray, FloatArray]:
            exact, curvature = true_slopes(self.curve, levels)
            near = first + second * (levels - inside)
            return np.where(bent, near, exact), np.where(bent, second, curvature)

        return slopes

    def _pulsed(self, relaxed: FloatArray) -> FloatArray:
        """Each cell's best rhythm for its own total: even, relaxed, or a burst every so often."""
        options = [relaxed, _spread_like(self.problem, relaxed, self.even)]
        if self.problem.smooth is None:
            options += [_spread_like(self.problem, relaxed, m) for m in _bursts(self.problem)]
        earned = np.stack(
            [
                np.where(
                    np.all(option <= self.problem.cap, axis=0),
                    self.curve.value(self.problem.levels(option)).sum(axis=0),
                    -np.inf,
                )
                for option in options
            ]
        )
        best = earned.argmax(axis=0)
        return np.asarray(np.stack(options)[best, :, np.arange(best.size)].T)


def _bursts(problem: ScheduleProblem) -> list[FloatArray]:
    """Rhythms (T, n): every so many open periods."""
    count = np.cumsum(problem.is_open, axis=0) - 1
    return [problem.is_open * (count % every == 0).astype(float) for every in PULSES]


def _spread_like(problem: ScheduleProblem, spend: FloatArray, rhythm: FloatArray) -> FloatArray:
    """The cells' totals of a schedule above their floors, spread over a rhythm (T, n)."""
    above = spend.sum(axis=0) - problem.floor.sum(axis=0)
    beats = rhythm.sum(axis=0)
    share = rhythm / np.where(beats > 0.0, beats, 1.0)
    return problem.floor + share * np.where(beats > 0.0, above, 0.0)


def inside_start(problem: ScheduleProblem) -> tuple[FloatArray, BoolArray, Limits]:
    """An even schedule (T, n) strictly inside all limits, which cells it decides, and the limits.

    Totals stand at one share of the way between their least and most. Where the budget or a cell
    leaves no way at all, its limits are made one number.
    """
    near = 0.5 * problem.lot
    least, most = _decided_range(problem, near)
    bottom, top = problem.budget_range
    way = float((most - least).sum())
    share = (0.5 * (bottom + top) - float(least.sum())) / way if way > 0.0 else 0.0
    totals = least + share * (most - least)
    n_open = problem.is_open.sum(axis=0)
    even = np.where(problem.is_open, totals / np.maximum(n_open, 1), 0.0)
    at_floor = totals <= problem.floor.sum(axis=0) + near
    at_cap = totals >= problem.cap.sum(axis=0) - near
    is_given = (most <= least) & (at_floor | at_cap)
    if top - bottom <= near or way <= 0.0:
        bottom = top = float(totals.sum())
    else:  # limits that the cells' own already imply stand back, so that no two say the same
        bottom -= way * (bottom <= float(least.sum()))
        top += way * (top >= float(most.sum()))
    given = float(totals[is_given].sum())
    least, most = np.where(is_given, 0.0, least), np.where(is_given, 0.0, most)
    return even, is_given, Limits(np.append(least, bottom - given), np.append(most, top - given))


def _decided_range(problem: ScheduleProblem, near: float) -> tuple[FloatArray, FloatArray]:
    """Least and most total (n,), made one number where hardly any room is left."""
    least, most = problem.totals_range
    bottom, top = problem.budget_range
    if least.sum() >= top - near:
        most = least
    elif most.sum() <= bottom + near:
        least = most
    return least, np.where(most - least <= near, least, most)


def _cautious(problem: ScheduleProblem) -> _Candidate:
    """Schedule and weights of the draws in turn, until value and bound meet."""
    direction = np.zeros(problem.reference_gain.size)
    spends: list[FloatArray] = []
    gains: list[FloatArray] = []
    best, gap = None, np.inf
    for _ in range(CAUTIOUS_ROUNDS):
        found = _Search(problem, direction).best(best.spend if best else None)
        best = found if best is None or found.bound < best.bound else best
        spends.append(found.spend)
        gains.append(_net_gain(problem, found.spend))
        shares = _best_mixture(np.array(gains), problem.caution)
        spends.append(np.tensordot(shares, np.array(spends), axes=1))
        gains.append(_net_gain(problem, spends[-1]))
        values = [_cautious_value(problem, gain) for gain in gains]
        value = max(values)
        best = replace(best, spend=spends[int(np.argmax(values))])
        scale = float(problem.reference_gain.mean() + gains[-1].mean())
        before, gap = gap, best.bound - value
        stalls = not found.is_concave and gap > WORTH_ANOTHER * before
        if gap <= CAUTIOUS_GAP * abs(scale) or stalls:
            break
        direction = _direction(shares @ np.array(gains[:-1]))
    assert best is not None, "at least one round"
    return best


def _net_gain(problem: ScheduleProblem, spend: FloatArray) -> FloatArray:
    """D_s (N,) of a schedule: gain over the reference, less the cost of spending."""
    cost = problem.cost_per_spend * float(spend.sum())
    return problem.gain_draws(spend) - problem.reference_gain - cost


def _cautious_value(problem: ScheduleProblem, gain: FloatArray) -> float:
    level = float(problem.reference_gain.mean())
    return level + float(gain.mean() - problem.caution * gain.std())


def _direction(gain: FloatArray) -> FloatArray:
    """The q (N,) under which these gains are weighted worst."""
    centred = gain - gain.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-300))


def _best_mixture(gains: FloatArray, caution: float) -> FloatArray:
    """Shares (m,) of the gains (m, N) found so far that mean less caution x sd likes best."""
    from scipy.optimize import Bounds, LinearConstraint, minimize

    scale = max(float(np.abs(gains).max()), 1e-300)
    scaled, count = gains / scale, len(gains)

    def loss(shares: FloatArray) -> float:
        gain = shares @ scaled
        return -float(gain.mean() - caution * np.sqrt(gain.var() + 1e-20))

    def slope(shares: FloatArray) -> FloatArray:
        return np.asarray(-(scaled @ draw_weights(_direction(shares @ scaled), caution)))

    if count == 1:
        return np.ones(1)
    found = minimize(
        loss,
        np.full(count, 1.0 / count),
        jac=slope,
        method="SLSQP",
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(np.ones(count), 1.0, 1.0),
        options={"ftol": 1e-14, "maxiter": 200},
    )
    shares = np.clip(found.x, 0.0, 1.0)
    return np.asarray(shares / shares.sum())


def in_whole_lots(problem: ScheduleProblem, spend: FloatArray) -> FloatArray:
    """A schedule (T, n) in whole lots whose sums are exact, within all limits.

    Cells' totals are rounded first; then each cell's running sums, so that no period moves by a
    lot and limits on whole lots hold. Smoothness holds to one lot.

    Raises
    ------
    InfeasibleError
        If the limits hold no whole number of lots.
    """
    lot, totals = problem.lot, spend.sum(axis=0)
    (least, most), (bottom, top) = problem.own_range, problem.budget_range
    wanted = np.clip(totals.sum(), bottom, top)
    lots = np.clip(np.round(wanted / lot), np.ceil(bottom / lot - CENTS_AGREE), top / lot)
    whole = AllocationProblem(
        cells=problem.cells,
        gains=problem.mean_gain,
        total_budget=float(in_money(np.round(lots), lot)),
        lower=least,
        upper=most,
        reference=totals,
        lot=lot,
    )
    missing = rounded(whole, totals) - totals
    low, high = problem.box
    room = np.where(missing > 0.0, high - spend, spend - low)
    share = room / np.maximum(room.sum(axis=0), 1e-300)
    running = np.cumsum((spend + missing * share) / lot, axis=0)
    ends = np.concatenate([np.zeros((1, spend.shape[1])), np.round(running)])
    return in_money(np.diff(ends, axis=0), lot)
