"""The planner's page in a browser: the first view, its scripts, the slider to its figures.

A headless Chromium looks at a real `romi serve` on the same machine: what it takes of it counts
against the page. Views are opened with an empty cache; the slider is dragged by the mouse, and a
move lasts from its event to the frame in which the new figures stand, twelve channels with 400
draws each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.report import keep
from benchmarks.service_load import SCENARIO, Service, served, twelve_channels
from tests.page.browser import chromium, visiting, why_not

FIRST_VIEW_SECONDS = 1.5
SCRIPT_KB = 300
SLIDER_MS = 150
COLD = 7  # openings of a view, each with an empty cache
PAUSE = 60  # milliseconds between moves

#: When the load event ended and the largest content was painted, milliseconds.
PAINTED = """() => new Promise((resolve) => {
  let largest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) largest = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  const load = performance.getEntriesByType("navigation")[0].loadEventEnd;
  setTimeout(() => resolve([load, largest]), 300);
})"""

#: How large the scripts were that a view loaded, as they came, bytes.
SCRIPTS = """() => performance.getEntriesByType("resource")
  .filter((entry) => new URL(entry.name).pathname.endsWith(".js"))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""

#: Notes for every move of the slider when all figures that follow from it were painted.
WATCHES = """() => {
  window.took = [];
  let begun = null;
  document.addEventListener("input", (event) => {
    if (event.target.id === "budget-slider") begun ??= event.timeStamp;
  }, true);
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
    if (begun !== null) window.took.push(performance.now() - begun);
    begun = null;
  }))).observe(document.getElementById("answer"), { attributeFilter: ["data-version"] });
}"""


def prepared(service: Service) -> str:
    """The address of a workbench with twelve channels."""
    model = twelve_channels().to_dict()
    headers = {"Authorization": f"Bearer {service.key}"}
    usual = sum(one["history_spend_per_period"] for one in model["channels"])
    question = {**SCENARIO, "name": "Quarter", "budget": usual * SCENARIO["periods"]}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        sent = {"model": model, "name": "Twelve", "make_current": True}
        made = client.post("/v1/models/import", json=sent).raise_for_status().json()
        asked = {"scenario": question, "model": made["id"]}
        kept = client.post("/v1/scenarios", json=asked).raise_for_status().json()
    return f"/scenarios/{kept['id']}"


def signed_in(page: Page, service: Service) -> None:
    """Sign in by the form, as a reader does."""
    page.goto(f"{service.url}/sign-in")
    page.locator("#key").fill(service.key)
    page.locator("#key").press("Enter")
    page.locator("nav.views").wait_for()


def opened(browser: Browser, service: Service, path: str) -> tuple[float, float]:
    """Seconds until a view has loaded and shows its largest part, and KB of its scripts."""
    with visiting(browser, service.url) as visit:
        signed_in(visit.page, service)
        cookies = visit.context.cookies()
    with visiting(browser, service.url) as visit:  # nothing is in this one's cache
        visit.context.add_cookies(cookies)  # type: ignore[arg-type]  (as they were given)
        visit.page.goto(service.url + path, wait_until="load")
        load, largest = visit.page.evaluate(PAINTED)
        return max(load, largest) / 1e3, visit.page.evaluate(SCRIPTS) / 1e3


def slid(browser: Browser, service: Service, path: str, moves: int) -> list[float]:
    """Milliseconds from each move of the slider to its figures."""
    with visiting(browser, service.url) as visit:
        signed_in(visit.page, service)
        visit.go(path)
        page = visit.page
        page.evaluate(WATCHES)
        box = page.locator("#budget-slider").bounding_box()
        assert box is not None
        height = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, height)
        page.mouse.down()
        for place in range(moves):
            share = 0.5 + 0.3 * np.sin(place * 2.4)  # here and there, as a planner does
            page.mouse.move(box["x"] + share * box["width"], height)
            page.wait_for_function("count => took.length >= count", arg=place + 1)
            page.wait_for_timeout(PAUSE)
        page.mouse.up()
        visit.rest()
        took: list[float] = page.evaluate("took")
        return took


def measured(moves: int) -> Iterator[dict[str, Any]]:
    """Every figure of this benchmark."""
    with served(processes=1) as service, chromium() as browser:
        path = prepared(service)
        for name, view in (("overview", "/"), ("workbench", path)):
            runs = [opened(browser, service, view) for _ in range(COLD)]
            seconds = float(np.median([run[0] for run in runs]))
            asked = f"<= {FIRST_VIEW_SECONDS}"
            yield {"figure": f"{name}, cold, s", "asked": asked, "value": seconds}
        asked = f"<= {SCRIPT_KB}"
        yield {"figure": "scripts of the workbench, KB gzip", "asked": asked, "value": runs[-1][1]}
        took = slid(browser, service, path, moves)
        for share in (50, 95):
            found = float(np.percentile(took, share))
            asked = f"<= {SLIDER_MS}" if share == 95 else "-"
            yield {"figure": f"slider to figures, p{share}, ms", "asked": asked, "value": found}
        yield {"figure": "moves of the slider", "asked": ">= 50", "value": len(took)}


def main() -> None:
    """Print the table and write it beside the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=60, help="of the slider")
    chosen = parser.parse_args()
    if reason := why_not():
        print(f"skipped: {reason}")
        return
    rows = []
    for row in measured(chosen.moves):
        print(f"{row['figure']:45}  asked {row['asked']:16}  {row['value']:10.2f}", flush=True)
        rows.append(row)
    keep("page", rows)


if __name__ == "__main__":
    main()
