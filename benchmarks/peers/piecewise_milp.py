"""HiGHS on curves in linear pieces, with whole numbers where they are convex."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack, kron

from benchmarks.instances import FloatArray
from benchmarks.peers.scaled import OutOfTimeError, Scaled
from benchmarks.peers.slsqp import slsqp

PIECES = 64
POLISHING = 5.0  # seconds, of a split the MILP found in its time


def piecewise_milp(scaled: Scaled) -> FloatArray:
    """HiGHS on 64 linear pieces a cell: convex pieces fill in order by one binary each.

    Its answer is polished by SLSQP, where there are no minima if active.
    """
    pieces = _Pieces.of(scaled)
    found = milp(
        -pieces.slopes,
        constraints=pieces.constraints(scaled),
        integrality=pieces.integrality,
        bounds=Bounds(0.0, pieces.upper),
        options={
            "time_limit": max(scaled.deadline - time.process_time(), 0.1),
            "mip_rel_gap": 1e-6,
        },
    )
    if found.x is None:
        raise OutOfTimeError
    scaled.was_stopped = found.status == 1
    scaled.deadline += POLISHING
    n, k = scaled.lower.size, PIECES
    spend = scaled.lower + np.asarray(found.x[: n * k]).reshape(n, k).sum(axis=1)
    return spend if scaled.problem.optional is not None or n > 100 else slsqp(scaled, spend)


@dataclass(frozen=True)
class _Pieces:
    """Every cell's curve in linear pieces, and the binaries that make convex ones fill in order.

    Variables: fills (n, k), then one binary per ordered piece, then one per cell that may be off.
    """

    slopes: FloatArray  # (all variables,), value per unit; 0 of the binaries
    widths: FloatArray  # (n, k)
    first: FloatArray  # (b,), flat place of a piece that must be full before the next is begun
    base: FloatArray  # (n,), where the pieces start
    off: FloatArray  # cells that may be off

    @classmethod
    def of(cls, scaled: Scaled) -> _Pieces:
        optional = scaled.problem.optional
        off = np.flatnonzero(optional) if optional is not None else np.zeros(0, dtype=int)
        steps = np.linspace(0.0, 1.0, PIECES + 1) ** 2  # denser where curves bend
        knots = scaled.lower[:, None] + steps * (scaled.upper - scaled.lower)[:, None]
        value = scaled.problem.mean_gain.value(knots.T * scaled.unit).T / scaled.size
        widths = np.maximum(np.diff(knots, axis=1), 1e-12)
        slopes = np.diff(value, axis=1) / widths
        rises = np.diff(slopes, axis=1) > 1e-12
        ordered = np.flatnonzero(
            np.pad(rises[:, ::-1].cumsum(axis=1)[:, ::-1] > 0, ((0, 0), (0, 1)))
        )
        gain = np.hstack([slopes.ravel(), np.zeros(ordered.size + off.size)])
        return cls(gain, widths, ordered, scaled.lower, off)

    @property
    def integrality(self) -> FloatArray:
        return np.hstack([np.zeros(self.widths.size), np.ones(self.first.size + self.off.size)])

    @property
    def upper(self) -> FloatArray:
        return np.hstack([self.widths.ravel(), np.ones(self.first.size + self.off.size)])

    def constraints(self, scaled: Scaled) -> list[LinearConstraint]:
        """Budget, rows, the order of convex pieces, and on or off."""
        n, k = self.widths.shape
        sums = kron(eye_array(n), np.ones((1, k)), format="csr")
        extra = csr_array((n, self.first.size + self.off.size))
        spend = hstack([sums, extra], format="csr")
        rows = np.vstack([np.ones((1, n)), scaled.matrix])
        given = rows @ self.base
        low = np.hstack([scaled.budget, scaled.row_lower]) - given
        high = np.hstack([scaled.budget, scaled.row_upper]) - given
        limits = [LinearConstraint(csr_array(rows) @ spend, low, high)]
        return [*limits, *self._order(), *self._switches(scaled, spend)]

    def _order(self) -> list[LinearConstraint]:
        """A piece's binary is 1 only where it is full; the next is empty where it is 0."""
        count, width, size = self.first.size, self.widths.ravel(), self.slopes.size
        if not count:
            return []
        places, binaries = np.arange(count), self.widths.size + np.arange(count)
        full = csr_array((np.ones(count), (places, self.first)), shape=(count, size))
        full -= csr_array((width[self.first], (places, binaries)), shape=(count, size))
        gated, by = self._gated()
        rows, one = np.arange(gated.size), np.ones(gated.size)
        begun = csr_array((one, (rows, gated)), shape=(gated.size, size))
        begun -= csr_array((width[gated], (rows, width.size + by)), shape=(gated.size, size))
        return [LinearConstraint(full, 0.0, np.inf), LinearConstraint(begun, -np.inf, 0.0)]

    def _gated(self) -> tuple[FloatArray, FloatArray]:
        """Pieces that stay empty unless an ordered piece is full, and the place of that one."""
        k = self.widths.shape[1]
        last = np.append(self.first[1:] // k != self.first[:-1] // k, True)
        gated, by = [self.first + 1], [np.arange(self.first.size)]
        for place in np.flatnonzero(last):
            later = np.arange(self.first[place] + 2, (self.first[place] // k + 1) * k)
            gated.append(later)
            by.append(np.full(later.size, place))
        return np.concatenate(gated), np.concatenate(by)

    def _switches(self, scaled: Scaled, spend: csr_array) -> list[LinearConstraint]:
        """A cell that may be off gets nothing, or at least its minimum."""
        count, size = self.off.size, self.slopes.size
        if not count:
            return []
        least = scaled.problem.lower[self.off] / scaled.unit
        most = scaled.upper[self.off]
        places = np.arange(count)
        binaries = self.widths.size + self.first.size + places
        chosen = spend[self.off]
        low = chosen - csr_array((least, (places, binaries)), shape=(count, size))
        high = chosen - csr_array((most, (places, binaries)), shape=(count, size))
        return [LinearConstraint(low, 0.0, np.inf), LinearConstraint(high, -np.inf, 0.0)]
