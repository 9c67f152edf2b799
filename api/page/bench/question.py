"""A scenario as the fields of a form, and back: what was typed stays as it was typed.

A form holds the rules planners change most. Whatever else a scenario states (markets, resources,
schedules and so on) stands in one text field as YAML, so that nothing of it is lost.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.page.words.language import LANGUAGES, Language

GROUP_KINDS = ("share", "sum", "at_most", "at_least")
TARGETS = ("romi", "marginal_romi", "revenue", "profit", "cac")
MOST_GROUPS = 50
ON = "on"
IN_FORM = {
    "scenario", "name", "periods", "start", "budget", "objective", "caution", "margin", "bounds",
    "max_moved", "targets", "channels", "groups", "history", "model", "fit",
}  # fmt: skip
#: Fields that hold a number as its writer's language has it.
NUMBERS = re.compile(
    r"periods|budget(_min|_max)?|margin|bounds_(low|high)|max_moved|target_\w+"
    r"|(spend|min|max|group_low|group_high)-\d+"
)
FIELDS = {"name", "periods", "start", "objective", "caution", "margin", "max_moved"}
LOCKED = "locked"
OF_A_CHANNEL = {"min", "max", LOCKED, "excluded"}


@dataclass
class Reading:
    """A form being read: the document it makes, and what is wrong by field."""

    fields: Mapping[str, str]
    language: Language
    wrong: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field's text."""
        return self.fields.get(name, "").strip()

    def number(self, name: str, scale: float = 1.0) -> float | None:
        """A field's number over a scale; None where it is empty or no number, which is noted."""
        text = self.text(name)
        if not text:
            return None
        try:
            number = self.language.read(text)
            return number if scale == 1.0 else round(number / scale, 12)
        except ValueError:
            told = self.language.words.gettext("This is no number. Write such as %(example)s.")
            self.wrong[name] = told % {"example": self.language.typed(1234.5)}
            return None

    def stated(self, name: str) -> float | None:
        """The number of a field that may not be empty."""
        if not self.text(name):
            self.wrong[name] = self.language.words.gettext("Write an amount.")
        return self.number(name)


def fields_of(document: Mapping[str, Any], channels: Sequence[str], language: Language) -> Any:
    """The fields that show a scenario's document."""
    fields = {
        "name": document.get("name", ""),
        "periods": str(document["periods"]),
        "start": document.get("start") or "",
        "objective": document.get("objective", "revenue"),
        "caution": str(document.get("caution", 0.5)),
        "mode": "plan",
        **_budget_fields(document.get("budget"), language),
        "max_moved": _percent(document.get("max_moved"), language),
    }
    margin = document.get("margin", 1.0)
    fields["margin"] = "" if isinstance(margin, dict) else _percent(margin, language)
    low, high = document.get("bounds", (0.5, 2.0))
    fields |= {"bounds_low": _percent(low, language), "bounds_high": _percent(high, language)}
    targets = document.get("targets") or {}
    fields |= {f"target_{name}": language.typed(targets.get(name)) for name in TARGETS}
    for place, channel in enumerate(channels):
        fields |= _channel_fields(place, channel, document, language)
    groups = [
        (name, group)
        for name, group in (document.get("groups") or {}).items()
        if _fits_the_form(group, channels)
    ]
    for place, (name, group) in enumerate(groups):
        fields |= _group_fields(place, name, group, language)
    fields["rest"] = _yaml_of(_rest(document, channels))
    return {name: text for name, text in fields.items() if text != ""}


def respelled(fields: Mapping[str, str], language: Language) -> dict[str, str]:
    """A form filled in one language with its numbers as another writes them; others stay.

    Examples
    --------
    >>> respelled({"language": "en", "budget": "12,345.5", "min-0": "lots"}, Language("ru"))
    {'language': 'en', 'budget': '12\\xa0345,5', 'min-0': 'lots'}
    """
    written = fields.get("language")
    if written not in LANGUAGES or written == language.code:
        return dict(fields)
    before = Language(str(written))
    return {
        name: _respelled(text, before, language) if NUMBERS.fullmatch(name) else text
        for name, text in fields.items()
    }


def _respelled(text: str, before: Language, language: Language) -> str:
    try:
        return language.typed(before.read(text))
    except ValueError:
        return text


def document_of(reading: Reading, channels: Sequence[str]) -> dict[str, Any]:
    """The scenario's document that the fields make; what is wrong is noted in the reading."""
    document = _read_rest(reading)
    document["periods"] = reading.number("periods") or 0
    if document["periods"] == int(document["periods"]):
        document["periods"] = int(document["periods"])
    for name in ("name", "start", "objective"):
        if reading.text(name):
            document[name] = reading.text(name)
    if "risk" not in document and reading.text("caution"):
        document["caution"] = float(reading.number("caution") or 0.0)
    if "margin" not in document and reading.text("margin"):
        document["margin"] = reading.number("margin", 100)
    budget = _read_budget(reading)
    if budget is not None:
        document["budget"] = budget
    bounds = [reading.number("bounds_low", 100), reading.number("bounds_high", 100)]
    if None not in bounds:
        document["bounds"] = bounds
    if reading.text("max_moved"):
        document["max_moved"] = reading.number("max_moved", 100)
    targets = {name: reading.number(f"target_{name}") for name in TARGETS}
    stated = {name: value for name, value in targets.items() if value is not None}
    if stated:
        document["targets"] = stated
    _read_channels(reading, channels, document)
    _read_groups(reading, channels, document)
    return {key: value for key, value in document.items() if value is not None}


def split_of(reading: Reading, channels: Sequence[str]) -> dict[str, float]:
    """The split typed by hand: channel -> money; an empty field is nothing."""
    return {
        channel: reading.number(f"spend-{place}") or 0.0 for place, channel in enumerate(channels)
    }


def field_at(pointer: str, channels: Sequence[str], groups: Sequence[str]) -> str:
    """The form's field at which a fault of the document stands; `rest` where it has none.

    Examples
    --------
    >>> field_at("/channels/tv/min", ["search", "tv"], []), field_at("/budget/min", [], [])
    ('min-1', 'budget_min')
    """
    top, _, within = pointer.removeprefix("/").partition("/")
    if top == "budget":
        return f"budget_{within}" if within else "budget"
    if top in ("channels", "split") and (found := _named(within, channels)):
        place, key = channels.index(found[0]), found[1] or ("min" if top == "channels" else LOCKED)
        return f"{'spend' if key == LOCKED else key}-{place}" if key in OF_A_CHANNEL else "rest"
    if top == "groups" and (found := _named(within, groups)):
        return f"group-{groups.index(found[0])}"
    if top == "targets" and within:
        return f"target_{within}"
    if top == "bounds":
        return "bounds_high" if within == "1" else "bounds_low"
    return top if top in FIELDS and not within else "rest"


def _named(within: str, names: Sequence[str]) -> tuple[str, str] | None:
    """The name a pointer goes through, escaped (RFC 6901) or not, and the key beneath it."""
    for name in sorted(names, key=len, reverse=True):
        for written in (name.replace("~", "~0").replace("/", "~1"), name):
            if f"{within}/".startswith(f"{written}/"):
                return name, within[len(written) + 1 :].partition("/")[0]
    return None


def _budget_fields(budget: Any, language: Language) -> dict[str, str]:
    if isinstance(budget, dict):
        least, most = language.typed(budget["min"]), language.typed(budget["max"])
        return {"budget_kind": "range", "budget_min": least, "budget_max": most}
    if budget == "free":
        return {"budget_kind": "free"}
    return {"budget_kind": "fixed", "budget": language.typed(budget)}


def _read_budget(reading: Reading) -> Any:
    kind = reading.text("budget_kind")
    if kind == "free":
        return "free"
    if kind == "range":
        return {"min": reading.stated("budget_min"), "max": reading.stated("budget_max")}
    return reading.number("budget")


def _channel_fields(
    place: int, channel: str, document: Mapping[str, Any], language: Language
) -> dict[str, str]:
    rules = (document.get("channels") or {}).get(channel) or {}
    locked = rules.get("locked")
    return {
        f"spend-{place}": language.typed(locked),
        f"locked-{place}": ON if locked is not None else "",
        f"excluded-{place}": ON if rules.get("excluded") else "",
        f"min-{place}": language.typed(rules.get("min")),
        f"max-{place}": language.typed(rules.get("max")),
    }


def _read_channels(reading: Reading, channels: Sequence[str], document: dict[str, Any]) -> None:
    rules: dict[str, Any] = {
        name: dict(entry or {}) for name, entry in (document.get("channels") or {}).items()
    }
    for place, channel in enumerate(channels):
        entry = rules.setdefault(channel, {})
        if reading.text(f"excluded-{place}"):
            entry["excluded"] = True
        elif reading.text(f"locked-{place}"):
            entry["locked"] = reading.number(f"spend-{place}") or 0.0
        else:
            limits = {key: reading.number(f"{key}-{place}") for key in ("min", "max")}
            entry |= {key: value for key, value in limits.items() if value is not None}
    document["channels"] = {name: entry for name, entry in rules.items() if entry}
    if not document["channels"]:
        del document["channels"]


def _fits_the_form(group: Mapping[str, Any], channels: Sequence[str]) -> bool:
    """Whether a group's rules are one that the form has fields for."""
    kinds, members = [key for key in group if key != "channels"], group.get("channels") or ["?"]
    return len(kinds) == 1 and kinds[0] in GROUP_KINDS and set(members) <= set(channels)


def _group_fields(
    place: int, name: str, group: Mapping[str, Any], language: Language
) -> dict[str, str]:
    kind = next(key for key in group if key != "channels")
    limits = group[kind]
    fields = {f"group-{place}": name, f"group_kind-{place}": kind}
    fields |= {f"group_has-{place}-{channel}": ON for channel in group["channels"]}
    if kind == "share":
        ends = [_percent(limit, language) for limit in limits]
    elif kind == "sum":
        ends = [language.typed(limit) for limit in limits]
    else:
        ends = [str(limits), ""] if kind == "at_least" else ["", str(limits)]
    return fields | {f"group_low-{place}": ends[0], f"group_high-{place}": ends[1]}


def _read_groups(reading: Reading, channels: Sequence[str], document: dict[str, Any]) -> None:
    groups = dict(document.get("groups") or {})
    for place in range(MOST_GROUPS):
        name = reading.text(f"group-{place}")
        if name:
            groups[name] = _read_group(reading, place, channels)
    if groups:
        document["groups"] = groups


def _read_group(reading: Reading, place: int, channels: Sequence[str]) -> dict[str, Any]:
    kind = reading.text(f"group_kind-{place}")
    members = [name for name in channels if reading.text(f"group_has-{place}-{name}")]
    if not members:
        told = reading.language.words.gettext("Choose the channels of this group.")
        reading.wrong[f"group-{place}"] = told
    scale = 100.0 if kind == "share" else 1.0
    low = reading.number(f"group_low-{place}", scale)
    high = reading.number(f"group_high-{place}", scale)
    if kind in ("at_most", "at_least"):
        count = high if kind == "at_most" else low
        return {"channels": members, kind: int(count) if count is not None else 0}
    most = 1.0 if kind == "share" else 1e13
    return {"channels": members, kind: [low or 0.0, most if high is None else high]}


def _rest(document: Mapping[str, Any], channels: Sequence[str]) -> dict[str, Any]:
    """What a scenario states that the form has no field for."""
    rest = {key: value for key, value in document.items() if key not in IN_FORM}
    if isinstance(document.get("margin"), dict):
        rest["margin"] = document["margin"]
    others = {
        name: {
            key: value
            for key, value in entry.items()
            if key not in OF_A_CHANNEL or name not in channels
        }
        for name, entry in (document.get("channels") or {}).items()
    }
    stated = {name: entry for name, entry in others.items() if entry}
    if stated:
        rest["channels"] = stated
    groups = document.get("groups") or {}
    odd = {name: group for name, group in groups.items() if not _fits_the_form(group, channels)}
    return rest | ({"groups": odd} if odd else {})


def _read_rest(reading: Reading) -> dict[str, Any]:
    text = reading.text("rest")
    if not text:
        return {}
    from optimizer import DocumentError, parse_document

    try:
        return parse_document(text.encode(), "scenario.yaml")
    except DocumentError as wrong:
        told = " ".join(fault.message for fault in wrong.faults)
        reading.wrong["rest"] = reading.language.sentence(told)
        return {}


def _yaml_of(content: Mapping[str, Any]) -> str:
    if not content:
        return ""
    from ruamel.yaml import YAML

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style, writer.sort_base_mapping_type_on_output = None, False  # type: ignore[assignment]
    target = io.StringIO()
    writer.dump(
        json.loads(json.dumps(content)), target
    )  # a list that stands twice is written twice
    return target.getvalue()


def _percent(value: float | None, language: Language) -> str:
    return "" if value is None else language.typed(round(100 * value, 6))
