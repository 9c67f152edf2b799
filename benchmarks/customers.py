"""The worth of a new customer, on simulated shops: `python -m benchmarks.customers`.

Every segment's value against the truth; beside it, the value of all customers taken for each
segment. Then shops whose customers behave otherwise than the models have it: reported, without a
figure to hold. The seeds are graded only here, never tuned on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial

import numpy as np

from benchmarks.report import keep, print_table
from optimizer import value_customers
from optimizer.misspecified_shops import KINDS, misspecified_shop
from optimizer.synthetic_shops import Shop, simulated_shop

SHOPS, MISSPECIFIED_SHOPS = 100, 40
FIRST_SEED = 7_000_000
MEDIAN_ERROR, COVERED = 0.10, (0.80, 0.97)
COLUMNS = (
    "segments",
    "median error",
    "median error, segments ignored",
    "bias",
    "coverage of 90 % intervals",
    "CPU seconds a shop",
)


def main() -> None:
    seeds = range(FIRST_SEED, FIRST_SEED + SHOPS)
    figures = {"as the models have it": graded(map(simulated_shop, seeds))}
    for kind in KINDS:
        make = partial(misspecified_shop, kind=kind)
        figures[kind] = graded(map(make, seeds[:MISSPECIFIED_SHOPS]))
    own = figures["as the models have it"]
    held = own["median error"] <= MEDIAN_ERROR
    covers = COVERED[0] <= own["coverage of 90 % intervals"] <= COVERED[1]
    rows = [[name, *(f"{found[column]:.3g}" for column in COLUMNS)]
            for name, found in figures.items()]  # fmt: skip
    print_table("Value of a new customer, simulated shops", ["shops", *COLUMNS], rows)
    print(f"median error {_word(held)}; coverage {_word(covers)}")
    keep("customers", {**own, "misspecified": {kind: figures[kind] for kind in KINDS}})


def graded(shops: Iterable[Shop]) -> dict[str, float]:
    """What the values of some shops' segments are off the truth."""
    found, ignoring, covered, seconds = [], [], [], []
    for shop in shops:
        started = time.process_time()
        values = value_customers(shop.transactions)
        seconds.append(time.process_time() - started)
        for row in values.segments:
            truth = shop.value[row.segment]
            found.append(row.value.mean / truth - 1.0)
            ignoring.append(abs(values.whole.value.mean / truth - 1.0))
            covered.append(row.value.p05 <= truth <= row.value.p95)
    return {
        "segments": len(found),
        "median error": float(np.median(np.abs(found))),
        "median error, segments ignored": float(np.median(ignoring)),
        "bias": float(np.median(found)),
        "coverage of 90 % intervals": float(np.mean(covered)),
        "CPU seconds a shop": float(np.median(seconds)),
    }


def _word(is_held: bool) -> str:
    return "held" if is_held else "MISSED"


if __name__ == "__main__":
    main()
