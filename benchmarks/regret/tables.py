"""The tables of decision regret: methods under a market's bounds, our plans under other bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.regret.families import OURS, POINT
from benchmarks.regret.figures import Figure, Table, pool, seconds
from benchmarks.regret.judge import BALANCED, LIMITS, PLUG_IN, Outcome
from benchmarks.regret.scores import Advice, Score, paired_excess, wilson
from benchmarks.report import print_table

METHODS_HEAD = ["method", "captured, median %", "mean %", "harm % (95 %)", "mean regret %"]
METHODS_HEAD += ["less plug-in (s.e.)", "fit s"]
LIMITS_HEAD = ["bounds, caution", "captured, median %", "mean %", "harm % (95 %)", "mean gain %"]
DETAILS_HEAD = ["family", "markets", "cover %", "where spend follows demand %"]
DETAILS_HEAD += ["captured, median %", "harm % (95 %)", "fit and plan s, median", "longest"]


def show_family(family: str, outcomes: Sequence[Outcome]) -> None:
    """Methods under the markets' own bounds, and our fit under others."""
    kept = sum(o.methods[PLUG_IN].counts for o in outcomes)
    title = f"{family}: {kept} of {len(outcomes)} markets with something to win"
    print_table(title, METHODS_HEAD, [*method_rows(outcomes)])
    if outcomes[0].limits:
        title = f"{family}: our fit under other bounds"
        print_table(title, LIMITS_HEAD, [*limit_rows(outcomes)])


def show_together(table: Table, held: Sequence[Figure]) -> None:
    """All families pooled, coverage and time, and the figures to hold."""
    if pooled := pool(table):
        show_family("pooled", pooled)
    title = f"{BALANCED}: what bands cover, and time"
    print_table(title, DETAILS_HEAD, [*detail_rows(table)])
    rows = [[f.name, f.bound, f.measured, "met" if f.is_met else "MISSED"] for f in held]
    print_table(f"Figures to hold, {BALANCED}", ["figure", "asked", "measured", ""], rows)


def method_rows(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """Every method under the market's own bounds, and the plug-in optimum under none."""
    plug_in = [o.methods[PLUG_IN] for o in outcomes]
    for name in [n for n in outcomes[0].methods if all(n in o.methods for o in outcomes)]:
        advice = [o.methods[name] for o in outcomes]
        excess, error = paired_excess(advice, plug_in)
        spent = np.median([o.seconds[_model(name, o)] for o in outcomes])
        score = Score.of(advice)
        against = f"{100 * excess:+.2f} ({100 * error:.2f})"
        yield [name, *_captured(advice), f"{100 * score.regret:.2f}", against, f"{spent:.2f}"]
    if outcomes[0].limits:
        advice = [o.limits["free"][PLUG_IN] for o in outcomes]
        regret = f"{100 * Score.of(advice).regret:.2f}"
        yield [f"{PLUG_IN}, free bounds", *_captured(advice), regret, "", ""]


def limit_rows(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """Our fit at every caution under every bounds."""
    for limit in LIMITS:
        for name in outcomes[0].limits[limit]:
            advice = [o.limits[limit][name] for o in outcomes]
            gain = f"{100 * Score.of(advice).gain:+.2f}"
            yield [f"{limit}, {name}", *_captured(advice), gain]


def detail_rows(table: Table) -> Iterator[list[str]]:
    """Coverage and seconds by family, hard cases also by hardship."""
    for family, outcomes in table.items():
        yield [family, *_details(outcomes)]
        for kind in sorted({o.kind for o in outcomes} - {""}):
            yield [f"  {kind}", *_details([o for o in outcomes if o.kind == kind])]


def _details(outcomes: Sequence[Outcome]) -> list[str]:
    follows = [o.coverage for o in outcomes if o.endogenous]
    spent = [seconds(o) for o in outcomes]
    captured, _, harm = _captured([o.methods[BALANCED] for o in outcomes])
    return [
        str(len(outcomes)),
        f"{100 * np.mean([o.coverage for o in outcomes]):.1f}",
        f"{100 * np.mean(follows):.1f}" if follows else "-",
        captured,
        harm,
        f"{np.median(spent):.2f}",
        f"{max(spent):.2f}",
    ]


def _captured(advice: Sequence[Advice]) -> list[str]:
    """Median, mean and harm with its interval, per cent."""
    score = Score.of(advice)
    low, high = wilson(score.harms, score.count)
    harm = f"{100 * score.harm:.0f} ({100 * low:.0f}-{100 * high:.0f})"
    return [f"{100 * score.median:.0f}", f"{100 * score.mean:.0f}", harm]


def _model(method: str, outcome: Outcome) -> str:
    """The model a method plans on."""
    if method in outcome.seconds:
        return method
    return POINT if method == PLUG_IN else OURS
