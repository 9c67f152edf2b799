r"""Measures of risk over equally likely draws, each the least of many re-weighted means.

.. math:: \rho(D) = \min_{w \in W} \sum_s w_s D_s

so every w in W gives a separable bound. *Caution* k is E - k sd, with
:math:`w_s = (1 - k \sqrt N q_s) / N` over |q| <= 1, sum q = 0. *Tail risk* is a mixture of the
mean and of CVaR, the mean of the worst share :math:`\alpha` of draws, with
:math:`w_s = (1 - \theta) / N + \theta t_s` over :math:`0 \le t_s \le 1 / (\alpha N)`, sum t = 1.
A *direction* is the q or the t; what is passed as one is moved into its set first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Smooth:
    """A smoothed measure at gains (N,), to second order in them."""

    value: float
    direction: FloatArray  # (N,)
    counted: BoolArray  # (N,): draws whose weights move with the gains
    bend: float  # of the counted draws' spread about their mean
    along: FloatArray | None  # (N,): a unit direction that does not bend

    def rows(self, marginal: FloatArray) -> FloatArray:
        """R (n, N') of the Hessian -R R' in the spends, from each draw's slopes (N, n)."""
        slopes = marginal[self.counted]
        centred = slopes - slopes.mean(axis=0) if slopes.size else slopes
        if self.along is not None:
            centred = centred - self.along[:, None] * (self.along @ centred)
        return np.asarray(centred.T * math.sqrt(self.bend))


class Measure(Protocol):
    """What a spread of gains is worth."""

    def smooth(self, gain: FloatArray, eps: float) -> Smooth:
        """The measure with its kinks rounded off over ``eps`` of the gains' unit."""

    def value(self, gain: FloatArray) -> float:
        """The worth of gains (N,), in their unit."""

    def worst(self, gain: FloatArray) -> FloatArray:
        """A direction (N,) whose weights make the worth of these gains."""

    def weights(self, direction: FloatArray) -> FloatArray:
        """Weights (N,) in W, adding up to 1; a direction outside its set is moved into it."""


@dataclass(frozen=True, slots=True)
class Caution:
    """E - k sd."""

    strength: float  # k >= 0

    def value(self, gain: FloatArray) -> float:
        return float(gain.mean() - self.strength * np.std(gain))

    def smooth(self, gain: FloatArray, eps: float) -> Smooth:
        """sd becomes sqrt(variance + eps^2)."""
        mean = float(gain.mean())
        centred = gain - mean
        spread = math.sqrt(float((centred * centred).mean()) + eps**2)
        q = centred / (math.sqrt(gain.size) * spread)
        bend = self.strength / (spread * gain.size)
        everyone = np.ones(gain.size, dtype=bool)
        return Smooth(mean - self.strength * spread, q, everyone, bend, q)

    def worst(self, gain: FloatArray) -> FloatArray:
        centred = gain - gain.mean()
        length = float(np.linalg.norm(centred))
        return np.asarray(centred / length if length > 0.0 else 0.0 * centred)

    def weights(self, direction: FloatArray) -> FloatArray:
        centred = direction - direction.mean()
        q = centred / max(1.0, float(np.linalg.norm(centred)))
        return np.asarray((1.0 - self.strength * np.sqrt(q.size) * q) / q.size)


@dataclass(frozen=True, slots=True)
class TailRisk:
    """(1 - weight) E + weight CVaR, the mean of the worst ``tail`` share of draws."""

    tail: float  # share of draws, above 0 and at most 1
    weight: float  # 0 to 1

    def value(self, gain: FloatArray) -> float:
        mean = float(gain.mean())
        return (1.0 - self.weight) * mean + self.weight * float(self.worst(gain) @ gain)

    def smooth(self, gain: FloatArray, eps: float) -> Smooth:
        """min over t of t'D + eps / (2 cap) |t - 1/N|^2: a projection on the capped simplex."""
        cap, even = self._cap(gain.size), 1.0 / gain.size
        stiff = eps / cap
        low, high = float(gain.min()) - stiff, float(gain.max()) + stiff
        for _ in range(BISECTIONS):
            level = 0.5 * (low + high)
            t = np.clip(even - (gain - level) / stiff, 0.0, cap)
            low, high = (level, high) if t.sum() < 1.0 else (low, level)
        value = float(t @ gain) + 0.5 * stiff * float(((t - even) ** 2).sum())
        counted = (t > 0.0) & (t < cap)
        worth = (1.0 - self.weight) * float(gain.mean()) + self.weight * value
        return Smooth(worth, t, counted, self.weight / stiff, None)

    def worst(self, gain: FloatArray) -> FloatArray:
        cap = self._cap(gain.size)
        order = np.argsort(gain, kind="stable")
        whole = min(math.floor(1.0 / cap * (1.0 + 1e-12)), gain.size)
        direction = np.zeros(gain.size)
        direction[order[:whole]] = cap
        if whole < gain.size:
            direction[order[whole]] = max(1.0 - whole * cap, 0.0)
        return direction

    def weights(self, direction: FloatArray) -> FloatArray:
        cap = self._cap(direction.size)
        inside = np.clip(direction, 0.0, cap)
        missing = 1.0 - float(inside.sum())
        if missing > 0.0:
            room = cap - inside
            inside = inside + room * (missing / max(float(room.sum()), 1e-300))
        inside = np.minimum(inside / inside.sum(), cap * (1.0 + 1e-12))
        return np.asarray((1.0 - self.weight) / direction.size + self.weight * inside)

    def _cap(self, count: int) -> float:
        return 1.0 / (self.tail * count) if self.tail * count >= 1.0 else 1.0
