"""The figures that the advice has to hold (ESTIMATION, section 8), with bounds and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.regret.families import LEAST_SQUARES, NO_TESTS, POOLED, TOTAL
from benchmarks.regret.judge import BALANCED, PLUG_IN, Outcome
from benchmarks.regret.scores import Score, paired_excess, wilson

Table = Mapping[str, Sequence[Outcome]]

CAPTURED = {"attributed": 80, "national": 50, "experiments": 60, "geo": 65}  # median %, at least
NAIVE = {"attributed": 60, "national": 20}  # median %: what least squares must stay under
RAISED = {"experiments": NO_TESTS, "geo": TOTAL}  # family -> what it must beat
LEAST_RAISE = 10.0  # points of median captured
COVERED = (0.85, 0.95)
LARGEST_HARM = 0.10
MOST_SECONDS = 2.0


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    bound: str
    measured: str
    is_met: bool


def figures(table: Table) -> Iterator[Figure]:
    """Every figure that these markets can show, for the balanced plan."""
    for family, outcomes in table.items():
        yield from _captured(family, outcomes)
        yield from _naive(family, outcomes)
        yield from _raised(family, outcomes)
        cover = float(np.mean([o.coverage for o in outcomes]))
        met = COVERED[0] <= cover <= COVERED[1]
        yield Figure(f"{family}: 90 % bands cover", "85-95 %", f"{cover:.1%}", met)
    if pooled := pool(table):
        yield from (_harm(pooled), _excess(pooled), _time(pooled))


def pool(table: Table) -> list[Outcome]:
    """All markets once."""
    return [o for family in POOLED for o in table.get(family, ())]


def median_captured(outcomes: Sequence[Outcome], method: str) -> float:
    """Per cent, over the markets with something to win."""
    return 100.0 * Score.of([o.methods[method] for o in outcomes]).median


def seconds(outcome: Outcome) -> float:
    """Of a processor, for our fit and plan."""
    return outcome.seconds["ours"] + outcome.seconds["plan"]


def _captured(family: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    if family in CAPTURED:
        found, least = median_captured(outcomes, BALANCED), CAPTURED[family]
        name, met = f"{family}: median captured", found >= least
        yield Figure(name, f">= {least} %", f"{found:.0f} %", met)


def _naive(family: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    if family in NAIVE:
        found, most = median_captured(outcomes, LEAST_SQUARES), NAIVE[family]
        name, met = f"{family}: least squares captures", found < most
        yield Figure(name, f"< {most} %", f"{found:.0f} %", met)


def _raised(family: str, outcomes: Sequence[Outcome]) -> Iterator[Figure]:
    if family in RAISED:
        rival = RAISED[family]
        with_it, alone = (median_captured(outcomes, name) for name in (BALANCED, rival))
        measured = f"{with_it - alone:+.0f} points ({alone:.0f} to {with_it:.0f} %)"
        met = with_it - alone >= LEAST_RAISE
        yield Figure(f"{family}: median over that of {rival}", ">= +10 points", measured, met)


def _harm(pooled: Sequence[Outcome]) -> Figure:
    score = Score.of([o.methods[BALANCED] for o in pooled])
    low, high = wilson(score.harms, score.count)
    measured = f"{score.harm:.1%} of {score.count} ({low:.1%}-{high:.1%})"
    return Figure("pooled: harm (95 %)", "<= 10 %", measured, score.harm <= LARGEST_HARM)


def _time(pooled: Sequence[Outcome]) -> Figure:
    spent = [seconds(o) for o in pooled]
    measured = f"{np.median(spent):.2f} median, {max(spent):.2f} at most"
    return Figure("pooled: seconds of a fit and a plan", "< 2", measured, max(spent) < MOST_SECONDS)


def _excess(outcomes: Sequence[Outcome]) -> Figure:
    balanced, plug_in = ([o.methods[m] for o in outcomes] for m in (BALANCED, PLUG_IN))
    excess, error = paired_excess(balanced, plug_in)
    measured = f"{100 * excess:+.2f} points (standard error {100 * error:.2f})"
    bound = "<= 2 standard errors"
    return Figure("pooled: regret over the plug-in's", bound, measured, excess <= 2.0 * error)
