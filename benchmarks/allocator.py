"""Our split against SLSQP and a jump-greedy grid, on the same S-shaped problems.

Run ``python -m benchmarks.allocator [--problems 200]``. Every method gets exact gradients, scaled
variables and one thread; times are of one process. "below" counts the problems on which ours is
worse than the other by more than the gap it states.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.instances import (
    FloatArray,
    draws_problem,
    hill_problem,
    jump_greedy,
    problem_of,
    slsqp,
)
from benchmarks.report import keep, print_table
from optimizer.allocation import AllocationProblem, allocate
from optimizer.allocation.prices import price_search
from optimizer.curves import HillCurve

SEED = 20260
SHARES = (0.1, 0.25, 0.5)
GRID = 2000
CAUTIOUS_PROBLEMS = 30
SIZES = ((3, 10), (10, 30), (30, 101))
NOISE = 1e-9  # of the value: differences below it are floating point


@dataclass(frozen=True)
class Outcome:
    """One problem: what everyone reached, relative to our value, and how long it took."""

    n: int
    gap: float
    root_gap: float
    nodes: int
    off_by_cents: int
    seconds: float
    rivals: dict[str, tuple[float, float]]  # name -> (shortfall, seconds)


RIVALS: dict[str, Callable[[AllocationProblem], FloatArray]] = {
    "SLSQP from history": lambda p: slsqp(p, p.box.nearest(p.reference)),
    "SLSQP from equal": lambda p: slsqp(
        p, p.box.nearest(np.full(p.lower.size, p.total_budget / p.lower.size))
    ),
    "jump-greedy grid": lambda p: jump_greedy(p, GRID),
}


def solve(problem: AllocationProblem) -> Outcome:
    """Ours and the rivals' on one problem."""
    started = time.perf_counter()
    answer = allocate(problem)
    seconds = time.perf_counter() - started
    value = answer.certificate.value
    rivals = {}
    for name, method in RIVALS.items():
        started = time.perf_counter()
        reached = problem.objective(method(problem))
        rivals[name] = ((value - reached) / value, time.perf_counter() - started)
    root = price_search(problem.mean_gain, problem.box.tightened()).bound
    cents = sum(round(float(x) * 100) for x in answer.spend) - round(problem.total_budget * 100)
    gap, nodes = answer.certificate.gap, answer.certificate.nodes
    return Outcome(problem.lower.size, gap, (root - value) / value, nodes, cents, seconds, rivals)


def outcomes(count: int) -> Iterator[Outcome]:
    """Random problems of 3 to 100 cells, the same ones every time."""
    rng = np.random.default_rng(SEED)
    for number in range(count):
        n = int(np.exp(rng.uniform(np.log(3), np.log(101))))
        yield solve(hill_problem(rng, n, SHARES[number % 3]))


def proof_row(name: str, found: list[Outcome]) -> list[str]:
    gaps = np.array([o.gap for o in found])
    nodes = np.array([o.nodes for o in found])
    return [
        name,
        str(len(found)),
        f"{100 * np.mean([o.root_gap > 1e-5 for o in found]):.0f} %",
        f"{100 * np.mean(gaps <= 1e-6):.1f} %",
        f"{gaps.max():.1e}",
        f"{np.median(nodes):.0f}",
        f"{nodes.max()}",
        f"{1e3 * np.median([o.seconds for o in found]):.1f}",
        str(sum(o.off_by_cents != 0 for o in found)),
    ]


def rival_row(name: str, rival: str, found: list[Outcome]) -> list[str]:
    short = np.array([o.rivals[rival][0] for o in found])
    ratio = np.array([o.rivals[rival][1] / o.seconds for o in found])
    beaten = sum(-s > o.gap + NOISE for s, o in zip(short, found, strict=True))
    return [
        f"{rival}, {name}",
        f"{100 * short.mean():.3f} %",
        f"{100 * short.max():.2f} %",
        str(beaten),
        f"{np.median(ratio):.2f}",
    ]


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=200)
    found = list(outcomes(parser.parse_args().problems))
    groups = {f"n = {a}..{b - 1}": [o for o in found if a <= o.n < b] for a, b in SIZES}
    groups = {name: part for name, part in groups.items() if part} | {"all": found}
    head = ["ours", "problems", "root gap > 1e-5", "gap <= 1e-6", "worst gap"]
    head += ["nodes, median", "most", "ms, median", "off the cent"]
    print_table(
        f"S-shaped problems, seed {SEED}: Hill slopes 0.6-3, bounds 0-3x, budgets 10, 25, 50 %",
        head,
        [proof_row(name, part) for name, part in groups.items()],
    )
    head = ["other method", "loses, mean", "worst", "ours below", "its time / ours"]
    rows = [rival_row(name, r, part) for r in RIVALS for name, part in groups.items()]
    print_table("The same problems by other methods (proof included in our time)", head, rows)
    head = ["with caution", "problems", "gap <= 1e-5", "median gap", "worst"]
    head += ["nodes, median", "most", "ms, median", "most", "ours below SLSQP"]
    cases = [(c, m) for c in (0.5, 1.0) for m in ((0.5, 2.0), (0.0, 3.0))]
    rows = [cautious_row(c, m, CAUTIOUS_PROBLEMS) for c, m in cases]
    print_table("400 joint draws of Hill curves, every other one with a collinear pair", head, rows)
    head = ["identical cells", "gap", "nodes", "s"]
    print_table("Hill curves of slope 3, all alike", head, [twins_row(n) for n in (5, 10, 20)])
    keep("allocator", {"plain": [vars(o) for o in found], "cautious": rows})


if __name__ == "__main__":
    main()
