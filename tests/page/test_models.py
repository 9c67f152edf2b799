"""Curves on the page, without scripts: what they return, what they rest on, importing, planning."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from api.serving import fits
from optimizer import Model
from tests.page.visiting import Reader, reading, words
from tests.service.running import MODEL, Service, ended
from tests.test_history import long, wide

CUSTOMERS = {**MODEL, "counts": "customers"}


def fitted(service: Service, workspace: str, table: Any = None) -> str:
    """The address of curves fitted to a small history."""
    content = (long(60) if table is None else table).to_csv(index=False).encode()
    with service.client(workspace=workspace) as client:
        files, data = {"file": ("shop.csv", content)}, {"currency": "EUR"}
        history = client.post("/v1/histories", files=files, data=data).json()["id"]
        body = {"history": history, "name": "Own", "draws": 40, "make_current": True}
        job = client.post("/v1/models", json=body).json()["job"]
        return f"/models/{ended(client, job)['result']['model']}"


def imported(reader: Reader, document: Any, **typed: str) -> httpx.Response:
    """The answer to importing a document."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return reader.post("/models", typed, files={"file": ("own curves.json", content)})


def data(answer: httpx.Response, source: str) -> Any:
    """What a chart of a view is drawn from."""
    found = re.search(rf'id="{source}">(.*?)</script>', answer.text)
    assert found is not None
    return json.loads(found[1])


def test_the_empty_view_says_what_a_curve_is(service, workspace):
    with reading(service, workspace) as reader:
        assert "what revenue comes at what spend" in words(reader.get("/models"))


@pytest.mark.parametrize("table", [long(60), wide(60)], ids=["attributed", "aggregate"])
def test_fitted_curves_are_shown_with_what_they_rest_on(service, workspace, table):
    with reading(service, workspace) as reader:
        shown = reader.get(fitted(service, workspace, table))
        curve = data(shown, "curve-0")
        assert {"unit", "spend", "mean", "p05", "p95", "now", "plan", "limits", "seen"} <= set(
            curve
        )
        assert len(curve["spend"]) == len(curve["mean"]) == len(curve["p05"])
        assert curve["unit"] == "EUR per week"
        assert curve["seen"] < curve["spend"][-1]
        told = words(shown)
        for part in ("What to do next", "What each channel returns", "Explained", "60 weeks"):
            assert part in told


def test_forecasts_stand_beside_what_came_and_miss_what_the_fit_says(service, workspace):
    with reading(service, workspace) as reader:
        model = fitted(service, workspace, wide(60))
        drawn = data(reader.get(model), "forecast")
        held = [i for i, value in enumerate(drawn["forecast"]) if value is not None]
        assert held == list(range(held[0], 60))
        assert drawn["dates"][held[0]] == drawn["begins"]
        missed = sum(abs(drawn["forecast"][i] - drawn["observed"][i]) for i in held)
        share = missed / sum(drawn["observed"][i] for i in held)
        with service.client(workspace=workspace) as client:
            told = client.get(f"/v1{model}/diagnostics").json()["fit"]["diagnostics"]
        said = next(one["value"] for one in told if one["code"] == "holdout_error")
        assert share == pytest.approx(said, abs=1e-3)
        assert "without a model: a straight line" in words(reader.get(model))


def test_returns_are_those_of_the_curves(service, workspace):
    rows = {row["channel"]: row for row in fits.returns_of(Model.from_dict(MODEL))}
    assert rows["tv"]["roas"] == pytest.approx(900 * 300**1.4 / (300**1.4 + 400**1.4) / 300)
    assert rows["tv"]["half"] == 400
    assert rows["search"]["low"] < rows["search"]["roas"] < rows["search"]["high"]
    assert rows["search"]["half"] is None


def test_a_report_without_numbers_is_left_out():
    whole = {
        "dates": ["2024-01-01"],
        "series": [],
        "backtest": {"dates": [], "series": [], "naive_errors": {}},
    }
    assert fits.forecasts_of({"markets": []}) is None
    assert fits.forecasts_of({"markets": [whole]}) is None


def test_a_quarter_is_planned_with_the_curves(service, workspace):
    with reading(service, workspace) as reader, service.client(workspace=workspace) as client:
        model = fitted(service, workspace)
        answer = reader.post(f"{model}/scenarios")
        assert answer.status_code == 303
        scenario = client.get(f"/v1{answer.headers['location']}").json()
        assert scenario["model"] == model.removeprefix("/models/")
        assert scenario["scenario"] == {
            "name": "Own", "periods": 13, "objective": "profit", "currency": "EUR",
        }  # fmt: skip


@pytest.mark.parametrize(("period", "periods"), [("week", 13), ("month", 3), ("day", 90)])
def test_a_first_plan_is_a_quarter_long(service, workspace, period, periods):
    with reading(service, workspace) as reader, service.client(workspace=workspace) as client:
        model = imported(reader, {**CUSTOMERS, "period": period}).headers["location"]
        scenario = reader.post(f"{model}/scenarios").headers["location"]
        document = client.get(f"/v1{scenario}").json()["scenario"]
        assert (document["periods"], document["objective"]) == (periods, "revenue")


def test_imported_curves_are_shown_and_made_current(service, workspace):
    with reading(service, workspace) as reader:
        answer = imported(reader, MODEL)
        shown = reader.get(answer.headers["location"])
        assert "own curves" in words(shown)
        assert "brought in as they are" in words(shown)
        assert data(shown, "curve-0")["p05"] is not None
        assert "Make current" in words(shown)
        second = imported(reader, CUSTOMERS, name="Second", make_current="yes").headers["location"]
        assert "New customers" in words(reader.get(second))
        assert reader.post(f"{answer.headers['location']}/current").status_code == 303
        listed = words(reader.get("/models"))
        assert listed.index("Second") < listed.index("own curves current")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "the file is empty"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ({"channels": []}, "/channels"),
        ({"channels": [{"channel": "tv", "curve": {"family": "cubic"}}]}, "/channels/0/curve"),
    ],
)
def test_a_document_that_is_no_model_is_told_beside_the_field(service, workspace, document, told):
    with reading(service, workspace) as reader:
        answer = imported(reader, document, name="Mine")
        assert answer.status_code == 422
        beside = re.search(r'id="file-wrong">(.*?)</div>', answer.text, re.DOTALL)
        assert beside is not None
        assert told in beside[1]
        assert 'value="Mine"' in answer.text


def test_no_document_is_told_beside_the_field(service, workspace):
    with reading(service, workspace) as reader:
        answer = reader.post("/models")
        assert answer.status_code == 422
        assert "No file was chosen" in words(answer)


def test_another_workspace_finds_no_curves(service, workspace):
    with reading(service, workspace) as reader, reading(service, f"{workspace}-other") as other:
        model = imported(reader, MODEL).headers["location"]
        assert other.get(model).status_code == 404
        for path in (f"{model}/current", f"{model}/scenarios"):
            assert other.post(path).status_code == 404
        assert model not in other.get("/models").text


def test_curves_are_changed_by_their_own_forms_and_by_keys_that_may_write(service, workspace):
    with reading(service, workspace, "read") as looking, reading(service, workspace) as reader:
        model = imported(reader, MODEL).headers["location"]
        assert "Plan a budget" not in words(looking.get(model))
        reader.token = "0" * 64
        for path in ("/models", f"{model}/current", f"{model}/scenarios"):
            assert looking.post(path).status_code == 403
            assert reader.post(path).status_code == 403
