"""Jobs on the page, without scripts: how one works, what it came to, stopping, trying again."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from api.jobs import queue
from api.page.words.templating import environment
from tests.page.visiting import Reader, reading, words
from tests.service.running import MODEL, SCENARIO, Service, ended
from tests.test_history import long

PARTS = {"HX-Request": "true"}  # how a script asks for a part


def enqueued(service: Service, workspace: str, kind: str = "probe", **payload: Any) -> str:
    """The address of a new job; by default one that does nothing, for a while."""
    service.key(workspace=workspace)
    with service.desk.database.write() as connection:
        own = service.workspaces[workspace]
        return f"/jobs/{queue.enqueue(connection, workspace=own, kind=kind, payload=payload)}"


def once(reader: Reader, job: str, *states: str, seconds: float = 30.0) -> str:
    """The view of a job once one of these words stands in it."""
    last = time.monotonic() + seconds
    while True:
        shown = words(reader.get(job))
        if any(state in shown for state in states):
            return shown
        assert time.monotonic() < last, shown
        time.sleep(0.05)


def uploaded(service: Service, workspace: str, **change: Any) -> str:
    """The id of a kept history."""
    table = long().assign(**change).to_csv(index=False).encode()
    with service.client(workspace=workspace) as client:
        answer = client.post("/v1/histories", files={"file": ("shop.csv", table)})
        return str(answer.json()["id"])


def test_a_workspace_without_jobs_is_told_what_they_are(service, workspace):
    with reading(service, workspace) as reader:
        assert "Nothing has run yet" in words(reader.get("/jobs"))


def test_a_working_job_asks_for_news_and_one_that_ended_does_not(service, workspace):
    job = enqueued(service, workspace, seconds=30, steps=100)
    with reading(service, workspace) as reader:
        once(reader, job, "Working")
        part = reader.get(f"{job}/status", headers=PARTS)
        assert 'hx-trigger="every 1s, again"' in part.text
        assert "data-again" in part.text
        assert "<progress" in part.text
        assert "<html" not in part.text
        whole = reader.get(job).text
        assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in whole

        assert reader.post(f"{job}/cancel").status_code == 303
        shown = once(reader, job, "It was stopped before its end")
        assert "Cancelled" in shown
        part = reader.get(f"{job}/status", headers=PARTS)
        assert "hx-get" not in part.text
        assert "hx-redirect" not in part.headers
        assert "refresh" not in reader.get(job).text
        assert "Trial of the job engine" in words(reader.get("/jobs"))


def test_a_job_that_runs_is_not_said_to_be_waiting():
    job = {"id": "job_1", "kind": "fit", "status": "running", "progress": None, "cancel": False}
    about = {"history": None, "scenario": None}
    shown = environment("en").get_template("parts/job_state.html")
    text = shown.render(job=job, about=about, events=[], ended=False, may_write=False)
    assert "Just begun" in text
    assert "Not begun yet" not in text


def test_a_fit_that_ends_well_leads_to_its_curves(service, workspace):
    with reading(service, workspace) as reader:
        history = uploaded(service, workspace)
        job = reader.post(f"/histories/{history}/fit", {"name": "Own"}).headers["location"]
        shown = once(reader, job, "The curves are there")
        assert "Fit of curves: Own" in shown
        part = reader.get(f"{job}/status", headers=PARTS)
        assert re.fullmatch(r"/models/mdl_\w+", part.headers["hx-redirect"])
        assert f'href="{part.headers["hx-redirect"]}"' in reader.get(job).text
        assert "hx-redirect" not in reader.get(job).headers


def test_a_run_that_ends_well_leads_to_its_plan(service, workspace):
    with service.client(workspace=workspace) as client, reading(service, workspace) as reader:
        client.post("/v1/models/import", json={"model": MODEL, "make_current": True})
        scenario = client.post("/v1/scenarios", json={"scenario": SCENARIO}).json()["id"]
        job = client.post(f"/v1/scenarios/{scenario}/runs", json={}).json()["id"]
        plan = ended(client, job)["result"]["plans"][0]
        shown = reader.get(f"/jobs/{job}")
        assert f'href="/plans/{plan}"' in shown.text
        assert f'href="/scenarios/{scenario}"' in shown.text
        assert "The plan is there" in words(shown)


def test_a_fit_that_fails_says_why_and_can_be_tried_again(service, workspace):
    with reading(service, workspace) as reader:
        history = uploaded(service, workspace, revenue=0.0)
        job = reader.post(f"/histories/{history}/fit", {"name": "Own"}).headers["location"]
        shown = once(reader, job, "It did not work out")
        assert "There is no revenue to explain. Check which column holds the revenue." in shown
        assert f'href="/histories/{history}"' in reader.get(job).text
        again = reader.post(f"{job}/again")
        assert again.status_code == 303
        assert again.headers["location"] != job
        once(reader, again.headers["location"], "It did not work out")
        with service.client(workspace=workspace) as client:
            client.delete(f"/v1/histories/{history}")
        assert "Try again" not in words(reader.get(job))


def test_a_job_that_has_not_failed_is_not_tried_again(service, workspace):
    with reading(service, workspace) as reader:
        job = enqueued(service, workspace)
        once(reader, job, "Done")
        answer = reader.post(f"{job}/again")
        assert answer.status_code == 409
        assert "has not failed" in words(answer)


@pytest.mark.parametrize("language", ["en", "ru", "zh"])
def test_a_job_is_shown_in_every_language(service, workspace, language):
    job = enqueued(service, workspace)
    with reading(service, workspace, language=language) as reader:
        assert f'lang="{language}"' in reader.get(job).text


def test_another_workspace_finds_no_jobs(service, workspace):
    job = enqueued(service, workspace)
    with reading(service, f"{workspace}-other") as other:
        for path in (job, f"{job}/status"):
            assert other.get(path).status_code == 404
        for path in (f"{job}/cancel", f"{job}/again"):
            assert other.post(path).status_code == 404
        assert job not in other.get("/jobs").text


def test_jobs_are_changed_by_their_own_forms_and_by_keys_that_may_write(service, workspace):
    job = enqueued(service, workspace, seconds=30, steps=100)
    with reading(service, workspace, "read") as looking, reading(service, workspace) as reader:
        assert "Cancel" not in words(looking.get(job))
        token, reader.token = reader.token, "0" * 64
        for path in (f"{job}/cancel", f"{job}/again"):
            assert looking.post(path).status_code == 403
            assert reader.post(path).status_code == 403
        reader.token = token
        assert reader.post(f"{job}/cancel").status_code == 303


def test_a_job_is_not_here_where_its_address_is_odd(service, workspace):
    with reading(service, workspace) as reader:
        answer = reader.get("/jobs/job_nothing")
        assert answer.status_code == 404
        assert "Not here" in words(answer)
