"""A plan as one file: whole, quiet, printable, in every language; from the shell and over HTTP."""

from __future__ import annotations

import html
import json
import re

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.client import Client
from api.page.plans.bundle import HEAD, bundled
from api.page.plans.report import report_html
from optimizer import plan, sensitivity, what_if
from tests.page import browser as browsers
from tests.page.browser import SCHEMES, WIDTHS, widest
from tests.page.kept import PERIODS, drawn_model, keep
from tests.page.plans.planned import KINDS, curves, many_cells, planned, question
from tests.service.running import ended

SECTIONS = ("totals", "allocation", "curves", "waterfall", "marginal", "frontier", "proof")
CHARTS = {"allocation", "curve", "waterfall", "frontier"}
ELSEWHERE = re.compile(
    r"""(?:src|href|action)\s*=\s*["'](?!\#|data:)|@import|url\((?!\#|["']?data:)""", re.IGNORECASE
)
A4 = (595, 842)  # points, rounded
MOST_BYTES = 1_500_000


def report(kind="profit", language="en", draws=60):
    return report_html(planned(kind, draws), curves(draws), question(kind), language)


@pytest.fixture(scope="module")
def usual():
    """The report of the plain question."""
    return report()


def outside_scripts(text):
    return re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)


def test_a_report_holds_every_part_and_asks_for_nothing(usual):
    for part in SECTIONS:
        assert f'id="part-{part}"' in usual, part
    assert not ELSEWHERE.search(outside_scripts(usual))
    assert "default-src 'none'" in html.unescape(usual)
    assert len(usual.encode()) < MOST_BYTES


@pytest.mark.parametrize("kind", [*KINDS])
def test_every_kind_of_plan_makes_a_report(kind):
    text = report_html(planned(kind))
    assert planned(kind).provenance.model in text
    assert "Recommendation" in text


def test_a_report_needs_no_more_than_the_plan():
    text = report_html(planned("by period"))
    assert 'id="part-schedule"' in text
    for part in ("curves", "waterfall", "frontier"):
        assert f'id="part-{part}"' not in text


def test_a_given_split_has_a_report_without_a_proof():
    found = what_if(curves(), question("profit"), {"tv": 50_000.0})
    text = report_html(found, curves(), question("profit"))
    assert "This split was given, not sought" in text
    assert 'id="part-frontier"' not in text


def test_what_would_change_the_plan_is_told_where_it_was_asked():
    found = sensitivity(curves(), question("profit"), planned("profit"))
    told = planned("profit").model_copy(update={"sensitivity": found})
    assert 'id="part-sensitivity"' in report_html(told)


def test_many_cells_fold():
    model, scenario = many_cells()
    text = report_html(plan(model, scenario), model, scenario)
    assert "15 more, with smaller moves" in text


def test_names_cannot_break_out():
    bad = '</script><img src=x onerror="alert(1)">&'
    model = type(curves()).from_dict(drawn_model((bad, "search")))
    asked = question("profit").model_copy(update={"name": bad, "budget": None})
    text = report_html(plan(model, asked), model, asked)
    assert "<img src=x" not in text
    assert text.count("</script>") == report().count("</script>") - 2  # two curves fewer


@pytest.mark.parametrize(
    ("language", "number"), [("en", "100K"), ("ru", "100\xa0тыс."), ("zh", "10万")]
)
def test_numbers_are_the_readers(language, number):
    text = report(language=language)
    assert f'<html lang="{language}"' in text
    assert number in text


def test_the_same_plan_makes_the_same_report(usual):
    assert report() == usual


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_opens_from_disk_and_draws_itself(chromium, tmp_path, usual, width, scheme):
    place = tmp_path / "report.html"
    place.write_text(usual, encoding="utf-8")
    asked = []
    context = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with browsers.visiting(chromium, "file://", **context) as visit:
        visit.page.on("request", lambda request: asked.append(request.url))
        visit.go(str(place))
        drawn = visit.page.locator('figure[data-drawn="yes"]').all()
        assert {one.get_attribute("data-chart") for one in drawn} == CHARTS
        assert all(one.locator("canvas").count() for one in drawn)
        assert widest(visit.page) == 0
    assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
    assert len([url for url in asked if url.startswith("file://")]) == 1


def test_it_reads_without_scripts(chromium, tmp_path, usual):
    place = tmp_path / "report.html"
    place.write_text(usual, encoding="utf-8")
    with browsers.visiting(chromium, "file://", java_script_enabled=False) as visit:
        visit.page.goto(f"file://{place}")
        said = visit.page.inner_text("main")
        assert "more profit" in said
        assert not visit.page.locator(".chart-place").first.is_visible()


def test_paper_is_light_and_a4_whatever_the_screen(chromium, tmp_path, usual):
    place = tmp_path / "report.html"
    place.write_text(usual, encoding="utf-8")
    with browsers.visiting(chromium, "file://", color_scheme="dark") as visit:
        visit.go(str(place))
        visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        visit.rest()
        ink = visit.page.evaluate(
            "getComputedStyle(document.documentElement).getPropertyValue('--surface').trim()"
        )
        visit.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        visit.rest()
        printed = visit.page.pdf(prefer_css_page_size=True)
    assert ink == "#ffffff"
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert {(round(float(w)), round(float(h))) for w, h in boxes} == {A4}
    assert 2 <= len(boxes) <= 8


def test_modules_are_bundled_once_and_in_order():
    sources = {
        "a.js": 'import { c as see } from "./in/b.js";\nimport { d } from "./d.js";\nsee(d);',
        "in/b.js": 'import { d } from "../d.js";\nexport const c = (x) => d + x;',
        "d.js": "export async function d() { return import(`./in/${1}.js`); }",
    }
    text = bundled(["a.js", "in/b.js"], sources.__getitem__).removeprefix(HEAD)
    assert re.findall(r'^romiModules\["([^"]+)"\] =', text, re.MULTILINE) == [
        "d.js",
        "in/b.js",
        "a.js",
    ]
    assert 'const { c: see } = romiModules["in/b.js"];' in text
    assert "return romiModule(" in text


@pytest.mark.parametrize(
    "source", ["export default 3;", 'import x from "./b.js";', 'export * from "./b.js";']
)
def test_a_module_that_cannot_be_bundled_is_refused(source):
    with pytest.raises(ValueError, match=r"no form that can be bundled"):
        bundled(["a.js"], {"a.js": source}.__getitem__)


def test_modules_that_import_each_other_are_refused():
    sources = {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}
    with pytest.raises(ValueError, match="imports itself"):
        bundled(["a.js"], sources.__getitem__)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a scenario and its model."""
    (tmp_path / "model.json").write_text(json.dumps(drawn_model()))
    asked = {"model": "model.json", "periods": PERIODS, "objective": "profit", "name": "Shell"}
    (tmp_path / "plan.json").write_text(json.dumps(asked))
    (tmp_path / "split.json").write_text(json.dumps({"tv": 5_000}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def romi(*arguments, **environment):
    return CliRunner().invoke(app, arguments, env={"NO_COLOR": "1", **environment})


@pytest.mark.parametrize("command", [("plan",), ("what-if", "--split", "split.json")])
def test_the_shell_writes_reports(folder, command):
    verb, *more = command
    done = romi(verb, "plan.json", *more, "-q", "-o", "out.html", "--language", "ru")
    assert done.exit_code == 0, done.output
    assert '<html lang="ru"' in (folder / "out.html").read_text(encoding="utf-8")


def test_the_shell_takes_the_language_from_the_environment(folder):
    assert romi("plan", "plan.json", "-q", "-o", "out.html", ROMI_LANGUAGE="zh").exit_code == 0
    assert '<html lang="zh"' in (folder / "out.html").read_text(encoding="utf-8")
    assert romi("plan", "plan.json", "-o", "out.html", "--language", "fr").exit_code == 2


def test_only_plans_make_reports(folder):
    for command in (("frontier", "plan.json"), ("compare", "a.json", "b.json")):
        done = romi(*command, "-o", "out.html")
        assert done.exit_code == 2
        assert "is no format of this command" in done.output


def test_the_service_gives_reports(service, workspace):
    scenario = keep(service, workspace).scenario
    with (
        service.client(workspace=workspace) as plain,
        Client(service.base, service.key(workspace=workspace)) as client,
    ):
        job = plain.post(f"/v1/scenarios/{scenario}/runs", json={}).json()["id"]
        kept = ended(plain, job)["result"]["plans"][0]
        answer = plain.get(f"/v1/plans/{kept}", params={"format": "html", "language": "zh"})
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="plan.html"'
        assert '<html lang="zh"' in answer.text
        assert '<html lang="en"' in client.report(kept)
        assert plain.get(f"/v1/plans/{kept}?format=html&language=fr").status_code == 422
