"""A real browser for the tests of the page: headless Chromium, listened to for every complaint."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

# Chromium's shell without a head opens a window in a sixth of the time, with the same engine.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTHS = (360, 1440)  # CSS pixels: a phone, a desk
SCHEMES = ("light", "dark")
LOCALES = {"en": "en-GB", "ru": "ru-RU", "zh": "zh-CN"}
PATIENCE = 30_000  # milliseconds for anything on the page to come to be
SETTLES = 10_000  # milliseconds for a page to take a new size
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

#: Tells every violation of the content security policy on the console, where it is collected.
LISTENS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""

#: Holds once htmx waits for no answer and every chart that has a place has been drawn.
AT_REST = """() => !document.querySelector(".htmx-request, .htmx-settling, .htmx-swapping")
  && [...document.querySelectorAll("figure[data-chart]")].every((figure) =>
    figure.dataset.drawn || !figure.querySelector(".chart-place")?.offsetParent)"""


def why_not() -> str | None:
    """Why there is no browser to test with; None where there is one."""
    if not CHROMIUM:
        return "no Chromium here: apt-get install chromium-headless-shell"
    asks = (sys.executable, "-m", "playwright", "--version")
    driver = subprocess.run(asks, capture_output=True, check=False)
    if driver.returncode:
        said = driver.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return f"the browser's driver does not start ({said}): apt-get install libatomic1"
    return None


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser for as long as it is needed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """What a browser complained of: console errors, thrown errors, requests that failed.

    Attributes
    ----------
    expected : list of regular expressions
        Complaints a test brings about on purpose.
    """

    told: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Hear everything a page complains of from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.told.append(f"thrown: {error}"))
        page.on("requestfailed", self._failed)

    def hear_anew(self) -> None:
        """Forget what was told, and what was expected."""
        self.told.clear()
        self.expected.clear()

    @property
    def unexpected(self) -> list[str]:
        """The complaints no test asked for."""
        return [one for one in self.told if not any(re.search(p, one) for p in self.expected)]

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.told.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # left for another page, or saved as a file
            self.told.append(f"failed: {request.method} {request.url} {request.failure}")


@dataclass
class Visit:
    """A reader's window on a service: a context of its own, and everything it complained of."""

    context: BrowserContext
    base: str
    complaints: Complaints
    script: bool = True  # whether scripts run
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.tab()

    def tab(self) -> Page:
        """One more tab of the same reader."""
        page = self.context.new_page()
        self.complaints.listen(page)
        return page

    def go(self, path: str) -> Response:
        """Open a view and wait until it is at rest."""
        answer = self.page.goto(self.base + path)
        self.rest()
        assert answer is not None
        return answer

    def rest(self) -> None:
        """Wait until htmx waits for nothing and every chart in sight is drawn."""
        if self.script:
            self.page.wait_for_function(AT_REST)

    def expect(self, *patterns: str) -> None:
        """Say which complaints are brought about on purpose."""
        self.complaints.expected += patterns

    @property
    def path(self) -> str:
        """Where the reader is."""
        return self.page.url.removeprefix(self.base)


@contextmanager
def visiting(browser: Browser, base: str, **context: Any) -> Iterator[Visit]:
    """A reader's window; nothing may have been complained of when it closes.

    Parameters
    ----------
    context
        As `Browser.new_context` takes it: viewport, locale, color_scheme, java_script_enabled, ...
    """
    opened = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **context})
    opened.set_default_timeout(PATIENCE)
    opened.add_init_script(LISTENS)
    complaints = Complaints()
    try:
        yield Visit(opened, base, complaints, context.get("java_script_enabled", True))
    finally:
        opened.close()
    assert not complaints.unexpected, "\n".join(complaints.unexpected)


def widest(page: Page) -> int:
    """How many pixels a page is wider than its window, once charts have taken its size.

    Nought where nothing scrolls sideways.
    """
    with suppress(PlaywrightTimeout):
        page.wait_for_function(f"{WIDER} <= 0", timeout=SETTLES)
    return int(page.evaluate(WIDER))
