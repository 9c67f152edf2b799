"""The benchmark of decision regret: its arithmetic, its peers, and a small run of it whole."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import report
from benchmarks.regret import __main__ as command
from benchmarks.regret.families import FAMILIES, LEAST_SQUARES, NO_TESTS, POOLED, TOTAL, Case
from benchmarks.regret.figures import figures
from benchmarks.regret.judge import (
    BALANCED,
    LIMITS,
    PLUG_IN,
    Outcome,
    coverage,
    followed,
    judge,
    unbounded,
)
from benchmarks.regret.peers import least_squares, ridge_search
from benchmarks.regret.scores import Advice, Score, paired_excess, wilson
from benchmarks.regret.seeds import EXPERIMENTS_SHIFT, FIRST_SEED, HARD_SHIFT, SET_SIZE
from optimizer.model import Hill, Log, Model, ModelChannel
from optimizer.synthetic import attributed_market, national_market
from optimizer.synthetic_geo import geo_market

DEVELOP = FIRST_SEED["develop"]


def test_what_is_captured_lies_between_the_history_and_the_best():
    assert Advice(gain=0.0, available=0.2).captured == 0.0
    assert Advice(gain=0.05, available=0.2).captured == pytest.approx(0.25)
    assert Advice(gain=0.2, available=0.2).captured == 1.0
    assert Advice(gain=-0.9, available=0.2).captured == -1.0  # clipped


def test_regret_is_a_share_of_the_best():
    best, history, advice = 120.0, 100.0, 110.0
    one = Advice(gain=advice / history - 1.0, available=best / history - 1.0)
    assert one.regret == pytest.approx((best - advice) / best)


def test_a_loss_beyond_rounding_is_harm():
    assert not Advice(gain=0.0, available=0.1).harms
    assert not Advice(gain=-1e-7, available=0.1).harms
    assert Advice(gain=-1e-5, available=0.1).harms


def test_a_score_leaves_out_markets_with_nothing_to_win():
    advice = [Advice(0.1, 0.1), Advice(0.02, 0.1), Advice(-0.1, 0.2), Advice(-0.9, 0.004)]
    score = Score.of(advice)
    assert (score.count, score.harms) == (3, 1)
    assert score.median == pytest.approx(0.2)
    assert score.mean == pytest.approx((1.0 + 0.2 - 0.5) / 3)
    assert score.gain == pytest.approx(0.02 / 3)
    assert score.regret == pytest.approx((0.0 + 0.08 / 1.1 + 0.3 / 1.2) / 3)
    assert np.isnan(Score.of(advice[3:]).median)


@pytest.mark.parametrize(
    ("events", "count", "low", "high"),  # Newcombe (1998), table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_of_shares_are_those_published(events, count, low, high):
    assert wilson(events, count) == pytest.approx((low, high), abs=1e-4)
    assert wilson(count - events, count) == pytest.approx((1 - high, 1 - low), abs=1e-4)


def test_nothing_counted_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_regrets_are_compared_market_by_market():
    ours = [Advice(gain, 0.1) for gain in (0.1, 0.05, 0.0)]
    theirs = [Advice(gain, 0.1) for gain in (0.1, 0.1, 0.1)]
    excess, error = paired_excess(ours, theirs)
    differences = np.array([0.0, 0.05, 0.1]) / 1.1
    assert excess == pytest.approx(differences.mean())
    assert error == pytest.approx(differences.std(ddof=1) / np.sqrt(3))
    assert paired_excess(ours, ours) == (0.0, 0.0)


@pytest.mark.parametrize("ground", [attributed_market(7), national_market(8)])
def test_who_knows_the_truth_captures_everything_and_who_stays_nothing(ground):
    stay = Model(  # earns most, and is sure of it, where all marginal returns are 1/2: as now
        channels=[
            ModelChannel(channel=name, curve=Log(scale=spend, rate=1.0 / spend))
            for name, spend in zip(ground.history.channels, ground.current.tolist(), strict=True)
        ]
    )
    truth = followed(ground, {"truth": (ground.truth, 0.0)}, ground.moves)["truth"]
    assert truth.counts
    assert truth.captured > 0.999
    kept = followed(ground, {"stay": (stay, 0.0)}, ground.moves)["stay"]
    assert kept.captured == pytest.approx(0.0, abs=1e-3)
    assert kept.available == pytest.approx(truth.available, rel=1e-4)


def test_wider_bounds_leave_more_to_win():
    ground = national_market(8)
    advice = [
        followed(ground, {"truth": (ground.truth, 0.0)}, bounds or unbounded(ground))["truth"]
        for bounds in LIMITS.values()
    ]
    available = [one.available for one in advice]
    assert available == sorted(available)
    assert available[0] < 0.9 * available[1]


def widened(ground, factor):
    """A model whose draws are the truth and twice the factor of it, half each."""
    channels = []
    for name, curve in zip(ground.history.channels, ground.curves, strict=True):
        shape = curve.document()
        assert isinstance(shape, Hill)
        tops = (shape.ceiling * np.linspace(factor, 2 * factor, 21)).tolist()
        channels.append(
            ModelChannel(channel=name, curve=shape.model_copy(update={"ceiling": tops}))
        )
    return Model(channels=channels)


def test_coverage_counts_the_points_inside_the_bands():
    market = next(
        found
        for found in map(national_market, range(200, 10_000))
        if {curve.shape for curve in found.curves} == {"hill"}
    )
    assert coverage(market, widened(market, 0.7)) == 1.0
    assert coverage(market, widened(market, 1.2)) == 0.0


def test_least_squares_finds_curves_without_noise():
    market = attributed_market(11, n_channels=3)
    usual = market.history.spend[0].mean(axis=0)
    curves = [
        Hill(ceiling=3e4, half_saturation=float(u), slope=s)
        for u, s in zip(usual, (0.8, 1.0, 1.6), strict=True)
    ]
    earned = [
        c.ceiling * x**c.slope / (x**c.slope + c.half_saturation**c.slope)
        for c, x in zip(curves, market.history.spend[0].T, strict=True)
    ]
    history = replace(market.history, revenue=np.stack(earned, axis=1)[None])
    for entry, curve in zip(least_squares(history).channels, curves, strict=True):
        assert entry.curve.ceiling == pytest.approx(curve.ceiling, rel=1e-3)
        assert entry.curve.half_saturation == pytest.approx(curve.half_saturation, rel=1e-3)


def test_a_ridge_search_finds_who_earns_and_is_the_same_for_the_same_seed():
    market = national_market(12, n_channels=3)
    spend = market.history.spend[0]
    usual = spend.mean(axis=0)
    revenue = 5e5 + 4e5 * spend[:, 1] / (spend[:, 1] + usual[1])
    history = replace(market.history, revenue=revenue[None])
    model = ridge_search(history, 1, trials=200)
    earned = model.response(usual)[0]
    assert earned[1] > 10 * max(earned[0], earned[2])
    assert model == ridge_search(history, 1, trials=200)
    assert model != ridge_search(history, 2, trials=200)


def test_seeds_that_grade_are_no_seeds_of_development():
    firsts = sorted(FIRST_SEED.values())
    assert firsts[1] - firsts[0] >= SET_SIZE + max(EXPERIMENTS_SHIFT, HARD_SHIFT)
    assert min(EXPERIMENTS_SHIFT, HARD_SHIFT, abs(HARD_SHIFT - EXPERIMENTS_SHIFT)) >= SET_SIZE


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_held_against_its_rivals(family):
    case = FAMILIES[family](DEVELOP)
    assert isinstance(case, Case)
    assert LEAST_SQUARES in case.fits
    assert (NO_TESTS in case.fits) == (family == "experiments")
    assert (TOTAL in case.fits) == (family == "geo")
    assert bool(case.kind) == (family == "hard cases")


def test_geo_markets_are_planned_by_channel_and_by_market():
    panel = geo_market(DEVELOP)
    by_channel, by_market = (
        FAMILIES["geo"](DEVELOP).ground,
        FAMILIES["geo by market"](DEVELOP).ground,
    )
    assert by_channel.current.size == len(panel.history.channels)
    assert by_market.current.size == by_channel.current.size * len(panel.history.markets)
    assert by_channel.current.sum() == pytest.approx(by_market.current.sum())
    assert "geo by market" not in POOLED


def outcome(family, gain, *, rivals=(), coverage=0.9, plug_in=0.1, seconds=0.5):
    """A market with 20 % to win."""
    methods = {BALANCED: Advice(gain, 0.2), PLUG_IN: Advice(plug_in, 0.2)}
    methods |= {name: Advice(other, 0.2) for name, other in rivals}
    spent = {"ours": seconds, "plan": 0.0}
    return Outcome(family, 1, "", False, (0.5, 2.0), coverage, methods, {}, spent)


def verdicts(table):
    return {figure.name: figure.is_met for figure in figures(table)}


def test_figures_are_met_or_missed_by_what_was_measured():
    good = [outcome("geo", 0.18, rivals=[(TOTAL, 0.1)]) for _ in range(3)]
    poor = [outcome("geo", 0.10, rivals=[(TOTAL, 0.09)], coverage=0.8) for _ in range(3)]
    assert all(verdicts({"geo": good}).values())
    missed = [name for name, is_met in verdicts({"geo": poor}).items() if not is_met]
    assert missed == [
        "geo: median captured",
        "geo: median over that of national total",
        "geo: 90 % bands cover",
    ]


def test_harm_regret_and_time_are_counted_over_all_families():
    harmed = [outcome("hard cases", -0.1, plug_in=g, seconds=2.5) for g in (0.1, 0.15)]
    found = verdicts({"hard cases": harmed * 10})
    assert not any(is_met for name, is_met in found.items() if name.startswith("pooled"))
    # the same geo markets planned twice are not counted twice
    twice = {"hard cases": harmed, "geo by market": [outcome("geo by market", 0.2)] * 30}
    harm = next(f for f in figures(twice) if f.name.startswith("pooled: harm"))
    assert harm.measured.startswith("100.0% of 2")


def test_a_market_judged_twice_is_judged_alike():
    one, same = (replace(judge("national", DEVELOP + 3), seconds={}) for _ in range(2))
    assert one == same
    assert 0.0 <= one.coverage <= 1.0
    assert all(advice.gain <= advice.available + 1e-12 for advice in one.methods.values())
    assert set(one.limits) == set(LIMITS)


@pytest.mark.slow
def test_the_whole_benchmark_runs_alike_in_one_process_and_in_two(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    told = []
    for workers in ("1", "2"):
        command.main(["--markets", "2", "--seeds", "develop", "--workers", workers])
        kept = json.loads((tmp_path / "regret.json").read_text())
        for outcomes in kept["families"].values():
            for found in outcomes:
                del found["seconds"]
        told.append(kept["families"])
    assert told[0] == told[1]
    assert list(told[0]) == list(FAMILIES)
    assert {figure["name"].split(":")[0] for figure in kept["figures"]} == {*FAMILIES, "pooled"}
    printed = capsys.readouterr().out
    for title in ("Figures to hold", "pooled: our fit under other bounds", "ridge search"):
        assert title in printed


def test_a_number_of_markets_that_would_mix_the_seeds_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["--markets", str(SET_SIZE + 1)])
    assert "must not meet" in capsys.readouterr().err
