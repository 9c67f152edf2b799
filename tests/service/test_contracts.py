"""What every answer of the API keeps to: errors, versions, pages, waiting, events, documents."""

from __future__ import annotations

import json
import re
import time

import pytest
from typer.testing import CliRunner

import optimizer
from api.cli import app as romi
from api.settings import Settings
from optimizer import Model, Scenario
from tests.service.running import MODEL, SCENARIO, SHOP, SPLIT, ended, serving


def raw(client, content, path="/v1/recommendations", **headers):
    return client.post(
        path, content=content, headers={"content-type": "application/json", **headers}
    )


INFEASIBLE = {
    **SCENARIO,
    "channels": {"tv": {"min": 4000}, "search": {"min": 4000}},
}

REFUSED = {
    "no such route": (404, "no_route", lambda c, _: c.get("/v1/nothing")),
    "no such method": (405, "no_method", lambda c, _: c.patch("/v1/models")),
    "no such thing": (404, "not_found", lambda c, _: c.get("/v1/plans/pln_none")),
    "no JSON": (400, "unreadable_body", lambda c, _: raw(c, b'{"scenario":')),
    "no body": (422, "faulty_request", lambda c, _: raw(c, b"")),
    "bytes": (400, "unreadable_body", lambda c, _: raw(c, b"\xff\xfe\x00")),
    "deep JSON": (400, "unreadable_body", lambda c, _: raw(c, b"[" * 100_000)),
    "no form": (422, "faulty_request", lambda c, _: raw(c, b"{", "/v1/histories")),
    "an unknown key": (
        422,
        "faulty_request",
        lambda c, _: c.post("/v1/scenarios", json={"scenario": SCENARIO, "mdoel": "x"}),
    ),
    "a faulty document": (
        422,
        "faulty_document",
        lambda c, _: c.post("/v1/scenarios", json={"scenario": {"periods": -1}}),
    ),
    "infeasible": (
        422,
        "infeasible_constraints",
        lambda c, h: c.post("/v1/recommendations", json={"model": h.model, "scenario": INFEASIBLE}),
    ),
    "too large": (413, "too_large", lambda c, _: raw(c, b" " * (51 << 20))),
    "no If-Match": (
        428,
        "if_match_missing",
        lambda c, h: c.put(f"/v1/scenarios/{h.scenario}", json={"scenario": SCENARIO}),
    ),
    "an old If-Match": (
        412,
        "changed_meanwhile",
        lambda c, h: c.put(
            f"/v1/scenarios/{h.scenario}",
            json={"scenario": SCENARIO},
            headers={"If-Match": '"v999"'},
        ),
    ),
    "a bad file": (
        422,
        None,
        lambda c, _: c.post("/v1/histories", files={"file": ("a.csv", b"a,b\n1,2\n")}),
    ),
    "a bad page": (422, "faulty_request", lambda c, _: c.get("/v1/models?limit=9999")),
    "a bad option": (
        422,
        "faulty_columns",
        lambda c, _: c.post(
            "/v1/histories", files={"file": ("a.csv", b"a")}, data={"columns": "{"}
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_error_is_a_problem_that_says_what_to_do(case, admin, home):
    status, code, ask = REFUSED[case]
    answer = ask(admin, home)
    told = answer.json()
    assert (answer.status_code, told["status"]) == (status, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert code in (None, told["code"])
    assert told["type"].endswith(told["code"].replace("_", "-"))
    assert told["title"]
    assert told["request"] == answer.headers["x-request-id"]
    assert len(re.split(r"[.;?] ", told["detail"])) > 1, told["detail"]  # what, and what to do


def test_faults_of_a_document_point_into_the_body(admin, home):
    scenario = {"periods": 0, "budjet": 5, "channels": {"tv": {"min": "much"}}}
    told = admin.post(
        "/v1/recommendations", json={"scenario": scenario, "model": home.model}
    ).json()
    assert {fault["pointer"] for fault in told["errors"]} >= {
        "/scenario/periods",
        "/scenario/budjet",
        "/scenario/channels/tv/min",
    }


def test_infeasible_constraints_are_named_with_what_would_resolve_them(admin, home):
    body = {"model": home.model, "scenario": INFEASIBLE}
    told = admin.post("/v1/recommendations", json=body).json()
    assert len(told["conflicts"]) >= 2
    assert any(one["is_enough"] for one in told["relaxations"])


def test_of_a_list_of_scenarios_the_one_without_an_answer_is_named(admin, home):
    body = {"model": home.model, "scenario": [SCENARIO, INFEASIBLE]}
    answer = admin.post("/v1/recommendations", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith("This is about the scenario at /scenario/1.")


def test_a_bad_cell_is_told_by_its_row_and_column(admin):
    content = SHOP.read_bytes().replace(b"13555.08", b"13555.08")
    lines = content.splitlines()
    lines[4] = b"2022-01-03,display,lots,12856.52"
    told = admin.post("/v1/histories", files={"file": ("shop.csv", b"\n".join(lines))}).json()
    assert [
        (one["row"], one["column"]) for one in told["errors"] if one["severity"] == "fatal"
    ] == [(5, "spend")]


def test_a_request_id_is_given_back_and_a_strange_one_is_not(service):
    for given, taken in (("abc-123", True), ("x" * 81, False), ("a b<script>", False)):
        answer = service.anyone.get("/livez", headers={"X-Request-ID": given})
        assert (answer.headers["x-request-id"] == given) is taken


def test_too_many_requests_are_told_when_to_come_again(settings):
    with serving(settings.model_copy(update={"requests_per_minute": 3})) as service:
        with service.client() as client:
            answers = [client.get("/v1/models") for _ in range(5)]
        assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].json()["code"] == "too_many_requests"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        with service.client("read") as other:
            assert other.get("/v1/models").status_code == 200


def test_a_change_of_a_version_read_before_another_change_is_refused(admin):
    made = admin.post("/v1/scenarios", json={"scenario": SCENARIO})
    place, first = made.headers["Location"], made.headers["ETag"]
    changed = admin.put(place, json={"scenario": SCENARIO}, headers={"If-Match": first})
    late = admin.put(place, json={"scenario": SCENARIO}, headers={"If-Match": first})
    assert (changed.status_code, late.status_code) == (200, 412)
    assert late.headers["ETag"] == changed.headers["ETag"] == admin.get(place).headers["ETag"]
    assert admin.put(place, json={"scenario": SCENARIO}, headers={"If-Match": "*"}).is_success


def test_pages_hold_every_row_once_newest_first(admin):
    made = [
        admin.post("/v1/scenarios", json={"scenario": SCENARIO, "name": str(number)}).json()["id"]
        for number in range(7)
    ]
    found: list[str] = []
    cursor = None
    while True:
        asked = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = admin.get("/v1/scenarios", params=asked).json()
        found.extend(row["id"] for row in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found[: len(made)] == made[::-1]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("cursor", ["", "x", "9" * 80, "-1", "\u0661", "scn_", "%00", "' or 1=1"])
@pytest.mark.parametrize("kind", ["scenarios", "audit-events", "jobs"])
def test_a_strange_cursor_is_refused(admin, kind, cursor):
    assert admin.get(f"/v1/{kind}", params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    ("prefer", "status"), [("respond-async", 202), ("wait=30", 200), (None, 200)]
)
def test_a_run_is_waited_for_as_long_as_preferred(admin, home, prefer, status):
    headers = {"Prefer": prefer} if prefer else {}
    answer = admin.post(f"/v1/scenarios/{home.scenario}/runs", json={}, headers=headers)
    assert answer.status_code in {status, 202} if prefer is None else answer.status_code == status
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    assert ended(admin, answer.json()["id"])["status"] == "succeeded"


def sse(client, job, **headers):
    """The events of a stream: ids and data."""
    asked = {"accept": "text/event-stream", **headers}
    with client.stream("GET", f"/v1/jobs/{job}/events", headers=asked) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = [line for line in answer.iter_lines() if line.startswith("data:")]
    return [json.loads(line.removeprefix("data:")) for line in told]


def test_events_are_replayed_from_the_last_one_seen(admin, home):
    whole = sse(admin, home.job)
    assert [event["seq"] for event in whole] == list(range(1, len(whole) + 1))
    assert (whole[0]["kind"], whole[-1]["kind"]) == ("queued", "succeeded")
    for seen in range(len(whole) + 1):
        assert sse(admin, home.job, **{"Last-Event-ID": str(seen)}) == whole[seen:]
    assert admin.get(f"/v1/jobs/{home.job}/events").json()["items"] == whole
    assert admin.get(f"/v1/jobs/{home.job}/events?after=2").json()["items"] == whole[2:]


def test_a_stream_begun_before_the_end_tells_the_end(admin, home):
    headers = {"Prefer": "respond-async"}
    body = {"history": home.history, "draws": 5}
    job = admin.post("/v1/models", json=body, headers=headers).json()["job"]
    whole = sse(admin, job)
    assert whole[-1]["kind"] == "succeeded"
    assert "progress" in {event["kind"] for event in whole}


def test_a_plan_is_the_same_document_from_everywhere(admin, home, tmp_path):
    """HTTP at once, HTTP by a job, Python, the command line: to the last digit."""
    asked = {**SCENARIO, "caution": 0.2}
    python = optimizer.plan(Model.from_dict(MODEL), Scenario.from_dict(asked)).to_dict()
    at_once = admin.post("/v1/recommendations", json={"model": home.model, "scenario": asked})
    made = admin.post("/v1/scenarios", json={"scenario": asked, "model": home.model}).json()
    job = admin.post(f"/v1/scenarios/{made['id']}/runs", json={}).json()["id"]
    kept = admin.get(f"/v1/plans/{ended(admin, job)['result']['plans'][0]}")
    assert at_once.json() == python == kept.json()

    (tmp_path / "model.json").write_text(json.dumps(MODEL))
    (tmp_path / "plan.json").write_text(json.dumps({**asked, "model": "model.json"}))
    shown = CliRunner().invoke(romi, ["plan", str(tmp_path / "plan.json"), "--json", "--quiet"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    here = optimizer.plan(
        Model.from_dict(MODEL), Scenario.from_dict({**asked, "model": "model.json"})
    )
    assert told == here.to_dict()
    assert told["allocation"] == python["allocation"]
    assert told["certificate"] == python["certificate"]


def test_a_what_if_and_a_frontier_are_the_same_from_python(admin, home):
    model, scenario = Model.from_dict(MODEL), Scenario.from_dict(SCENARIO)
    body = {"model": home.model, "scenario": SCENARIO}
    judged = admin.post("/v1/what-ifs", json={**body, "split": SPLIT}).json()
    assert judged == optimizer.what_if(model, scenario, SPLIT).to_dict()
    swept = admin.post("/v1/frontiers", json={**body, "points": 5}).json()
    assert swept == optimizer.frontier(model, scenario, points=5).to_dict()


def test_a_shop_goes_from_its_file_to_a_downloaded_plan(admin):
    """Upload, fit, plan, compare, download: what `romi demo` does, over HTTP."""
    uploaded = admin.post("/v1/histories", files={"file": ("shop.csv", SHOP.read_bytes())})
    history = uploaded.json()
    assert history["content_hash"] == optimizer.read_history(SHOP).content_hash
    job = admin.post("/v1/models", json={"history": history["id"], "draws": 20}).json()["job"]
    model = ended(admin, job)["result"]["model"]
    here = optimizer.fit(optimizer.read_history(SHOP), draws=20, seed=1)
    assert admin.get(f"/v1/models/{model}/document").json() == here.to_dict()
    plans = []
    for budget in (1_000_000, 1_500_000):
        asked = {"periods": 13, "budget": budget}
        made = admin.post("/v1/scenarios", json={"scenario": asked, "model": model}).json()["id"]
        job = admin.post(f"/v1/scenarios/{made}/runs", json={}).json()["id"]
        plans += ended(admin, job)["result"]["plans"]
        direct = optimizer.plan(here, Scenario.from_dict(asked)).to_dict()
        assert admin.get(f"/v1/plans/{plans[-1]}").json() == direct
    assert admin.post("/v1/plans:compare", json={"plans": plans}).is_success
    table = admin.get(f"/v1/plans/{plans[0]}?format=csv")
    assert len(table.text.splitlines()) == 1 + len(here.names)
    assert admin.get(f"/v1/plans/{plans[0]}?format=xlsx").content[:2] == b"PK"


def test_the_service_starts_over_on_what_it_kept(settings):
    with serving(settings) as first:
        key = first.key("admin")
        headers = {"Authorization": f"Bearer {key}"}
        body = {"scenario": SCENARIO}
        made = first.anyone.post("/v1/scenarios", json=body, headers=headers).json()
    with serving(settings) as second:
        begun = time.monotonic()
        again = second.anyone.get(f"/v1/scenarios/{made['id']}", headers=headers)
        assert again.json() == made
        assert time.monotonic() - begun < 3


def test_a_service_without_keys_listens_at_home_only(tmp_path):
    with pytest.raises(ValueError, match=r"127\.0\.0\.1 only"):
        Settings(folder=tmp_path, auth=False, host="0.0.0.0", _env_file=None)


def test_every_fault_is_told_from_the_top_of_the_body(service):
    with service.client() as client:
        model = client.post("/v1/models/import", json={"model": MODEL}).json()["id"]
        misspelled = SCENARIO | {"channels": {"serch": {"min": 1}}}
        unknown = SCENARIO | {"budjet": 1}
        for path, more in (
            ("recommendations", {}),
            ("what-ifs", {"split": SPLIT}),
            ("frontiers", {}),
        ):
            for scenario, place in ((misspelled, "/channels/serch"), (unknown, "/budjet")):
                body = {"model": model, "scenario": scenario, **more}
                problem = client.post(f"/v1/{path}", json=body).json()
                assert problem["errors"][0]["pointer"].startswith(f"/scenario{place}")
        several = {"model": model, "scenario": [SCENARIO, misspelled]}
        problem = client.post("/v1/recommendations", json=several).json()
        assert problem["errors"][0]["pointer"].startswith("/scenario/1/channels/serch")
        plain = client.post("/v1/recommendations", content=b'{"scenario": {}}')
        assert "Content-Type: application/json" in plain.json()["detail"]
