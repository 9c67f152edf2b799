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


class Measure(Protocol):
    """What a spread of gains is worth."""

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
