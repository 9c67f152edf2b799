"""The workbench without scripts: every form of it does what a browser would have it do."""

from __future__ import annotations

import io
import json
import re

import pytest
from python_calamine import CalamineWorkbook

from tests.page.kept import keep
from tests.page.visiting import fields, reading, words


@pytest.fixture
def kept(service, workspace):
    return keep(service, workspace)


@pytest.fixture
def reader(service, workspace):
    with reading(service, workspace) as reader:
        yield reader


def form_of(reader, kept):
    return fields(reader.get(kept.path), kept.path)


def test_the_form_answers_as_the_library_does(reader, kept):
    sent = {**form_of(reader, kept), "budget": "15,000"}
    told = reader.post(kept.path + "/plan.json", sent).json()
    assert told["totals"]["spend"] == pytest.approx(15_000)
    shown = reader.post(kept.path, sent)
    assert shown.status_code == 200
    again = fields(shown, kept.path)
    for place, row in enumerate(told["allocation"]):
        assert float(again[f"spend-{place}"].replace(",", "")) == pytest.approx(
            row["spend"], abs=0.01
        )


def test_a_split_of_ones_own_is_judged_and_not_improved(reader, kept):
    own = {f"spend-{place}": amount for place, amount in enumerate(("100", "200", "300", "4,000"))}
    sent = {**form_of(reader, kept), "mode": "what_if", **own}
    told = reader.post(kept.path + "/plan.json", sent).json()
    assert [row["spend"] for row in told["allocation"]] == [100, 200, 300, 4000]
    assert told["certificate"] is None


def test_a_range_chosen_without_scripts_begins_around_the_budget(reader, kept):
    asked = form_of(reader, kept)
    assert (asked["budget_min"], asked["budget_max"]) == ("80,000", "120,000")
    shown = reader.post(kept.path, {**asked, "budget_kind": "range"})
    assert 'id="uplift"' in shown.text


@pytest.mark.parametrize("typed", ["50%", "12x", "33 %", "1,5"])
def test_a_split_of_ones_own_has_no_answer_while_an_amount_cannot_be_read(reader, kept, typed):
    sent = {**form_of(reader, kept), "mode": "what_if", "spend-2": typed}
    shown = reader.post(kept.path, sent)
    assert 'id="spend-2-wrong"' in shown.text
    assert 'id="uplift"' not in shown.text
    assert fields(shown, kept.path)["spend-2"] == typed
    for action in (
        "/keep",
        "/save",
        "/copy",
        "/plan.xlsx",
        "/plan.csv",
        "/plan.json",
        "/plan.html",
    ):
        assert reader.post(kept.path + action, sent).status_code == 422


def test_the_second_of_two_tabs_is_told_and_replaces_nothing(reader, kept):
    first, second = form_of(reader, kept), form_of(reader, kept)
    assert reader.post(kept.path + "/save", {**first, "budget": "11,111"}).status_code == 303
    told = reader.post(kept.path + "/save", {**second, "budget": "12,222"})
    assert told.status_code == 412
    assert "version 2" in words(told)
    typed = fields(told, kept.path)
    assert typed["budget"] == "12,222"
    assert form_of(reader, kept)["budget"] == "11,111"
    own = reader.follow(kept.path + "/copy", typed)
    assert own.status_code == 200
    assert str(own.url.path) != kept.path
    assert fields(own, own.url.path)["budget"] == "12,222"
    assert reader.post(kept.path + "/save", typed).status_code == 412
    assert form_of(reader, kept)["budget"] == "11,111"
    replaced = reader.post(kept.path + "/save", {**typed, "replaces": _replaces(told)})
    assert replaced.status_code == 303
    assert form_of(reader, kept)["budget"] == "12,222"


def _replaces(answer):
    """The version that the button for it would replace."""
    return re.search(r'name="replaces" value="(\d+)"', answer.text)[1]


def test_replacing_is_told_of_a_change_that_came_later_still(reader, kept):
    first, second = form_of(reader, kept), form_of(reader, kept)
    reader.post(kept.path + "/save", {**first, "budget": "11,111"})
    told = reader.post(kept.path + "/save", second)
    reader.post(kept.path + "/save", {**form_of(reader, kept), "budget": "13,333"})
    late = {**fields(told, kept.path), "replaces": _replaces(told)}
    again = reader.post(kept.path + "/save", late)
    assert again.status_code == 412
    assert _replaces(again) == "3"


@pytest.mark.parametrize("action", ["", "/frontier"])
def test_a_form_stays_of_the_version_it_was_filled_from(reader, kept, action):
    first, second = form_of(reader, kept), form_of(reader, kept)
    reader.post(kept.path + "/save", {**first, "budget": "11,111"})
    shown = reader.post(kept.path + action, {**second, "budget": "12,222"})
    link = _state(shown, kept)
    for view in (shown, reader.get(link)) if not action else (reader.get(link),):
        asked = fields(view, kept.path)
        assert asked["budget"] == "12,222"
        assert reader.post(kept.path + "/save", asked).status_code == 412


def _state(answer, kept):
    return re.search(rf'href="({kept.path}\?draft=[^"]+)"', answer.text)[1]


@pytest.mark.parametrize("action", ["", "/save", "/keep", "/frontier", "/plan.csv"])
def test_another_language_is_chosen_with_what_was_typed_in_ones_own(reader, kept, action):
    asked = form_of(reader, kept)
    reader.post(kept.path + "/save", {**asked, "budget": "11,111"})
    told = {"min-1": "lots"} if action in ("/keep", "/plan.csv") else {}
    shown = reader.post(kept.path + action, {**asked, **told, "budget": "12,345.5"})
    then = fields(shown, "/language")["then"]
    again = reader.follow("/language", {"code": "ru", "then": then})
    assert again.status_code == 200
    assert 'lang="ru"' in again.text
    typed = fields(again, kept.path)
    assert typed["budget"] == "12\xa0345,5"
    assert typed.get("min-1", "") == told.get("min-1", "")


@pytest.mark.parametrize("action", ["answer", "frontier", "save", "copy", "keep", "plan.csv"])
def test_the_address_of_a_sent_form_opens_the_scenario(reader, kept, action):
    shown = reader.get(f"{kept.path}/{action}")
    assert shown.status_code == 200
    assert shown.url.path == kept.path


def test_a_form_refused_elsewhere_names_a_view_that_opens(reader):
    refused = reader.post("/models/mdl_nothing/scenarios")
    assert refused.status_code == 404
    assert fields(refused, "/language")["then"] == "/models/mdl_nothing"


def test_limits_that_cannot_hold_are_named_and_a_button_mends_them(reader, kept):
    sent = {**form_of(reader, kept), "budget": "10,000"}
    sent |= {"spend-0": "9,000", "locked-0": "on", "spend-1": "8,000", "locked-1": "on"}
    told = reader.post(kept.path, sent)
    assert "These limits cannot all hold" in words(told)
    assert "tv at least 9,000" in words(told)
    assert "search at least 8,000" in words(told)
    mended = reader.post(kept.path, {**sent, "relax": "0"})
    assert "These limits cannot all hold" not in words(mended)
    assert 'id="uplift"' in mended.text


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(reader, kept):
    sent = {
        **form_of(reader, kept),
        "budget": "lots",
        "min-1": "50",
        "max-1": "20",
        "rest": "lots: 1",
    }
    told = reader.post(kept.path + "/save", sent)
    assert told.status_code == 422
    again = fields(told, kept.path)
    assert {name: again[name] for name in ("budget", "min-1", "max-1")} == {
        "budget": "lots",
        "min-1": "50",
        "max-1": "20",
    }
    assert 'id="budget-wrong"' in told.text
    told = reader.post(kept.path, {**sent, "budget": "10,000", "rest": ""})
    assert 'id="min-1-wrong"' in told.text
    told = reader.post(kept.path, {**sent, "budget": "10,000", "min-1": "", "max-1": ""})
    assert 'id="rest-wrong"' in told.text
    assert form_of(reader, kept)["budget"] != "lots"


def test_a_link_carries_the_whole_state_and_a_cut_one_is_refused(reader, kept):
    shown = reader.post(kept.path, {**form_of(reader, kept), "budget": "12,345"})
    link = re.search(rf'href="({kept.path}\?draft=[^"]+)"', shown.text)[1]
    assert fields(reader.get(link), kept.path)["budget"] == "12,345"
    cut = reader.get(link[: len(link) // 2])
    assert cut.status_code == 400
    assert "cut off" in words(cut)


def test_answers_are_carried_away_in_every_form(reader, kept):
    sent = form_of(reader, kept)
    workbook = reader.post(kept.path + "/plan.xlsx", sent)
    assert CalamineWorkbook.from_filelike(io.BytesIO(workbook.content)).sheet_names
    table = reader.post(kept.path + "/plan.csv", sent)
    assert table.text.startswith("channel,")
    report = reader.post(kept.path + "/plan.html", sent)
    assert report.headers["content-disposition"].startswith("attachment")
    assert "<html" in report.text
    document = reader.post(kept.path + "/plan.json", sent)
    assert json.loads(document.text)["plan"] == 1


def test_a_plan_is_kept_and_opens(reader, kept):
    shown = reader.follow(kept.path + "/keep", form_of(reader, kept))
    assert shown.status_code == 200
    assert shown.url.path.startswith("/plans/pln_")


def test_every_budget_is_shown_without_scripts(reader, kept):
    shown = reader.post(kept.path + "/frontier", form_of(reader, kept))
    assert shown.status_code == 200
    assert "What other budgets would bring" in words(shown)


def test_another_workspace_finds_nothing(service, kept):
    with reading(service, "strangers") as stranger:
        assert stranger.get(kept.path).status_code == 404
        for action in (
            "",
            "/answer",
            "/frontier",
            "/save",
            "/copy",
            "/keep",
            "/delete",
            "/plan.csv",
        ):
            assert stranger.post(kept.path + action, {"periods": "10"}).status_code == 404


def test_a_key_that_only_reads_may_play_but_not_save(service, workspace, kept):
    with reading(service, workspace, "read") as looker:
        sent = form_of(looker, kept)
        assert looker.post(kept.path, {**sent, "budget": "12,000"}).status_code == 200
        for action in ("/save", "/copy", "/keep", "/delete"):
            assert looker.post(kept.path + action, sent).status_code == 403
        assert 'id="save"' not in looker.get(kept.path).text
