"""What a request may leave out, what it may not hold, and where its faults are said to stand."""

from __future__ import annotations

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from api.main import _misbuilt
from tests.service.running import MODEL, PLAIN, SCENARIO, SHOP

TRICKY = "Meta / Facebook ~ paid"
ESCAPED = "Meta ~1 Facebook ~0 paid"


def pointers(answer):
    assert answer.status_code == 422, answer.text
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.fixture(scope="module")
def tricky(service):
    """A model with a channel whose name has the letters that pointers escape."""
    first, second = MODEL["channels"]
    model = {**MODEL, "channels": [{**first, "channel": TRICKY}, second]}
    with service.client() as client:
        return client.post("/v1/models/import", json={"model": model}).json()["id"]


@pytest.mark.parametrize(
    ("split", "place"),
    [
        ({"search": -1}, "/split/search"),
        ({"search": "x"}, "/split/search"),
        ({"serch": 1}, "/split/serch"),
        ({TRICKY: -1}, f"/split/{ESCAPED}"),
        ({TRICKY: "x"}, f"/split/{ESCAPED}"),
        ({TRICKY: {"north": 1}}, f"/split/{ESCAPED}/north"),
        ({TRICKY: {"north": -1}}, f"/split/{ESCAPED}/north"),
    ],
)
def test_a_fault_of_a_split_points_at_it(admin, tricky, split, place):
    body = {"model": tricky, "scenario": SCENARIO, "split": split}
    assert pointers(admin.post("/v1/what-ifs", json=body)) == [place]


def test_names_with_slashes_are_escaped_in_pointers(admin, tricky):
    scenario = SCENARIO | {"channels": {TRICKY: {"min": "much"}}}
    place = f"/scenario/channels/{ESCAPED}/min"
    body = {"model": tricky, "scenario": scenario}
    told = admin.post("/v1/recommendations", json=body)
    assert pointers(told) == [place]
    assert f"channels.{TRICKY}.min" in told.json()["detail"]
    assert pointers(admin.post("/v1/recommendations", json=body | {"scenario": [scenario]})) == [
        place.replace("/scenario/", "/scenario/0/")
    ]
    unknown = SCENARIO | {"channels": {"TV / radio": {"min": 1}}}
    assert pointers(
        admin.post("/v1/frontiers", json={"model": tricky, "scenario": unknown, "points": 3})
    ) == ["/scenario/channels/TV ~1 radio"]


def test_what_is_kept_points_from_the_top_of_its_body_too(admin, home):
    body = {"scenario": SCENARIO | {"channels": {TRICKY: {"min": "much"}}}}
    place = [f"/scenario/channels/{ESCAPED}/min"]
    assert pointers(admin.post("/v1/scenarios", json=body)) == place
    path, headers = f"/v1/scenarios/{home.scenario}", {"If-Match": "*"}
    assert pointers(admin.put(path, json=body, headers=headers)) == place
    assert pointers(admin.post("/v1/models/import", json={"model": {"channels": 1}}))[0].startswith(
        "/model"
    )
    fit = {"history": home.history, "fit": {"priors": {TRICKY: 1}}}
    assert pointers(admin.post("/v1/models", json=fit)) == [f"/fit/priors/{ESCAPED}"]


def test_a_body_whose_fields_are_all_optional_may_be_left_out(admin, home):
    assert admin.post(f"/v1/scenarios/{home.scenario}/runs").status_code in (200, 202)
    made = admin.post("/v1/api-keys", json={"name": "ci", "scopes": ["read"]}).json()
    assert admin.post(f"/v1/api-keys/{made['id']}:rotate").status_code == 201


def test_the_whole_body_is_the_empty_pointer(admin):
    answer = admin.post("/v1/scenarios")
    assert pointers(answer) == [""]
    assert answer.json()["detail"].startswith("The body: Field required.")


@pytest.mark.parametrize("path", ["/v1/histories", "/v1/histories/preview"])
@pytest.mark.parametrize("kind", ["text/csv", "application/json", None])
def test_a_history_that_is_no_form_is_told_how_to_come(admin, path, kind):
    headers = {"content-type": kind} if kind else {}
    answer = admin.post(path, content=SHOP.read_bytes(), headers=headers)
    assert pointers(answer) == ["/file"]
    assert "multipart/form-data" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/histories", "/v1/histories/preview"])
def test_an_unknown_field_of_a_form_is_refused(admin, path):
    files = {"file": ("shop.csv", SHOP.read_bytes())}
    answer = admin.post(path, files=files, data={"curency": "EUR"})
    assert pointers(answer) == ["/curency"]
    assert 'did you mean "currency"?' in answer.json()["detail"]
    answer = admin.post(path, files={"zzz": ("shop.csv", SHOP.read_bytes())})
    assert "known: file, name" in answer.json()["detail"]


NAMELESS = [" ", "\t\n", "\u00a0", "a\x00b", "a\nb", "\x7f"]


@pytest.mark.parametrize("name", NAMELESS)
def test_a_name_nobody_could_read_is_refused(admin, name):
    for path, body in (
        ("/v1/scenarios", {"scenario": SCENARIO}),
        ("/v1/models/import", {"model": MODEL}),
        ("/v1/api-keys", {"scopes": ["read"]}),
    ):
        answer = admin.post(path, json=body | {"name": name})
        assert pointers(answer) == ["/name"]
        assert "Value error" not in answer.text
    own = admin.post("/v1/scenarios", json={"scenario": SCENARIO | {"name": name}})
    assert own.status_code == 422
    files = {"file": ("shop.csv", SHOP.read_bytes())}
    assert pointers(admin.post("/v1/histories", files=files, data={"name": name})) == ["/name"]


def test_blanks_around_a_name_are_dropped(admin):
    made = admin.post("/v1/scenarios", json={"scenario": SCENARIO, "name": "  Spring "})
    assert made.json()["name"] == "Spring"


PAGES = ("histories", "models", "scenarios", "plans", "jobs", "api-keys", "audit-events")


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("cursor", ["", "abc", "mod_" + "0" * 26, "-1"])
def test_a_cursor_of_no_page_is_refused(admin, kind, cursor):
    answer = admin.get(f"/v1/{kind}", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "faulty_cursor")
    assert "next_cursor" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/v1/models"])
def test_head_is_what_get_is_without_the_body(admin, path):
    asked, whole = admin.head(path), admin.get(path)
    assert (asked.status_code, asked.content) == (whole.status_code, b"")
    assert asked.headers["content-type"] == whole.headers["content-type"]


def test_head_of_the_page_leads_where_get_does(service):
    with httpx.Client(base_url=service.base, **PLAIN) as stranger:
        assert stranger.head("/").status_code == stranger.get("/").status_code


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/models", "GET, HEAD, POST"),
        ("OPTIONS", "/v1/models", "GET, HEAD, POST"),
        ("PATCH", "/v1/scenarios/scn_x", "DELETE, GET, HEAD, PUT"),
        ("HEAD", "/v1/what-ifs", "POST"),
        ("DELETE", "/v1/scenarios/scn_x/runs", "POST"),
    ],
)
def test_a_refused_method_is_told_all_that_there_are(admin, method, path, allowed):
    answer = admin.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_a_body_of_our_own_that_is_wrong_is_not_told_as_the_senders():
    class Own(BaseModel):
        size: int

    with pytest.raises(ValidationError) as ours:
        Own(size="large")
    with pytest.raises(ValidationError):
        _misbuilt(None, ours.value)
