"""The relaxation of a problem with rows: a linear program over answers of the cells.

Every cell is a mixture of spends from its own domain; the mixture that earns most within the
rows, and the rows' prices, come from a linear program (HiGHS). At those prices every cell says
which spend it would like best, which proves a bound and adds a column. The two values meet at
the best price bound there is (Dantzig and Wolfe 1960), whatever the shape of the curves.
"""

from __future__ import annotations

import highspy
import numpy as np

from optimizer.allocation.lagrangian import Lagrangian
from optimizer.allocation.mixture import Mixture
from optimizer.allocation.problem import Box, FloatArray

MAX_ROUNDS = 60
CLOSED = 1e-8  # of the gain: bound and mixture this close are one
PENALTY = 1e3  # times the largest gain: what breaking a whole row costs
INSISTING = 1e4  # times the penalty, where rows are broken at the first
SMOOTHED = 0.3  # how far the asked prices stay with the best ones so far
LEAST_SHARE = 1e-9  # of a cell: smaller parts of a mixture are rounding


class _Master:
    """The linear program, grown a sheet (one spend per cell) at a time."""

    def __init__(self, lagrangian: Lagrangian, box: Box, scale: float) -> None:
        self.lagrangian, self.box, self.scale = lagrangian, box, scale
        problem = lagrangian.problem
        self.n = box.upper.size
        rows = lagrangian.rows
        self.money = max(float(problem.upper.sum()), 1e-300)
        self.matrix = np.vstack([np.ones((1, self.n)), rows.dense])
        lower = np.concatenate([[box.least_total], rows.lower])
        upper = np.concatenate([[box.budget], rows.upper])
        size = np.maximum(np.abs(self.matrix) @ problem.upper, 1e-300)
        self.size = np.concatenate([size, self._target_size(), np.ones(len(problem.counts))])
        lower = np.concatenate([lower, lagrangian.target_least, lagrangian.least_active])
        open_ended = np.full(len(problem.targets), np.inf)
        upper = np.concatenate([upper, open_ended, lagrangian.most_active])
        if problem.most_moved is not None:
            self.size = np.concatenate([self.size, [self.money, self.money]])
            lower = np.concatenate([lower, [-np.inf, -np.inf]])
            upper = np.concatenate([upper, [problem.most_moved] * 2])
        self.lower, self.upper = lower / self.size, upper / self.size
        self.targets = slice(self.matrix.shape[0], self.matrix.shape[0] + len(problem.targets))
        self.sheets: list[FloatArray] = []
        self.is_strict = False
        self.value = -np.inf  # what the best mixture earns
        self.highs = self._empty()

    def _target_size(self) -> FloatArray:
        most = self.lagrangian.problem.upper
        gains = (self.lagrangian.earned or self.lagrangian.gains).value(most)
        earned = self.lagrangian.target_worth @ np.abs(gains)
        return np.asarray(np.maximum(earned + np.abs(self.lagrangian.target_cost) @ most, 1e-300))

    def _empty(self) -> highspy.Highs:
        """Rows without columns but for what breaking a row costs."""
        highs = highspy.Highs()  # type: ignore[no-untyped-call]
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        highs.setOptionValue("presolve", "off")
        highs.setOptionValue("simplex_strategy", 4)  # primal: columns are added, never rows
        highs.setOptionValue("primal_feasibility_tolerance", 1e-10)
        highs.setOptionValue("dual_feasibility_tolerance", 1e-10)
        m = self.lower.size
        lower = np.concatenate([self.lower, np.ones(self.n)])
        upper = np.concatenate([self.upper, np.ones(self.n)])
        none = np.zeros(0, dtype=np.int32)
        highs.addRows(m + self.n, lower, upper, 0, none, none, np.zeros(0))
        highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
        cost = np.full(2 * m, -PENALTY)
        starts = np.arange(2 * m, dtype=np.int32)
        index = np.repeat(np.arange(m, dtype=np.int32), 2)
        sign = np.tile([1.0, -1.0], m)
        inf = np.full(2 * m, np.inf)
        highs.addCols(2 * m, cost, np.zeros(2 * m), inf, 2 * m, starts, index, sign)
        return highs

    def begin(self) -> None:
        """Start the program from the last sheet: every cell there, every row as it falls."""
        basic, at_lower = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower
        m, last = self.lower.size, len(self.sheets) - 1
        basis = highspy.HighsBasis()
        basis.col_status = [at_lower] * (2 * m + last * self.n) + [basic] * self.n
        basis.row_status = [basic] * m + [at_lower] * self.n
        basis.valid = True
        self.highs.setBasis(basis)

    def insist(self) -> None:
        """Make breaking a row so dear that only what cannot be kept is broken."""
        self.is_strict = True
        count = 2 * self.lower.size
        places = np.arange(count, dtype=np.int32)
        self.highs.changeColsCost(count, places, np.full(count, -PENALTY * INSISTING))

    def add(self, spend: FloatArray) -> None:
        """One more spend of every cell."""
        lagrangian, problem = self.lagrangian, self.lagrangian.problem
        gain = lagrangian.gains.value(spend)
        worth = (gain if problem.counts_gain else 0.0) - problem.cost_per_spend * spend
        parts = [
            self.matrix * spend,
            lagrangian.reached(spend),
            lagrangian.members * (spend > 0.0),
        ]
        if problem.most_moved is not None:
            moved = spend - problem.reference
            parts.append(np.stack([np.maximum(moved, 0.0), np.maximum(-moved, 0.0)]))
        rows = np.vstack(parts) / self.size[:, None]
        m = rows.shape[0]
        values = np.vstack([rows, np.ones(self.n)]).T.ravel()
        index = np.empty((self.n, m + 1), dtype=np.int32)
        index[:, :m], index[:, m] = np.arange(m), m + np.arange(self.n)
        keep = values != 0.0
        per_cell = keep.reshape(self.n, m + 1).sum(axis=1)
        starts = np.concatenate([[0], np.cumsum(per_cell)[:-1]]).astype(np.int32)
        inf = np.full(self.n, np.inf)
        self.highs.addCols(
            self.n,
            worth / self.scale,
            np.zeros(self.n),
            inf,
            int(keep.sum()),
            starts,
            index.ravel()[keep],
            values[keep],
        )
        self.sheets.append(spend)

    def solve(self) -> tuple[FloatArray, FloatArray, float]:
        """Shares (sheets, n), flat prices, and how far rows are broken; keeps the value."""
        self.highs.run()
        found = self.highs.getSolution()
        m = self.lower.size
        columns = np.asarray(found.col_value)
        prices = np.asarray(found.row_dual)[:m] * self.scale / self.size
        prices[self.targets] *= -1.0  # what a target asks for is paid, not charged
        self.value = float(self.highs.getInfo().objective_function_value) * self.scale
        shares = columns[2 * m :].reshape(len(self.sheets), self.n)
        return np.maximum(shares, 0.0), prices, float(columns[: 2 * m].sum())


def relax(
    lagrangian: Lagrangian,
    box: Box,
    *,
    scale: float,
    start: Mixture | None = None,
    enough: float = -np.inf,
) -> Mixture:
    """The best price bound over a box, and the mixture that attains it.

    Parameters
    ----------
    lagrangian : Lagrangian
    box : Box
        Not empty.
    scale : float, currency
        The size of the objective.
    start : Mixture, optional
        Of a similar box.
    enough : float
        A bound this low needs no improvement.
    """
    master = _Master(lagrangian, box, scale)
    for sheet in _first_sheets(lagrangian, box, start):
        master.add(sheet)
    master.begin()
    best, best_bound = np.zeros(master.lower.size), np.inf
    for _ in range(MAX_ROUNDS):
        shares, prices, broken = master.solve()
        spend = (shares * np.array(master.sheets)).sum(axis=0)
        asked = [prices]
        if np.isfinite(best_bound):
            asked.append(SMOOTHED * best + (1.0 - SMOOTHED) * prices)
        for question in asked:
            charges = lagrangian.charges(question, box)
            answer = lagrangian.respond(box, charges)
            bound = lagrangian.total(answer, charges, box)
            if bound < best_bound:
                best, best_bound = question, bound
            master.add(answer.spend)
        slack = float((answer.upper - answer.value).sum()) if np.isfinite(bound) else 0.0
        done = best_bound - master.value <= CLOSED * scale + slack
        if best_bound <= enough or (done and (broken < LEAST_SHARE or master.is_strict)):
            break
        if done:
            master.insist()
        if not lagrangian.problem.has_coarse_lots:
            master.add(_inside(box, spend))
    sheets = np.array(master.sheets[: shares.shape[0]])
    shares = np.where(shares > LEAST_SHARE, shares, 0.0)
    shares = shares / np.maximum(shares.sum(axis=0), 1e-300)
    used = shares > 0.0
    low = np.where(used, sheets, np.inf).min(axis=0)
    high = np.where(used, sheets, -np.inf).max(axis=0)
    mixed = (low, (shares * sheets).sum(axis=0), high)
    return Mixture.at(lagrangian, box, best, mixed, broken)


def _first_sheets(lagrangian: Lagrangian, box: Box, start: Mixture | None) -> list[FloatArray]:
    """Ends of every domain, the reference, and what a similar box found."""
    home = _inside(box, lagrangian.problem.reference)
    sheets = [np.where(box.optional, 0.0, box.lower), box.upper, home]
    if box.optional.any():
        sheets.append(box.lower)
    if start is not None:
        sheets += [start.low, start.high, start.spend]
    if lagrangian.problem.has_coarse_lots:
        sheets = [lagrangian.on_lots(box, spend) for spend in sheets]
    sheets = [_inside(box, spend) for spend in sheets]
    if start is not None:
        charges = lagrangian.charges(start.prices, box)
        sheets.append(lagrangian.respond(box, charges).spend)
    return sheets


def _inside(box: Box, spend: FloatArray) -> FloatArray:
    """The nearest spend of every cell's domain."""
    inside = np.clip(spend, box.lower, box.upper)
    return np.where(box.optional & (spend < 0.5 * box.lower), 0.0, inside)
