"""A planner's first real job, from the one-time link to the workbook: all of it on the page."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

from api.serving import sessions
from benchmarks.service_processes import free_port, ready, until
from tests.page.browser import visiting
from tests.page.kept import Bench, keep
from tests.service.running import SHOP

FIT = 120_000  # milliseconds a fit may take on a busy machine
HEADER = "date,channel,spend,revenue"


@pytest.fixture
def export(tmp_path):
    """The shop's history as an export that names the revenue as no reader could guess."""
    text = SHOP.read_text(encoding="utf-8")
    path = tmp_path / "export.csv"
    path.write_text(text.replace(HEADER, "Day,Channel,Costs,KPI_7", 1), encoding="utf-8")
    return path


def signed_in(service, visit):
    """Sign in as `romi serve` says on its first start."""
    service.key(workspace="home")
    visit.go(f"/enter?link={sessions.link(service.desk)}")
    visit.page.get_by_role("button", name="Open romi").click()
    visit.page.get_by_role("heading", level=1).wait_for()


def uploaded(visit, path):
    """Choose a file and send it: its preview."""
    visit.page.get_by_role("link", name="Upload a history").first.click()
    visit.page.get_by_label("Files").set_input_files(path)
    visit.page.get_by_role("button", name="Upload and look at it").click()
    visit.page.get_by_role("heading", name="Check the columns").wait_for()


def corrected(page):
    """Say by hand what the column nobody could guess is for."""
    detected = {
        name: page.get_by_label(f"What the column {name} is").input_value()
        for name in ("Day", "Channel", "Costs", "KPI_7")
    }
    assert detected == {"Day": "date", "Channel": "channel", "Costs": "spend", "KPI_7": "ignored"}
    expect(page.get_by_role("heading", name="This is no history yet")).to_be_visible()
    page.get_by_label("What the column KPI_7 is").select_option("revenue")
    page.get_by_role("button", name="Read again with these columns").click()
    page.get_by_role("heading", name="This can be kept").wait_for()


def fitted(page):
    """Fit, watch the job, and come to the curves."""
    page.locator("#fit").scroll_into_view_if_needed()
    page.get_by_role("button", name="Fit curves").click()
    page.wait_for_url("**/jobs/*")
    page.locator("#job").wait_for()
    link = page.get_by_role("link", name="To the curves")
    page.wait_for_function(
        "() => location.pathname.startsWith('/models/') || document.querySelector('#job a.main')",
        timeout=FIT,
    )
    if "/jobs/" in page.url:
        link.click()
    page.wait_for_url("**/models/*")
    assert page.locator("figure[data-chart=curve]").count() == 6


def planned(visit):
    """From the curves to the workbench; move, lock, save as a scenario of its own."""
    page = visit.page
    page.get_by_role("button", name="Plan a budget with these curves").click()
    page.wait_for_url("**/scenarios/*")
    visit.rest()
    bench = Bench(visit)
    budget = bench.amount("budget")
    bench.after(lambda: page.locator("#budget-slider").fill(str(round(1.1 * budget))))
    page.wait_for_timeout(300)
    bench.after(lambda: bench.field("locked-0").check())
    held = bench.amount("spend-0")
    bench.after(lambda: bench.type("spend-1", str(round(0.9 * bench.amount("spend-1")))))
    assert bench.field("locked-1").is_checked()
    assert bench.amount("spend-0") == held
    page.get_by_role("textbox", name="Name of the scenario").fill("More, affiliates held")
    page.get_by_role("button", name="Save as new").click()
    page.get_by_text("Saved as version 1.").wait_for()
    return bench


def compared(visit):
    """Two scenarios side by side, and the comparison as a workbook."""
    page = visit.page
    visit.go("/compare")
    boxes = page.locator("[name=scenario]")
    assert boxes.count() == 2
    for place in range(2):
        boxes.nth(place).check()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="What moves, and why").wait_for()
    visit.rest()
    return opened_workbook(page, lambda: page.get_by_role("link", name="XLSX").click())


def opened_workbook(page, deed):
    """A downloaded XLSX, read."""
    with page.expect_download() as waited:
        deed()
    content = waited.value.path().read_bytes()
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_a_first_job_from_the_link_to_the_workbook(service, opened, export):
    visit = opened()
    page = visit.page
    visit.expect("status of 422")  # a preview that is no history yet
    signed_in(service, visit)
    uploaded(visit, export)
    corrected(page)
    page.get_by_role("button", name="Keep this history").click()
    page.get_by_role("heading", name="How good the data is").wait_for()
    visit.rest()
    fitted(page)
    visit.rest()
    bench = planned(visit)
    spend = bench.spend()
    book = opened_workbook(page, lambda: page.get_by_role("button", name="Workbook").click())
    cells = [cell for sheet in book.values() for row in sheet for cell in row]
    for amount in spend:
        assert any(isinstance(cell, float) and abs(cell - amount) < 0.01 for cell in cells)
    assert compared(visit)


@pytest.fixture
def started(tmp_path):
    """`romi serve` as typed for the first time: when it began, where it is, its one-time link."""
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(free_port())]
    begun = time.monotonic()
    process = subprocess.Popen(
        [*command, "--folder", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"ROMI_LOG_LEVEL": "error"},
    )
    try:
        said = [process.stderr.readline() for _ in range(3)]
        link = said[-1].split()[-1]
        base = link.split("/enter")[0]
        until(lambda: ready(base))
        yield begun, base, link.removeprefix(base)
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_finished_plan_stands_there_within_a_minute_of_romi_serve(chromium, started):
    begun, base, link = started
    with visiting(chromium, base) as visit:
        visit.go(link)
        visit.page.get_by_role("button", name="Open romi").click()
        visit.page.get_by_role("button", name="Open the example").click(timeout=60_000)
        visit.page.locator("#uplift").wait_for(timeout=60_000)
        assert time.monotonic() - begun < 60


def test_a_second_click_makes_nothing_twice(service, opened, workspace):
    visit = opened(workspace)
    kept = keep(service, workspace)
    visit.go(f"/models/{kept.model}")
    visit.page.get_by_role("button", name="Plan a budget with these curves").dblclick()
    visit.page.wait_for_url("**/scenarios/*")
    with service.client(workspace=workspace) as client:
        assert len(client.get("/v1/scenarios").json()["items"]) == 2
