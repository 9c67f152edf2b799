r"""The certificate of a schedule: a proof that needs no solver to check.

For ANY prices :math:`\pi` on the stocks, :math:`\lambda` on the budget, :math:`y_c` on the cells'
totals and :math:`\rho, \phi \ge 0` on smoothness

.. math:: UB = \sum_{c,t} \max_a [v_c f_c((1 - r_c) a) - \pi_{ct} a] + \sum_{c,t} \pi_{ct} r_c^t
    a_{c0} + \sum_{c,t} \max_{x \in [l, u]} \kappa_{ct} x + \sum_c \max(y_c L_c, y_c U_c) +
    \max(\lambda B^-, \lambda B^+)

bounds every feasible schedule. A unit spent in period t is worth :math:`m_t = \pi_t + r m_{t+1}`,
what it adds to all later stocks at their prices; :math:`\kappa` is that worth less the cost of
spending and all prices on the spend's own rows. With caution k the curves are re-weighted means,
as in `certificate`. A proof by paths replaces the first three terms by each cell's best schedule at
its spend's prices (`paths`): S-shaped curves leave a smaller gap there. A wrong proof shows as a
wide gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.allocation.certificate import Certificate
from optimizer.allocation.measures import Caution
from optimizer.allocation.paths import best_paths
from optimizer.allocation.stocks import FloatArray, ScheduleProblem, accumulate
from optimizer.curves import Curve
from optimizer.errors import SolverError


@dataclass(frozen=True)
class ScheduleProof:
    """Prices that show that no schedule does better."""

    stock: FloatArray  # (P, n), worth of a unit of stock in its own period
    budget: float  # per currency of the total
    totals: FloatArray  # (n,), per currency of a cell's total
    rise: FloatArray  # (T - 1, n), of the rows (1 + s) x_t - x_(t+1) >= 0
    fall: FloatArray  # (T - 1, n), of the rows x_(t+1) - (1 - s) x_t >= 0
    direction: FloatArray | None = None  # (N,), q of the draws' weights, with caution
    n_intervals: int = 0  # of each cell's stock in `paths`; 0: the stocks' prices prove the bound


@dataclass(frozen=True)
class ScheduleCertificate(Certificate):
    """Value found, bound proved; levels of what was maximised, whole-plan currency."""

    claim: str = "no feasible schedule earns more than {} above this one"


def certify_schedule(
    problem: ScheduleProblem, spend: FloatArray, proof: ScheduleProof
) -> ScheduleCertificate:
    """Check a schedule (T, n), in currency, and a proof from any source against the curves."""
    gains, spent = problem.gain_draws(spend), float(spend.sum())
    value, gain = problem.objective_of(gains, spent), float(gains.mean())
    bound = schedule_bound(problem, proof)
    least, most = problem.budget_range
    residual = max(spent - most, 0.0) - max(least - spent, 0.0)
    gap = max(bound - value, 0.0) / gain if gain > 0.0 else 0.0
    return ScheduleCertificate(value, max(bound, value), gap, residual, 1)


def schedule_bound(problem: ScheduleProblem, proof: ScheduleProof) -> float:
    """What no feasible schedule exceeds, as a level of the objective.

    Raises
    ------
    SolverError
        If the prices bound nothing.
    """
    with np.errstate(all="ignore"):  # a price that is no number is caught below
        terms = _by_paths(problem, proof) if proof.n_intervals else _by_stocks(problem, proof)
        bound = float(terms.sum())
        bound += 4.0 * float(np.sqrt(terms.size) * np.finfo(float).eps * np.abs(terms).sum())
    if not np.isfinite(bound):
        raise SolverError("The proof bounds no schedule. Report the scenario and its model.")
    return bound


def _by_stocks(problem: ScheduleProblem, proof: ScheduleProof) -> FloatArray:
    """Terms of the bound by the stocks' prices."""
    curves, offset = weighted_gain(problem, proof.direction)
    low, high = problem.level_range
    earned = curves.best_response(proof.stock / (1.0 - problem.retention), low, high).upper
    carried = proof.stock * problem.stocks(np.zeros_like(problem.cap))
    worth = spend_worth(problem, proof.stock) - spend_prices(problem, proof)
    least, most = problem.box
    within = np.maximum(worth * least, worth * most)
    parts = (earned.ravel(), carried.ravel(), within.ravel())
    return np.concatenate([*parts, _row_terms(problem, proof), [offset]])


def _by_paths(problem: ScheduleProblem, proof: ScheduleProof) -> FloatArray:
    """Terms of the bound by each cell's best path; single curves only."""
    if problem.draws is not None:
        raise SolverError("Draws are not proved by paths. Report the scenario and its model.")
    best = best_paths(problem, spend_prices(problem, proof), proof.n_intervals)
    past = -float(problem.carried_gain.mean())
    return np.concatenate([best.worth, _row_terms(problem, proof), [past]])


def weighted_gain(problem: ScheduleProblem, direction: FloatArray | None) -> tuple[Curve, float]:
    """The curves whose best schedule bounds the objective, and a constant to add."""
    draws = problem.draws
    if draws is None or not problem.is_cautious or direction is None:
        return problem.mean_gain, -float(problem.carried_gain.mean())
    weights = Caution(problem.caution).weights(direction)
    reference = problem.reference_gain
    level = float(reference.mean() - weights @ reference)
    return draws.weighted(weights), level - float(weights @ problem.carried_gain)


def spend_worth(problem: ScheduleProblem, stock_prices: FloatArray) -> FloatArray:
    """What a unit of spend (T, n) adds to all later stocks, at their prices (P, n)."""
    worth = stock_prices[::-1].copy()
    accumulate(worth, problem.retention)
    return worth[::-1][: problem.n_periods]


def spend_prices(problem: ScheduleProblem, proof: ScheduleProof) -> FloatArray:
    """What a unit of spend (T, n) costs: itself, and the prices of all rows it stands in."""
    return problem.cost_per_spend + proof.budget + proof.totals - _smooth_terms(problem, proof)


def _row_terms(problem: ScheduleProblem, proof: ScheduleProof) -> FloatArray:
    """What the limits on totals and budget are worth at their prices."""
    (least, most), (bottom, top) = problem.totals_range, problem.budget_range
    totals = np.maximum(proof.totals * least, proof.totals * most)
    return np.append(totals, max(proof.budget * bottom, proof.budget * top))


def _smooth_terms(problem: ScheduleProblem, proof: ScheduleProof) -> FloatArray:
    """What the smoothness rows add to a unit of spend (T, n)."""
    added = np.zeros_like(problem.cap)
    if problem.smooth is None:
        return added
    rise = np.where(problem.is_linked, np.maximum(proof.rise, 0.0), 0.0)
    fall = np.where(problem.is_linked, np.maximum(proof.fall, 0.0), 0.0)
    added[:-1] += (1.0 + problem.smooth) * rise - (1.0 - problem.smooth) * fall
    added[1:] += fall - rise
    return added
