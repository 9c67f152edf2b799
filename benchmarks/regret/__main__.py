"""Run ``python -m benchmarks.regret [--markets 50] [--families national geo] [--quick]``.

Seeds that grade and seeds to develop on never meet; nothing is tuned on the graded ones. The same
seeds give the same figures, seconds apart.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import repeat

from benchmarks.regret.families import FAMILIES
from benchmarks.regret.figures import figures
from benchmarks.regret.judge import Outcome, judge
from benchmarks.regret.seeds import FIRST_SEED, SET_SIZE
from benchmarks.regret.tables import show_family, show_together
from benchmarks.report import keep

QUICK = 4  # markets of a family
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(words: Sequence[str] | None = None) -> None:
    """Judge the markets asked for, print the tables and keep the outcomes."""
    asked = _asked(words)
    first = FIRST_SEED[asked.seeds]
    markets = QUICK if asked.quick else asked.markets
    print(f"{asked.seeds} seeds from {first}, {markets} markets a family", flush=True)
    table: dict[str, list[Outcome]] = {}
    for family in asked.families:
        table[family] = list(judged(family, range(first, first + markets), asked.workers))
        show_family(family, table[family])
        sys.stdout.flush()
    held = list(figures(table))
    show_together(table, held)
    outcomes = {family: [asdict(o) for o in found] for family, found in table.items()}
    stated = [asdict(figure) for figure in held]
    keep("regret", {"seeds": asked.seeds, "figures": stated, "families": outcomes})


def judged(family: str, seeds: range, workers: int) -> Iterator[Outcome]:
    """The family's markets in the order of their seeds, by processes of one thread each."""
    if workers == 1:
        yield from map(judge, repeat(family), seeds)
        return
    for name in THREADS:
        os.environ[name] = "1"  # read by a process as it begins
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for outcome in pool.map(judge, repeat(family), seeds):
            print(f"{family} {outcome.seed}", file=sys.stderr, flush=True)
            yield outcome


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    reader = argparse.ArgumentParser(prog="benchmarks.regret", description=__doc__)
    reader.add_argument("--markets", type=int, default=50, help="of each family")
    reader.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    reader.add_argument("--quick", action="store_true", help=f"{QUICK} markets of each family")
    reader.add_argument("--seeds", choices=FIRST_SEED, default="grade")
    reader.add_argument("--workers", type=int, default=2, help="processes")
    asked = reader.parse_args(words)
    if not 1 <= asked.markets <= SET_SIZE:
        reader.error(f"--markets takes 1 to {SET_SIZE}: sets of seeds must not meet")
    if asked.workers < 1:
        reader.error("--workers takes 1 or more")
    return asked


if __name__ == "__main__":
    main()
