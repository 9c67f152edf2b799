"""A scenario as a form and back: nothing a scenario says is lost, nothing typed is misread."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page.bench.question import Reading, document_of, field_at, fields_of
from api.page.words.language import LANGUAGES, Language
from optimizer import Scenario, read_document

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "scenarios").glob("*/scenario.yaml"))
CHANNELS = ("tv", "search", "social & more")
ABOUT_THE_PAST = ("history", "model", "fit", "scenario")


def read_back(document, channels, code="en"):
    language = Language(code)
    reading = Reading(fields_of(document, channels, language), language)
    found = document_of(reading, channels)
    assert not reading.wrong
    return Scenario.from_dict(found)


def asked_of(document):
    """What a scenario asks of a plan, defaults filled in."""
    content = Scenario.from_dict(document).model_dump(mode="json", by_alias=True)
    for group in (content["groups"] or {}).values():
        group["channels"] = sorted(group["channels"] or ())  # a set, however it was written
    said = {name: [*rules.values()] for name, rules in content["channels"].items()}
    content["channels"] = {
        name: content["channels"][name]
        for name, values in said.items()
        if any(value not in (None, False) for value in values)  # an empty entry says nothing
    }
    return {key: value for key, value in content.items() if key not in ABOUT_THE_PAST}


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_scenarios_come_back_as_they_were(path, code):
    document = {key: value for key, value in read_document(path).items()
                if key not in ("customers",)}  # fmt: skip
    channels = tuple(dict.fromkeys([*(document.get("channels") or {}), "tv", "search"]))
    assert asked_of(read_back(document, channels, code).to_dict()) == asked_of(document)


money = st.floats(0, 1e9).map(lambda value: round(value, 2))
rules = st.one_of(
    st.fixed_dictionaries({}, optional={"min": st.just(5.0), "max": money.map(lambda x: x + 5)}),
    st.fixed_dictionaries({"locked": money}),
    st.just({"excluded": True}),
    st.fixed_dictionaries({"change": st.just([-0.2, 0.6])}),
)
documents = st.fixed_dictionaries(
    {"periods": st.integers(1, 500)},
    optional={
        "budget": st.one_of(
            money.filter(lambda x: x > 0),
            st.just("free"),
            st.just({"min": 1000.0, "max": 2500.5}),
        ),
        "objective": st.sampled_from(["profit", "revenue", "least_spend"]),
        "caution": st.sampled_from([0, 0.25, 0.5, 1]),
        "margin": st.one_of(st.sampled_from([0.4, 0.333]), st.just({"tv": 0.4, "search": 0.3})),
        "bounds": st.just([0.25, 1.75]),
        "channels": st.dictionaries(st.sampled_from(CHANNELS), rules),
        "groups": st.just(
            {
                "offline": {"channels": ["tv"], "share": [0.1, 0.7]},
                "tests": {"channels": ["search", "tv"], "at_most": 1},
                "odd": {"channels": ["tv"], "ratio": {"to": "offline", "range": [0, 2]}},
            }
        ),
        "targets": st.just({"romi": -0.2, "profit": 1234.5}),
        "max_moved": st.sampled_from([0.3, 0.005]),
        "lot": st.just(100),
        "schedule": st.just({"pattern": "optimised", "smooth": 0.2}),
        "cost_index": st.just({"tv": 1.05}),
    },
)


@given(document=documents, code=st.sampled_from(list(LANGUAGES)))
def test_any_scenario_comes_back_as_it_was(document, code):
    assert asked_of(read_back(document, CHANNELS, code).to_dict()) == asked_of(document)


@given(value=st.floats(-1e13, 1e13), code=st.sampled_from(list(LANGUAGES)))
def test_a_number_shown_is_read_as_itself(value, code):
    language = Language(code)
    assert language.read(language.typed(value)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("text", ["1,5", "12,34", "1.2.3", "abc", "1e999", "nan", "inf", "5 EUR"])
def test_a_number_that_could_be_two_is_asked_about(text):
    with pytest.raises(ValueError, match=r"."):
        Language("en").read(text)


def test_what_is_wrong_stands_at_its_field():
    language = Language("en")
    fields = {"periods": "13", "budget": "many", "min-1": "1,5", "rest": "lot: [", "group-0": "g"}
    reading = Reading(fields, language)
    document_of(reading, CHANNELS)
    assert set(reading.wrong) == {"budget", "min-1", "rest", "group-0"}
    assert "1,234.5" in reading.wrong["budget"]


def test_faults_of_a_document_are_told_at_the_field_that_made_them():
    assert field_at("/channels/search/locked", CHANNELS, ()) == "spend-1"
    assert field_at("/channels/search/spent", CHANNELS, ()) == "rest"
    assert field_at("/groups/b/share", CHANNELS, ("a", "b")) == "group-1"
    assert field_at("/targets/romi", CHANNELS, ()) == "target_romi"
    assert field_at("/schedule/cap", CHANNELS, ()) == "rest"


@pytest.mark.parametrize(
    "pointer", ["/channels/Meta ~1 Face~0book/max", "/channels/Meta / Face~book/max"]
)
def test_a_name_that_holds_a_slash_is_found_escaped_or_not(pointer):
    names = ("Meta ", "Meta / Face~book")
    assert field_at(pointer, names, ()) == "max-1"
    assert field_at(pointer.replace("channels", "groups"), (), names) == "group-1"
