r"""One pass over very many Hill cells at one price, compiled.

Each kernel reads a cell's parameters once and keeps nothing but sums (or, where asked, the three
numbers of its best response). With :math:`y = s \log(x / k)` and :math:`a = (s - 1) / s` the
falling branch of :math:`f'(x) = p` reads

.. math:: h(y) = 2 \log(1 + e^y) - a y = \log(c s / (k p))

with h convex, so Newton's steps from the right of the root never cross it. The ceilings are those
of ``SigmoidCurve.best_response``: the tangent at any point of the concave part bounds the curve.

Without numba the same loops run as plain Python: correct, slow, and chosen by nobody.
"""

# ruff: noqa: PLR0913, PLR0917 - a compiled loop takes plain arrays, not objects

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from optimizer.curves.fast import AVAILABLE

FloatArray = npt.NDArray[np.float64]
Cell = tuple[float, float, float, float]  # spend, value, upper, give
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BLOCK = 4096  # cells summed before their sum is added: keeps the rounding of 1e7 cells small
NEWTON_STEPS = 60
NEWTON_TOLERANCE = 1e-15  # on what the step just taken leaves
NEAR_HALF = (
    1.5  # |y| below which the parabola through y = 0 starts Newton better than the asymptote
)
SMALLEST_SPEND = 1e-280  # as in ``curve``: a best spend too small for floating point
LOG_4 = 2.0 * math.log(2.0)


def compiled(kernel: Kernel) -> Kernel:
    """Machine code at first use, kept in memory only; every operation stays as written."""
    return _machine_code(kernel, {"contract", "nsz"})


def summing(kernel: Kernel) -> Kernel:
    """The same, and sums may be taken in any order."""
    return _machine_code(kernel, {"contract", "nsz", "reassoc"})


def _machine_code(kernel: Kernel, freedoms: set[str]) -> Kernel:
    if not AVAILABLE:
        return kernel
    numba = importlib.import_module("numba")
    made: Kernel = numba.njit(error_model="numpy", fastmath=freedoms, nogil=True)(kernel)
    return made


@summing
def _michaelis_menten(
    price: float, lower: float, upper: float, ceiling: float, half_saturation: float
) -> Cell:
    """Best response of c x / (x + k); ``give`` is the change of spend with the price."""
    root = math.sqrt(ceiling * half_saturation / price) - half_saturation
    spend = root if root > lower else lower
    spend = spend if spend < upper else upper
    inverse = 1.0 / (spend + half_saturation)
    slope = (ceiling * inverse) * (half_saturation * inverse) - price
    value = spend * (ceiling * inverse - price)
    room = upper - spend if slope > 0.0 else lower - spend
    inside = lower < root < upper
    give = -0.5 * (spend + half_saturation) / price if inside else 0.0
    return spend, value, value + slope * room, give


@compiled
def _falling_root(wanted: float, slope: float) -> float:
    """y on the rising side of h(y) = wanted; NaN where the marginal never reaches the price."""
    a = (slope - 1.0) / slope
    if slope > 1.0 and wanted < LOG_4:
        lowest = math.log((slope - 1.0) / (slope + 1.0))
        if wanted < 2.0 * math.log(2.0 * slope / (slope + 1.0)) - a * lowest:
            return math.nan
    if slope == 1.0:
        return math.log(math.expm1(0.5 * wanted)) if wanted > 0.0 else math.nan
    y = _start(wanted, a)
    for _ in range(NEWTON_STEPS):
        small = math.exp(-abs(y))
        share = (1.0 if y >= 0.0 else small) / (1.0 + small)
        rise = 2.0 * share - a
        if not rise > 0.0:
            break
        step = (2.0 * (max(y, 0.0) + math.log1p(small)) - a * y - wanted) / rise
        y -= step
        left_over = step * step * share * (1.0 - share)
        if left_over <= NEWTON_TOLERANCE * rise * (1.0 + abs(y)):
            break
    return y


@compiled
def _start(wanted: float, a: float) -> float:
    """A start for Newton: the parabola near y = 0, the least of three tangents elsewhere."""
    above = wanted - LOG_4
    within = (1.0 - a) * (1.0 - a) + above
    if within > 0.0:
        y = 2.0 * (math.sqrt(within) - (1.0 - a))
        if abs(y) < NEAR_HALF:
            return y
    y = min(wanted / (2.0 - a), above / (1.0 - a))
    return min(y, wanted / -a) if a < 0.0 else y


@compiled
def _inflection(half_saturation: float, slope: float) -> float:
    """k ((s - 1) / (s + 1))^(1/s) above slope 1, else 0."""
    if slope <= 1.0:
        return 0.0
    return half_saturation * math.exp(math.log((slope - 1.0) / (slope + 1.0)) / slope)


@compiled
def _hill_point(spend: float, y: float, ceiling: float, slope: float) -> tuple[float, float, float]:
    """Value, marginal and second derivative where s log(x / k) = y, x > 0."""
    small = math.exp(-abs(y))
    below = 1.0 / (1.0 + small)
    steep = ceiling * slope * (small * below * below) / spend
    tilt = (1.0 - small) * below
    bend = -slope * (tilt if y >= 0.0 else -tilt) - 1.0
    return ceiling * (below if y >= 0.0 else small * below), steep, steep * bend / spend


@compiled
def _hill_value(spend: float, ceiling: float, half_saturation: float, slope: float) -> float:
    if spend == 0.0:
        return 0.0
    return _hill_point(spend, slope * math.log(spend / half_saturation), ceiling, slope)[0]


@compiled
def hill_cell(
    price: float,
    log_price: float,
    lower: float,
    upper: float,
    ceiling: float,
    half_saturation: float,
    slope: float,
) -> Cell:
    """Best response of a Hill cell, its proved ceiling, and its change of spend with the price."""
    y = _falling_root(math.log(ceiling * slope / half_saturation) - log_price, slope)
    root = 0.0 if math.isnan(y) else half_saturation * math.exp(min(y / slope, 700.0))
    start = lower
    if lower < half_saturation and (root < half_saturation or upper < half_saturation):
        start = max(lower, _inflection(half_saturation, slope))
    start = min(start, upper)
    spend = min(max(root, start), upper)
    if spend < SMALLEST_SPEND and (spend > 0.0 or slope < 1.0):
        spend = min(SMALLEST_SPEND, upper)
    value = bound = give = 0.0
    if spend > 0.0:
        y = y if spend == root else slope * math.log(spend / half_saturation)
        value, marginal, bend = _hill_point(spend, y, ceiling, slope)
        value -= price * spend
        room = upper - spend if marginal > price else start - spend
        bound = value + (marginal - price) * room
        give = 1.0 / bend if lower < spend < upper and bend < 0.0 else 0.0
    elif slope == 1.0:
        bound = max(ceiling / half_saturation - price, 0.0) * upper
    if slope > 1.0 and lower < half_saturation:
        at_lower = _hill_value(lower, ceiling, half_saturation, slope) - price * lower
        bound = max(bound, at_lower)
        if at_lower >= value:
            return lower, at_lower, bound, 0.0
    return spend, value, bound, give


@summing
def michaelis_menten_total(
    price: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
) -> Cell:
    """Sums over all cells of slope 1 of spend, value, ceiling and give."""
    spend = value = bound = give = 0.0
    for first in range(0, lower.size, BLOCK):
        x = v = b = g = 0.0
        for i in range(first, min(first + BLOCK, lower.size)):
            cell = _michaelis_menten(price, lower[i], upper[i], ceiling[i], half_saturation[i])
            x, v, b, g = x + cell[0], v + cell[1], b + cell[2], g + cell[3]
        spend, value, bound, give = spend + x, value + v, bound + b, give + g
    return spend, value, bound, give


@summing
def michaelis_menten_shifted(
    price: float,
    shift: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    spend: FloatArray,
) -> None:
    """Best spends of cells of slope 1, moved along their slope for a small change of price."""
    for i in range(lower.size):
        cell = _michaelis_menten(price, lower[i], upper[i], ceiling[i], half_saturation[i])
        x = cell[0] + shift * cell[3]
        x = x if x > lower[i] else lower[i]
        spend[i] = x if x < upper[i] else upper[i]


@compiled
def hill_best_response(
    price: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    answer: FloatArray,
) -> None:
    """Best response of each cell: spend, value and ceiling as the rows of ``answer`` (3, n)."""
    log_price = math.log(price)
    for i in range(lower.size):
        cell = hill_cell(
            price, log_price, lower[i], upper[i], ceiling[i], half_saturation[i], slope[i]
        )
        answer[0, i], answer[1, i], answer[2, i] = cell[0], cell[1], cell[2]
