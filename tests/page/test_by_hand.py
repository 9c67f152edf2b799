"""With the keyboard alone, and without scripts: the whole job all the same."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.page.kept import Bench, keep
from tests.service.running import SHOP

MOST_STEPS = 200  # of the Tab key to anything on a view
FIT = 120_000  # milliseconds, on a busy machine
IS_THERE = "(selector) => document.activeElement?.matches(selector) ?? false"


def reach(page, selector):
    """Go on with Tab until something has the focus, and see that its ring shows."""
    for _ in range(MOST_STEPS):
        if page.evaluate(IS_THERE, selector):
            break
        page.keyboard.press("Tab")
    assert page.evaluate(IS_THERE, selector), f"Tab does not reach {selector}"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def press(page, selector, key="Enter"):
    """Reach something and press a key on it."""
    reach(page, selector)
    page.keyboard.press(key)


def test_the_first_stop_skips_to_the_content(opened, workspace):
    visit = opened(workspace)
    visit.go("/histories")
    visit.page.keyboard.press("Tab")
    expect(visit.page.locator(".skip")).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#main")).to_be_focused()


def test_keys_alone_sign_in_upload_plan_lock_and_save(service, opened, workspace):
    keep(service, workspace)
    visit = opened()
    page = visit.page
    visit.go("/sign-in")
    reach(page, "#key")
    page.keyboard.type(service.key(workspace=workspace))
    page.keyboard.press("Enter")
    page.locator("nav.views").wait_for()

    press(page, "nav a[href='/histories']")
    page.wait_for_url("**/histories")
    reach(page, "#file")
    with page.expect_file_chooser() as waited:
        page.keyboard.press("Space")
    waited.value.set_files(SHOP)
    press(page, "form.upload button")
    page.wait_for_url("**/drafts/*")
    press(page, "button[formaction$='/keep']")
    page.get_by_role("heading", name="How good the data is").wait_for()

    press(page, "nav a[href='/models']")
    page.wait_for_url("**/models")
    press(page, "main th a")
    page.wait_for_url("**/models/mdl_*")
    press(page, "button.main.big")
    page.wait_for_url("**/scenarios/*")
    visit.rest()

    bench = Bench(visit)
    reach(page, "#budget-slider")
    bench.after(lambda: page.keyboard.press("ArrowRight"))
    reach(page, "[name=locked-0]")
    bench.after(lambda: page.keyboard.press("Space"))
    press(page, "#save")
    page.get_by_text("Saved as version 2.").wait_for()
    assert bench.field("locked-0").is_checked()


def test_a_table_that_scrolls_can_be_scrolled_by_keys(service, opened, workspace):
    visit = opened(workspace, width=360)
    kept = keep(service, workspace)
    visit.go(kept.path)
    for place in visit.page.locator(".table-place").all():
        assert place.get_attribute("tabindex") == "0"


@pytest.mark.slow
def test_without_scripts_the_whole_job_is_done(opened, workspace):
    visit = opened(workspace, script=False)
    page = visit.page
    visit.go("/histories")
    page.get_by_label("Files").set_input_files(SHOP)
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("button", name="Keep this history").click()
    page.locator("form").get_by_role("button", name="Fit curves").click()
    page.wait_for_url("**/jobs/*")
    page.get_by_role("link", name="To the curves").click(timeout=FIT)
    page.get_by_role("button", name="Plan a budget with these curves").click()
    page.locator("[name=locked-0]").check()
    page.get_by_role("button", name="Calculate").click()
    assert page.locator("[name=locked-0]").is_checked()
    page.locator("#show-frontier").click()
    page.get_by_role("heading", name="What other budgets would bring").wait_for()
    page.get_by_role("link", name="Back to the scenario").click()
    assert page.locator("[name=locked-0]").is_checked()
    page.get_by_role("button", name="Keep this plan").click()
    page.wait_for_url("**/plans/*")
    assert page.locator("table").first.is_visible()


def test_without_scripts_columns_are_corrected_and_told(opened, workspace, tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(SHOP.read_text(encoding="utf-8").replace("revenue", "KPI_7", 1))
    visit = opened(workspace, script=False)
    page = visit.page
    visit.expect("status of 422")
    visit.go("/histories")
    page.get_by_label("Files").set_input_files(path)
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("heading", name="This is no history yet").wait_for()
    page.get_by_label("What the column KPI_7 is").select_option("revenue")
    page.get_by_role("button", name="Read again with these columns").click()
    page.get_by_role("heading", name="This can be kept").wait_for()
