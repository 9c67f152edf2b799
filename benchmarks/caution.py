"""How far the proof goes with caution, and on the hardest risk-neutral problems known.

Part of ``python -m benchmarks.allocator``. SLSQP gets exact gradients, scaled variables and one
thread; "below" counts the problems on which ours is worse by more than the gap it states.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.instances import draws_problem, problem_of, slsqp
from benchmarks.report import print_table
from optimizer.allocation import allocate
from optimizer.curves import HillCurve

SEED = 20260
NOISE = 1e-9  # of the value: differences below it are floating point


def cautious_row(caution: float, multiples: tuple[float, float], count: int) -> list[str]:
    """Joint draws of 3 to 12 cells: how far the proof goes, and whether SLSQP finds better."""
    rng = np.random.default_rng(SEED)
    gaps, nodes, seconds, below = [], [], [], 0
    for number in range(count):
        n = int(rng.integers(3, 13))
        problem = draws_problem(
            rng, n, caution, n_draws=400, multiples=multiples, collinear=number % 2 == 0
        )
        started = time.perf_counter()
        answer = allocate(problem)
        seconds.append(time.perf_counter() - started)
        proof = answer.certificate
        gaps.append(proof.gap)
        nodes.append(proof.nodes)
        rival = problem.objective(slsqp(problem, problem.box.nearest(problem.reference)))
        below += (rival - proof.value) / proof.value > proof.gap + NOISE
    low, high = multiples
    return [
        f"caution {caution:g}, bounds {low:g}-{high:g}x",
        str(count),
        f"{100 * np.mean(np.array(gaps) <= 1e-5):.1f} %",
        f"{np.median(gaps):.0e}",
        f"{max(gaps):.0e}",
        f"{np.median(nodes):.0f}",
        str(max(nodes)),
        f"{1e3 * np.median(seconds):.0f}",
        f"{1e3 * max(seconds):.0f}",
        str(below),
    ]


def twins_row(n: int) -> list[str]:
    """Identical S-shaped cells: the hardest case known for the proof."""
    twins = HillCurve(np.full(n, 900.0), np.full(n, 400.0), np.full(n, 3.0))
    problem = problem_of(twins, np.zeros(n), np.full(n, 1500.0), 0.2, np.full(n, 300.0))
    started = time.perf_counter()
    proof = allocate(problem).certificate
    return [str(n), f"{proof.gap:.0e}", str(proof.nodes), f"{time.perf_counter() - started:.1f}"]


def report(count: int, twins: tuple[int, ...]) -> list[list[str]]:
    """Print both tables; the rows of the first."""
    head = ["with caution", "problems", "gap <= 1e-5", "median gap", "worst"]
    head += ["nodes, median", "most", "ms, median", "most", "ours below SLSQP"]
    cases = [(c, m) for c in (0.5, 1.0) for m in ((0.5, 2.0), (0.0, 3.0))]
    rows = [cautious_row(c, m, count) for c, m in cases]
    print_table("400 joint draws of Hill curves, every other one with a collinear pair", head, rows)
    head = ["identical cells", "gap", "nodes", "s"]
    print_table("Hill curves of slope 3, all alike", head, [twins_row(n) for n in twins])
    return rows
