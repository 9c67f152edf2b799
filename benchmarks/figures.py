"""The figures the advice has to hold, each printed as held or missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

CAPTURED = {"attributed": 80.0, "national": 50.0}  # median per cent, at least
NAIVE = {"attributed": 60.0, "national": 20.0}  # what least squares must stay under
COVERED = (0.85, 0.95)
LARGEST_HARM = 0.10


class Judged(Protocol):
    """What the figures need to know of a market."""

    captured: dict[str, float]
    regret: dict[str, float]
    coverage: float
    endogenous: bool


def figures(
    table: Mapping[str, Sequence[Judged]], harm: float, pooled: Sequence[Judged]
) -> Iterator[str]:
    """A line per figure of the estimation design, for caution 0.5."""
    for family, outcomes in table.items():
        found = 100 * float(np.median([o.captured["caution 0.5"] for o in outcomes]))
        naive = 100 * float(np.median([o.captured["least squares"] for o in outcomes]))
        cover = float(np.mean([o.coverage for o in outcomes]))
        least = CAPTURED[family]
        yield _line(f"{family}: captures {found:.0f} %, at least {least:.0f}", found >= least)
        most = NAIVE[family]
        yield _line(f"{family}: least squares {naive:.0f} %, under {most:.0f}", naive < most)
        inside = COVERED[0] <= cover <= COVERED[1]
        yield _line(f"{family}: bands cover {cover:.1%}, 85 to 95", inside)
        follows = [o.coverage for o in outcomes if o.endogenous]
        if follows:
            yield f"        {family}: where spend follows demand they cover {np.mean(follows):.1%}"
    yield _line(f"pooled: harm {harm:.1%}, at most 10", harm <= LARGEST_HARM)
    excess = 100 * np.array([o.regret["caution 0.5"] - o.regret["point optimum"] for o in pooled])
    error = float(excess.std(ddof=1) / np.sqrt(excess.size)) if excess.size > 1 else np.inf
    words = f"pooled: regret {excess.mean():+.2f} ({error:.2f}) over the point optimum's"
    yield _line(f"{words}, at most two standard errors", bool(excess.mean() <= 2.0 * error))


def _line(words: str, held: bool) -> str:
    return f"{'held' if held else 'MISSED':8}{words}"
