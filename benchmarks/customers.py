"""The worth of a new customer, on simulated shops: `python -m benchmarks.customers`.

Every segment's value against the truth; beside it, the value of all customers taken for each
segment. The seeds are graded only here, never tuned on.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.report import keep, print_table
from optimizer import value_customers
from optimizer.synthetic_shops import simulated_shop

SHOPS = 100
FIRST_SEED = 7_000_000
MEDIAN_ERROR, COVERED = 0.10, (0.80, 0.97)


def main() -> None:
    errors, ignoring, covered, seconds = [], [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + SHOPS):
        shop = simulated_shop(seed)
        started = time.process_time()
        found = value_customers(shop.transactions)
        seconds.append(time.process_time() - started)
        for row in found.segments:
            truth = shop.value[row.segment]
            errors.append(abs(row.value.mean / truth - 1.0))
            ignoring.append(abs(found.whole.value.mean / truth - 1.0))
            covered.append(row.value.p05 <= truth <= row.value.p95)
    figures = {
        "segments": len(errors),
        "median error": float(np.median(errors)),
        "median error, segments ignored": float(np.median(ignoring)),
        "coverage of 90 % intervals": float(np.mean(covered)),
        "CPU seconds a shop": float(np.median(seconds)),
    }
    held = {
        "median error": figures["median error"] <= MEDIAN_ERROR,
        "coverage of 90 % intervals": COVERED[0] <= np.mean(covered) <= COVERED[1],
    }
    rows = [
        [name, f"{value:.4g}", {True: "held", False: "MISSED"}[bool(held[name])]
         if name in held else ""]
        for name, value in figures.items()
    ]  # fmt: skip
    print_table(f"Value of a new customer, {SHOPS} simulated shops", ["", "", ""], rows)
    keep("customers", figures)


if __name__ == "__main__":
    main()
