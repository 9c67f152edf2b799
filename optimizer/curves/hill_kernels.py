r"""Very many Hill cells at one price, four at a time: the sums of their best responses.

The root of h(y) = wanted (``kernels``) is sought by three of Halley's steps on a block of cells
that stays in the processor's cache. Each loop touches few arrays and does not branch, with e^x and
log x as polynomials, so that the compiler turns it into vector instructions. The few cells whose
root does not settle, or that are odd in another way, are marked by NaN and answered one by one.

A cell need not be asked where its *floor* answers for it: on [lower, upper] no spend beats the
lower end unless ``wanted`` exceeds h at the floor, which is the point where the line from zero
touches the curve if lower is 0, the inflection if lower lies below it, and lower itself beyond.
"""

# ruff: noqa: PLR0913, PLR0917 - a compiled loop takes plain arrays, not objects

from __future__ import annotations

import math

import numpy as np

from optimizer.curves.kernels import (
    LOG_4,
    NEAR_HALF,
    Cell,
    FloatArray,
    compiled,
    hill_cell,
    summing,
)

BLOCK = 512  # cells; the arrays between the loops stay in the innermost cache
SETTLED = 1e-15  # on what Halley's last step leaves
NEAR = 0.1  # the longest last step of which its local law can be trusted
FAR = 600.0  # |y| beyond which e^y is left to the one-by-one answer
SMALL = 1e-250  # currency; smaller spends too
NOTHING = -1e300

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUNDER = 6755399441055744.0  # 1.5 x 2^52: adding it rounds to a whole number
ROUNDER_BITS = np.int64(0x4338000000000000)
SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)
E3, E4, E5, E6, E7, E8, E9, E10, E11, E12, E13 = (1.0 / math.factorial(n) for n in range(3, 14))
A1, A2, A3, A4, A5, A6, A7, A8 = (1.0 / (2 * n + 1) for n in range(1, 9))
A9, A10, A11, A12, A13, A14, A15, A16 = (1.0 / (2 * n + 1) for n in range(9, 17))

# Tangents of h at y = 2 and y = -2.5 start the search: height at y = 0, and 2 sigma(y).
RISE_RIGHT, RISE_LEFT = 2.0 / (1.0 + math.exp(-2.0)), 2.0 / (1.0 + math.exp(2.5))
AT_RIGHT = 2.0 * math.log1p(math.exp(2.0)) - 2.0 * RISE_RIGHT
AT_LEFT = 2.0 * math.log1p(math.exp(-2.5)) + 2.5 * RISE_LEFT


@compiled
def _exp(x: float) -> float:
    """e^x for |x| < 708, as 2^m e^r with the Taylor series of e^r."""
    shifted = np.float64(x * LOG2_E + ROUNDER)
    whole = shifted - ROUNDER
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    p = (E13 * r + E12) * r + E11
    p = ((p * r + E10) * r + E9) * r + E8
    p = ((p * r + E7) * r + E6) * r + E5
    p = ((p * r + E4) * r + E3) * r + 0.5
    p = (p * r + 1.0) * r + 1.0
    power = np.int64((shifted.view(np.int64) + np.int64(1023)) << np.int64(52))
    return p * power.view(np.float64)


@compiled
def _log(x: float) -> float:
    """log x for normal x > 0, as m log 2 + 2 artanh t, t = (r - 1) / (r + 1), r near 1."""
    bits = np.float64(x).view(np.int64)
    exponent = (bits - SQRT_HALF_BITS) >> np.int64(52)
    r = np.int64(bits - (exponent << np.int64(52))).view(np.float64)
    whole = np.int64(exponent + ROUNDER_BITS).view(np.float64) - ROUNDER
    t = (r - 1.0) / (r + 1.0)
    q = t * t
    p = (A10 * q + A9) * q + A8
    p = ((p * q + A7) * q + A6) * q + A5
    p = ((p * q + A4) * q + A3) * q + A2
    return whole * LN2_HIGH + (2.0 * t * q * (p * q + A1) + whole * LN2_LOW + 2.0 * t)


@compiled
def _two_artanh(t: float) -> float:
    """2 artanh t for |t| <= 1/3, to full relative precision: log(1 + x) where t = x / (2 + x)."""
    q = t * t
    p = (A16 * q + A15) * q + A14
    p = ((p * q + A13) * q + A12) * q + A11
    p = ((p * q + A10) * q + A9) * q + A8
    p = ((p * q + A7) * q + A6) * q + A5
    p = ((p * q + A4) * q + A3) * q + A2
    return 2.0 * t + 2.0 * t * q * (p * q + A1)


@compiled
def _wanted(
    log_price: float,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    wanted: FloatArray,
) -> None:
    for i in range(wanted.size):
        wanted[i] = _log(ceiling[i] * slope[i] / half_saturation[i]) - log_price


@compiled
def _floor_at_zero(slope: FloatArray, floor: FloatArray, least: FloatArray) -> None:
    """The floor and h there, for cells that may be left without money."""
    for i in range(slope.size):
        s = slope[i]
        touch = _log(s - 1.0 if s > 1.0 else 1.0)
        at_touch = 2.0 * _log(s) - touch * (1.0 - 1.0 / s)
        floor[i] = touch if s > 1.0 else -FAR * s
        least[i] = at_touch if s > 1.0 else (0.0 if s == 1.0 else NOTHING)


@compiled
def _floor(
    lower: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    floor: FloatArray,
    least: FloatArray,
) -> None:
    """The floor and h there, for any cells."""
    for i in range(slope.size):
        s, low = slope[i], lower[i]
        bend = _log((s - 1.0 if s > 1.0 else 1.0) / (s + 1.0 if low > 0.0 else 1.0))
        bend = bend if s > 1.0 else -FAR * s
        at_lower = s * _log((low if low > SMALL else SMALL) / half_saturation[i])
        y = at_lower if (low > 0.0) & (at_lower > bend) else bend
        y = y if y < FAR else FAR
        small = _exp(-abs(y))
        softplus = (y if y > 0.0 else 0.0) + _two_artanh(small / (2.0 + small))
        h = 2.0 * softplus - (1.0 - 1.0 / s) * y
        floor[i] = y
        least[i] = h if (s > 1.0) | (low > 0.0) else (0.0 if s == 1.0 else NOTHING)


@compiled
def _value_at_lower(
    price: float,
    lower: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    value: FloatArray,
) -> None:
    for i in range(lower.size):
        y = slope[i] * _log((lower[i] if lower[i] > SMALL else SMALL) / half_saturation[i])
        y = y if y > -FAR else -FAR
        y = y if y < FAR else FAR
        small = _exp(-abs(y))
        share = (1.0 if y >= 0.0 else small) / (1.0 + small)
        value[i] = ceiling[i] * share - price * lower[i] if lower[i] > 0.0 else 0.0


@compiled
def _start(wanted: FloatArray, slope: FloatArray, floor: FloatArray, y: FloatArray) -> None:
    """The parabola of h near y = 0, elsewhere the least root of tangents; not below the floor."""
    for i in range(wanted.size):
        b = 1.0 / slope[i]
        a = 1.0 - b
        above = wanted[i] - LOG_4
        within = b * b + above
        parabola = 2.0 * (math.sqrt(within if within > 0.0 else 0.0) - b)
        middle = above * slope[i]
        right = (wanted[i] - AT_RIGHT) / (RISE_RIGHT - a) if a < RISE_RIGHT else middle
        left = (wanted[i] - AT_LEFT) / (RISE_LEFT - a) if a < RISE_LEFT else middle
        start = wanted[i] / (1.0 + b)
        start = start if start < middle else middle
        start = start if start < right else right
        start = start if start < left else left
        start = parabola if (within > 0.0) & (abs(parabola) < NEAR_HALF) else start
        y[i] = start if start > floor[i] else floor[i]


@compiled
def _halley(
    wanted: FloatArray, slope: FloatArray, floor: FloatArray, tolerance: float, y: FloatArray
) -> None:
    """One of Halley's steps; NaN where it leaves more than the tolerance to the next."""
    largest = math.inf if tolerance == math.inf else NEAR
    for i in range(wanted.size):
        a = 1.0 - 1.0 / slope[i]
        old = y[i]
        small = _exp(-abs(old))
        both = 1.0 / ((1.0 + small) * (2.0 + small))
        below = (2.0 + small) * both
        rise = 2.0 * (below if old >= 0.0 else small * below) - a
        bend = small * below * below
        log1p = _two_artanh(small * (1.0 + small) * both)
        excess = 2.0 * ((old if old > 0.0 else 0.0) + log1p) - a * old - wanted[i]
        square = rise * rise
        newton = square - excess * bend
        step = excess * rise / (newton if newton > 0.5 * square else 0.5 * square)
        new = old - step
        new = new if new > floor[i] else floor[i]
        cube = abs(step) * (step * bend) * (step * bend)
        settled = (cube <= tolerance * (1.0 + abs(new)) * square) & (abs(step) <= largest)
        y[i] = new if settled else math.nan


@compiled
def _spend(
    lower: FloatArray,
    upper: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    wanted: FloatArray,
    least: FloatArray,
    y: FloatArray,
    spend: FloatArray,
) -> None:
    """Spend at the root, or at lower where the floor answers; NaN where the cell is odd."""
    for i in range(lower.size):
        z = y[i] / slope[i]
        fine = (abs(z) < FAR) & (abs(y[i]) < FAR)
        root = half_saturation[i] * _exp(z if fine else 0.0)
        root = root if root < upper[i] else upper[i]
        root = root if fine & (root > SMALL) else math.nan
        spend[i] = root if wanted[i] > least[i] else lower[i]


@summing
def _sums(
    price: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    spend: FloatArray,
    at_lower: FloatArray,
) -> Cell:
    """Sums of spend, value, ceiling and give over the cells that are not odd.

    At a spend the tangent bounds the concave part; where the curve is convex up to a spend at
    the upper limit, its two ends do. The lower end is in the running in any case.
    """
    spends = values = bounds = gives = 0.0
    for i in range(lower.size):
        s, x, low = slope[i], spend[i], lower[i]
        odd = math.isnan(x)
        stays = x <= low
        inside = x if (x > low) & (x > SMALL) else 1.0
        y = s * _log(inside / half_saturation[i])
        y = y if abs(y) < FAR else FAR
        small = _exp(-abs(y))
        share = 1.0 / (1.0 + small)
        marginal = ceiling[i] * s * (small * share * share) / inside
        tilt = (1.0 - small) * share
        bend = -s * (tilt if y >= 0.0 else -tilt) - 1.0
        value = ceiling[i] * (share if y >= 0.0 else small * share) - price * inside
        room = upper[i] - inside if marginal > price else low - inside
        bound = value + ((marginal - price) * room if bend < 0.0 else 0.0)
        bound = at_lower[i] if stays | (at_lower[i] > bound) else bound
        stays = stays | ((at_lower[i] >= value) & (s > 1.0))
        follows = (not (odd | stays)) & (x < upper[i]) & (bend < 0.0)
        gives += inside / (marginal * bend) if follows else 0.0
        spends += 0.0 if odd else (low if stays else x)
        values += 0.0 if odd else (at_lower[i] if stays else value)
        bounds += 0.0 if odd else bound
    return spends, values, bounds, gives


@compiled
def _shift(
    price: float,
    shift: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    at_lower: FloatArray,
    spend: FloatArray,
) -> None:
    """Spends that beat the lower end, moved along their slope for a small change of price."""
    for i in range(lower.size):
        s, x, low = slope[i], spend[i], lower[i]
        inside = x if (x > low) & (x > SMALL) else 1.0
        y = s * _log(inside / half_saturation[i])
        y = y if abs(y) < FAR else FAR
        small = _exp(-abs(y))
        share = 1.0 / (1.0 + small)
        marginal = ceiling[i] * s * (small * share * share) / inside
        tilt = (1.0 - small) * share
        bend = -s * (tilt if y >= 0.0 else -tilt) - 1.0
        value = ceiling[i] * (share if y >= 0.0 else small * share) - price * inside
        stays = (x <= low) | ((at_lower[i] >= value) & (s > 1.0))
        follows = (x < upper[i]) & (bend < 0.0)
        moved = x + shift * inside / (marginal * bend) if follows else x
        moved = moved if moved > low else low
        moved = moved if moved < upper[i] else upper[i]
        moved = low if stays else moved
        spend[i] = x if math.isnan(x) else moved


@compiled
def _respond(
    price: float,
    log_price: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    spend: FloatArray,
    at_lower: FloatArray,
    scratch: FloatArray,
) -> None:
    """Spend where the root or the floor puts it, and the value at the lower end, of a block."""
    n = lower.size
    wanted, floor, least, y = scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n]
    _wanted(log_price, ceiling, half_saturation, slope, wanted)
    if lower.max() > 0.0:
        _floor(lower, half_saturation, slope, floor, least)
        _value_at_lower(price, lower, ceiling, half_saturation, slope, at_lower)
    else:
        _floor_at_zero(slope, floor, least)
        at_lower[:] = 0.0
    _start(wanted, slope, floor, y)
    _halley(wanted, slope, floor, math.inf, y)
    _halley(wanted, slope, floor, math.inf, y)
    _halley(wanted, slope, floor, SETTLED, y)
    _spend(lower, upper, half_saturation, slope, wanted, least, y, spend)


@compiled
def hill_total(
    price: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
) -> Cell:
    """Sums over all cells of spend, value, ceiling and give, in one pass."""
    spend = value = bound = give = 0.0
    log_price = math.log(price)
    scratch = np.empty((6, BLOCK))
    for first in range(0, lower.size, BLOCK):
        last = min(first + BLOCK, lower.size)
        low, high, c = lower[first:last], upper[first:last], ceiling[first:last]
        k, s = half_saturation[first:last], slope[first:last]
        best, at_lower = scratch[4, : last - first], scratch[5, : last - first]
        _respond(price, log_price, low, high, c, k, s, best, at_lower, scratch)
        x, v, b, g = _sums(price, low, high, c, k, s, best, at_lower)
        for i in range(last - first):
            if math.isnan(best[i]):
                odd = hill_cell(price, log_price, low[i], high[i], c[i], k[i], s[i])
                x, v, b, g = x + odd[0], v + odd[1], b + odd[2], g + odd[3]
        spend, value, bound, give = spend + x, value + v, bound + b, give + g
    return spend, value, bound, give


@compiled
def hill_shifted(
    price: float,
    shift: float,
    lower: FloatArray,
    upper: FloatArray,
    ceiling: FloatArray,
    half_saturation: FloatArray,
    slope: FloatArray,
    spend: FloatArray,
) -> None:
    """Best spends, moved along their slope for a small change of price, in one pass."""
    log_price = math.log(price)
    scratch = np.empty((6, BLOCK))
    for first in range(0, lower.size, BLOCK):
        last = min(first + BLOCK, lower.size)
        low, high, c = lower[first:last], upper[first:last], ceiling[first:last]
        k, s = half_saturation[first:last], slope[first:last]
        best, at_lower = spend[first:last], scratch[5, : last - first]
        _respond(price, log_price, low, high, c, k, s, best, at_lower, scratch)
        _shift(price, shift, low, high, c, k, s, at_lower, best)
        for i in range(last - first):
            if math.isnan(best[i]):
                odd = hill_cell(price, log_price, low[i], high[i], c[i], k[i], s[i])
                best[i] = min(max(odd[0] + shift * odd[3], low[i]), high[i])
