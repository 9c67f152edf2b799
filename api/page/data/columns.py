"""What each column of an upload is said to be for: read from the form, and what is wrong in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.page.frame.forms import LONGEST_NAME, text_of
from api.serving.drafts import PARTS, Draft, DraftColumn, DraftFile

KINDS = ("promotion", "holiday", "demand", "other")  # of controls
LAYOUTS = tuple(PARTS)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that keeps the columns of a file from being read."""

    code: str  # missing, nowhere, twice, same_channel
    role: str
    names: tuple[str, ...] = ()  # the columns it is about


def choices(layout: str) -> list[str]:
    """What a column of a file of this layout can be for, as the form says it."""
    own = ["channel_spend"] if layout == "aggregate" else []
    controls = [f"control:{kind}" for kind in KINDS] if layout == "aggregate" else []
    first, *rest = PARTS[layout]
    return [first, *own, *rest, *controls, "ignored"]


def choice_of(column: DraftColumn) -> str:
    """What a column is for, as the form says it."""
    return f"control:{column.of or 'other'}" if column.role == "control" else column.role


def apply(draft: Draft, form: Any) -> list[str] | None:
    """Take what the form says into the draft; the layouts, where one was changed."""
    draft.name = text_of(form, "name")[:LONGEST_NAME] or draft.name
    draft.currency = text_of(form, "currency")[:10] or None
    layouts = [_layout(form, number, file) for number, file in enumerate(draft.files)]
    for number, file in enumerate(draft.files):
        for place, column in enumerate(file.columns):
            _say(column, file.layout, form, f"{number}-{place}")
    return None if layouts == [file.layout for file in draft.files] else layouts


def overlay(draft: Draft, said: Sequence[DraftFile]) -> None:
    """Put what was said by hand over what another layout made a guess, where it can be that."""
    for file, before in zip(draft.files, said, strict=True):
        own = choices(file.layout)
        for place, column in enumerate(before.columns):
            if column.by_hand and choice_of(column) in own:
                file.columns[place] = column


def faults_of(draft: Draft) -> list[list[Fault]]:
    """What is wrong with the columns as they are said to be, for each file."""
    found = [list(_faults(file, whole=len(draft.files) == 1)) for file in draft.files]
    if len(draft.files) > 1:
        roles = {column.role for file in draft.files for column in file.columns}
        if "revenue" not in roles:
            found[-1].append(Fault("nowhere", "revenue"))
        if not roles & {"spend", "channel_spend"}:
            found[-1].append(Fault("nowhere", "spend"))
    return found


def _faults(file: DraftFile, *, whole: bool) -> Iterator[Fault]:
    counts = Counter(column.role for column in file.columns)
    for role in _needed(file.layout, whole=whole):
        if not counts[role]:
            yield Fault("missing", role, tuple(file.doubtful.get(role, ())))
    for role in PARTS[file.layout]:
        most = 2 if (file.layout, role) == ("aggregate", "revenue") else 1  # two: their product
        if counts[role] > most:
            named = (column.name for column in file.columns if column.role == role)
            yield Fault("twice", role, tuple(named))
    spends: dict[str, list[str]] = {}
    for column in file.columns:
        if column.role == "channel_spend":
            spends.setdefault(column.of or column.channel, []).append(column.name)
    for channel, names in spends.items():
        if len(names) > 1:
            yield Fault("same_channel", channel, tuple(names))


def _needed(layout: str, *, whole: bool) -> tuple[str, ...]:
    if layout == "attributed":
        return ("date", "channel", "spend", "revenue") if whole else ("date", "channel")
    return ("date", "channel_spend", "revenue") if whole else ("date",)


def _layout(form: Any, number: int, file: DraftFile) -> str:
    said = text_of(form, f"layout-{number}")
    return said if said in LAYOUTS else file.layout


def _say(column: DraftColumn, layout: str, form: Any, place: str) -> None:
    """Take what the form says of one column, where a column of this layout can be that."""
    said = text_of(form, f"role-{place}")
    if said not in choices(layout):
        return
    role, _, kind = said.partition(":")
    channel = " ".join(text_of(form, f"channel-{place}").split())[:LONGEST_NAME]
    column.by_hand = column.by_hand or said != choice_of(column)
    column.role = role
    column.channel = channel or column.channel
    column.of = column.channel if role == "channel_spend" else kind or None
