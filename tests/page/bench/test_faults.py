"""What is wrong with a scenario reads as sentences about its form, in the reader's language."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from api.page.bench import faults
from api.page.bench.question import Reading, document_of, split_of
from api.page.words.language import LANGUAGES, Language
from api.problems import problem_of
from optimizer import Model, OptimizerError, Scenario, plan, what_if
from tests.page.kept import drawn_model

CHANNELS = ("TV", "Google Ads", "Meta / Facebook", "Print")
ASKED = {
    "periods": "10",
    "budget_kind": "fixed",
    "budget": "100000",
    "objective": "profit",
    "margin": "60",
    "bounds_low": "50",
    "bounds_high": "200",
}
FREE = {"budget_kind": "free"}
RANGE = {"budget_kind": "range", "budget_min": "0", "budget_max": "90000"}
GROUP = {"group-0": "G", "group_has-0-TV": "on"}
LEAST = FREE | {"objective": "least_spend"}
#: What is typed, the field at which it is told, and what is told.
CASES = [
    ({"margin": "-5"}, "margin", "This must be above 0%."),
    ({"max_moved": "200"}, "max_moved", "This must be at most 100%."),
    ({"bounds_high": "-5"}, "bounds_high", "This must be at least 0%."),
    ({"bounds_low": "300"}, "bounds_low", "This runs from 300% down to 200%."),
    ({"budget": "-5"}, "budget", "This must be at least 0."),
    ({"budget": "0"}, "budget", "This must be above zero."),
    ({"budget_kind": "range"}, "budget_min", "Write an amount."),
    (RANGE | {"budget_min": "99000"}, "budget_min", "The least is above the most."),
    (RANGE | {"objective": "romi"}, "budget_kind", "Choose a fixed budget or a range."),
    (FREE | {"objective": "revenue"}, "budget_kind", "“most revenue” would spend all"),
    ({"objective": "least_spend"}, "budget_kind", "“least spend for a target” asks"),
    (LEAST, "target_revenue", "needs a target"),
    (LEAST | {"target_profit": "5", "target_marginal_romi": "1"}, "target_marginal_romi", "stops"),
    ({"target_romi": "-1"}, "target_romi", "Any split keeps a target of −1 or less."),
    ({"objective": "customer_value"}, "objective", ": TV, Google Ads, Meta / Facebook, Print."),
    ({"periods": "1.5"}, "periods", "This must be a whole number."),
    ({"min-2": "50", "max-2": "5"}, "min-2", "The least, 50, is above the most, 5."),
    ({"spend-2": "-5", "locked-2": "on"}, "spend-2", "This must be at least 0."),
    ({"spend-2": "-5", "mode": "what_if"}, "spend-2", "This must be at least 0."),
    (GROUP | {"group_kind-0": "at_least", "group_low-0": "5"}, "group-0", "fewer channels"),
    (
        GROUP | {"group_kind-0": "share", "group_low-0": "50", "group_high-0": "500"},
        "group-0",
        "This must be at most 100%.",
    ),
    ({"rest": "lots: 1"}, "rest", 'lots: unknown key "lots"'),
    ({"rest": "lot: 300"}, "budget", "This is no multiple of the lot, 300."),
    ({"rest": "margin: {TV: 0.5}"}, "rest", "leave out Google Ads, Meta / Facebook, Print."),
]
DOCUMENT = re.compile(r"least_spend|customer_value|marginal_romi|\{min|(?<!\w)/[a-z]+|\(it is")
#: Two words of English in a row, which nobody typed.
ENGLISH = re.compile(r"(?<![\w.])[a-z]{2,} [a-z]{2,}")


@dataclass
class Form:
    """A form that was sent."""

    fields: dict[str, str]
    language: Language
    channels: tuple[str, ...] = CHANNELS
    spacing: str = "week"


@pytest.fixture(scope="module")
def model():
    return Model.from_dict(drawn_model(CHANNELS))


def wrong(model, typed, code="en"):
    """What is wrong with a form, by the labels and the names of its fields."""
    form = Form({**ASKED, **typed}, Language(code))
    reading = Reading(form.fields, form.language)
    document, split = document_of(reading, CHANNELS), split_of(reading, CHANNELS)
    told = reading.wrong
    if not told:
        told = faults.told(_faults(model, document, split, typed), form)
    return {name: (faults.label(name, form), words) for name, words in told.items()}


def _faults(model, document, split, typed):
    try:
        scenario = Scenario.from_dict(document)
        what_if(model, scenario, split) if "mode" in typed else plan(model, scenario)
    except OptimizerError as error:
        return problem_of(error).get("errors", [])
    return []


@pytest.mark.parametrize(("typed", "name", "words"), CASES)
def test_a_fault_is_a_sentence_at_its_field(model, typed, name, words):
    told = wrong(model, typed)
    assert words in told[name][1]
    for label, sentence in told.values():
        assert label
        assert sentence.endswith((".", "?"))
        assert name == "rest" or not DOCUMENT.search(sentence), sentence


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize(("typed", "name", "words"), CASES)
def test_a_fault_is_told_in_the_readers_language(model, typed, name, words, code):
    for label, sentence in wrong(model, typed, code).values():
        assert not ENGLISH.search(label + " " + sentence.replace("lots", "")), sentence
        assert name == "rest" or not DOCUMENT.search(sentence), sentence


def test_fields_are_called_as_the_form_calls_them(model):
    told = wrong(model, {"min-2": "-5", "spend-1": "12x", "locked-1": "on"})
    assert told["spend-1"][0] == "Spend on Google Ads"
    assert wrong(model, {"min-2": "-5"})["min-2"][0] == "Least for Meta / Facebook"
