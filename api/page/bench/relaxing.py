"""Ways out of limits that cannot all hold: each a change of the scenario that one button makes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NUMBER = r"(?P<limit>[\d,]+(?:\.\d+)?)"
CELL = re.compile(rf"(?P<channel>.+?)(?: in (?P<market>.+?))? at (?P<end>least|most) {NUMBER}")
BUDGET = re.compile(rf"budget at (?P<end>least|most) {NUMBER}")
GROUP = re.compile(rf"group (?P<group>.+) (?P<kind>share|sum) at (?P<end>least|most) {NUMBER}")
TARGET = re.compile(r"target (?P<target>revenue|profit|romi)(?: at least .*)?")
MOVED = re.compile(rf"money moved at most {NUMBER}")
RESOURCE = re.compile(rf"resource (?P<resource>.+) at most {NUMBER}")
CENT = 0.01
MOST_OFFERS = 4
MOST_STEPS = 3  # limits that give one after another
SHARE_STEP = 1e-6  # shares are eased by so much more than asked, for their own rounding


@dataclass(frozen=True, slots=True)
class Offer:
    """A change that lets the limits hold."""

    words: tuple[str, ...]  # the limits that give, as the conflict names them
    by: tuple[float, ...]  # how much each gives
    units: tuple[str, ...]
    document: dict[str, Any]  # the scenario after it


def ways_out(
    document: Mapping[str, Any],
    problem: Mapping[str, Any],
    budget: float,
    channels: Sequence[str],
    judge: Callable[[dict[str, Any]], Mapping[str, Any] | None],
) -> list[Offer]:
    """The changes that lead to an answer, the smallest first, a few of them.

    Parameters
    ----------
    document, problem, budget, channels
        As :func:`offers` takes them.
    judge : callable
        What planning a changed scenario says: a problem, or None where it has an answer.
    """
    first = offers(document, problem, budget, channels)[:MOST_OFFERS]
    led = (_led(offer, budget, channels, judge) for offer in first)
    return [offer for offer in led if offer is not None]


def _led(
    offer: Offer,
    budget: float,
    channels: Sequence[str],
    judge: Callable[[dict[str, Any]], Mapping[str, Any] | None],
) -> Offer | None:
    """An offer, with what else has to give once it is taken; None where that leads nowhere."""
    for _ in range(MOST_STEPS):
        left = judge(offer.document)
        if left is None:
            return offer
        further = offers(offer.document, left, budget, channels)
        if not further:
            return None
        then = further[0]
        offer = Offer(
            offer.words + then.words, offer.by + then.by, offer.units + then.units, then.document
        )
    return None


def offers(
    document: Mapping[str, Any], problem: Mapping[str, Any], budget: float, channels: Sequence[str]
) -> list[Offer]:
    """The changes that let a scenario's limits hold, the smallest first.

    Parameters
    ----------
    document : mapping
        The scenario.
    problem : mapping
        What planning it said: conflicts and relaxations.
    budget : float
        The total planned, currency.
    channels : sequence of str
        That can be told from other words by their names.
    """
    asked = problem.get("relaxations", [])
    alone = [[one] for one in asked if one["is_enough"]]
    ways = sorted(alone, key=lambda way: way[0]["by"]) or ([asked] if asked else [])
    found = (_offer(document, way, budget, channels) for way in ways)
    return [offer for offer in found if offer is not None]


def _offer(
    document: Mapping[str, Any],
    way: Sequence[Mapping[str, Any]],
    budget: float,
    channels: Sequence[str],
) -> Offer | None:
    """One way as a change; None where the form cannot make it."""
    changed = copy.deepcopy(dict(document))
    for one in way:
        if not _eased(changed, one["name"], one["by"], budget, channels):
            return None
    names, amounts = tuple(one["name"] for one in way), tuple(one["by"] for one in way)
    return Offer(names, amounts, tuple(one["unit"] for one in way), changed)


def _eased(  # noqa: PLR0911  (one for each kind of limit)
    document: dict[str, Any], name: str, by: float, budget: float, channels: Sequence[str]
) -> bool:
    """Ease one limit in a scenario, which is changed; whether that could be done."""
    if found := BUDGET.fullmatch(name):
        return _ease_budget(document, found["end"], budget, by)
    if found := GROUP.fullmatch(name):
        return _ease_group(document, found, by, budget)
    if found := MOVED.fullmatch(name):
        document["max_moved"] = min(1.0, (_amount(found) + by) / budget + SHARE_STEP)
        return True
    if found := RESOURCE.fullmatch(name):
        resource = document["resources"][found["resource"]]
        resource["max"] = resource["max"] + by + CENT
        return True
    if found := TARGET.fullmatch(name):
        return _ease_target(document, found["target"], by, budget)
    found = CELL.fullmatch(name)
    if found is None or found["channel"] not in channels:
        return False
    return _ease_cell(document, found, by)


def _ease_budget(document: dict[str, Any], end: str, budget: float, by: float) -> bool:
    stated = document.get("budget", budget)
    change = _up(by) if end == "most" else -_up(by)
    if isinstance(stated, dict):
        side = "max" if end == "most" else "min"
        document["budget"] = {**stated, side: round(stated[side] + change, 2)}
        return True
    if isinstance(stated, str):
        return False
    document["budget"] = round(stated + change, 2)
    return True


def _ease_cell(document: dict[str, Any], found: re.Match[str], by: float) -> bool:
    if found["market"] is not None:
        markets = document.setdefault("markets", {})
        place = markets.setdefault(found["market"], {}).setdefault("channels", {})
    else:
        place = document.setdefault("channels", {})
    rules = place.setdefault(found["channel"], {})
    if "locked" in rules:
        change = _up(by) if found["end"] == "most" else -_up(by)
        rules["locked"] = round(max(0.0, rules["locked"] + change), 2)
        return True
    rules.pop("change", None)
    limit = _amount(found)
    if found["end"] == "most":
        rules["max"] = round(limit + _up(by) + CENT, 2)
    else:
        rules["min"] = round(max(0.0, limit - _up(by) - CENT), 2)
    return True


def _ease_group(document: dict[str, Any], found: re.Match[str], by: float, budget: float) -> bool:
    group = document["groups"][found["group"]]
    low, high = group[found["kind"]]
    scale = budget if found["kind"] == "share" else 1.0
    slack = SHARE_STEP if found["kind"] == "share" else CENT
    if found["end"] == "most":
        high = high + by / scale + slack
    else:
        low = max(0.0, low - by / scale - slack)
    group[found["kind"]] = [low, min(high, 1.0) if found["kind"] == "share" else high]
    return True


def _ease_target(document: dict[str, Any], target: str, by: float, budget: float) -> bool:
    share = by / budget + SHARE_STEP if target == "romi" else by + CENT
    document["targets"][target] = document["targets"][target] - share
    return True


def _amount(found: re.Match[str]) -> float:
    return float(found["limit"].replace(",", ""))


def _up(amount: float) -> float:
    """An amount in whole cents, none lost."""
    return round(amount + CENT / 2, 2)
