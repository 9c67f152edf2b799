r"""The best schedule of a budget over cells and periods with carryover, with a proof.

Without caution one search finds it. With caution the draws are re-weighted as in `risk`: schedule
and weights in turn, the weights from the best mixture of the schedules found so far. The answer is
in whole lots; where curves are S-shaped, its gap says how far from the best it may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.allocation.measures import Caution
from optimizer.allocation.problem import CENTS_AGREE, AllocationProblem, in_money
from optimizer.allocation.rounding import rounded
from optimizer.allocation.schedule_proof import (
    ScheduleCertificate,
    ScheduleProof,
    certify_schedule,
)
from optimizer.allocation.schedule_search import Candidate, Search
from optimizer.allocation.stocks import FloatArray, ScheduleProblem

CAUTIOUS_ROUNDS = 10
CAUTIOUS_GAP = 2e-6  # of the gain: the rounds stop here; 1e-5 is promised
WORTH_ANOTHER = 0.9  # of the gap: S-shaped rounds that leave more are the last
TIGHTEST_STEP = 1e-6  # smoothness below it is kept by evening out the runs


@dataclass(frozen=True)
class ScheduleFound:
    """A schedule in whole lots with its proof and certificate."""

    spend: FloatArray  # (T, n), currency per period
    certificate: ScheduleCertificate
    proof: ScheduleProof
    is_concave: bool
    rounding_loss: float  # of the objective, currency


def solve_schedule(problem: ScheduleProblem) -> ScheduleFound:
    """The best schedule and its proof.

    Raises
    ------
    InfeasibleError
        If no schedule keeps to every limit, or none does in whole lots.
    """
    problem.check_feasible()
    solved = replace(problem, smooth=_solvable_step(problem))
    found = _cautious(solved) if problem.is_cautious else Search(solved, None).best()
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


def _cautious(problem: ScheduleProblem) -> Candidate:
    """Schedule and weights of the draws in turn, until value and bound meet."""
    direction = np.zeros(problem.reference_gain.size)
    rounds = _Rounds(problem)
    lowest, gap = None, np.inf
    for _ in range(CAUTIOUS_ROUNDS):
        found = Search(problem, direction).best(rounds.best if lowest else None)
        lowest = found if lowest is None or found.bound < lowest.bound else lowest
        direction = rounds.mixed_with(found.spend)
        before, gap = gap, lowest.bound - rounds.value
        stalls = not found.is_concave and gap > WORTH_ANOTHER * before
        if gap <= CAUTIOUS_GAP * rounds.earned or stalls:
            break
    assert lowest is not None, "at least one round"
    return replace(lowest, spend=rounds.best)


class _Rounds:
    """The schedules found so far, their mixtures, and what they gain under every draw."""

    def __init__(self, problem: ScheduleProblem) -> None:
        self.problem = problem
        self.spends: list[FloatArray] = []
        self.gains: list[FloatArray] = []  # D_s (N,) each
        self.best, self.value, self.earned = problem.reference, -np.inf, 0.0

    def mixed_with(self, spend: FloatArray) -> FloatArray:
        """Add a schedule and the best mixture of all; the direction q (N,) of the mixed gains."""
        self._add(spend)
        gains = np.array(self.gains)
        shares = _best_mixture(gains, self.problem.caution)
        self._add(np.tensordot(shares, np.array(self.spends), axes=1))
        return _direction(shares @ gains)

    def _add(self, spend: FloatArray) -> None:
        earned, spent = self.problem.gain_draws(spend), float(spend.sum())
        cost = self.problem.cost_per_spend * spent
        self.spends.append(spend)
        self.gains.append(earned - self.problem.reference_gain - cost)
        value = self.problem.objective_of(earned, spent)
        if value > self.value:
            self.best, self.value, self.earned = spend, value, abs(float(earned.mean()))


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
        return np.asarray(-(scaled @ Caution(caution).weights(_direction(shares @ scaled))))

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
