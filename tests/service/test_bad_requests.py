"""Whatever is sent, the answer is a problem of 4xx, soon, and the process lives and stays small."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from api.serving.desk import Desk
from api.serving.operators import issue_key
from api.settings import Settings
from benchmarks.service_processes import Group, free_port, ready, until
from tests.service import bad_files, bad_scenarios
from tests.service.running import MODEL, SCENARIO, SPLIT, opened

MOST_SECONDS = 10.0
MOST_MEMORY = 1 << 30  # bytes, of any one process of the service
FEWEST_FILES, FEWEST_CAUSES, FEWEST_SETS = 300, 30, 150


class Target:
    """A real server process and a key to it."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(folder=folder, port=free_port(), _env_file=None)
        opened(settings).close()
        desk = Desk.of(settings)
        self.key = issue_key(desk, "bad", ("admin",), "home", None)
        desk.close()
        self.port = settings.port
        self.group = Group(("serve",), settings, folder / "server.log")
        self.group.start()
        base = f"http://127.0.0.1:{settings.port}"
        until(lambda: ready(base))
        headers = {"Authorization": f"Bearer {self.key}"}
        self.client = httpx.Client(base_url=base, headers=headers, timeout=60)
        self.slowest = 0.0

    def ask(self, path: str, **content) -> httpx.Response:
        begun = time.monotonic()
        answer = self.client.post(path, **content)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        return answer

    def largest(self) -> int:
        """The most memory any process of the service ever had, in bytes."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if os.getpgid(int(place.name)) == self.group.pid:
                    lines = (place / "status").read_text().splitlines()
                    peak = next(line for line in lines if line.startswith("VmHWM"))
                    found.append(int(peak.split()[1]) << 10)
            except (OSError, StopIteration):
                continue
        return max(found)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    target = Target(tmp_path_factory.mktemp("target"))
    body = {"model": MODEL, "make_current": True}
    assert target.client.post("/v1/models/import", json=body).is_success
    yield target
    target.client.close()
    target.group.stop()


def assert_a_problem(answer, what):
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json", what
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["code"]
    assert len(told["detail"]) > 20, what


def assert_well(target):
    """It lives, is small, and took its time over nothing."""
    assert target.client.get("/readyz").is_success
    slowest, target.slowest = target.slowest, 0.0
    assert slowest < MOST_SECONDS
    assert target.largest() < MOST_MEMORY


def upload(target, files, path="/v1/histories"):
    return target.ask(path, files=[("file", one) for one in files])


CAUSES = bad_files.causes()


def test_there_are_enough_bad_files_and_sets():
    assert sum(len(uploads) for uploads in CAUSES.values()) >= FEWEST_FILES
    assert len(CAUSES) >= FEWEST_CAUSES
    wrong = [*bad_scenarios.faulty(), *bad_scenarios.contradictory()]
    assert len(wrong) >= FEWEST_SETS


@pytest.mark.parametrize("cause", CAUSES)
def test_a_file_of_every_cause_is_refused(target, cause):
    answer = upload(target, CAUSES[cause][0])
    assert_a_problem(answer, cause)
    assert_well(target)


@pytest.mark.slow
@pytest.mark.parametrize("cause", CAUSES)
def test_every_bad_file_is_refused(target, cause):
    for number, files in enumerate(CAUSES[cause]):
        assert_a_problem(upload(target, files), f"{cause} {number}")
        assert_a_problem(upload(target, files, "/v1/histories/preview"), f"{cause} {number}")
    assert_well(target)


@pytest.mark.parametrize("encoding", bad_files.right())
def test_the_encodings_of_the_world_are_right(target, encoding):
    answer = upload(target, [("history.csv", bad_files.right()[encoding])])
    assert answer.status_code == 201, answer.text
    channels = " ".join(answer.json()["summary"]["channels"])
    assert any(word in channels.lower() for word in ("телевидение", "电视广告")), channels


@pytest.mark.parametrize("formula", bad_files.unworked())
def test_a_formula_nobody_worked_out_is_no_number_and_is_told(target, formula):
    """No link is followed, nothing is worked out: the cell is empty, and a finding says so."""
    answer = upload(target, [("history.xlsx", bad_files.unworked()[formula])])
    assert answer.status_code == 201, answer.text
    warned = {one["code"] for one in answer.json()["findings"] if one["severity"] == "warning"}
    assert warned >= {"blank_cell", "zero_channel"}


def test_a_formula_whose_value_is_there_is_a_number(target):
    book = bad_files.excel(bad_files.frame())
    assert upload(target, [("history.xlsx", book)]).status_code == 201


RAW = bad_scenarios.raw()
PATHS = ("/v1/recommendations", "/v1/scenarios", "/v1/models/import", "/v1/what-ifs")


@pytest.mark.parametrize("path", PATHS)
def test_a_broken_body_is_refused(target, path):
    headers = {"content-type": "application/json"}
    for name, content in RAW.items():
        assert_a_problem(target.ask(path, content=content, headers=headers), f"{path} {name}")
    assert_well(target)


def test_a_body_that_cannot_be_parsed_is_400(target):
    headers = {"content-type": "application/json"}
    for name, content in RAW.items():
        if name.startswith("cut at"):
            answer = target.ask("/v1/recommendations", content=content, headers=headers)
            assert answer.status_code == 400, name


def questions(scenario):
    yield "/v1/recommendations", {"scenario": scenario}
    yield "/v1/what-ifs", {"scenario": scenario, "split": SPLIT}
    yield "/v1/frontiers", {"scenario": scenario, "points": 3}


FAULTY = list(bad_scenarios.faulty())


@pytest.mark.parametrize("start", range(4))
def test_a_faulty_scenario_is_refused(target, start):
    for scenario in FAULTY[start::4]:
        answer = target.ask("/v1/recommendations", json={"scenario": scenario})
        assert_a_problem(answer, scenario)
        assert answer.status_code == 422, scenario
    assert_well(target)


@pytest.mark.slow
def test_every_question_refuses_every_faulty_scenario(target):
    for scenario in FAULTY:
        for path, body in questions(scenario):
            assert_a_problem(target.ask(path, json=body), (path, scenario))
    assert_well(target)


def test_contradictions_are_named(target):
    for scenario in bad_scenarios.contradictory():
        answer = target.ask("/v1/recommendations", json={"scenario": scenario})
        assert_a_problem(answer, scenario)
        told = answer.json()
        assert told.get("conflicts") or told.get("errors"), scenario


def test_ten_thousand_constraints_are_refused_soon(target):
    answer = target.ask("/v1/recommendations", json={"scenario": bad_scenarios.crowded()})
    assert_a_problem(answer, "crowded")
    assert_well(target)


def spoken(target, head: bytes, body: bytes = b"", *, leave=False) -> bytes:
    """What a server says to bytes on the wire; `leave`: say no more, and wait for nothing."""
    with socket.create_connection(("127.0.0.1", target.port), timeout=30) as wire:
        key = f"Authorization: Bearer {target.key}\r\nHost: x\r\n".encode()
        with suppress(OSError):  # refused before all was said
            wire.sendall(head + key + b"\r\n" + body)
        if leave:
            return b""
        said = b""
        with suppress(OSError):
            while b"}" not in said and (chunk := wire.recv(65536)):
                said += chunk
        return said


JSON = b"POST /v1/recommendations HTTP/1.1\r\nContent-Type: application/json\r\n"


def test_a_body_larger_than_it_says_or_than_allowed_is_refused(target):
    big = b" " * (51 << 20)
    stated = spoken(target, JSON + b"Content-Length: 999999999999\r\n", b"{}")
    counted = spoken(
        target,
        JSON + b"Transfer-Encoding: chunked\r\n",
        b"%x\r\n%s\r\n0\r\n\r\n" % (len(big), big),
    )
    short = spoken(target, JSON + b"Content-Length: 2\r\n", b'{"scenario": {}}')
    for said, status in ((stated, b"413"), (counted, b"413"), (short, b"400")):
        assert said.startswith(b"HTTP/1.1 " + status), said[:200]
        assert b"application/problem+json" in said
    assert_well(target)


@pytest.mark.parametrize("length", [b"-1", b"abc", b"1e3", b"0x10", b"9" * 100])
def test_a_length_that_is_none_is_refused(target, length):
    said = spoken(target, JSON + b"Content-Length: " + length + b"\r\n", b"{}")
    assert said[9:10] == b"4", said[:200]
    assert_well(target)


def test_whoever_promises_more_than_comes_takes_no_place(target):
    """Twenty callers promise a body and leave; twenty more promise one and wait."""
    for _ in range(20):
        spoken(target, JSON + b"Content-Length: 1000\r\n", b"{", leave=True)
    waiting = [socket.create_connection(("127.0.0.1", target.port)) for _ in range(20)]
    for wire in waiting:
        key = f"Authorization: Bearer {target.key}\r\nHost: x\r\n\r\n".encode()
        wire.sendall(JSON + b"Content-Length: 1000\r\n" + key + b"{")
    body = {"scenario": SCENARIO}
    assert target.ask("/v1/recommendations", json=body).is_success
    for wire in waiting:
        wire.close()
    assert_well(target)


def test_an_upload_larger_than_allowed_is_refused_and_leaves_nothing(target):
    answer = upload(target, [("a.csv", b"x" * (52 << 20))])
    assert_a_problem(answer, "oversized")
    assert answer.status_code == 413


@pytest.mark.parametrize("value", ["[", '"x"', "1", "null", '{"date": 5}', "[" * 90_000, "{}" * 9])
def test_form_fields_are_checked(target, value):
    files = [("history.csv", bad_files.TEXT.encode())]
    answer = target.ask(
        "/v1/histories", files=[("file", one) for one in files], data={"columns": value}
    )
    assert_a_problem(answer, value[:20])


def test_eleven_files_are_too_many(target):
    files = [(f"{number}.csv", bad_files.TEXT.encode()) for number in range(11)]
    assert_a_problem(upload(target, files), "eleven")


def test_bad_requests_at_once_harm_no_good_one(target):
    stop = threading.Event()

    def harass():
        with httpx.Client(base_url=target.client.base_url, headers=target.client.headers) as client:
            headers = {"content-type": "application/json"}
            while not stop.is_set():
                client.post("/v1/recommendations", content=b"[" * 50_000, headers=headers)

    threads = [threading.Thread(target=harass) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            answer = target.ask("/v1/recommendations", json={"scenario": SCENARIO})
            assert answer.is_success
    finally:
        stop.set()
        for thread in threads:
            thread.join()
