"""A POST sent twice is done once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.store import idempotency
from tests.service.running import MODEL, SCENARIO, SHOP

AT_ONCE = 20


@pytest.fixture
def writer(service):
    with service.client("read", "write") as client:
        yield client


def count(client, kind):
    items, cursor = 0, None
    while True:
        asked = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/v1/{kind}", params=asked).json()
        items, cursor = items + len(page["items"]), page["next_cursor"]
        if cursor is None:
            return items


def current(client):
    answer = client.post("/v1/models/import", json={"model": MODEL, "make_current": True})
    assert answer.status_code == 201


def scenario(client):
    return client.post("/v1/scenarios", json={"scenario": SCENARIO}).json()["id"]


def upload(client, key, content=None, name="shop.csv"):
    files = {"file": (name, content or SHOP.read_bytes())}
    return client.post("/v1/histories", files=files, headers={"Idempotency-Key": key})


def send(client, path, key, **body):
    return client.post(path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        ("histories", lambda client: lambda key: upload(client, key)),
        (
            "models",
            lambda client: lambda key: send(client, "/v1/models/import", key, model=MODEL),
        ),
        (
            "scenarios",
            lambda client: lambda key: send(client, "/v1/scenarios", key, scenario=SCENARIO),
        ),
    ],
    ids=["upload", "import", "scenario"],
)
def test_the_same_request_again_is_answered_with_the_same_words(writer, kind, request_):
    ask = request_(writer)
    before = count(writer, kind)
    first, second = ask(f"again-{kind}"), ask(f"again-{kind}")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.headers["Location"] == second.headers["Location"]
    assert count(writer, kind) == before + 1


@pytest.mark.parametrize("at_once", [AT_ONCE])
def test_requests_at_once_under_one_key_make_one_job(service, writer, at_once):
    current(writer)
    wanted, start = scenario(writer), threading.Barrier(at_once)
    before = count(writer, "jobs")

    def ask(_):
        with service.client("read", "write") as client:
            start.wait()
            headers = {"Idempotency-Key": "run-once", "Prefer": "respond-async"}
            return client.post(f"/v1/scenarios/{wanted}/runs", json={}, headers=headers)

    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(ask, range(at_once)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert count(writer, "jobs") == before + 1


def test_uploads_at_once_under_one_key_make_one_history(service, writer):
    before = count(writer, "histories")
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: upload(writer, "upload-once"), range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert count(writer, "histories") == before + 1


def test_a_key_used_for_another_request_is_a_conflict(writer):
    send(writer, "/v1/scenarios", "taken", scenario=SCENARIO)
    before = count(writer, "scenarios")
    others = [
        send(writer, "/v1/scenarios", "taken", scenario={**SCENARIO, "budget": 1}),
        send(writer, "/v1/models/import", "taken", model=MODEL),
        upload(writer, "taken"),
    ]
    for answer in others:
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert count(writer, "scenarios") == before


def test_a_file_with_other_bytes_is_another_request(writer):
    content = SHOP.read_bytes()
    upload(writer, "bytes", content)
    assert upload(writer, "bytes", content + b"\n").status_code == 409
    assert upload(writer, "bytes", content, "other.csv").status_code == 409


def test_a_key_belongs_to_its_workspace(service, writer):
    mine = send(writer, "/v1/scenarios", "shared", scenario=SCENARIO)
    with service.client(workspace="strangers") as stranger:
        theirs = send(stranger, "/v1/scenarios", "shared", scenario={**SCENARIO, "budget": 1})
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine.json()["id"]


def test_a_refused_request_does_not_use_its_key_up(writer):
    wrong = send(writer, "/v1/scenarios", "second-try", scenario={"periods": -1})
    assert wrong.status_code == 422
    assert send(writer, "/v1/scenarios", "second-try", scenario=SCENARIO).status_code == 201


def test_a_key_is_free_again_after_a_day(writer, monkeypatch):
    first = send(writer, "/v1/scenarios", "daily", scenario=SCENARIO)
    later = idempotency.now() + idempotency.KEPT_MILLISECONDS + 1
    monkeypatch.setattr(idempotency, "now", lambda: later)
    second = send(writer, "/v1/scenarios", "daily", scenario={**SCENARIO, "budget": 1})
    assert (first.status_code, second.status_code) == (201, 201)


def test_old_answers_are_forgotten_and_young_ones_kept(database, workspace, monkeypatch):
    answer = idempotency.Kept(201, {}, {"id": "x"})
    moment = idempotency.now()
    for age, key in ((idempotency.KEPT_MILLISECONDS + 1, "old"), (1000, "young")):
        monkeypatch.setattr(idempotency, "now", lambda at=moment - age: at)
        with database.write() as connection:
            idempotency.keep(connection, workspace, key, "hash", answer)
    monkeypatch.setattr(idempotency, "now", lambda: moment)
    with database.write() as connection:
        idempotency.forget_old(connection)
    with database.read() as connection:
        assert idempotency.recall(connection, workspace, "young", "hash") == answer
        assert idempotency.recall(connection, workspace, "old", "other hash") is None
