"""Pictures of the page for the README and the guide: `python -m docs.pictures` takes them anew.

A service of its own with the shipped example is looked at in a real browser.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import httpx
from playwright.sync_api import Page

from api.settings import Settings
from benchmarks.service_processes import Group, free_port, ready, until
from tests.page.browser import chromium

FOLDER = Path(__file__).parent / "pictures"
SETTLE = 900  # milliseconds for charts to be drawn
WIDE, NARROW = (1280, 860), (360, 760)


def main() -> None:
    """Take every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(folder=Path(folder), port=free_port(), auth=False, _env_file=None)  # type: ignore[call-arg]
        base = f"http://127.0.0.1:{settings.port}"
        command = ("serve", "--no-auth", "--workers", "1")
        group = Group(command, settings, Path(folder) / "log")
        group.start()
        try:
            until(lambda: ready(base))
            _take(base)
        finally:
            group.stop()


def _take(base: str) -> None:
    with chromium() as browser:
        window = browser.new_context(viewport=_size(WIDE), locale="en-GB")
        page = window.new_page()
        page.goto(base)
        _keep(page, "first-visit")
        page.get_by_role("button", name="Open the example").click()
        page.wait_for_url(re.compile("/scenarios/scn_"))
        scenario = page.url.removeprefix(base)
        _keep(page, "workbench")
        page.locator("#part-allocation").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('#part-allocation').scrollIntoView()")
        _keep(page, "allocation")
        page.locator("#show-frontier").click()
        page.locator("#part-frontier").wait_for(timeout=60_000)
        page.evaluate("document.querySelector('#part-frontier').scrollIntoView()")
        _keep(page, "frontier")
        second = _second(page, base, scenario)
        _visit(page, base, f"/compare?scenario={scenario[11:]}&scenario={second[11:]}", "compare")
        for name, pattern in (("history", "/histories/hst_"), ("curves", "/models/mdl_")):
            view = "/histories" if name == "history" else "/models"
            address = re.search(rf"{pattern}\w+", httpx.get(base + view).text)
            assert address is not None
            _visit(page, base, address[0], name)
        for scheme, size, name in (("dark", WIDE, "workbench-dark"), ("light", NARROW, "narrow")):
            other = browser.new_context(viewport=_size(size), color_scheme=scheme, locale="en-GB")
            _visit(other.new_page(), base, scenario, name)


def _second(page: Page, base: str, scenario: str) -> str:
    """A second scenario: the same with a fifth more money."""
    page.goto(base + scenario)
    page.locator("#budget").fill("1,800,000")
    page.locator("#name").fill("A fifth more")
    page.get_by_role("button", name="Save as new").click()
    page.wait_for_url(re.compile(r"saved=yes"))
    return page.url.removeprefix(base).partition("?")[0]


def _visit(page: Page, base: str, path: str, name: str) -> None:
    page.goto(base + path)
    _keep(page, name)


def _keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(SETTLE)
    page.screenshot(path=FOLDER / f"{name}.png")


def _size(pair: tuple[int, int]) -> dict[str, int]:
    return {"width": pair[0], "height": pair[1]}


if __name__ == "__main__":
    main()
