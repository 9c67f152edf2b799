"""Channels in markets, S-shaped, with a budget for every market and for every channel.

Run ``python -m benchmarks.markets [--quick]``: time and proved gap at 100 to 1,000 cells. Every
market's sum and every channel's sum over markets is held to a range around a random split of the
budget, so each cell stands in two rows besides the total, and the rows form no tree.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks.instances import FloatArray
from benchmarks.report import keep, print_table
from optimizer.allocation import AllocationProblem, allocate
from optimizer.allocation.rows import Rows
from optimizer.curves import HillCurve

SIZES = ((10, 10), (10, 30), (10, 100))  # channels, markets
RUNS = 3  # problems of a size, one of the largest
MANY = 500  # cells
EARLY = 50  # nodes: what is known soon
RANGES = {"wide": 0.2, "narrow": 0.05}  # of what the random split gives a market or a channel
SLOPES = (1.1, 2.5)
BUDGET = 0.35  # of what all cells could take


def instance(seed: int, channels: int, markets: int, width: float) -> AllocationProblem:
    """A problem of channels x markets cells, the cells of one market side by side."""
    rng = np.random.default_rng([seed, channels, markets])
    size = np.outer(np.exp(rng.normal(0.0, 1.0, markets)), np.exp(rng.normal(9.0, 0.7, channels)))
    current = np.round(size.ravel(), 2)
    n = current.size
    curves = HillCurve(
        current * np.exp(rng.normal(1.0, 0.4, n)),
        current * np.exp(rng.normal(0.2, 0.4, n)),
        rng.uniform(*SLOPES, n),
    )
    upper = np.round(3.0 * current, 2)
    budget = round(BUDGET * float(upper.sum()), 2)
    split = current * rng.uniform(0.6, 1.4, n)
    split *= budget / split.sum()
    matrix = _sums(channels, markets)
    used = matrix @ split
    names = [f"market {i}" for i in range(markets)] + [f"channel {i}" for i in range(channels)]
    low, high = np.round((1.0 - width) * used, 2), np.round((1.0 + width) * used, 2)
    return AllocationProblem(
        cells=tuple(f"channel {i % channels} in {i // channels}" for i in range(n)),
        gains=curves,
        total_budget=budget,
        lower=np.zeros(n),
        upper=upper,
        reference=current * (budget / current.sum()),
        rows=Rows(tuple(names), matrix, low, high),
    )


def _sums(channels: int, markets: int) -> FloatArray:
    """Sums (markets + channels, n) over each market and over each channel."""
    market = np.kron(np.eye(markets), np.ones((1, channels)))
    channel = np.kron(np.ones((1, markets)), np.eye(channels))
    return np.vstack([market, channel])


def measure(channels: int, markets: int, width: float, runs: int) -> dict[str, float]:
    """Median seconds, gap and nodes over random problems."""
    seconds, gaps, nodes, early = [], [], [], []
    for seed in range(runs if channels * markets < MANY else 1):
        problem = instance(seed, channels, markets, width)
        started = time.process_time()
        soon = allocate(replace(problem, node_limit=EARLY)).certificate.gap
        early.append((time.process_time() - started, soon))
        started = time.process_time()
        proof = allocate(problem).certificate
        seconds.append(time.process_time() - started)
        gaps.append(proof.gap)
        nodes.append(proof.nodes)
    return {
        "cells": channels * markets,
        "seconds": median(seconds),
        "gap": median(gaps),
        "largest gap": max(gaps),
        "nodes": median(nodes),
        "early seconds": median(second for second, _ in early),
        "early gap": median(gap for _, gap in early),
    }


def main() -> None:
    sizes = SIZES[:1] if "--quick" in sys.argv else SIZES
    found, rows = {}, []
    for channels, markets in sizes:
        for name, width in RANGES.items():
            figures = measure(channels, markets, width, RUNS)
            found[f"{channels} x {markets}, {name}"] = figures
            rows.append(
                [
                    f"{channels} x {markets}, {name}",
                    f"{figures['seconds']:.2f}",
                    f"{figures['gap']:.0e}",
                    f"{figures['largest gap']:.0e}",
                    f"{figures['nodes']:.0f}",
                    f"{figures['early seconds']:.2f}",
                    f"{figures['early gap']:.0e}",
                ]
            )
    head = ["channels x markets, ranges", "seconds", "gap", "largest", "nodes"]
    head += ["seconds", f"gap at {EARLY} nodes"]
    print_table(f"S-shaped, budgets per market and per channel, medians of {RUNS}", head, rows)
    keep("markets", found)


if __name__ == "__main__":
    main()
