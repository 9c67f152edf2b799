"""The page's own words: all collected, all translated, placeholders and markup the same."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from docs import words
from docs.po_files import LANGUAGES

PLACEHOLDER = re.compile(r"%%|%\(\w+\)[a-z]")
MARKUP = re.compile(r"</?[a-z]+[^>]*>")

#: Single words that several files say: read together, they mean the same in each of them.
SAME_EVERYWHERE = """
Actions Budget Caution Change Channel Channels Compare Copied Currency Curves Data Date Jobs
Kept Limit Margin Name Objective Overview PNG Period Profit ROMI Revenue Scenarios Spend Total
break-even budget current fitted locked mean now optional plan profit revenue spend
"""

languages = pytest.mark.parametrize("language", LANGUAGES)


def _messages(language):
    return [message for message in words.FILE.kept(language) if message.id]


def _forms(text):
    return [text] if isinstance(text, str) else list(text)


def _counted(pattern, text):
    return Counter(pattern.findall(text))


@languages
def test_the_catalogue_is_what_the_page_says(language):
    held = words.FILE.place(language).read_text(encoding="utf-8")
    assert held == words.text(language), "run `python -m docs.words` and translate what is new"


@languages
def test_every_word_is_translated(language):
    missing = [m.id for m in _messages(language) if not all(_forms(m.string))]
    assert not missing


@languages
def test_placeholders_and_markup_are_those_of_the_original(language):
    for message in _messages(language):
        allowed = [_counted(PLACEHOLDER, text) for text in _forms(message.id)]
        tags = [_counted(MARKUP, text) for text in _forms(message.id)]
        for told in _forms(message.string):
            assert _counted(PLACEHOLDER, told) in allowed, message.id
            assert _counted(MARKUP, told) in tags, message.id


@languages
def test_per_cent_signs_are_doubled(language):
    for message in _messages(language):
        for told in _forms(message.string):
            assert "%" not in PLACEHOLDER.sub("", told), message.id


@languages
def test_sentences_end_as_the_original_does(language):
    ends = {".": ".。", "?": "?？", "…": "…", ":": ":："}
    for message in _messages(language):
        asked, told = _forms(message.id)[0], _forms(message.string)[0]
        if asked.strip()[-1] in ends and told:
            assert told.strip()[-1] in ends[asked.strip()[-1]], message.id


def test_a_word_that_several_places_say_means_the_same_in_each():
    shared = {
        first
        for (first, context), (_, files) in words.said().items()
        if len(files) > 1 and " " not in first and context is None
    }
    assert shared <= set(SAME_EVERYWHERE.split()), (
        "read them in their places; give pgettext a context, or add"
    )
    assert shared >= set(SAME_EVERYWHERE.split()), "these are no longer shared"


def test_the_catalogues_name_nobody_and_no_day():
    for language in LANGUAGES:
        head = words.FILE.place(language).read_text(encoding="utf-8").split("\n\n")[0]
        assert not re.search(r"@|20\d\d|Translator|Creation", head)
