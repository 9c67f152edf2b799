"""The arithmetic of decision regret: captured, harm and what can be said of their averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LEAST_AVAILABLE = 0.005  # of the history's value: with less to win, a market says nothing
SAME_VALUE = 1e-6  # relative loss that is rounding, not harm: plans are published in whole cents


@dataclass(frozen=True)
class Advice:
    """What one advice was worth, in shares of what the historical split earns."""

    gain: float  # over the historical split
    available: float  # gain of the best split under the same bounds

    @property
    def counts(self) -> bool:
        """Whether there was something to win."""
        return self.available >= LEAST_AVAILABLE

    @property
    def captured(self) -> float:
        """Share won of what there was to win, at least -1."""
        return float(np.clip(self.gain / max(self.available, SAME_VALUE), -1.0, 1.0))

    @property
    def regret(self) -> float:
        """What is lost against the best split, share of the best."""
        return (self.available - self.gain) / (1.0 + self.available)

    @property
    def harms(self) -> bool:
        """Whether following it is worse than doing nothing."""
        return self.gain < -SAME_VALUE


@dataclass(frozen=True)
class Score:
    """Advice over many markets with something to win."""

    count: int
    median: float  # captured
    mean: float  # captured
    harms: int
    regret: float  # mean
    gain: float  # mean, share of what the historical split earns

    @classmethod
    def of(cls, advice: Sequence[Advice]) -> Score:
        """Averages; nan where no market counts."""
        kept = [one for one in advice if one.counts]
        if not kept:
            return cls(0, np.nan, np.nan, 0, np.nan, np.nan)
        captured = [one.captured for one in kept]
        return cls(
            count=len(kept),
            median=float(np.median(captured)),
            mean=float(np.mean(captured)),
            harms=sum(one.harms for one in kept),
            regret=float(np.mean([one.regret for one in kept])),
            gain=float(np.mean([one.gain for one in kept])),
        )

    @property
    def harm(self) -> float:
        """Share of markets harmed."""
        return self.harms / max(self.count, 1)


def wilson(events: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share.

    References
    ----------
    .. [1] Wilson (1927), Probable Inference, the Law of Succession, and Statistical Inference.
    """
    if count == 0:
        return 0.0, 1.0
    share, wide = events / count, z**2 / count
    middle = (share + wide / 2) / (1 + wide)
    half = z / (1 + wide) * np.sqrt(share * (1 - share) / count + wide / (4 * count))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def paired_excess(ours: Sequence[Advice], theirs: Sequence[Advice]) -> tuple[float, float]:
    """Mean regret of ours less theirs on the same markets, and its standard error."""
    kept = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.counts and b.counts]
    excess = np.array([a.regret - b.regret for a, b in kept])
    if excess.size < 2:
        return float(excess.mean()) if excess.size else np.nan, np.inf
    return float(excess.mean()), float(excess.std(ddof=1) / np.sqrt(excess.size))
