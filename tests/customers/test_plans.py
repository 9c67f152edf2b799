"""Customer value in plans: what a customer is worth, and its doubt, decide and are shown."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from optimizer import Customers, DocumentError, Model, Scenario, plan, what_if

WORTH = {"search": (60.0, 50.0), "social": (120.0, 40.0)}  # value, first order
DRAWS = 200


def segment(name: str, value: float, first: float, doubt: float, seed: int) -> dict:
    """One segment of a document; doubt is the sd of the value's log."""
    rng = np.random.default_rng(seed)
    drawn = np.exp(doubt * rng.standard_normal(DRAWS))
    drawn *= value / drawn.mean()
    return {
        "segment": name, "customers": 500, "repeaters": 200, "first_order": first,
        "order_value": first, "orders": 1.5, "is_pooled": False, "draws": drawn.tolist(),
        "value": {"mean": value, "p05": float(np.quantile(drawn, 0.05)),
                  "p95": float(np.quantile(drawn, 0.95))},
    }  # fmt: skip


def document(doubt: float = 0.0, names: tuple[str, ...] = ("search", "social")) -> Customers:
    rows = [segment(n, *WORTH.get(n, (80.0, 45.0)), doubt, i) for i, n in enumerate(names)]
    return Customers.from_dict({
        "currency": "EUR", "as_of": "2026-06-30", "margin": 0.4, "discount_rate": 0.1,
        "weeks": 104, "whole": segment("all", 80.0, 45.0, doubt, 99), "segments": rows,
        "provenance": {"romi": "0", "transactions": "sha256:0", "seed": 1},
    })  # fmt: skip


def model(*, draws: int = DRAWS, counts: str | None = None) -> Model:
    """Two channels with curves alike, in EUR; each draw of their ceilings 10 % apart."""
    rng = np.random.default_rng(7)
    channels = [
        {"channel": name, "history_spend_per_period": 500.0,
         "curve": {"family": "hill", "half_saturation": 600.0, "slope": 1.0,
                   "ceiling": (3000 * np.exp(0.1 * rng.standard_normal(draws))).tolist()
                   if draws > 1 else 3000.0}}
        for name in ("search", "social")
    ]  # fmt: skip
    return Model.from_dict({"channels": channels, "currency": "EUR", "counts": counts})


def question(customers: Customers | None = None, **changes: object) -> Scenario:
    stated = {"periods": 13, "budget": 13_000.0, "objective": "customer_value", "caution": 0.0}
    return Scenario(**{**stated, "customers": customers, **changes})


def codes(found: object) -> set[str]:
    return {warning.code for warning in found.warnings}


def test_certain_values_plan_as_the_same_values_stated():
    stated = {name: value for name, (value, _) in WORTH.items()}
    ours = plan(model(counts="customers"), question(document()))
    theirs = plan(model(counts="customers"), question(values=stated))
    assert ours.split == theirs.split
    assert ours.totals == theirs.totals
    assert ours.split["social"] > ours.split["search"]
    assert ours.counts == "customers"


def test_curves_of_revenue_count_the_value_of_a_first_order():
    stated = {name: value / first for name, (value, first) in WORTH.items()}
    ours = plan(model(), question(document()))
    assert ours.split == plan(model(), question(values=stated)).split
    assert "customers_from_revenue" in codes(ours)
    assert "customers_from_revenue" not in codes(
        plan(model(counts="customers"), question(document()))
    )


@pytest.mark.parametrize("draws", [1, DRAWS, 3 * DRAWS])
def test_the_doubt_of_values_widens_what_a_split_earns_and_keeps_its_mean(draws):
    split = {"search": 5000.0, "social": 8000.0}
    sure = what_if(model(draws=draws), question(document()), split).totals.profit
    spans = [sure.p95 - sure.p05 if sure.p05 is not None else 0.0]
    for doubt in (0.2, 0.6):
        found = what_if(model(draws=draws), question(document(doubt)), split).totals.profit
        assert found.mean == pytest.approx(sure.mean, rel=0.05)  # draws of two kinds, paired
        spans.append(found.p95 - found.p05)
    assert spans[0] < spans[1] < spans[2]


def test_a_cautious_plan_gives_a_doubtful_channel_less():
    rows = document().to_dict()
    rows["segments"][1] = segment("social", *WORTH["social"], 0.8, 5)
    doubtful = Customers.from_dict(rows)
    bold, careful = (
        plan(model(), question(doubtful, caution=caution)).split["social"] for caution in (0.0, 1.0)
    )
    assert careful < bold


def test_the_target_cac_counts_customers_of_revenue_by_their_first_order():
    free = question(document(), targets={"cac": 15.0}, budget="free", bounds=(0.0, 5.0))
    found = plan(model(draws=60), free)
    bought = sum(row.response.mean / WORTH[row.channel][1] for row in found.rows)
    assert found.totals.spend / bought == pytest.approx(15.0, rel=1e-3)


def test_channels_without_a_segment_are_taken_at_the_worth_of_all():
    found = plan(model(counts="customers"), question(document(names=("search", "organic"))))
    assert {"no_segment", "segment_without_channel"} <= codes(found)
    values = {"search": 60.0, "social": 80.0}
    assert found.split == plan(model(), question(values=values)).split


@pytest.mark.parametrize(
    ("customers", "message"),
    [
        (document(names=("serch", "social")), 'did you mean "search"'),
        (document(names=("north", "south")), "known: search, social"),
        ("customers.json", "Customers.from_dict"),
        (document().model_copy(update={"currency": "USD"}), "valued in USD"),
    ],
)
def test_a_document_that_does_not_fit_is_refused(customers, message):
    with pytest.raises(DocumentError, match=message):
        plan(model(), question(customers))


def test_values_and_customers_exclude_each_other():
    with pytest.raises(DocumentError, match="both values and customers"):
        Scenario.from_dict({"customers": "customers.json", "values": {"tv": 1.0}, "periods": 1})


def test_other_objectives_say_that_they_read_no_customers():
    found = plan(model(), question(document(), objective="revenue"))
    assert "customers_not_read" in codes(found)
    assert found.split == plan(model(), question(objective="revenue")).split


def test_newcomers_and_prices_stand_beside_the_worth_of_customers():
    stated = {"channels": {"podcast": {"like": "social", "max": 2000.0}}}
    found = plan(model(), question(document(0.3), cost_index={"search": 1.2}, **stated))
    assert set(found.split) == {"search", "social", "podcast"}
    assert {"no_segment", "borrowed_curve"} <= codes(found)


def test_a_scenario_file_names_its_customers_document(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps(model().to_dict()))
    (tmp_path / "customers.json").write_text(json.dumps(document(0.3).to_dict()))
    stated = {"model": "model.json", "customers": "customers.json", "periods": 13,
              "objective": "customer_value", "budget": 13_000}  # fmt: skip
    (tmp_path / "scenario.json").write_text(json.dumps(stated))
    run = CliRunner()
    found = run.invoke(app, ["plan", str(tmp_path / "scenario.json"), "--json"])
    assert found.exit_code == 0, found.output
    by_hand = plan(model(), question(document(0.3), caution=0.5))
    told = {row["channel"]: row["spend"] for row in json.loads(found.stdout)["allocation"]}
    assert told == by_hand.split
    book = run.invoke(
        app, ["plan", str(tmp_path / "scenario.json"), "-o", str(tmp_path / "p.xlsx")]
    )
    assert book.exit_code == 0, book.output
    (tmp_path / "scenario.json").write_text(json.dumps({**stated, "customers": "orders.csv"}))
    refused = run.invoke(app, ["plan", str(tmp_path / "scenario.json")])
    assert "romi customers" in refused.output


def test_a_faulty_document_in_a_scenario_is_named():
    content = document().to_dict()
    content["segments"][0]["value"]["mean"] = -1.0
    with pytest.raises(DocumentError, match="mean"):
        Scenario.from_dict({"customers": content, "periods": 1})
