"""The recommendation in one sentence, for every kind of plan."""

from __future__ import annotations

import re

import pytest

from api.page.plans.advice import advice, named, sureness
from api.page.words.language import LANGUAGES, Language
from tests.page.plans.planned import KINDS, document, given

ENGLISH = Language("en")
SPENT = {"tv": 10_000.0, "search": 20_000.0, "social": 30_000.0, "radio": 40_000.0}

#: Kind of plan -> how its sentence begins, and what it says of the gain.
SAID = {
    "profit": (r"Move [\d.]+K\sEUR from radio.* to .*", r"more profit \(.* to .*\), .*% sure\."),
    "costly": (r"Move [\d.]+K\sEUR from .* to radio", r"less profit than now, which is what your"),
    "tight": (r"Keep the current split: ", r"within your limits\."),
    "free": (r"Spend [\d.]+K\sEUR (more|less), ", r"more profit"),
    "romi": (r"Move ", r"a ROMI of \d\.\d\d in all, and about .* revenue"),
    "revenue": (r"Move ", r"more revenue"),
    "least spend": (r"Spend [\d.]+K\sEUR, the least that reaches the target; that is ", r"revenue"),
    "by period": (r"Move ", r"more profit"),
}


@pytest.mark.parametrize("kind", list(SAID))
def test_a_plan_says_what_to_do_and_what_it_gains(kind):
    said = advice(document(kind), ENGLISH)
    begins, gains = SAID[kind]
    assert re.match(begins, said), said
    assert re.search(gains, said), said


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize("kind", list(KINDS))
def test_no_placeholder_is_left_in_any_language(kind, language):
    said = advice(document(kind), Language(language))
    assert said
    assert not re.search(r"%\(|%%|\{", said)


def test_a_plan_that_nothing_beats_says_so():
    kept = document("tight")
    kept["warnings"] = [{"code": "keep_current", "message": ""}]
    assert advice(kept, ENGLISH).startswith("Keep the current split: no other is clearly better")


def test_without_draws_it_says_that_sureness_cannot_be_said():
    assert "how sure that is cannot be said" in advice(document("profit", draws=1), ENGLISH)


def test_a_given_split_is_judged_not_recommended():
    worse = given({"tv": 90_000.0, "search": 5_000.0, "social": 5_000.0, "radio": 0.0})
    assert re.match(
        r"Against the current split this one earns about .* less", advice(worse, ENGLISH)
    )
    same = advice(given(SPENT), ENGLISH)
    assert same == "This is the current split: it gains nothing and loses nothing."


def test_a_larger_given_split_is_judged_like_any_other():
    larger = given({name: 1.5 * money for name, money in SPENT.items()}, "free")
    assert advice(larger, ENGLISH).startswith("Against the current split")


def test_new_customers_are_counted_not_paid():
    counted = document("revenue") | {"counts": "customers"}
    said = advice(counted, ENGLISH)
    assert re.search(r"about [\d.]+K? more new customers", said), said


def test_without_a_currency_amounts_stand_alone():
    assert "EUR" not in advice(document("profit") | {"currency": None}, ENGLISH)


def test_sureness_is_never_certainty():
    assert sureness(1.0, ENGLISH) == "over 99% sure"
    assert sureness(0.0, ENGLISH) == "under 1% sure"
    assert sureness(0.996, ENGLISH) == "over 99% sure"
    assert sureness(0.5, ENGLISH) == "50% sure"


def test_many_names_are_counted_and_one_left_over_is_named():
    assert named(["a"], ENGLISH) == "a"
    assert named(["a", "b", "c", "d"], ENGLISH) == "a, b, c and d"
    assert named(list("abcdefg"), ENGLISH) == "a, b, c and 4 others"
    assert named(["тв", "поиск"], Language("ru")) == "тв и поиск"
    assert named(["电视", "搜索"], Language("zh")) == "电视和搜索"


def of_markets(changes):
    """A plan's document whose cells move by so much: {(channel, market): currency}."""
    plan = document("profit")
    cell = plan["allocation"][0]
    plan["allocation"] = [
        {
            **cell,
            "channel": one,
            "market": market,
            "current_spend": 50_000.0,
            "spend": 50_000.0 + by,
        }
        for (one, market), by in changes.items()
    ]
    plan["totals"]["spend"] = sum(row["spend"] for row in plan["allocation"])
    return plan


def test_many_markets_are_told_by_channel_and_what_moves_within_is_added():
    changes = {("tv", market): -3_000.0 for market in "abcd"}
    changes |= {("search", market): 3_000.0 for market in "abcd"}
    changes |= {("radio", "a"): 4_000.0, ("radio", "b"): -4_000.0}
    said = advice(of_markets(changes), ENGLISH)
    told = (
        "Move 12K\xa0EUR from tv to search; another 4K\xa0EUR moves between markets within channels"
    )
    assert said.startswith(told), said


def test_where_channels_keep_their_money_markets_are_told():
    changes = {(one, "north"): 2_000.0 for one in ("tv", "search", "radio", "print")}
    changes |= {(one, "south"): -2_000.0 for one in ("tv", "search", "radio", "print")}
    assert advice(of_markets(changes), ENGLISH).startswith("Move 8K\xa0EUR from south to north: ")


def test_few_cells_are_told_one_by_one():
    changes = {("tv", "a"): -3_000.0, ("tv", "b"): 3_000.0, ("search", "a"): 0.0}
    assert advice(of_markets(changes), ENGLISH).startswith("Move 3K\xa0EUR from tv · a to tv · b: ")
