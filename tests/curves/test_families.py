"""Laws every family obeys: rising from zero, slopes that match, the global best response."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from optimizer.curves import (
    Curve,
    ExponentialCurve,
    HillCurve,
    LogCurve,
    LogisticCurve,
    MichaelisMentenCurve,
    PowerCurve,
    TableCurve,
    hill_response,
)

ROUNDING = 1e-9
FAMILIES = ("hill", "michaelis", "exponential", "log", "power", "logistic", "table")
CONCAVE = ("michaelis", "exponential", "log", "power", "logistic")


@st.composite
def curves(draw: st.DrawFn, families: tuple[str, ...] = FAMILIES) -> Curve:
    """One cell of any family, of any size of money."""
    money = draw(st.floats(1e-1, 1e6))
    height = money * draw(st.floats(0.05, 20.0))
    shape = draw(st.floats(0.2, 5.0))
    family = draw(st.sampled_from(families))
    one = [np.array([value]) for value in (height, money, shape)]
    if family == "hill":
        return HillCurve(one[0], one[1], np.array([draw(st.floats(0.3, 4.0))]))
    if family == "michaelis":
        return MichaelisMentenCurve(one[0], one[1], np.array([1.0]))
    if family == "power":
        exponent = draw(st.one_of(st.floats(0.1, 0.98), st.just(1.0)))
        return PowerCurve(one[0] / money, np.array([exponent]))
    if family == "table":
        steps = draw(st.lists(st.floats(0.05, 2.0), min_size=1, max_size=6))
        rises = draw(st.lists(st.integers(0, 2000), min_size=len(steps), max_size=len(steps)))
        spend = np.concatenate([[0.0], np.cumsum(steps)]) * money
        return TableCurve.through(
            [(spend, np.concatenate([[0.0], np.cumsum(rises)]) * height / 1e3)]
        )
    kinds = {"exponential": ExponentialCurve, "log": LogCurve, "logistic": LogisticCurve}
    return kinds[family](one[0], one[2] / money)


def scale_of(curve: Curve) -> float:
    """A spend at which the curve has done most of its rising, roughly."""
    for name in ("half_saturation", "rate"):
        if hasattr(curve, name):
            value = float(getattr(curve, name)[0])
            return value if name == "half_saturation" else 1.0 / value
    return float(curve.nodes[0, -2]) if isinstance(curve, TableCurve) else 1e3


def at(value: float) -> np.ndarray:
    return np.array([value])


@given(curves(), st.floats(0, 5), st.floats(0, 5))
def test_a_curve_rises_from_zero_and_never_falls(curve, low, more):
    unit = scale_of(curve)
    first, second = curve.value(at(low * unit)), curve.value(at((low + more) * unit))
    assert curve.value(at(0.0))[0] == 0.0
    assert 0.0 <= first[0] <= second[0] * (1 + ROUNDING) + 1e-300


@given(curves(), st.floats(0.05, 5))
def test_the_marginal_is_the_slope_of_the_value(curve, where):
    spend = where * scale_of(curve)
    step = 1e-6 * spend
    slope = (curve.value(at(spend + step)) - curve.value(at(spend - step))) / (2 * step)
    kink = isinstance(curve, TableCurve) and np.abs(curve.nodes - spend).min() < 2 * step
    size = abs(curve.value(at(spend))[0]) / spend
    if not kink:
        np.testing.assert_allclose(curve.marginal(at(spend)), slope, atol=1e-4 * size)


@given(curves(), st.floats(0.05, 5))
def test_the_second_derivative_is_the_slope_of_the_marginal(curve, where):
    spend = where * scale_of(curve)
    step = 1e-5 * spend
    slope = (curve.marginal(at(spend + step)) - curve.marginal(at(spend - step))) / (2 * step)
    kink = isinstance(curve, TableCurve) and np.abs(curve.nodes - spend).min() < 2 * step
    size = (abs(curve.marginal(at(spend))[0]) + curve.value(at(spend))[0] / spend) / spend
    if not kink:
        np.testing.assert_allclose(curve.second_derivative(at(spend)), slope, atol=2e-3 * size)


@given(curves(), st.floats(1e-3, 3), st.floats(0, 2), st.floats(0.01, 4), st.booleans())
def test_no_point_of_the_domain_beats_the_best_response(curve, steepness, low, width, or_nothing):
    unit = scale_of(curve)
    lower, upper = at(low * unit), at((low + width) * unit)
    price = steepness * float(curve.value(upper)[0]) / float(upper[0])
    answer = curve.best_response(price, lower, upper, or_nothing)
    grid = np.linspace(lower[0], upper[0], 4001)[:, None]
    best = float((curve.value(grid) - price * grid).max())
    if or_nothing:
        best = max(best, 0.0)
    size = float(curve.value(upper)[0]) + price * float(upper[0])
    reached = curve.value(answer.spend) - price * answer.spend
    assert answer.upper[0] >= best - 1e-13 * size
    assert reached[0] >= best - 1e-9 * size
    np.testing.assert_allclose(reached, answer.value, atol=1e-12 * size)
    inside = lower[0] <= answer.spend[0] <= upper[0]
    assert inside or (or_nothing and answer.spend[0] == 0.0)


@given(curves(), st.floats(-2, 0), st.floats(0, 2), st.floats(0.01, 4))
def test_a_price_that_pays_for_spending_buys_all_there_is(curve, price, low, width):
    unit = scale_of(curve)
    lower, upper = at(low * unit), at((low + width) * unit)
    answer = curve.best_response(price * 1e-3, lower, upper)
    best = curve.value(upper) - price * 1e-3 * upper
    assert answer.upper[0] >= best[0] - 1e-13 * abs(best[0])


@given(curves(), st.floats(0.01, 3))
def test_the_inverse_marginal_finds_the_price_again(curve, where):
    spend = where * scale_of(curve)
    beyond = spend > float(curve.inflection()[0])
    price = curve.marginal(at(spend))
    if beyond and price[0] > 1e-12 * curve.value(at(spend))[0] / spend:
        found = curve.inverse_marginal(price * (1 - 1e-12))  # a straight piece has one marginal
        assert found[0] >= spend * (1 - 1e-6)
        if np.isfinite(found[0]):
            np.testing.assert_allclose(curve.marginal(found * (1 - 1e-9)), price, rtol=1e-5)


@given(curves(FAMILIES[:6]), st.floats(0.02, 3), st.floats(0.01, 2))
def test_beyond_its_inflection_a_curve_is_concave_and_before_it_convex(curve, where, width):
    turn = float(curve.inflection()[0])
    unit = scale_of(curve)
    low = turn + where * unit
    assert curve.second_derivative(at(low))[0] <= 1e-12 * curve.value(at(low))[0] / low**2
    if turn > 0.0:
        early = turn * min(where / 3.1, 0.999)
        assert curve.second_derivative(at(early))[0] >= 0.0


@given(curves(FAMILIES[:6]), st.floats(0.01, 3), st.floats(1e-3, 0.3))
def test_the_fourth_derivative_bound_holds_for_the_hermite_cubic(curve, where, width):
    low = where * scale_of(curve)
    high = low * (1 + width)
    knots = np.array([low, high])
    values = curve.value(knots[:, None])[:, 0]
    slopes = curve.marginal(knots[:, None])[:, 0]
    t = np.linspace(0, 1, 101)
    h = high - low
    cubic = (
        (1 + 2 * t) * (1 - t) ** 2 * values[0]
        + t * (1 - t) ** 2 * h * slopes[0]
        + t**2 * (3 - 2 * t) * values[1]
        + t**2 * (t - 1) * h * slopes[1]
    )
    error = np.abs(cubic - curve.value((low + t * h)[:, None])[:, 0]).max()
    bound = float(curve.fourth_derivative_bound(at(low), at(high))[0]) * h**4 / 384.0
    assert error <= bound + 1e-14 * values[1]


@given(curves(), st.floats(0.0, 3), st.floats(0.1, 60), st.floats(0.1, 5))
def test_rescaling_is_another_unit_of_money_and_of_worth(curve, where, periods, worth):
    spend = where * scale_of(curve)
    scaled = curve.rescaled(periods, worth)
    np.testing.assert_allclose(
        scaled.value(at(spend * periods)),
        worth * periods * curve.value(at(spend)),
        rtol=1e-9,
        atol=1e-12 * worth * periods * float(curve.value(at(scale_of(curve)))[0]),
    )


@settings(max_examples=40, deadline=None)
@given(curves(), st.floats(0, 1), st.floats(0.1, 3), st.floats(0, 1))
def test_the_concave_envelope_lies_above_the_curve_and_above_its_chords(curve, low, width, mix):
    unit = scale_of(curve)
    lower, upper = at(low * unit), at((low + width) * unit)
    points = np.linspace(lower[0], upper[0], 9)[:, None]
    envelope = np.array([curve.concave_envelope(row, lower, upper)[0] for row in points])
    values = curve.value(points)[:, 0]
    size = values[-1] + 1e-300
    assert np.all(envelope >= values - 1e-12 * size)
    chord = values[0] + (points[:, 0] - lower[0]) / (upper[0] - lower[0]) * (values[-1] - values[0])
    assert np.all(envelope >= chord - 1e-9 * size)
    assert np.all(np.diff(envelope, 2) <= 1e-7 * size), "an envelope is concave"


@given(st.floats(1.05, 4), st.floats(1, 1e5))
def test_the_hill_envelope_from_zero_touches_where_the_formula_says(slope, half):
    curve = HillCurve(at(1000.0), at(half), at(slope))
    tangent = half * (slope - 1.0) ** (1.0 / slope)
    lower, upper = at(0.0), at(4.0 * max(tangent, half))
    np.testing.assert_allclose(
        curve.concave_envelope(at(tangent), lower, upper), curve.value(at(tangent)), rtol=1e-7
    )
    half_way = at(0.5 * tangent)
    chord = 0.5 * curve.value(at(tangent))
    np.testing.assert_allclose(curve.concave_envelope(half_way, lower, upper), chord, rtol=1e-6)


def test_a_best_spend_too_small_to_write_down_still_has_a_finite_ceiling():
    """Just below slope 1 the marginal at zero is infinite and the best spend underflows."""
    curve = HillCurve(at(1000.0), at(500.0), at(0.9999))
    answer = curve.best_response(2.5, at(0.0), at(1500.0))
    assert answer.spend[0] <= 1e-200
    assert 0.0 <= answer.upper[0] <= 1e-12


def test_concave_families_have_no_convex_part_and_no_gap():
    for family in (
        MichaelisMentenCurve(at(10.0), at(3.0), at(1.0)),
        ExponentialCurve(at(10.0), at(0.3)),
        LogCurve(at(10.0), at(0.3)),
        PowerCurve(at(2.0), at(0.6)),
        LogisticCurve(at(10.0), at(0.3)),
    ):
        assert family.inflection()[0] == 0.0
        assert family.non_convexity(at(0.0), at(20.0))[0] <= 1e-6
    s_shaped = HillCurve(at(10.0), at(3.0), at(2.5))
    assert s_shaped.non_convexity(at(0.0), at(20.0))[0] > 0.5


def test_hill_of_slope_one_and_michaelis_menten_are_one_curve():
    hill = HillCurve(at(10.0), at(3.0), at(1.0))
    twin = MichaelisMentenCurve(at(10.0), at(3.0), at(1.0))
    for price in (0.1, 1.0, 3.0, 3.4):
        np.testing.assert_allclose(
            hill.inverse_marginal(at(price)), twin.inverse_marginal(at(price)), atol=1e-9
        )


def test_a_known_wrong_hill_is_not_accepted():
    """The exponent belongs on the ratio, not on the half-saturation alone."""
    right = hill_response(20.0, ceiling=100.0, half_saturation=50.0, slope=2.0)
    wrong = 100.0 * 20.0**2 / (20.0**2 + 50.0)
    assert right == pytest.approx(100.0 * 400.0 / 2900.0)
    assert abs(right - wrong) > 10.0


@given(st.lists(st.tuples(st.floats(0.05, 2.0), st.integers(0, 50)), min_size=1, max_size=8))
def test_a_stated_table_is_scipys_pchip(steps):
    spend = np.concatenate([[0.0], np.cumsum([width for width, _ in steps])])
    response = np.concatenate([[0.0], np.cumsum([float(rise) for _, rise in steps])])
    grid = np.linspace(0.0, spend[-1] * (1 - 1e-9), 101)
    table = TableCurve.through([(spend, response)])
    expected = PchipInterpolator(spend, response)(grid)
    np.testing.assert_allclose(table.value(grid[:, None])[:, 0], expected, atol=1e-11)


def test_a_stated_table_passes_through_its_points_and_is_flat_beyond():
    table = TableCurve.through([([0.0, 5.0, 20.0], [0.0, 9.0, 21.0]), ([0.0, 1.0], [0.0, 2.0])])
    np.testing.assert_allclose(table.value(np.array([5.0, 1.0])), [9.0, 2.0])
    np.testing.assert_allclose(table.value(np.array([20.0, 0.0])), [21.0, 0.0])
    np.testing.assert_allclose(table.value(np.array([1e9, 1e9])), [21.0, 2.0])
    assert np.all(table.marginal(np.array([21.0, 1.5])) == 0.0)
