r"""One channel's response in the coordinates it is fitted in.

.. math:: f(u) = e \, h(u) / h(1)

with :math:`u` spend over its own mean and :math:`e` the revenue earned at mean spend, whose log is
the first parameter: height at a known place and shape are nearly independent there. The family of
curves gives :math:`h`, with :math:`b` the log of a multiple of mean spend:

============ =================================== ==============================================
hill         :math:`u^s / (u^s + e^{bs})`        :math:`e^b` earns half of the ceiling
exponential  :math:`1 - 2^{-u / e^b}`            likewise
logistic     :math:`\tanh(u \log 3 / 2 e^b)`     likewise
log          :math:`\log(1 + u / e^b)`           at :math:`e^b` the next unit earns half of the
                                                 first
power        :math:`u^x`                         :math:`b` is the logit of the exponent
============ =================================== ==============================================
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from optimizer.fitting.structure import CurveFamily
from optimizer.model import Curve, Exponential, Hill, Log, Logistic, Power

FloatArray = npt.NDArray[np.float64]

#: Stands for the log of zero spend; the response there is set to exactly zero.
SMALLEST = 1e-12

#: What turns u / e^b into the argument of h.
RATES = {"exponential": float(np.log(2)), "logistic": float(np.log(3)), "log": 1.0}


def response(
    relative_spend: FloatArray, shape: FloatArray, family: CurveFamily = "hill"
) -> FloatArray:
    """Revenue at a level of spend.

    Parameters
    ----------
    relative_spend : ndarray of shape (..., n_periods, n_channels), multiples of mean spend
    shape : ndarray of shape (..., n_channels, 3 or more)
        Log of the effect at mean spend (in units of revenue), bend, and log of the slope, which
        Hill alone reads. Further columns are not read.
    family : str
        Of the curves.

    Returns
    -------
    ndarray of shape (..., n_periods, n_channels), the unit of the effect
    """
    effect, bend, slope = (shape[..., None, :, i] for i in range(3))
    if family != "hill":
        level, usual = (_level(u, bend, family)[0] for u in (relative_spend, np.array(1.0)))
        return np.asarray(np.exp(effect) * level / usual)
    share, _ = _saturation(relative_spend, bend, np.exp(slope))
    return np.asarray(np.exp(effect + np.logaddexp(0.0, np.exp(slope) * bend)) * share)


def response_slopes(
    relative_spend: FloatArray, shape: FloatArray, family: CurveFamily = "hill"
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Revenue, its derivatives by the three coordinates, and its derivative by the log of spend.

    Returns
    -------
    value : ndarray of shape (n_periods, n_channels)
    by_shape : ndarray of shape (n_periods, n_channels, 3)
    by_log_spend : ndarray of shape (n_periods, n_channels)
    """
    if family != "hill":
        return _slopes(relative_spend, shape, family)
    half, slope = shape[:, 1], np.exp(shape[:, 2])
    share, level = _saturation(relative_spend, half, slope)
    share_at_mean, level_at_mean = expit(-slope * half), -slope * half
    value = np.exp(shape[:, 0]) * share / share_at_mean
    by_half = value * slope * (share - share_at_mean)
    by_slope = value * ((1 - share) * level - (1 - share_at_mean) * level_at_mean)
    by_shape = np.stack([value, by_half, by_slope], axis=-1)
    return value, by_shape, value * (1 - share) * slope


def _slopes(
    relative_spend: FloatArray, shape: FloatArray, family: CurveFamily
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """`response_slopes` of the families of two parameters."""
    height, bend = np.exp(shape[:, 0]), shape[:, 1]
    level, by_bend, by_log = _level(relative_spend, bend, family)
    usual, usual_by_bend, _ = _level(np.array(1.0), bend, family)
    value = height * level / usual
    change = height * (by_bend - level * usual_by_bend / usual) / usual
    by_shape = np.stack([value, change, np.zeros_like(value)], axis=-1)
    return value, by_shape, height * by_log / usual


def _level(
    u: FloatArray, bend: FloatArray, family: CurveFamily
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """h(u) of a family of two parameters, its slope by the bend and by the log of u."""
    if family == "power":
        exponent = expit(bend)
        level = np.asarray(u) ** exponent
        steep = level * np.log(np.maximum(u, SMALLEST)) * exponent * (1 - exponent)
        return level, steep, exponent * level
    scaled = u * RATES[family] * np.exp(-bend)
    if family == "exponential":
        level, by_log = -np.expm1(-scaled), scaled * np.exp(-scaled)
    elif family == "logistic":
        level = np.tanh(scaled / 2)
        by_log = scaled / 2 * (1 - level**2)
    else:
        level, by_log = np.log1p(scaled), scaled / (1 + scaled)
    return level, -by_log, by_log


def curve_document(family: CurveFamily, shape: FloatArray, *, usual: float, unit: float) -> Curve:
    """One channel's curve as the Model document holds it.

    Parameters
    ----------
    family : str
    shape : ndarray of shape (..., 3 or more), its draws
    usual : float, currency per period, mean spend
    unit : float, currency per unit of fitted revenue
    """
    effect, bend = unit * np.exp(shape[..., 0]), shape[..., 1]
    if family == "hill":
        slope = np.exp(shape[..., 2])
        ceiling = effect * (1 + np.exp(slope * bend))
        return Hill(ceiling=ceiling, half_saturation=usual * np.exp(bend), slope=slope)
    if family == "power":
        exponent = expit(bend)
        return Power(scale=effect * usual**-exponent, exponent=exponent)
    rate = RATES[family] * np.exp(-bend) / usual
    top = effect / _level(np.array(1.0), bend, family)[0]
    if family == "log":
        return Log(scale=top, rate=rate)
    kind = Exponential if family == "exponential" else Logistic
    return kind(ceiling=top, rate=rate)


def _saturation(
    relative_spend: FloatArray, half: FloatArray, slope: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share of the ceiling that is reached, and its logit."""
    level = slope * (np.log(np.maximum(relative_spend, SMALLEST)) - half)
    return np.where(relative_spend > 0, expit(level), 0.0), level


def steady(
    shapes: FloatArray,
    curves: npt.NDArray[np.intp],
    spend: FloatArray,
    family: CurveFamily = "hill",
) -> FloatArray:
    """Revenue (..., n) of some curves (n,) at multiples (n,) of their mean spend.

    Parameters
    ----------
    shapes : ndarray of shape (..., n_channels, 3 or more), as :func:`response` takes them
    """
    return response(spend[None], shapes[..., curves, :], family)[..., 0, :]


def steady_slopes(
    shapes: FloatArray,
    curves: npt.NDArray[np.intp],
    spend: FloatArray,
    family: CurveFamily = "hill",
) -> tuple[FloatArray, FloatArray]:
    """The same at one set of shapes (n_channels, 3 or more), and its Jacobian.

    Returns
    -------
    value : ndarray of shape (n,)
    jacobian : ndarray of shape (n, shapes.size)
        By all shapes, channel after channel.
    """
    value, by_shape, _ = response_slopes(spend[None], shapes[curves], family)
    jacobian = np.zeros((curves.size, *shapes.shape))
    jacobian[np.arange(curves.size), curves, :3] = by_shape[0]
    return value[0], jacobian.reshape(curves.size, shapes.size)
