"""Two to four scenarios or kept plans side by side on the page."""

from __future__ import annotations

import csv
import io
from zipfile import ZipFile

import pytest

from tests.page.browser import WIDTHS, widest
from tests.page.kept import drawn_model, keep
from tests.page.visiting import reading, words
from tests.service.running import ended

SHARED = "compared"  # the workspace of what these tests read
BUDGET = 100_000.0
ASKS = {
    "base": {},
    "more": {"budget": 1.2 * BUDGET},
    "held": {"channels": {"tv": {"max": 12_000}}},
    "fights": {"channels": {"tv": {"min": 90_000, "max": 95_000}, "radio": {"min": 30_000}}},
}


@pytest.fixture(scope="module")
def kept(service):
    """Scenarios of one model by name, and a kept plan of one of them."""
    first = keep(service, SHARED, name="base")
    found = {"base": f"scenario={first.scenario}"}
    with service.client(workspace=SHARED) as client:
        held = client.get(f"/v1/scenarios/{first.scenario}").json()
        for name, more in ASKS.items():
            if name in found:
                continue
            asked = {"scenario": {**held["scenario"], "name": name, **more}, "model": first.model}
            made = client.post("/v1/scenarios", json=asked).raise_for_status().json()
            found[name] = f"scenario={made['id']}"
        job = client.post(f"/v1/scenarios/{first.scenario}/runs", json={}).json()["id"]
        found["plan"] = f"plan={ended(client, job)['result']['plans'][0]}"
    return found


def address(kept, *names, path="/compare"):
    return f"{path}?" + "&".join(kept[name] for name in names)


def test_an_empty_workspace_is_told_what_a_comparison_is_for(service, workspace):
    with reading(service, workspace) as reader:
        answer = reader.get("/compare")
        assert "Nothing to compare yet" in words(answer)
        assert 'href="/scenarios"' in answer.text


def test_everything_there_is_can_be_chosen_without_scripts(service, kept):
    with reading(service, SHARED) as reader:
        answer = reader.get("/compare")
        assert 'method="get" action="/compare"' in answer.text
        for chosen in kept.values():
            name, identity = chosen.split("=")
            assert f'name="{name}" value="{identity}"' in answer.text


def test_two_scenarios_stand_side_by_side(service, kept):
    with reading(service, SHARED) as reader:
        answer = reader.get(address(kept, "base", "more"))
        said = words(answer)
        assert "more spends 20,000.00 EUR more" in said
        assert "Better than base" in said
        assert "sure" in said
        assert "the budget is 20 % larger" in said
        assert "Settings that differ budget: 100,000 in base, 120,000 in more" in said
        assert answer.text.count("checked") == 2


def test_four_may_be_compared_kept_plans_among_them(service, kept):
    with reading(service, SHARED) as reader:
        said = words(reader.get(address(kept, "base", "more", "held", "plan")))
        assert "Moved in held" in said
        assert "kept plan" in said
        assert "base (2)" in said  # the same name twice is told apart


def test_an_infeasible_one_is_named_and_the_others_are_shown(service, kept):
    with reading(service, SHARED) as reader:
        said = words(reader.get(address(kept, "base", "fights", "held")))
        assert "fights is left out: budget at most 100,000 and tv at least 90,000 and radio" in said
        assert "Better than base" in said
        said = words(reader.get(address(kept, "base", "fights")))
        assert "base is chosen. Choose one more" in said


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("plan=pln_nothing&plan=pln_more", "is no longer here"),
        ("&".join(f"scenario=scn_{n}" for n in range(5)), "Choose at most 4"),
    ],
)
def test_what_cannot_be_compared_is_told(service, kept, query, told):
    with reading(service, SHARED) as reader:
        answer = reader.get(f"/compare?{query}")
        assert answer.status_code == 200
        assert told in words(answer)


def test_another_workspaces_plans_are_not_there(service, workspace, kept):
    with reading(service, workspace) as stranger:
        said = words(stranger.get(address(kept, "base", "plan")))
        assert "Better than" not in said
        assert "base" not in said


def test_currencies_that_differ_are_told_and_nothing_breaks(service, workspace):
    one = keep(service, workspace, name="euros").scenario
    other = keep(service, workspace, drawn_model() | {"currency": "USD"}, name="dollars").scenario
    with reading(service, workspace) as reader:
        answer = reader.get(f"/compare?scenario={one}&scenario={other}")
        assert answer.status_code == 200
        assert "euros is in EUR, dollars in USD" in words(answer)


def test_models_that_differ_share_no_draws(service, workspace):
    one = keep(service, workspace, name="many").scenario
    other = keep(service, workspace, drawn_model(draws=20), name="few").scenario
    with reading(service, workspace) as reader:
        said = words(reader.get(f"/compare?scenario={one}&scenario={other}"))
        assert "they share no draws" in said
        assert "cannot be said" in said


def test_a_comparison_is_carried_away(service, kept):
    with reading(service, SHARED) as reader:
        book = reader.get(address(kept, "base", "more", path="/compare/plans.xlsx")).content
        with ZipFile(io.BytesIO(book)) as archive:
            sheets = archive.read("xl/workbook.xml").decode()
        assert 'name="base"' in sheets
        assert 'name="more"' in sheets
        table = reader.get(address(kept, "base", "more", path="/compare/moves.csv")).text
        rows = list(csv.DictReader(io.StringIO(table)))
        assert len(rows) == 4
        moved = sum(float(row["moved_more"]) for row in rows)
        assert moved == pytest.approx(0.2 * BUDGET, abs=0.05)
        for path in ("/compare/plans.xlsx", "/compare/moves.csv"):
            assert reader.get(address(kept, "base", path=path)).status_code == 422
            assert reader.get(path).status_code == 422


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_is_chosen_and_drawn_in_a_browser(kept, opened, width):
    visit = opened(SHARED, width=width)
    visit.go("/compare")
    for name in ("base", "held"):
        visit.page.locator(f'input[value="{kept[name].split("=")[1]}"]').check()
    visit.page.get_by_role("button", name="Compare", exact=True).click()
    visit.page.wait_for_selector('figure[data-chart="compare"][data-drawn="yes"]')
    assert set(visit.path.split("?")[1].split("&")) == {kept["base"], kept["held"]}
    assert widest(visit.page) == 0
