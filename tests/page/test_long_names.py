"""Names of endless length: they are broken, and hide nothing."""

from __future__ import annotations

import pytest

from tests.page.browser import WIDTHS, widest
from tests.page.kept import keep

LONG = "W" * 200
SCROLLS = {360: 500, 1440: 0}  # pixels a table of figures is wider than its place, at most


@pytest.fixture
def paths(service, workspace):
    first, second = (keep(service, workspace, name=name) for name in (LONG, LONG[1:]))
    chosen = f"scenario={first.scenario}&scenario={second.scenario}"
    return {
        "lists": ["/", "/scenarios", "/compare", "/plans"],
        "compare": [f"/compare?{chosen}"],
        "scenario": [first.path],
    }


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("view", ["lists", "compare", "scenario"])
def test_a_name_without_blanks_is_broken(opened, workspace, paths, view, width):
    visit = opened(workspace, width=width)
    for path in paths[view]:
        visit.go(path)
        assert widest(visit.page) == 0, path
        for place in visit.page.locator(".table-place").all():
            wider = place.evaluate("(place) => place.scrollWidth - place.clientWidth")
            assert wider <= SCROLLS[width], path
