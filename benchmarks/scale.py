"""One budget over millions of cells: passes over memory, seconds, and the proof.

Run ``python -m benchmarks.scale [--cells-mm 10000000] [--cells-hill 1000000]``, one thread. Passes
are cells read over cells there are, the sample and the writing of the split included. The read
speed is that of summing one large array in the same process; "reads" says how many such reads of
the cells' parameters a pass takes. Compiling is timed apart: it happens once per process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from benchmarks.report import keep, print_table
from optimizer.allocation import AllocationProblem, Certificate, Leaf, Proof, certify
from optimizer.allocation.fast import one_price
from optimizer.allocation.rounding import rounded
from optimizer.curves import HillCurve, MichaelisMentenCurve, compiled_from
from optimizer.curves.fast import AVAILABLE

SEED = 20260
SHARE = 0.25  # of the room between the bounds
RUNS = 3
NEVER = 10**12
NO_MINIMA = "Hill, no minima"
NUMBER = 8  # bytes
SMALL_SIZES = (12, 30, 100, 1000)


@dataclass(frozen=True)
class Figures:
    """One problem, one way."""

    passes: float
    seconds: float  # of the price, its bound and the split
    pass_seconds: float
    rounding: float
    certifying: float
    certificate: Certificate
    off_by_cents: int


def problem(family: str, n: int) -> AllocationProblem:
    """Cells whose bounds are whole cents; a third have a minimum unless the family says none."""
    rng = np.random.default_rng(SEED)
    current = np.exp(rng.normal(6.0, 1.0, n))
    height = current * np.exp(rng.normal(1.0, 0.6, n))
    half = current * np.exp(rng.normal(0.3, 0.7, n))
    if family == "Michaelis-Menten":
        curves: HillCurve = MichaelisMentenCurve(height, half, np.ones(n))
    else:
        curves = HillCurve(height, half, rng.uniform(0.6, 3.0, n))
    floors = 0.0 if family == NO_MINIMA else 0.3
    lower = np.round(np.where(rng.random(n) < floors, 0.3 * current, 0.0), 2)
    upper = np.round(3.0 * current, 2)
    budget = round(float(lower.sum() + SHARE * (upper - lower).sum()), 2)
    return AllocationProblem((), curves, budget, lower, upper, current * (budget / current.sum()))


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Median seconds of a few runs, and the last answer."""
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        answer = work()
        taken.append(time.perf_counter() - started)
    return median(taken), answer


def read_speed(n: int) -> float:
    """Bytes per second of summing n numbers."""
    numbers = np.ones(n)
    return NUMBER * n / seconds(numbers.sum)[0]


def solve(asked: AllocationProblem, compiled: bool) -> Figures:
    """One way of answering a problem, from the price to the certificate."""
    box, curves = asked.box, asked.mean_gain
    with compiled_from(1 if compiled else NEVER):
        one_price(curves, box)  # compiles
        taken, found = seconds(lambda: one_price(curves, box))
        each, _ = seconds(lambda: curves.total_response(found.price, box.lower, box.upper))
    rounding, split = seconds(lambda: rounded(asked, found.spend))
    certifying, proof = seconds(lambda: certify(asked, split, Proof((Leaf(found.price),))))
    cents = np.rint(100.0 * split).astype(np.int64).sum() - round(100.0 * asked.total_budget)
    return Figures(found.passes, taken, each, rounding, certifying, proof, int(cents))


def row(family: str, n: int, way: str, speed: float) -> tuple[list[str], dict[str, Any]]:
    found = solve(problem(family, n), way == "compiled")
    arrays = 4 if family == "Michaelis-Menten" else 5
    reads = found.pass_seconds * speed / (NUMBER * arrays * n)
    figures = {
        "passes": found.passes,
        "seconds": found.seconds,
        "ns per cell and pass": 1e9 * found.pass_seconds / n,
        "reads per pass": reads,
        "rounding, s": found.rounding,
        "certificate, s": found.certifying,
        "gap": found.certificate.gap,
        "off by cents": found.off_by_cents,
    }
    shown = [
        f"{found.passes:.1f}",
        f"{found.seconds:.2f}",
        f"{1e9 * found.pass_seconds / n:.1f}",
        f"{reads:.1f}",
        f"{found.rounding:.2f}",
        f"{found.certifying:.2f}",
        f"{found.certificate.gap:.0e}",
        str(found.off_by_cents),
    ]
    return [f"{family}, {n:.0e} cells, {way}", *shown], figures


def compile_seconds() -> dict[str, float]:
    """Seconds until each kernel first answers, numba's own import with the first."""
    taken = {}
    with compiled_from(1):
        for family in ("Michaelis-Menten", "Hill"):
            small = problem(family, 100)
            started = time.perf_counter()
            one_price(small.mean_gain, small.box)
            taken[f"{family}, sums and split"] = time.perf_counter() - started
        started = time.perf_counter()
        small.mean_gain.best_response(1.0, small.lower, small.upper)
        taken["Hill, cell by cell"] = time.perf_counter() - started
    return taken


def small_rows() -> list[list[str]]:
    """Microseconds of one answer of n Hill cells to a price, the unit of branch and bound."""
    rows = []
    for n in SMALL_SIZES:
        asked = problem("Hill", n)
        taken = []
        for cells in (NEVER, 1) if AVAILABLE else (NEVER,):
            with compiled_from(cells):
                runs = []
                for _ in range(100):
                    started = time.perf_counter()
                    asked.mean_gain.best_response(1.0, asked.lower, asked.upper)
                    runs.append(time.perf_counter() - started)
            taken.append(f"{1e6 * median(runs):.0f}")
        rows.append([str(n), *taken])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells-mm", type=int, default=10**7)
    parser.add_argument("--cells-hill", type=int, default=10**6)
    sizes = parser.parse_args()
    compiling = compile_seconds() if AVAILABLE else {}
    speed = read_speed(max(4 * sizes.cells_mm, 10**7))
    rows, figures = [], {}
    cases = [("Michaelis-Menten", sizes.cells_mm)]
    cases += [("Hill", sizes.cells_hill), (NO_MINIMA, sizes.cells_hill)]
    for family, n in cases:
        for way in ("compiled", "plain") if AVAILABLE else ("plain",):
            shown, found = row(family, n, way, speed)
            rows.append(shown)
            figures[shown[0]] = found
    head = ["one budget", "passes", "s", "ns/cell/pass", "reads/pass"]
    head += ["cents, s", "certificate, s", "gap", "off by cents"]
    print_table(
        f"Reading memory at {speed / 1e9:.1f} GB/s; medians of {RUNS}, one thread", head, rows
    )
    compiled = [[name, f"{taken:.1f}"] for name, taken in compiling.items()]
    print_table("Compiling, once per process", ["kernels", "s"], compiled)
    small = small_rows()
    ways = ["plain, us", "compiled, us"][: len(small[0]) - 1]
    print_table("One price put to n Hill cells", ["n", *ways], small)
    keep("scale", {"bytes per second": speed, "one budget": figures, "compiling, s": compiling})


if __name__ == "__main__":
    main()
