"""The Scenario document: the whole vocabulary parses and round-trips, faults are named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from optimizer import DocumentError, Model, Scenario
from optimizer.cells import ask

CHANNELS = ("tv", "search", "print", "podcast", "direct_mail", "outdoor", "podcast_ads")

#: The scenario of the design, key by key.
DESIGN: dict[str, Any] = {
    "scenario": 1,
    "name": "Spring what-if",
    "history": {
        "file": "shop.csv",
        "layout": "attributed",
        "columns": {"date": "week", "channel": "medium", "spend": "cost", "revenue": "sales"},
        "lift_tests": "tests.csv",
    },
    "fit": {"priors": {"tv": {"roas": [1.5, 0.6]}}, "incrementality": {"tv": [0.7, 0.2]}},
    "currency": "EUR",
    "margin": 0.4,
    "periods": 13,
    "start": "2027-01-04",
    "budget": 1300000,
    "objective": "profit",
    "caution": 0.5,
    "current": {
        "tv": 500000,
        "search": 400000,
        "print": 250000,
        "podcast": 100000,
        "direct_mail": 50000,
    },
    "bounds": [0.5, 2.0],
    "channels": {
        "tv": {"min": 100000, "max": 600000},
        "search": {"change": [-0.2, 0.6], "spent": 60000},
        "podcast": {"min_if_active": 20000},
        "direct_mail": {"locked": 50000},
        "outdoor": {"excluded": True},
        "podcast_ads": {"like": "podcast", "scale": 0.8},
    },
    "markets": {"north": {"min": 100000, "max": 500000, "channels": {"tv": {"max": 200000}}}},
    "groups": {
        "offline": {
            "channels": ["tv", "print"],
            "share": [0.1, 0.7],
            "sum": [0, 900000],
            "ratio": {"to": "tests", "range": [0, 9]},
        },
        "tests": {"channels": ["podcast", "outdoor"], "markets": ["north"], "at_most": 1},
    },
    "targets": {"romi": 0.2, "revenue": 1, "profit": 1, "marginal_romi": 0, "cac": 50},
    "max_moved": 0.3,
    "cost_index": {"tv": 1.05},
    "resources": {"carbon": {"per_unit": {"tv": 0.002}, "max": 900}},
    "schedule": {
        "pattern": "even",
        "cap": {"tv": 60000},
        "floor": {"tv": 0},
        "blackout": {"tv": ["2027-01-11"]},
        "smooth": 0.2,
    },
    "values": {"tv": 80, "search": 120},
    "lot": 0.01,
    "seed": 1,
}


def model(*names: str) -> Model:
    curve = {"family": "hill", "ceiling": 9e4, "half_saturation": 4e4, "slope": 1.2}
    entries = [
        {"channel": name, "history_spend_per_period": 2e4, "curve": curve}
        for name in names or CHANNELS
    ]
    return Model.from_dict({"channels": entries})


def test_the_scenario_of_the_design_parses_and_round_trips():
    scenario = Scenario.from_dict(DESIGN)
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario
    stated = {key: value for key, value in scenario.to_dict().items() if key != "margin"}
    assert stated == {key: value for key, value in DESIGN.items() if key != "margin"}


@pytest.mark.parametrize("key", sorted(DESIGN))
def test_every_key_of_the_design_parses_alone_and_round_trips(key):
    content = {"periods": 13, key: DESIGN[key]}
    scenario = Scenario.from_dict(content)
    assert scenario.to_dict()[key] == DESIGN[key]
    assert Scenario.from_dict(scenario.to_dict()) == scenario


@pytest.mark.parametrize(
    "more",
    [
        {"budget": {"min": 1000000, "max": 1500000}},
        {"budget": "free"},
        {"margin": {"tv": 0.4, "search": 0.3}},
        {"risk": {"measure": "cvar", "tail": 0.1, "weight": 0.5}},
        {"history": {"files": ["ads.csv", "crm.csv"], "columns": {"ads.csv": {"spend": "cost"}}}},
        {"history": {"file": "a.csv", "columns": {"revenue": ["a", "b"], "controls": ["x"]}}},
        {"history": {"file": "a.csv", "columns": {"channels": {"tv": "tv_S"}}}},
        {"model": "model.json"},
        {"current": {"tv": {"north": 5}}},
        *({"objective": name} for name in ("revenue", "romi", "customer_value", "least_spend")),
        *({"schedule": {"pattern": name}} for name in ("history", "optimised")),
    ],
    ids=str,
)
def test_the_other_forms_of_a_key_parse_and_round_trip(more):
    scenario = Scenario.from_dict({"periods": 4} | more)
    assert Scenario.from_dict(json.loads(json.dumps(scenario.to_dict()))) == scenario


def test_every_key_of_the_design_is_built():
    entries = [
        entry.model_copy(update={"market": market}).model_dump()
        for market in ("north", "south")
        for entry in model().channels
        if entry.channel != "podcast_ads"  # the design adds it, like podcast
    ]
    question = ask(Model.from_dict({"channels": entries}), Scenario.from_dict(DESIGN))
    assert question.problem().total_budget == DESIGN["budget"]


@pytest.mark.parametrize(
    ("content", "where", "words"),
    [
        ({"budgt": 5}, "", 'did you mean "budget"'),
        ({"channels": {"tv": {"mx": 5}}}, "/channels/tv", 'did you mean "max"'),
        ({"history": {"file": "a", "colums": {}}}, "/history", 'did you mean "columns"'),
        ({"schedule": {"patern": "even"}}, "/schedule", 'did you mean "pattern"'),
        ({"budget": "lots"}, "/budget", "must be a number"),
        ({"budget": True}, "/budget", "must be a number"),
        ({"budget": -1}, "/budget", "must be at least 0"),
        ({"budget": 0}, "", "above 0"),
        ({"budget": 1e14}, "/budget", "at most 10,000,000,000,000"),
        ({"budget": float("nan")}, "/budget", "finite"),
        ({"budget": float("inf")}, "/budget", "finite"),
        ({"budget": 1e300}, "/budget", "must be at most"),
        ({"current": {"tv": 1e300}}, "/current/tv", "must be at most"),
        ({"margin": 0}, "/margin", "must be above 0"),
        ({"margin": "40%"}, "/margin", "must be a number"),
        ({"periods": 0}, "/periods", "must be at least 1"),
        ({"periods": 1.5}, "/periods", "a whole number"),
        ({"periods": None}, "/periods", "a whole number"),
        ({"start": "soon"}, "/start", "date"),
        ({"caution": 2}, "/caution", "must be at most 1"),
        ({"caution": 0.5, "risk": {"measure": "cvar"}}, "", "keep one"),
        ({"bounds": [2, 0.5]}, "/bounds", "swap"),
        ({"bounds": [0.5]}, "/bounds/1", "missing; add it"),
        ({"objective": "profits"}, "/objective", 'did you mean "profit"?'),
        ({"channels": {"tv": {"min": 5, "max": 3}}}, "/channels/tv", "above max"),
        ({"channels": {"tv": {"locked": 5, "max": 3}}}, "/channels/tv", "locked"),
        ({"channels": {"tv": {"spent": 5, "max": 3}}}, "/channels/tv", "spent 5.00 is above max"),
        ({"channels": {"tv": {"spent": 5, "locked": 3}}}, "/channels/tv", "above locked 3.00"),
        ({"channels": {"tv": {"spent": 5, "excluded": True}}}, "/channels/tv", "is excluded, but"),
        ({"channels": {"tv": {"min_if_active": 5, "max": 3}}}, "/channels/tv", "above max 3.00"),
        ({"channels": {"tv": {"scale": 0.5}}}, "/channels/tv", "scale needs like"),
        ({"markets": {"north": {"min": 5, "max": 3}}}, "/markets/north", "above max 3.00"),
        ({"groups": {"a": {"at_least": 2, "at_most": 1}}}, "/groups/a", "above at_most 1"),
        ({"groups": {"a": {"at_least": 1, "at_most": 0}}}, "/groups/a", "above at_most 0"),
        ({"groups": {"a": {"share": [0.5, 1.2]}}}, "/groups/a/share/1", "at most 1"),
        ({"groups": {"a": {"share": [0.5, 0.2]}}}, "/groups/a/share", "swap"),
        ({"groups": {"a": {"sum": [5, 2]}}}, "/groups/a/sum", "swap"),
        (
            {"groups": {"a": {"ratio": {"to": "b", "range": [0, 0]}}}},
            "/groups/a/ratio",
            "allows no spend; exclude",
        ),
        ({"targets": {"cac": 0}}, "/targets/cac", "above 0"),
        ({"channels": {"tv": {"change": [0.5, -0.5]}}}, "/channels/tv/change", "swap"),
        ({"channels": {"tv": {"change": [-2, 0]}}}, "/channels/tv/change/0", "-1"),
        ({"channels": {"tv": {"locked": "x"}}}, "/channels/tv/locked", "must be a number"),
        ({"history": {}}, "/history", "file or files"),
        ({"history": {"file": "a"}, "model": "b"}, "", "keep one"),
        ({"lot": 0}, "/lot", "must be above 0"),
        ({"seed": -1}, "/seed", "must be at least 0"),
        ({"fit": {"priors": {"tv": {"roas": [1.5, 0]}}}}, "/fit/priors/tv/roas/1", "above 0"),
        ({"scenario": 2}, "/scenario", "1"),
        ({"history": "a.csv"}, "/history", "write history: {file: a.csv}"),
        ({"channels": {"TikTok": 20000}}, "/channels/TikTok", "write {locked: 20000} or {min: "),
        ({"budget": "200,000"}, "/budget", "write 200000, without separators, quotes or currency"),
        ({"budget": "200k"}, "/budget", "write 200000, without"),
        ({"budget": "1.5m EUR"}, "/budget", "write 1500000, without"),
        ({"budget": "200000"}, "/budget", "write 200000, without"),
        ({"budget": {"min": 5, "max": "x"}}, "/budget/max", "must be a number"),
        ({"margin": "40 %"}, "/margin", "write 0.4 for 40 %"),
        ({"margin": {"tv": "40%"}}, "/margin/tv", "write 0.4 for 40%"),
        ({"bounds": [-0.5, 0.5]}, "/bounds/0", "factors of the current spend, such as [0.5, 1.5]"),
        ({"bounds": 0.5}, "/bounds", "must be a list; bounds are factors"),
        (
            {"channels": {"tv": {"change": [-20, 20]}}},
            "/channels/tv/change/0",
            "a fraction, such as [-0.2, 0.2]",
        ),
        ({"objective": "Profit"}, "/objective", 'did you mean "profit"?'),
        ({"start": "31.12.2024"}, "/start", "write 2024-12-31"),
        ({"start": "01/02/2024"}, "/start", "write it as 2024-12-31"),
        (
            {"history": {"file": "a", "columns": {"controls": {"x": "promo"}}}},
            "/history/columns/controls/x",
            'did you mean "promotion"?',
        ),
    ],
    ids=str,
)
def test_a_fault_names_its_place_and_what_to_do(content, where, words):
    with pytest.raises(DocumentError) as caught:
        Scenario.from_dict({"periods": 4} | content)
    places = [fault.pointer for fault in caught.value.faults]
    assert any(place.startswith(where) for place in places), places
    assert words in str(caught.value)
    assert "scenario" in str(caught.value)


def test_a_scenario_made_by_keywords_is_refused_in_the_same_words():
    with pytest.raises(DocumentError) as by_keywords:
        Scenario(periods=4, budget=-5, caution=7)
    with pytest.raises(DocumentError) as by_content:
        Scenario.from_dict({"periods": 4, "budget": -5, "caution": 7})
    assert str(by_keywords.value) == str(by_content.value)
    assert len(by_keywords.value.faults) == 2


@pytest.mark.parametrize("budget", ["lots", True, -1, {"min": 1, "max": "x"}, [1]], ids=str)
def test_a_faulty_budget_is_one_fault_that_says_nothing_of_other_kinds(budget):
    with pytest.raises(DocumentError) as caught:
        Scenario.from_dict({"periods": 4, "budget": budget})
    assert len(caught.value.faults) == 1
    assert "free" not in str(caught.value)


def test_all_faults_are_named_at_once():
    with pytest.raises(DocumentError) as caught:
        Scenario.from_dict({"budget": -1, "caution": 7, "budgt": 1})
    assert len(caught.value.faults) == 4, "three of them, and periods missing"


@pytest.mark.parametrize("content", [[], "text", None, 5])
def test_what_is_no_mapping_is_no_scenario(content):
    with pytest.raises(DocumentError, match="not keys and values"):
        Scenario.from_dict(content)


def test_numpy_numbers_are_numbers():
    import numpy as np

    scenario = Scenario(periods=np.int64(4), budget=np.float64(5.0), current={"tv": np.int32(5)})
    assert scenario.budget == 5.0
    assert scenario.current == {"tv": 5.0}


def test_the_hash_follows_the_question_not_its_writing():
    first = Scenario.from_dict({"periods": 4, "budget": 5})
    second = Scenario.from_dict({"budget": 5.0, "periods": 4, "caution": 0.5})
    assert first.content_hash == second.content_hash
    assert first.content_hash != Scenario(periods=5, budget=5.0).content_hash
