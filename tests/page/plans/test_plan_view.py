"""Kept plans on the page: the list, one to read, its files, its request for scripts."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
import sys

import pytest

from api.client import Client
from tests.page.browser import WIDTHS, widest
from tests.page.kept import drawn_model, keep
from tests.page.visiting import reading, words
from tests.service.running import ended

PARTS = ("totals", "allocation", "curves", "waterfall", "marginal", "frontier", "proof", "again")
SHARED = "kept plans"  # the workspace of what most tests read
ASKS = {"name": 'Spring\'s <best> "split"', "channels": {"tv": {"max": 12_000}}}
CHARTS = {"allocation", "curve", "waterfall", "frontier"}


def kept_plan(service, workspace, **asks):
    """The address of a kept plan."""
    scenario = keep(service, workspace, **asks).scenario
    with service.client(workspace=workspace) as client:
        job = client.post(f"/v1/scenarios/{scenario}/runs", json={}).raise_for_status().json()["id"]
        return f"/plans/{ended(client, job)['result']['plans'][0]}"


@pytest.fixture(scope="module")
def path(service):
    """The address of a plan that most tests read."""
    return kept_plan(service, SHARED, **ASKS)


def test_the_list_names_every_kept_plan(service, workspace, path):
    with reading(service, workspace) as beginner, reading(service, SHARED) as reader:
        assert "No plan is kept yet" in words(beginner.get("/plans"))
        listed = reader.get("/plans")
        assert f'href="{path}"' in listed.text
        assert ASKS["name"] in words(listed)


def test_a_plan_is_made_of_its_parts_without_scripts(service, path):
    with reading(service, SHARED) as reader:
        answer = reader.get(path)
        assert answer.status_code == 200
        for part in (*PARTS, "prices"):
            assert f'id="part-{part}"' in answer.text, part
        said = words(answer)
        assert "more profit" in said
        assert "at its maximum" in said
        assert f'href="{path}/frontier"' in answer.text
        assert f'href="/compare?plan={path.removeprefix("/plans/")}"' in answer.text
        budgets = reader.get(f"{path}/frontier")
        assert "What other budgets would bring" in words(budgets)
        assert "<!doctype html>" in budgets.text


def test_the_frontier_comes_as_a_part_to_scripts(service, path):
    with reading(service, SHARED) as reader:
        part = reader.get(f"{path}/frontier", headers={"HX-Request": "true"}).text
        assert part.lstrip().startswith('<section class="card" id="part-frontier"')


def test_where_the_budget_is_sought_no_frontier_is_offered(service, workspace):
    asks = {"objective": "least_spend", "budget": None, "targets": {"revenue": 150_000}}
    path = kept_plan(service, workspace, **asks)
    with reading(service, workspace) as reader:
        assert 'id="part-frontier"' not in reader.get(path).text
        assert "least_spend seeks the budget itself" in words(reader.get(f"{path}/frontier"))


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("json", b"{"),
        ("csv", b"channel,market,spend"),
        ("xlsx", b"PK"),
        ("html", b"<!doctype html>"),
    ],
)
def test_a_plan_is_downloaded_in_every_form(service, path, form, begins):
    with reading(service, SHARED) as reader:
        answer = reader.get(f"{path}/plan.{form}")
        assert answer.content.startswith(begins)
        assert f'filename="plan.{form}"' in answer.headers["content-disposition"]


def test_another_workspaces_plan_is_not_there(service, workspace, path):
    with reading(service, workspace) as stranger:
        for address in (path, f"{path}/frontier", f"{path}/plan.json", f"{path}/plan.html"):
            assert stranger.get(address).status_code == 404


def _shown(answer, identity):
    found = re.search(rf'id="{identity}"[^>]*>(.*?)</pre>', answer.text, re.DOTALL)
    return html.unescape(found[1])


def test_the_shown_requests_are_exact(service, path):
    key = service.key(workspace=SHARED)
    with reading(service, SHARED) as reader, Client(service.base, key) as client:
        answer = reader.get(path)
        kept = client.kept_plan(path.removeprefix("/plans/"))
        line = _shown(answer, "again-curl")
        asked = shlex.split(line.replace("\\\n", " "))
        assert asked[2] == f"{service.base}/v1/recommendations"
        with service.client(workspace=SHARED) as plain:
            made = plain.post("/v1/recommendations", json=json.loads(asked[-1])).json()
        assert made["allocation"] == kept.to_dict()["allocation"]
        assert '"Authorization: Bearer $ROMI_KEY"' in line
    script = _shown(answer, "again-python")
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={"ROMI_KEY": key, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"{kept.totals.spend}" in ran.stdout


def test_a_plan_without_draws_is_read_too(service, workspace):
    scenario = keep(service, workspace, model=drawn_model(draws=1)).scenario
    with service.client(workspace=workspace) as client, reading(service, workspace) as reader:
        job = client.post(f"/v1/scenarios/{scenario}/runs", json={}).json()["id"]
        plan = ended(client, job)["result"]["plans"][0]
        said = words(reader.get(f"/plans/{plan}"))
        assert "how sure that is cannot be said" in said
        assert "nan" not in said.lower().split()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_plan_in_a_browser_draws_every_chart(path, opened, width):
    visit = opened(SHARED, width=width)
    visit.go(path)
    visit.page.wait_for_selector('#part-frontier figure[data-drawn="yes"]')
    drawn = visit.page.locator('figure[data-drawn="yes"]')
    names = {one.get_attribute("data-chart") for one in drawn.all()}
    assert names == CHARTS
    assert widest(visit.page) == 0


def test_the_link_is_copied(service, path, opened):
    visit = opened(SHARED, permissions=["clipboard-read", "clipboard-write"])
    visit.go(path)
    visit.page.get_by_role("button", name="Copy the link").click()
    visit.page.get_by_role("button", name="Copied").wait_for()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == service.base + path
