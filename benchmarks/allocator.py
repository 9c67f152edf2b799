"""Our allocator against other methods, and the figures it has to hold.

Run ``python -m benchmarks.allocator [--quick] [--save DIR]``. Every method gets exact gradients,
scaled variables and one thread (benchmarks/peers/). Times are processor seconds of one process,
ours with the proof, so that a busy machine does not blur them. ``--save`` writes the problems as
Model and Scenario documents, for ``romi plan``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import caution
from benchmarks.allocator_figures import Figure, figures
from benchmarks.allocator_instances import KINDS, Instance, has_split, instance, save
from benchmarks.peers import METHODS, Reached, run
from benchmarks.report import keep, print_table
from optimizer.allocation import Allocation, allocate
from optimizer.curves import compiled_from
from optimizer.curves.fast import AVAILABLE

RUNS = 5
QUICK_ENOUGH = 0.3  # seconds: what takes longer is timed once
SIZES = (10, 30, 100, 1000)
FEW = ("concave groups", "s-shaped", "s-shaped groups", "minima groups")


@dataclass(frozen=True)
class Lane:
    """How much is tried."""

    seeds: dict[int, int]  # n -> problems of each kind, solved by every method
    seconds: float  # of one method on one problem
    proofs: dict[int, int]  # n -> problems of each kind, solved by ours alone
    proof_seconds: float  # after which no more of a kind and size are begun
    cautious: int  # problems with draws
    twins: tuple[int, ...]  # sizes of problems of identical cells
    clarabel: tuple[int, ...]  # sizes of concave problems with groups
    few_from: int  # n from which only the kinds FEW are tried


QUICK = Lane(
    seeds={10: 1, 30: 1},
    seconds=0.6,
    proofs={10: 4, 30: 2, 100: 1},
    proof_seconds=1.0,
    cautious=2,
    twins=(5,),
    clarabel=(1000,),
    few_from=30,
)
FULL = Lane(
    seeds={10: 3, 30: 2, 100: 1, 1000: 1},
    seconds=12.0,
    proofs={10: 20, 30: 20, 100: 10, 1000: 2},
    proof_seconds=8.0,
    cautious=20,
    twins=(5, 10, 20),
    clarabel=(1000, 10_000),
    few_from=1000,
)


@dataclass
class Outcome:
    """One problem: ours, and what every other method reached."""

    kind: str
    n: int
    name: str
    value: float
    upper_bound: float
    gap: float
    nodes: int
    shortfall: float  # relative: the most any limit is missed by
    seconds: float  # in plain numpy
    compiled: float | None  # seconds by compiled loops
    optimum: float | None  # known where the problem was planted
    peers: dict[str, Reached] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)  # methods whose split could not be repaired


def timed(made: Instance) -> tuple[Allocation, float]:
    """The answer and the median seconds to it."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < RUNS and sum(seconds) < QUICK_ENOUGH):
        started = time.process_time()
        answer = allocate(made.problem)
        seconds.append(time.process_time() - started)
    return answer, median(seconds)


def ours(made: Instance) -> Outcome:
    """Our answer, timed both ways."""
    answer, seconds = timed(made)
    compiled = None
    if AVAILABLE:
        with compiled_from(cells=1):
            _, compiled = timed(made)
    proof = answer.certificate
    short = max(proof.shortfall, abs(proof.residual) / made.problem.total_budget)
    return Outcome(
        kind=made.kind,
        n=made.n,
        name=made.name,
        value=proof.value,
        upper_bound=proof.upper_bound,
        gap=proof.gap,
        nodes=proof.nodes,
        shortfall=short,
        seconds=seconds,
        compiled=compiled,
        optimum=made.optimum,
    )


def against_all(made: Instance, seconds: float) -> Outcome:
    """Our answer beside every method that can be tried."""
    outcome = ours(made)
    for name, (method, most, needs_concave) in METHODS.items():
        if made.n > most or (needs_concave and not made.kind.startswith("concave")):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's solvers
            reached = run(made.problem, method, seconds)
        if reached is None:
            outcome.failed.append(name)
        else:
            outcome.peers[name] = reached
    return outcome


def contests(lane: Lane) -> Iterator[Outcome]:
    """Every kind and size against every method."""
    for n, seeds in lane.seeds.items():
        for kind in KINDS if n < lane.few_from else FEW:
            for seed in range(seeds):
                yield against_all(instance(kind, n, seed), lane.seconds)


def proofs(lane: Lane) -> Iterator[Outcome]:
    """Many more S-shaped problems by ours alone: what matters is how often the proof closes."""
    kinds = [kind for kind in KINDS if not kind.startswith("concave") and "planted" not in kind]
    for n, seeds in lane.proofs.items():
        for kind in kinds:
            until = time.perf_counter() + lane.proof_seconds
            for seed in range(100, 100 + seeds):
                made = instance(kind, n, seed)
                if has_split(made.problem):
                    yield ours(made)
                if time.perf_counter() > until:
                    break


def clarabel_row(n: int) -> Outcome:
    """A large concave problem with groups, against cvxpy and Clarabel alone."""
    made = instance("concave groups", n, 0)
    outcome = ours(made)
    reached = run(made.problem, METHODS["cvxpy + Clarabel"][0], 600.0)
    if reached is not None:
        outcome.peers["cvxpy + Clarabel"] = reached
    return outcome


def ours_rows(found: list[Outcome]) -> Iterator[list[str]]:
    """Gap, nodes and time of ours by kind and size."""
    for kind, n in dict.fromkeys((o.kind, o.n) for o in found):
        part = [o for o in found if (o.kind, o.n) == (kind, n)]
        compiled = [o.compiled for o in part if o.compiled is not None]
        yield [
            f"{kind}, n = {n}",
            str(len(part)),
            f"{max(o.gap for o in part):.0e}",
            f"{median(o.nodes for o in part):.0f}",
            str(max(o.nodes for o in part)),
            f"{max(o.shortfall for o in part):.0e}",
            f"{1e3 * median(o.seconds for o in part):.1f}",
            f"{1e3 * median(compiled):.1f}" if compiled else "-",
        ]


def peer_rows(found: list[Outcome]) -> Iterator[list[str]]:
    """How much less than ours the other methods reach, and in what time."""
    for name in METHODS:
        for n in dict.fromkeys(o.n for o in found):
            part = [o for o in found if o.n == n and name in o.peers]
            if not part:
                continue
            reached = [o.peers[name] for o in part]
            loss = [(o.value - r.value) / o.value for o, r in zip(part, reached, strict=True)]
            ratio = [r.seconds / o.seconds for o, r in zip(part, reached, strict=True)]
            yield [
                f"{name}, n = {n}",
                str(len(part)),
                f"{100 * sum(loss) / len(loss):.3f} %",
                f"{100 * max(loss):.2f} %",
                str(sum(r.was_infeasible for r in reached)),
                str(sum(name in o.failed for o in found if o.n == n)),
                str(sum(r.was_stopped for r in reached)),
                f"{median(r.seconds for r in reached):.3f}",
                f"{median(ratio):.2f}",
            ]


def show(contested: list[Outcome], proved: list[Outcome], held: list[Figure]) -> None:
    """Print the three tables."""
    head = ["ours", "problems", "worst gap", "nodes, median", "most", "limit missed by"]
    head += ["ms, numpy", "ms, compiled"]
    print_table("Proof and time by kind and size", head, [*ours_rows([*contested, *proved])])
    head = ["other method", "problems", "loses, mean", "worst", "repaired", "beyond repair"]
    head += ["stopped", "s, median", "its time / ours"]
    print_table("The same problems by other methods", head, [*peer_rows(contested)])
    rows = [[f.name, f.bound, f.measured, "yes" if f.is_met else "NO"] for f in held]
    print_table("Figures to hold", ["figure", "bound", "measured", "met"], rows)


def compile_loops() -> None:
    """Answer one problem of every kind, so that no loop is compiled while the clock runs."""
    with compiled_from(cells=1):
        for kind in KINDS:
            allocate(instance(kind, 10, 0).problem)


def save_all(folder: Path) -> None:
    """One pair of documents for every kind and size."""
    for kind in KINDS:
        for n in SIZES:
            save(instance(kind, n, 0), folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write the problems and stop")
    asked = parser.parse_args()
    if asked.save is not None:
        save_all(asked.save)
        return
    lane = QUICK if asked.quick else FULL
    compile_loops()
    contested, proved = list(contests(lane)), list(proofs(lane))
    large = [clarabel_row(n) for n in lane.clarabel]
    held = list(figures(contested, proved, large))
    show(contested, proved, held)
    cautious = caution.report(lane.cautious, lane.twins)
    outcomes = [asdict(outcome) for outcome in (*contested, *proved, *large)]
    stated = [asdict(figure) for figure in held]
    keep("allocator", {"figures": stated, "outcomes": outcomes, "cautious": cautious})


if __name__ == "__main__":
    main()
