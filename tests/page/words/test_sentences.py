"""The core's sentences in Russian and Chinese: every template, and what real runs say."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from api.page.words.sentence_templates import is_joint
from api.page.words.sentences import translated
from docs import catalogues
from docs.po_files import LANGUAGES
from optimizer import Model, Scenario
from tests.page.words import spoken

PLACE = re.compile(r"\{(\w+)\}")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`|«[^»]*»|“[^”]*”")
NAMED = re.compile(r"\S+\.(?:csv|xlsx|parquet|yaml)\b|\S*[_/]\S*")  # files, columns, places
ENGLISH = re.compile(r"(?<!\w)[a-z]{2,}(?: [a-z]{2,})+")
LONGEST = 4000  # signs of a line; longer ones, such as names of endless length, are left alone
QUICK = 1.0  # seconds of processor time for the worst line; sentences take a thousandth


def entries(language: str) -> dict[str, str]:
    with catalogues.FILE.place(language).open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=language) if one.id}


def keys(schema: object) -> set[str]:
    """Every key and fixed value a document may have."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = {*schema.get("properties", ()), *map(str, schema.get("enum", ()))}
    return own.union(*map(keys, schema.values()))


KEYS = keys(Scenario.model_json_schema()) | keys(Model.model_json_schema())


def english_left(text: str) -> list[str]:
    """Runs of English words, but for names, keys and what stands in quotation marks."""
    if max(map(len, text.split("\n"))) > LONGEST:
        return []
    for name in spoken.plan_names():
        text = text.replace(name, " ; ")
    bare = NAMED.sub(" ; ", QUOTED.sub(" ; ", text))
    return [run for run in ENGLISH.findall(bare) if not KEYS.issuperset(run.split())]


def left_in_english(said: Iterable[str]) -> dict[str, str]:
    """The sentences that are not translated in full, with what became of them."""
    told = {text: translated(text, code) for text in set(said) for code in LANGUAGES}
    return {text: became for text, became in told.items() if english_left(became)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_translated_with_its_placeholders(language):
    for english, told in entries(language).items():
        assert told, f"{english!r} has no translation"
        assert sorted(PLACE.findall(told)) == sorted(PLACE.findall(english)), english


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogues_are_those_of_the_source(language):
    held = catalogues.FILE.place(language).read_text(encoding="utf-8")
    assert held == catalogues.text(language), "run `python -m docs.catalogues` and translate"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_template_is_recognised_whatever_fills_it(language):
    for english, told in entries(language).items():
        if is_joint(english) or english == "{0} ({1})":
            continue  # names alone are not put together: they may be one
        names = {place: f"name{n}" for n, place in enumerate(PLACE.findall(english))}
        names["number"] = "1"
        text, wanted = (PLACE.sub(lambda at: names[at[1]], one) for one in (english, told))  # noqa: B023
        assert translated(text, language).replace(" ", "") == wanted.replace(" ", "")


def test_what_real_plans_say_is_translated_in_full():
    said = [*spoken.of_examples(), *spoken.of_questions(), *spoken.of_comparisons()]
    assert len(set(said)) > 150
    assert left_in_english(said) == {}


def test_what_is_said_of_faults_and_conflicts_is_translated_in_full():
    said = [*spoken.of_histories(), *spoken.of_scenarios(), *spoken.of_conflicts()]
    assert len(set(said)) > 150
    assert left_in_english(said) == {}


def test_what_is_said_of_messy_tables_is_translated_in_full():
    said = list(spoken.of_uploads())
    assert len(set(said)) > 60
    assert left_in_english(said) == {}


@pytest.mark.slow
def test_what_is_said_of_every_messy_table_and_faulty_scenario_is_translated_in_full():
    said = [*spoken.of_uploads(every=True), *spoken.of_scenarios(every=True)]
    assert left_in_english(said) == {}


def test_numbers_are_written_as_the_reader_writes_them():
    said = "The split spends 1,234,567.50; the scenario's budget is 1,000."
    assert translated(said, "ru") == (
        "Распределение тратит 1\xa0234\xa0567,50; бюджет сценария — 1\xa0000."
    )
    assert "1,234,567.50" in translated(said, "zh")
    share = "The model explains 97.5% of the ups and downs of revenue."
    assert "97,5\xa0%" in translated(share, "ru")
    assert "97.5%" in translated(share, "zh")


def test_what_is_to_be_typed_stays_as_it_is_typed():
    said = "must be a number: write 0.4 for 40 % (it is '40 %')"
    assert translated(said, "ru") == "нужно число: напишите `0.4` вместо `40 %` (сейчас '40 %')"
    known = 'unknown key "budjet"; known: budget, caution, revenue'
    assert (
        translated(known, "ru") == "неизвестный ключ «budjet»; известны: budget, caution, revenue"
    )


def test_names_are_left_alone_even_where_they_are_words_of_ours():
    said = "market and margin in week is new: its curve is that of budget, its doubt doubled."
    told = translated(f"{said} Test it before relying on it.", "zh")
    assert "market" in told
    assert "margin（week）" in told
    assert "budget" in told


def test_several_sentences_are_translated_one_by_one_and_strangers_stay():
    told = translated("Regard for risk changes nothing here. Nobody said this.", "ru")
    assert told == "Учёт риска здесь ничего не меняет. Nobody said this."


def test_a_place_and_each_line_are_translated_too():
    faults = "\n  channels.tv: must be a list\n  budget: must be above 0 (it is 0)"
    said = f"The scenario has 2 faults:{faults}"
    assert translated(said, "ru") == (
        "сценарий: ошибок 2:\n  channels.tv: нужен список\n"
        "  бюджет: должно быть больше 0 (сейчас 0)"
    )


def test_ways_out_are_told_one_beside_another():
    said = "Lower tv's minimum by 1,000 to 4,000 or raise the budget by 1,000 to 5,000."
    assert translated(said, "zh") == (
        "将 tv 的最小值降低 1,000 至 4,000 或 将预算提高 1,000 至 5,000。"
    )


@given(st.text(max_size=300))
def test_a_text_of_other_origin_is_given_back(text):
    for language in ("en", *LANGUAGES):
        if not re.search(r"[a-z]{2}", text.lower()):
            assert translated(text, language) == text


@pytest.mark.parametrize("piece", ["a: b; c or d and e, (f) ", "tv in ", "x. y? ", "(", "budget: "])
def test_no_text_takes_long(piece):
    begun = time.process_time()
    translated((piece * LONGEST)[:LONGEST], "zh")
    assert time.process_time() - begun < QUICK
