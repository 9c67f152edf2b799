"""Every view: within its window, readable by everyone, in the reader's own language."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.page import world
from tests.page.browser import WIDTHS, Visit, widest

AXE = files("axe_playwright_python").joinpath("axe.min.js")
GRAVE = ("serious", "critical")
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map((one) => ({rule: one.id, impact: one.impact, where: one.nodes.map((node) =>
    `${node.target} ${node.failureSummary}`).slice(0, 5)}))"""

#: Two words of lower-case English in a row, where a reader of another language would see them.
#: What reads the same in every language is passed over: code, and names that somebody gave.
ENGLISH = """(names) => {
  const two = /(?<![\\w./=&?-])[a-z]{2,} [a-z]{2,}(?![\\w/=])/;
  const isEnglish = (text) => two.test(
    names.reduce((left, name) => left.replaceAll(name, "·"), text.replace(/\\s+/g, " ")));
  const found = [];
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const within = walk.currentNode.parentElement;
    if (within.closest("code, pre, script, style, textarea, [lang=en]")) continue;
    if (isEnglish(walk.currentNode.textContent)) found.push(walk.currentNode.textContent.trim());
  }
  for (const name of ["aria-label", "title", "placeholder", "alt", "data-asks", "data-copied"])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (isEnglish(element.getAttribute(name))) found.push(element.getAttribute(name));
  const texts = (part) => typeof part === "string" ? [part]
    : part && typeof part === "object" ? Object.values(part).flatMap(texts) : [];
  for (const script of document.querySelectorAll("script[type='application/json']"))
    found.push(...texts(JSON.parse(script.textContent)).filter(isEnglish));
  return found;
}"""

each_view = pytest.mark.parametrize("name", world.NAMES)


@pytest.fixture(scope="package")
def views(service):
    return world.views(service)


@pytest.fixture
def shown(windows, views) -> Iterator[Any]:
    """Open a view by its name; nothing may be complained of."""
    used = []

    def show(name: str, **wishes: Any) -> Visit:
        view = views[name]
        visit = windows(view.workspace, **wishes)
        used.append(visit)
        visit.complaints.hear_anew()
        if view.status != 200:
            visit.expect(f"status of {view.status}")
        answer = visit.go(view.path)
        assert answer.status == view.status
        return visit

    yield show
    for visit in used:
        assert visit.complaints.unexpected == []


def axe(visit):
    """What keeps somebody from reading the view, in the colours as they are."""
    found = visit.page.evaluate(RUN_AXE)
    return [one for one in found if one["impact"] in GRAVE]


def test_the_names_are_those_of_the_views(views):
    assert set(views) == set(world.NAMES)


def look_at(visit, deed, schemes=("dark", "light")):
    """Do something at each width, each in a light of its own."""
    for width, scheme in zip(WIDTHS, schemes, strict=True):
        visit.page.set_viewport_size({"width": width, "height": 900})
        visit.page.emulate_media(color_scheme=scheme)
        visit.rest()
        deed(f"{width} px, {scheme}")


def unfold(page):
    """Open every part that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


@each_view
@pytest.mark.parametrize("folded", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "schemes", [("dark", "light"), pytest.param(("light", "dark"), marks=pytest.mark.slow)]
)
def test_everyone_can_read_it_at_any_width_in_any_light(shown, name, schemes, folded):
    visit = shown(name, bypass_csp=True)
    visit.page.add_script_tag(path=str(AXE))
    assert visit.page.locator("h1").count() == 1
    if not folded:
        unfold(visit.page)

    def check(at):
        assert axe(visit) == [], at
        assert widest(visit.page) == 0, at

    look_at(visit, check, schemes)


@each_view
def test_unfolded_it_is_no_wider_than_its_window(shown, name):
    visit = shown(name)
    unfold(visit.page)

    def check(at):
        assert widest(visit.page) == 0, at

    look_at(visit, check)


@each_view
@pytest.mark.parametrize("language", ["ru", "zh"])
def test_it_speaks_the_readers_language(shown, name, language):
    visit = shown(name, language=language, width=360)
    assert visit.page.locator("html").get_attribute("lang") == language
    assert visit.page.evaluate(ENGLISH, world.GIVEN) == []
    assert widest(visit.page) == 0


@each_view
def test_it_can_be_read_without_scripts(shown, name):
    visit = shown(name, script=False)
    assert visit.page.locator("main h1").count() == 1
    assert widest(visit.page) == 0
