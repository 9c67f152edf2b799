"""The steps of the interior point over Hill curves and straight lines, compiled.

What :mod:`optimizer.allocation.separable` does with arrays, one loop does here; the letters are
the same. Cells come first, then the slacks; linear rows first, then the rows on gains.

Without numba the same loops run as plain Python: correct, slow, and chosen by nobody.
"""

# ruff: noqa: PLR0913, PLR0917, PLR0915, C901, PLR0912 - a compiled loop takes plain arrays

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from optimizer.allocation.problem import FloatArray
from optimizer.allocation.row_products import SHIFTS
from optimizer.curves.kernels import compiled, summing

Places = npt.NDArray[np.intp]
MAX_STEPS = 80
PATIENCE = 12  # steps without halving what is left before giving up
GOOD_ENOUGH = 50.0  # times both goals: still an answer when progress has ended
STAY_INSIDE = 0.995  # of the way to the nearest bound
LEAST_BARRIER = 1e-12  # of the objective's size, over all cells: what bends a straight cell
SMALLEST_SIZE = 1e-4  # of the first split's: where the best is to spend nothing
SMALL_CHANGE = 1e-3  # of spend: less earned than this is not worth its digits
LEAST_TARGET = 1e-2  # of what each cell may leave at the goal: the smallest barrier aimed at
TINY = 1e-300  # stands for zero where it is divided by
NEAREST = 1e-12  # of the half-saturation: curvature is read no nearer to zero


@compiled
def _look(
    columns: FloatArray, spend: FloatArray, gain: FloatArray, slope: FloatArray, bend: FloatArray
) -> None:
    """Gains, marginals and second derivatives of n cells; lines have no half-saturation."""
    ceiling, half_saturation, steepness = columns[0], columns[1], columns[2]
    for i in range(spend.size):
        k, s, x = half_saturation[i], steepness[i], spend[i]
        if k == 0.0:
            gain[i], slope[i], bend[i] = ceiling[i] * x, ceiling[i], 0.0
            continue
        at = max(x, NEAREST * k)
        y = s * math.log(at / k)
        small = math.exp(-abs(y))
        below = 1.0 / (1.0 + small)
        steep = ceiling[i] * s * (small * below * below) / at
        tilt = (1.0 - small) * below if y >= 0.0 else (small - 1.0) * below
        gain[i] = ceiling[i] * (below if y >= 0.0 else small * below)
        slope[i], bend[i] = steep, -steep * (s * tilt + 1.0) / at


@compiled
def _factor(matrix: FloatArray, unit: FloatArray, lower: FloatArray) -> None:
    """Cholesky's factor of a matrix brought to a unit diagonal; it may be singular."""
    count = unit.size
    for i in range(count):
        unit[i] = 1.0 / math.sqrt(matrix[i, i]) if matrix[i, i] > 0.0 else 1.0
    for shift in SHIFTS:
        failed = False
        for j in range(count):
            for i in range(j, count):
                left = matrix[i, j] * unit[i] * unit[j] if i > j else 1.0 + shift
                for k in range(j):
                    left -= lower[i, k] * lower[j, k]
                if i == j:
                    failed = not left > 0.0
                    if failed:
                        break
                    lower[j, j] = math.sqrt(left)
                else:
                    lower[i, j] = left / lower[j, j]
            if failed:
                break
        if not failed:
            break


@compiled
def _solve(lower: FloatArray, unit: FloatArray, right: FloatArray, found: FloatArray) -> None:
    """The x of matrix x = right, from its factor."""
    count = unit.size
    for i in range(count):
        left = right[i] * unit[i]
        for k in range(i):
            left -= lower[i, k] * found[k]
        found[i] = left / lower[i, i]
    for i in range(count - 1, -1, -1):
        left = found[i]
        for k in range(i + 1, count):
            left -= lower[k, i] * found[k]
        found[i] = left / lower[i, i]
    for i in range(count):
        found[i] *= unit[i]


@compiled
def _share_inside(relative: FloatArray, share: float) -> float:
    """How much of a step may be taken if quantities above zero, changed by shares, stay so."""
    least = 0.0
    for side in range(2):
        for i in range(relative.shape[1]):
            least = min(least, relative[side, i])
    return min(1.0, share / max(-least, TINY))


@compiled
def climb(
    columns: FloatArray,
    worth: FloatArray,
    cost: FloatArray,
    base: FloatArray,
    rows: FloatArray,
    gain_worth: FloatArray,
    gain_cost: FloatArray,
    target: FloatArray,
    slacks: Places,
    held_moved: FloatArray,
    limits: tuple[float, float, float],
    gaps: FloatArray,
    duals: FloatArray,
    prices: FloatArray,
) -> tuple[FloatArray, FloatArray, int]:
    """Steps until the tangents prove the goal, or nothing gets better any more.

    Returns
    -------
    tuple
        Spend above the lower bounds (n,), prices (m + k,), and the step they are from, or -1.
    """
    first_size, goal, feasible = limits
    n, total_cells, count = base.size, gaps.shape[1], prices.size
    m, k = rows.shape[0], gain_cost.shape[0]
    matrix = np.empty((count, n))
    matrix[:m] = rows
    spend, gain, slope, bend = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    total, missing, again = np.empty(count), np.empty(count), np.empty(count)
    gram, lower, unit = np.zeros((count, count)), np.zeros((count, count)), np.empty(count)
    steer, weights, move = np.empty(total_cells), np.empty(total_cells), np.empty(total_cells)
    priced, relative = np.empty(total_cells), np.empty((2, total_cells))
    pull, step_prices = np.empty((2, total_cells)), np.empty(count)
    best_above, best_prices = np.empty(n), np.empty(count)
    best, last, found = np.inf, 0, -1
    for step in range(MAX_STEPS):
        for i in range(n):
            spend[i] = base[i] + gaps[0, i]
        _look(columns, spend, gain, slope, bend)
        size, spent = 0.0, 0.0
        for i in range(n):
            size += worth[i] * gain[i]
            spent += abs(cost[i] * spend[i])
        size = max(size, SMALL_CHANGE * spent) if size > 0.0 else spent
        size = max(size, SMALLEST_SIZE * first_size)
        size = size if size > 0.0 else 1.0
        for g in range(k):
            for i in range(n):
                matrix[m + g, i] = gain_cost[g, i] - gain_worth[g, i] * slope[i]
        miss, over = 0.0, 0.0
        for r in range(count):
            add, moved = 0.0, held_moved[r]
            if r < m:
                for i in range(n):
                    part = matrix[r, i] * spend[i]
                    add += part
                    moved += abs(part)
            else:
                for i in range(n):
                    charged = gain_cost[r - m, i] * spend[i]
                    earned = gain_worth[r - m, i] * gain[i]
                    add += charged - earned
                    moved += abs(charged) + abs(earned)
            missing[r] = add - target[r]
            total[r] = moved
        for j in range(slacks.size):
            missing[slacks[j]] -= gaps[0, n + j]
        for r in range(count):
            share = abs(missing[r]) / (total[r] if total[r] > 0.0 else 1.0)
            miss = max(miss, share)
            over += abs(prices[r] * missing[r])
        for i in range(n):
            priced[i] = 0.0
        for r in range(count):
            for i in range(n):
                priced[i] += prices[r] * matrix[r, i]
        for j in range(slacks.size):
            priced[n + j] = -prices[slacks[j]]
        for i in range(total_cells):
            steer[i] = -priced[i]
            if i < n:
                steer[i] += worth[i] * slope[i] - cost[i]
            over += max(steer[i] * gaps[1, i], -steer[i] * gaps[0, i])
        merit = max(over / size / goal, miss / feasible)
        if merit < 0.5 * best:
            best, last, found = merit, step, step
            best_above[:] = gaps[0, :n]
            best_prices[:] = prices
        patience = PATIENCE if best > GOOD_ENOUGH else 2
        if best <= 1.0 or step - last >= patience or not math.isfinite(merit):
            break

        least = LEAST_BARRIER * size / (2 * total_cells)
        now = 0.0
        for i in range(total_cells):
            curvature = 0.0
            for side in range(2):
                pair = gaps[side, i] * duals[side, i]
                now += pair
                curvature += max(pair, least) / (gaps[side, i] * gaps[side, i])
            if i < n:
                value = worth[i]
                for g in range(k):
                    value += prices[m + g] * gain_worth[g, i]
                curvature += max(-value * bend[i], 0.0)
            weights[i] = 1.0 / curvature
        _gram(matrix, weights, gram)
        for j in range(slacks.size):
            gram[slacks[j], slacks[j]] += weights[n + j]
        _factor(gram, unit, lower)

        then, barrier = 0.0, 0.0
        for turn in range(2):
            if turn == 1:
                along = _share_inside(relative, 1.0)
                down = 0.0
                for i in range(total_cells):
                    for side in range(2):
                        down = max(down, 1.0 + relative[side, i])
                down = min(1.0, 1.0 / max(down, TINY))
                for i in range(total_cells):
                    for side in range(2):
                        pair = gaps[side, i] * duals[side, i]
                        kept = 1.0 - down * (1.0 + relative[side, i])
                        then += pair * (1.0 + along * relative[side, i]) * kept
                now /= 2 * total_cells
                then /= 2 * total_cells
                aim = LEAST_TARGET * goal * size / (2 * total_cells)
                barrier = max(min(then / now, 1.0) ** 3 * now, aim)
                for i in range(total_cells):
                    for side in range(2):
                        ahead = relative[side, i]
                        pull[side, i] = barrier / gaps[side, i] + duals[side, i] * ahead * (
                            1.0 + ahead
                        )
                    steer[i] += pull[0, i] - pull[1, i]
            for i in range(total_cells):
                move[i] = weights[i] * steer[i]
            _rest(matrix, move, slacks, missing, total)
            _solve(lower, unit, total, step_prices)
            _charged(matrix, step_prices, slacks, priced)
            for i in range(total_cells):
                move[i] = weights[i] * (steer[i] - priced[i])
            if turn == 1:
                _rest(matrix, move, slacks, missing, total)
                _solve(lower, unit, total, again)
                _charged(matrix, again, slacks, priced)
                for i in range(total_cells):
                    move[i] -= weights[i] * priced[i]
                for r in range(count):
                    step_prices[r] += again[r]
            for i in range(total_cells):
                relative[0, i] = move[i] / gaps[0, i]
                relative[1, i] = -move[i] / gaps[1, i]
        along = _share_inside(relative, STAY_INSIDE)
        for i in range(total_cells):
            for side in range(2):
                pull[side, i] -= duals[side, i] * (1.0 + relative[side, i])
        down = 0.0
        for i in range(total_cells):
            for side in range(2):
                down = min(down, pull[side, i] / duals[side, i])
        down = min(1.0, STAY_INSIDE / max(-down, TINY))
        for i in range(total_cells):
            for side in range(2):
                gaps[side, i] *= 1.0 + along * relative[side, i]
                duals[side, i] += down * pull[side, i]
        for r in range(count):
            prices[r] += down * step_prices[r]
    if best > GOOD_ENOUGH:
        found = -1
    return best_above, best_prices, found


@summing
def _gram(matrix: FloatArray, weights: FloatArray, gram: FloatArray) -> None:
    """The lower half of A diag(w) A' of all rows."""
    n = matrix.shape[1]
    weighted = np.empty(n)
    for r in range(gram.shape[0]):
        for i in range(n):
            weighted[i] = matrix[r, i] * weights[i]
        for q in range(r + 1):
            add = 0.0
            for i in range(n):
                add += weighted[i] * matrix[q, i]
            gram[r, q] = add


@summing
def _rest(
    matrix: FloatArray,
    cells: FloatArray,
    slacks: Places,
    missing: FloatArray,
    total: FloatArray,
) -> None:
    """What cells add up in every row, slacks taken off, beside what is missing."""
    n = matrix.shape[1]
    for r in range(total.size):
        add = missing[r]
        for i in range(n):
            add += matrix[r, i] * cells[i]
        total[r] = add
    for j in range(slacks.size):
        total[slacks[j]] -= cells[n + j]


@compiled
def _charged(matrix: FloatArray, prices: FloatArray, slacks: Places, charged: FloatArray) -> None:
    """What prices on rows charge cells and slacks."""
    n = matrix.shape[1]
    for i in range(n):
        charged[i] = 0.0
    for r in range(prices.size):
        for i in range(n):
            charged[i] += prices[r] * matrix[r, i]
    for j in range(slacks.size):
        charged[n + j] = -prices[slacks[j]]
