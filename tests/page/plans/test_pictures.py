"""What the pictures of a plan show: sums that add up, places on the line, nothing left out."""

from __future__ import annotations

import pytest

from api.page.plans.around import now_of
from api.page.plans.budgets import budgets
from api.page.plans.pictures import (
    change_bar,
    current_split,
    figures,
    interval_bar,
    marginals,
    moves,
    timetable,
    waterfall,
)
from api.page.plans.side_by_side import side_by_side
from optimizer import compare, plan
from tests.page.plans.planned import (
    BUDGET,
    KINDS,
    budgets_around,
    curves,
    document,
    many_cells,
    planned,
    question,
)

CENT = 0.011  # money is told to the cent
ALMOST = 1e-6  # relative: sums of the same draws in another order

kinds = pytest.mark.parametrize("kind", list(KINDS))


def now(kind):
    return now_of(planned(kind), curves(), question(kind)).to_dict()


@kinds
def test_every_bar_stays_on_its_line(kind):
    bars = [one["bar"] for one in figures(document(kind)) if one["bar"]]
    for bar in bars:
        assert 0.0 <= bar["start"] <= bar["mean"] <= bar["start"] + bar["width"] <= 100.001
        assert 0.0 <= bar["zero"] <= 100.0
    assert bars


def test_without_draws_there_is_no_bar():
    assert [one["bar"] for one in figures(document("profit", draws=1))] == [None] * 5
    assert interval_bar({"mean": 1.0, "p05": 1.0, "p95": 1.0}) is None


@kinds
def test_the_split_holds_every_cell_the_largest_move_first(kind):
    content = document(kind)
    shown = moves(content)
    moved = [abs(row["moved"]) for row in shown["rows"]]
    assert moved == sorted(moved, reverse=True)
    assert sum(row["plan"] for row in shown["rows"]) == pytest.approx(content["totals"]["spend"])
    assert {row["channel"] for row in shown["rows"]} == {
        r["channel"] for r in content["allocation"]
    }
    for row in shown["rows"]:
        assert row["bar"]["width"] <= 50.0
        assert (row["bar"]["start"] < 50.0) == (row["moved"] < 0.0)


def test_a_change_to_nothing_of_nothing_has_no_length():
    assert change_bar(0.0, 0.0) == {"start": 50.0, "width": 0.0}


def test_cells_without_money_are_in_the_table_but_not_in_the_chart():
    content = document("profit")
    content["allocation"][0] |= {"spend": 0.0, "current_spend": 0.0, "change": None}
    shown = moves(content)
    assert len(shown["rows"]) == len(shown["cells"]) + 1
    assert shown["rows"][-1]["change"] == 0.0


@kinds
def test_a_waterfall_leads_from_the_current_split_to_the_plan(kind):
    content = document(kind)
    shown = waterfall(content, now(kind))
    if shown is None:
        assert kind == "tight"
        return
    at = shown["start"]
    for step in shown["steps"]:
        assert step["start"] == pytest.approx(at)
        at = step["end"] = step["start"] + step["delta"]
    assert at == pytest.approx(shown["end"], rel=ALMOST)
    gained = content["totals"]["uplift"]["mean"]
    assert shown["end"] - shown["start"] == pytest.approx(gained, rel=ALMOST)
    assert shown["floor"] <= max(min(shown["start"], shown["end"]), 0.0)


@kinds
def test_a_waterfall_of_a_steady_plan_needs_no_step_for_timing(kind):
    shown = waterfall(document(kind), now(kind))
    timed = [step for step in shown["steps"] if step["name"] is None] if shown else []
    assert not timed or kind == "by period"


def test_a_waterfall_counts_what_the_plan_is_judged_by():
    for kind, worth in (("profit", "profit"), ("revenue", "revenue"), ("romi", "revenue")):
        shown = waterfall(document(kind), now(kind))
        assert shown["worth"] == worth
        assert shown["end"] == pytest.approx(document(kind)["totals"][worth]["mean"], rel=ALMOST)


def test_small_steps_of_a_waterfall_become_one():
    model, scenario = many_cells()
    found = plan(model, scenario)
    shown = waterfall(found.to_dict(), now_of(found, model, scenario).to_dict())
    *_, others = shown["steps"]
    assert others["count"] > 1
    assert len(shown["steps"]) <= 13


@kinds
def test_marginals_stand_around_what_free_cells_share(kind):
    shown = marginals(document(kind))
    values = [row["value"] for row in shown["rows"]]
    free = [row["value"] for row in shown["rows"] if row["binding"] is None]
    assert values == sorted(values, reverse=True)
    assert (shown["level"] is None) == (not free)
    assert all(0.0 <= row["place"] <= 100.0 for row in shown["rows"])
    if free:
        assert min(free) <= shown["level"] <= max(free)


def test_without_caution_free_cells_agree():
    assert marginals(document("without caution"))["alike"]


def test_a_limit_that_costs_has_its_price():
    held = [row for row in marginals(document("held"))["rows"] if row["binding"]]
    assert held
    assert all(row["price"] > 0.0 for row in held)


def test_a_marginal_far_away_is_drawn_at_the_edge_and_says_so():
    content = document("without caution")
    content["allocation"][0] |= {"marginal_romi": 500.0, "binding": "locked"}
    first = marginals(content)["rows"][0]
    assert first["value"] == 500.0
    assert first["beyond"]
    assert first["place"] <= 100.0


def test_no_cell_with_a_marginal_makes_no_picture():
    content = document("profit")
    for row in content["allocation"]:
        row["marginal_romi"] = None
    assert marginals(content) is None


def test_a_schedule_adds_up_to_the_split():
    content = document("by period")
    shown = timetable(content)
    assert sum(shown["total"]) == pytest.approx(content["totals"]["spend"], abs=10 * CENT)
    assert len(shown["dates"]) == len(shown["revenue"]) == content["periods"]
    assert timetable(document("profit")) is None


def test_many_layers_of_a_schedule_become_few():
    content = document("by period")
    row = content["schedule"]["allocation"][0]
    content["schedule"]["allocation"] = [{**row, "channel": f"c{n}"} for n in range(9)]
    shown = timetable(content)
    assert len(shown["rows"]) == 9
    assert [row["name"] for row in shown["chart"]][-1] is None
    drawn, all_of_it = (sum(sum(r["spend"]) for r in shown[key]) for key in ("chart", "rows"))
    assert drawn == pytest.approx(all_of_it)


def test_the_current_split_is_one_a_what_if_takes():
    assert sum(current_split(document("profit")).values()) == pytest.approx(BUDGET)
    model, scenario = many_cells()
    split = current_split(plan(model, scenario).to_dict())
    assert set(split["channel 0"]) == {f"market {m}" for m in range(5)}


def test_a_frontier_shows_about_ten_budgets_its_peak_and_its_own():
    content = budgets_around().to_dict()
    shown = budgets(content)
    assert len(shown["rows"]) == 10
    assert [shown["rows"][0], shown["rows"][-1]] == [content["points"][0], content["points"][-1]]
    assert shown["break_even"] == content["break_even"]
    assert abs(shown["own"]["budget"] - BUDGET) <= 0.6 * 160_000 / 11
    assert len(shown["chart"]["p05"]) == len(content["points"])
    content["budget"] = 1e9
    assert budgets(content)["own"] is None


def test_a_comparison_lays_every_figure_on_one_scale():
    pair = [planned("profit"), planned("held")]
    found = compare(pair, curves(), labels=["free", "held"])
    shown = side_by_side(found.to_dict())
    assert shown["better"][0] is None
    assert shown["better"][1] < 0.5
    for figure in shown["figures"]:
        by_mean = sorted(figure["plans"], key=lambda one: one["mean"])
        assert by_mean == sorted(figure["plans"], key=lambda one: one["bar"]["mean"])
    assert set(shown["chart"]["names"]) == {row.channel for row in pair[0].rows}


def test_a_comparison_without_draws_has_no_chance():
    pair = [planned("profit", draws=1), planned("held", draws=1)]
    found = compare(pair, curves(1), labels=["free", "held"])
    assert side_by_side(found.to_dict())["better"] == [None, None]
