"""A service that goes away and comes back, and a session that ends, while somebody is at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from api.serving import operators
from api.settings import Settings
from benchmarks.service_processes import Group, free_port, ready, until
from tests.page.browser import visiting
from tests.page.kept import PERIODS, Bench, drawn_model, keep
from tests.service.running import PLAIN, SHOP

#: What the browser says meanwhile.
AWAY = "ERR_CONNECTION|ERR_EMPTY_RESPONSE|htmx:(sendError|afterRequest)"
FIT = 120_000  # milliseconds, on a busy machine


@dataclass
class Host:
    """`romi serve` and `romi worker` as processes that can be killed, and a client."""

    server: Group
    worker: Group
    base: str
    client: httpx.Client

    def goes(self) -> None:
        """kill -9 of the server."""
        self.server.kill()

    def comes(self) -> None:
        """Start the server on the same port."""
        self.server.start()
        until(lambda: ready(self.base))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A service without keys, in processes of its own; its worker is not started yet."""
    settings = Settings(folder=tmp_path, port=free_port(), auth=False, lease_seconds=1.5)
    base = f"http://127.0.0.1:{settings.port}"
    server, worker = (
        Group((name,), settings, tmp_path / f"{name}.log") for name in ("serve", "worker")
    )
    with httpx.Client(base_url=base, **PLAIN) as client:
        found = Host(server, worker, base, client)
        found.comes()
        try:
            yield found
        finally:
            worker.stop()
            server.stop()


def test_a_workbench_keeps_what_is_typed_while_the_service_is_away(chromium: Browser, host: Host):
    scenario = _scenario(host)
    with visiting(chromium, host.base) as visit:
        visit.expect(AWAY)
        visit.go(f"/scenarios/{scenario}")
        bench, banner = Bench(visit), visit.page.locator("#offline")
        host.goes()
        bench.type("spend-1", "5000")
        expect(banner).to_be_visible()
        bench.type("spend-2", "7000")
        assert bench.field("spend-1").input_value().replace(",", "") == "5000"
        bench.after(host.comes)
        expect(banner).to_be_hidden()
        assert bench.spend()[1:3] == [5000, 7000]
        assert sum(bench.spend()) == pytest.approx(100_000, abs=0.04)
        visit.page.locator("#save").click()
        visit.page.get_by_text("Saved as version 2.").wait_for()


def test_a_form_sent_while_the_service_is_away_is_sent_once_it_is_back(
    chromium: Browser, host: Host
):
    scenario = _scenario(host)
    with visiting(chromium, host.base) as visit:
        visit.expect(AWAY)
        visit.go(f"/scenarios/{scenario}")
        name = visit.page.locator("#question [name=name]")
        host.goes()
        name.fill("Autumn")
        visit.page.locator("#save").click()
        expect(visit.page.locator("#offline")).to_be_visible()
        assert name.input_value() == "Autumn"
        visit.page.locator("#save").click()
        host.comes()
        visit.page.get_by_text("Saved as version 2.").wait_for()
        assert name.input_value() == "Autumn"


def _scenario(host: Host) -> str:
    """A scenario over imported curves."""
    body = {"model": drawn_model(), "name": "Curves", "make_current": True}
    model = host.client.post("/v1/models/import", json=body).json()["id"]
    asked = {"name": "Spring", "periods": PERIODS, "budget": 100_000}
    sent = {"scenario": asked, "model": model}
    return str(host.client.post("/v1/scenarios", json=sent).json()["id"])


def test_a_job_is_watched_across_a_service_that_goes_and_comes(chromium: Browser, host: Host):
    with visiting(chromium, host.base) as visit:
        visit.expect(AWAY)
        _begin_fit(visit)
        banner = visit.page.locator("#offline")
        host.goes()
        expect(banner).to_be_visible()
        host.comes()
        expect(banner).to_be_hidden()
        host.worker.start()
        visit.page.wait_for_url("**/models/*", timeout=FIT)


def test_a_fit_whose_worker_is_killed_is_watched_to_its_end(chromium: Browser, host: Host):
    with visiting(chromium, host.base) as visit:
        _begin_fit(visit)
        job = visit.path
        host.worker.start()
        expect(visit.page.get_by_role("heading", name="Working …")).to_be_visible()
        host.worker.kill()
        host.worker.start()
        visit.page.wait_for_url("**/models/*", timeout=FIT)
        visit.go(job)
        again = visit.page.get_by_text("Started again, attempt 2: the worker before was lost.")
        expect(again.first).to_be_visible()


def _begin_fit(visit):
    """Upload the shop's history and ask for its curves."""
    visit.go("/histories")
    visit.page.get_by_label("Files").set_input_files(SHOP)
    visit.page.get_by_role("button", name="Upload and look at it").click()
    visit.page.get_by_role("button", name="Keep this history").click()
    visit.page.locator("form").get_by_role("button", name="Fit curves").click()
    visit.page.wait_for_url("**/jobs/*")


def test_a_session_that_ends_at_work_leads_to_sign_in_and_back(service, opened, workspace):
    kept = keep(service, workspace)
    key = service.key(workspace=workspace)
    visit = opened()
    visit.expect("status of 401", "Response Status Error Code 401")
    visit.go(f"/sign-in?then={kept.path}")
    _signed_in(visit, key)
    bench = Bench(visit)
    bench.after(lambda: bench.type("spend-1", "5000"))
    address = visit.path
    operators.end_key(service.desk, "key_" + key.split("_")[1])
    bench.type("spend-2", "7000")
    visit.page.wait_for_url("**/sign-in?then=*")
    _signed_in(visit, service.key(workspace=workspace))
    assert visit.path == address
    assert bench.amount("spend-1") == 5000


def test_a_form_sent_after_the_session_ended_leads_back_to_its_view(service, opened, workspace):
    kept = keep(service, workspace)
    key = service.key(workspace=workspace)
    visit = opened(script=False)
    visit.go(f"/sign-in?then={kept.path}")
    _signed_in(visit, key)
    operators.end_key(service.desk, "key_" + key.split("_")[1])
    visit.page.get_by_role("button", name="Calculate").click()
    visit.page.wait_for_url("**/sign-in?then=*")
    _signed_in(visit, service.key(workspace=workspace))
    assert visit.path == kept.path


def _signed_in(visit, key):
    visit.page.get_by_label("API key").fill(key)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.locator("#question").wait_for()
    visit.rest()
