"""Faults of a scenario as sentences about its form, its fields and objectives by their labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from api.page.bench.question import field_at
from api.page.words.language import Language

GIVEN = re.compile(r" \(it is .*\)$")  # the value as the document holds it; the field shows it
AMOUNT = r"(-?[\d.,]*\d)"
PERCENT = ("margin", "bounds_low", "bounds_high", "max_moved")
SHARE = re.compile(r"/groups/.*/share(/\d)?")


class Asked(Protocol):
    """A form that was sent, and what it is about."""

    fields: dict[str, str]
    channels: tuple[str, ...]
    language: Language

    @property
    def spacing(self) -> str:
        """What a period is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault the form has a sentence for: what it looks like, and its field if not its place."""

    pattern: str  # of the pointer, a blank and the detail; its groups fill the sentence
    sentence: str
    field: str | None = None


def told(faults: Iterable[Mapping[str, str]], asked: Asked) -> dict[str, str]:
    """Field -> what is wrong with it, in sentences; a fault of several channels is told once."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for fault in faults:
        name, sentence, held = _read(fault, asked)
        found.setdefault((name, sentence), []).append(held)
    sentences: dict[str, list[str]] = {}
    for (name, sentence), several in found.items():
        held = {key: ", ".join(dict.fromkeys(one[key] for one in several)) for key in several[0]}
        sentences.setdefault(name, []).append(sentence % held)
    return {name: " ".join(words) for name, words in sentences.items()}


def label(name: str, asked: Asked) -> str:
    """A field as the form names it."""
    kind, _, place = name.partition("-")
    if kind.startswith("group") and place.isdecimal():
        words = asked.language.words.gettext("Group “%(name)s”")
        return words % {"name": asked.fields.get(f"group-{place}", "")}
    words = _labels(asked)[kind]
    return words % {"channel": asked.channels[int(place)]} if place else words


def _read(fault: Mapping[str, str], asked: Asked) -> tuple[str, str, dict[str, str]]:
    """A fault's field, its sentence, and what fills that."""
    pointer, detail = fault.get("pointer", ""), GIVEN.sub("", fault["detail"])
    language, at = asked.language, field_at(pointer, asked.channels, _groups(asked))
    rules = _rules_of_objectives(language) + _rules_of_budgets(language)
    for rule in rules if at == "rest" else rules + _rules_of_amounts(language):
        if match := re.fullmatch(rule.pattern, f"{pointer} {detail}"):
            name = rule.field or at
            is_share = name in PERCENT or SHARE.fullmatch(pointer) is not None
            return name, rule.sentence, _held(match, language, is_share=is_share)
    where = pointer.strip("/").replace("/", ".").replace("~1", "/").replace("~0", "~")
    if at != "rest" or not where:
        return at, "%(told)s", {"told": _sentence(detail, language)}
    return at, "%(place)s: %(told)s", {"place": where, "told": language.sentence(fault["detail"])}


def _held(match: re.Match[str], language: Language, *, is_share: bool) -> dict[str, str]:
    """What a rule's pattern found, amounts as the field takes them."""
    held = match.groupdict()
    for key in held.keys() & {"bound", "low", "high"}:
        value = float(held[key].replace(",", ""))
        held[key] = language.percent(value) if is_share else language.typed(value)
    if "objective" in held:
        held["objective"] = objectives(language)[held["objective"]]
    return held


def _sentence(detail: str, language: Language) -> str:
    words = language.sentence(detail)
    stop = "" if words.endswith((".", "。", "?")) else "。" if language.code == "zh" else "."
    return words[:1].upper() + words[1:] + stop


def objectives(language: Language) -> dict[str, str]:
    """The objectives as the form offers them."""
    gettext = language.words.gettext
    return {
        "profit": gettext("most profit"),
        "revenue": gettext("most revenue"),
        "romi": gettext("highest ROMI"),
        "least_spend": gettext("least spend for a target"),
        "customer_value": gettext("most customer value"),
    }


def _rules_of_objectives(language: Language) -> tuple[Rule, ...]:
    gettext = language.words.gettext
    return (
        Rule(
            r"/budget is fixed, but (?P<objective>least_spend) .*",
            gettext(
                "The objective “%(objective)s” asks how little is enough, so the budget cannot be "
                "fixed. Choose a free budget or a range."
            ),
            "budget_kind",
        ),
        Rule(
            r"/targets needs revenue or profit: (?P<objective>least_spend) .*",
            gettext(
                "The objective “%(objective)s” needs a target: state the least revenue or the "
                "least profit."
            ),
            "target_revenue",
        ),
        Rule(
            r"/budget has no minimum, and ROMI .*",
            gettext(
                "ROMI is highest at hardly any spend, so this objective needs a least to spend. "
                "Choose a fixed budget or a range."
            ),
            "budget_kind",
        ),
        Rule(
            r"/budget is free, and (?P<objective>\w+) would .*",
            gettext(
                "With a free budget, the objective “%(objective)s” would spend all that the "
                "limits allow. Choose a fixed budget or a range, or state a target of ROMI, "
                "marginal ROMI, profit or cost per new customer."
            ),
            "budget_kind",
        ),
        Rule(
            r"/targets/revenue counts revenue, but under (?P<objective>customer_value) .*",
            gettext(
                "Under the objective “%(objective)s” the curves count customers, so that revenue "
                "is no target. State a profit."
            ),
        ),
        Rule(
            r"/targets/\w+ is -1 or less, .*",
            gettext("Any split keeps a target of −1 or less. State more, or leave this empty."),
        ),
        Rule(
            r"/targets/\w+ has no meaning with (?P<objective>least_spend), .*",
            gettext(
                "The objective “%(objective)s” stops at its target, so that this means nothing. "
                "Leave it empty."
            ),
        ),
        Rule(
            r'/values gives no value of a customer of "(?P<channel>.*)"; .*',
            gettext(
                "It is not known what a new customer is worth: %(channel)s. State it under “More "
                "rules” as values, or leave these channels out."
            ),
            "objective",
        ),
        Rule(
            r'/margin gives no margin for channel "(?P<channel>.*)"; .*',
            gettext("The margins leave out %(channel)s. Add them."),
            "rest",
        ),
    )


def _rules_of_budgets(language: Language) -> tuple[Rule, ...]:
    """Those whose faults have no place."""
    gettext = language.words.gettext
    return (
        Rule(r" budget must be above 0", gettext("This must be above zero."), "budget"),
        Rule(
            r" budget\.min is above budget\.max.*",
            gettext("The least is above the most. Change one of them."),
            "budget_min",
        ),
    )


def _rules_of_amounts(language: Language) -> tuple[Rule, ...]:
    gettext = language.words.gettext
    crossed = gettext("The least, %(low)s, is above the most, %(high)s. Change one of them.")
    return (
        Rule(rf"/channels/.* min (?P<low>{AMOUNT}) is above max (?P<high>{AMOUNT}).*", crossed),
        Rule(
            rf".* runs from (?P<high>{AMOUNT}) down to (?P<low>{AMOUNT}).*",
            gettext("This runs from %(high)s down to %(low)s. Change one of them."),
        ),
        Rule(
            rf".* must be at least (?P<bound>{AMOUNT})(; bounds .*)?",
            gettext("This must be at least %(bound)s."),
        ),
        Rule(
            rf".* must be at most (?P<bound>{AMOUNT})(; bounds .*)?",
            gettext("This must be at most %(bound)s."),
        ),
        Rule(rf".* must be above (?P<bound>{AMOUNT})", gettext("This must be above %(bound)s.")),
        Rule(r"/periods must be a whole number", gettext("This must be a whole number.")),
        Rule(
            r".* is \d+, but the group holds only (?P<count>\d+); .*",
            gettext("The group holds fewer channels than that: %(count)s."),
        ),
        Rule(
            rf"/(?:budget|channels).* .* is no multiple of the lot (?P<bound>{AMOUNT}); .*",
            gettext("This is no multiple of the lot, %(bound)s. Round it."),
        ),
    )


def _groups(asked: Asked) -> list[str]:
    """The names of the form's groups."""
    names: list[str] = []
    while name := asked.fields.get(f"group-{len(names)}"):
        names.append(name)
    return names


def _labels(asked: Asked) -> dict[str, str]:
    """Fields, without the places of channels -> their names."""
    gettext = asked.language.words.gettext
    periods = {"day": gettext("Days planned"), "month": gettext("Months planned")}
    return {
        "name": gettext("Name of the scenario"),
        "budget": gettext("Total to spend"),
        "budget_kind": gettext("Budget"),
        "budget_min": gettext("Least budget"),
        "budget_max": gettext("Largest budget"),
        "objective": gettext("Objective"),
        "margin": gettext("Margin"),
        "caution": gettext("Caution"),
        "bounds_low": gettext("Usual least"),
        "bounds_high": gettext("Usual most"),
        "periods": periods.get(asked.spacing, gettext("Weeks planned")),
        "start": gettext("First day"),
        "max_moved": gettext("Move at most"),
        "target_romi": gettext("ROMI at least"),
        "target_revenue": gettext("Revenue at least"),
        "target_profit": gettext("Profit at least"),
        "target_marginal_romi": gettext("Marginal ROMI at least"),
        "target_cac": gettext("Cost per new customer at most"),
        "rest": gettext("More rules"),
        "spend": gettext("Spend on %(channel)s"),
        "min": gettext("Least for %(channel)s"),
        "max": gettext("Most for %(channel)s"),
        "excluded": gettext("Leave %(channel)s out"),
    }
