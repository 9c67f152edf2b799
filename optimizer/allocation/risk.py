r"""Caution: maximise :math:`E[D(x)] - k \, sd[D(x)]` over joint draws, with a proved bound.

The spread couples the cells, so a price search alone does not apply. Two facts close the gap.
*Ascent*: the objective's gradient and Hessian come from the draws directly, so Newton's method
with bounds finds a local best to machine precision. *Bound*: for every direction q with
|q| <= 1 and sum 0 the objective is at most the mean under the weights
:math:`w_s = (1 - k \sqrt N q_s) / N`, which is separable; branch and bound solves that and its
tree is the proof. At the optimum of a concave problem the q of the split itself closes the gap.
Where S-curves leave one, q is mixed over the splits found (a bundle) and the search goes on.

The spread is smoothed to sqrt(variance + eps^2): it has a kink at the reference split, the
smoothed q stays inside the ball, and the bound stays valid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from optimizer.allocation.branch import BranchResult, branch_and_bound
from optimizer.allocation.certificate import Proof, draw_weights
from optimizer.allocation.problem import AllocationProblem, FloatArray
from optimizer.allocation.quadratic import ascent_step
from optimizer.curves import TabulatedDraws

CAUTIOUS_GAP = 1e-6  # of the gain: the bundle stops here; 1e-5 is promised
SMOOTHING = (1e-3, 1e-5, 1e-8)  # of the gain: eps, step by step
ASCENT_STEPS = 40
BUNDLE_STEPS = 12


@dataclass(frozen=True, slots=True)
class CautiousResult:
    """The best split found and what proves it."""

    spend: FloatArray
    proof: Proof
    price: float


@dataclass(frozen=True, slots=True)
class _State:
    """The smoothed objective at a split, with its derivatives."""

    value: float
    gradient: FloatArray  # (n,)
    curvature: FloatArray  # (n,), own curvature of each cell under the weights
    spread_rows: FloatArray  # (n, N): k x Hessian of the spread is rows rows'
    direction: FloatArray  # q, (N,)


class _CautiousSearch:
    def __init__(self, problem: AllocationProblem, draws: TabulatedDraws) -> None:
        self.problem, self.source = problem, draws.source
        self.tables = draws
        self.before = problem.gain_draws(problem.reference)
        self.scale = max(abs(float(self.before.mean())), 1e-300)

    def gain(self, spend: FloatArray) -> FloatArray:
        """D_s + 0 (N,): gain over the reference under each draw."""
        return np.asarray(self.source.value(spend).sum(axis=1)) - self.before

    def smoothed(self, gain: FloatArray, eps: float) -> float:
        return float(gain.mean() - self.problem.caution * np.sqrt(gain.var() + eps**2))

    def direction(self, gain: FloatArray, eps: float) -> FloatArray:
        centred = gain - gain.mean()
        return centred / np.sqrt(gain.size * (gain.var() + eps**2))

    def state(self, spend: FloatArray, eps: float) -> _State:
        """Value, gradient and Hessian pieces of the smoothed objective."""
        gain = self.gain(spend)
        q = self.direction(gain, eps)
        weights = draw_weights(q, self.problem.caution)
        marginal = self.source.marginal(spend)
        centred = marginal - marginal.mean(axis=0)
        spread = np.sqrt(gain.var() + eps**2)
        inside = centred - q[:, None] * (q @ centred)
        rows = inside.T * np.sqrt(self.problem.caution / (spread * gain.size))
        curvature = weights @ self.source.second_derivative(spend)
        return _State(self.smoothed(gain, eps), weights @ marginal, curvature, rows, q)

    def climb(self, spend: FloatArray) -> FloatArray:
        """A local best of the smoothed objective, smoothing taken away step by step."""
        for share in SMOOTHING:
            spend = self._climb(spend, share * self.scale)
        return spend

    def _climb(self, spend: FloatArray, eps: float) -> FloatArray:
        problem = self.problem
        for _ in range(ASCENT_STEPS):
            state = self.state(spend, eps)
            step = ascent_step(
                spend,
                state.gradient,
                state.curvature,
                state.spread_rows,
                problem.lower,
                problem.upper,
            )
            promised = float(state.gradient @ step)
            if promised <= 1e-13 * self.scale:
                return spend
            spend, moved = self._line_search(spend, step, state.value, promised, eps)
            if not moved:
                return spend
        return spend

    def _line_search(
        self, spend: FloatArray, step: FloatArray, value: float, promised: float, eps: float
    ) -> tuple[FloatArray, bool]:
        size = 1.0
        while size > 1e-9:
            moved = np.clip(spend + size * step, self.problem.lower, self.problem.upper)
            if self.smoothed(self.gain(moved), eps) >= value + 1e-4 * size * promised:
                return moved, True
            size *= 0.5
        return spend, False

    def bound(self, direction: FloatArray, incumbent: FloatArray, start: float | None) -> BranchResult:
        """Branch and bound under the weights of a direction; proves and proposes at once."""
        weights = draw_weights(direction, self.problem.caution)
        return branch_and_bound(
            self.tables.weighted(weights),
            self.problem.total_budget,
            self.problem.lower,
            self.problem.upper,
            incumbent=incumbent,
            node_limit=self.problem.node_limit,
            start=start,
        )

    def level(self, result: BranchResult, direction: FloatArray) -> float:
        """The proved bound as a level of E[D] - k sd[D]."""
        return result.bound - float(draw_weights(direction, self.problem.caution) @ self.before)


def cautious_split(
    problem: AllocationProblem, draws: TabulatedDraws, starts: tuple[FloatArray, ...]
) -> CautiousResult:
    """Maximise E[D] - k sd[D] with a proof.

    Parameters
    ----------
    problem : AllocationProblem
    draws : TabulatedDraws
        The gains' draws.
    starts : tuple of ndarray of shape (n,), currency
        Feasible splits to climb from; the answer is at least as good as each.
    """
    search = _CautiousSearch(problem, draws)
    splits = [search.climb(start) for start in starts]
    best = max([*starts, *splits], key=lambda x: search.smoothed(search.gain(x), 0.0))
    eps = SMOOTHING[-1] * search.scale
    direction = search.direction(search.gain(best), eps)
    columns = [search.gain(best)]
    proof, proved, price = None, np.inf, None
    for _ in range(BUNDLE_STEPS):
        result = search.bound(direction, best, price)
        price = result.price
        if search.level(result, direction) < proved:
            proved = search.level(result, direction)
            proof = Proof(result.tree, direction)
        climbed = search.climb(result.spend)
        best = max(best, climbed, key=lambda x: search.smoothed(search.gain(x), 0.0))
        value = search.smoothed(search.gain(best), 0.0)
        if proved - value <= CAUTIOUS_GAP * search.scale:
            break
        columns += [search.gain(best), search.gain(result.spend)]
        direction = _mixed_direction(search, np.array(columns), eps)
    assert proof is not None
    return CautiousResult(best, proof, proof.tree[0].price)


def _mixed_direction(search: _CautiousSearch, columns: FloatArray, eps: float) -> FloatArray:
    """The q of the best mixture of the splits found: the bundle's next direction."""
    count, scale = len(columns), search.scale

    def loss(shares: FloatArray) -> tuple[float, FloatArray]:
        gain = shares @ columns
        weights = draw_weights(search.direction(gain, eps), search.problem.caution)
        return -search.smoothed(gain, eps) / scale, -(columns @ weights) / scale

    found = minimize(
        loss,
        np.full(count, 1.0 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * count,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1.0, "jac": lambda x: np.ones(count)},
        options={"ftol": 1e-14, "maxiter": 200},
    )
    return search.direction(found.x @ columns, eps)
