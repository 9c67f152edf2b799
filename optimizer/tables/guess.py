"""Which part each column seems to play, where a table need not be usable yet.

:mod:`optimizer.tables.columns` settles the parts or refuses; here every column gets the likeliest
one, so that somebody can see what is missing and put it right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from optimizer.tables.columns import MEASURES, Layout, Roles
from optimizer.tables.headers import channel_of, folded, usual_for

Role = Literal[
    "date", "channel", "spend", "revenue", "market", "population", "currency",
    "impressions", "clicks", "customers", "orders", "channel_spend", "control", "ignored",
]  # fmt: skip

#: The parts a table of each layout has beside spends of channels and controls.
SINGLE: dict[Layout, tuple[Role, ...]] = {
    "attributed": (
        "date", "channel", "spend", "revenue", "market", "currency",
        "impressions", "clicks", "customers", "orders",
    ),
    "aggregate": ("date", "revenue", "market", "population", "currency"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """What a column is taken for."""

    role: Role
    of: str | None = None  # the channel whose spend it is, or the kind of a control


@dataclass(frozen=True, slots=True)
class Guess:
    """The likeliest parts of a table's columns."""

    layout: Layout
    parts: tuple[Part, ...]  # (n_columns,)
    doubtful: dict[str, tuple[str, ...]]  # role -> the columns that could each play it


def settled(names: Sequence[str], roles: Roles) -> Guess:
    """The parts of columns whose roles are told.

    Examples
    --------
    >>> roles = Roles("aggregate", "week", channels={"tv": "tv_S"}, revenue=("sales",))
    >>> [part.role for part in settled(["week", "tv_S", "sales", "note"], roles).parts]
    ['date', 'channel_spend', 'revenue', 'ignored']
    """
    single = {role: getattr(roles, role, None) for role in SINGLE[roles.layout]}
    parts = {name: Part(role) for role, name in single.items() if isinstance(name, str)}
    parts |= {name: Part("revenue") for name in roles.revenue}
    parts |= {name: Part("channel_spend", channel) for channel, name in roles.channels.items()}
    parts |= {name: Part("control", kind) for name, kind in roles.controls.items()}
    measured = {measure: name for measure, name in roles.measures.items() if measure in MEASURES}
    parts |= {name: Part(measure) for measure, name in measured.items()}  # type: ignore[arg-type]
    return Guess(roles.layout, tuple(parts.get(name, Part("ignored")) for name in names), {})


def guessed(names: Sequence[str], words: Sequence[str], layout: Layout | None = None) -> Guess:
    """The parts columns seem to play by their names.

    Parameters
    ----------
    names : sequence of str
    words : sequence of str
        Columns that hold words, some of them often: one may be the channel.
    layout : "attributed", "aggregate" or None
        None: by the names.

    Examples
    --------
    >>> found = guessed(["week", "sales", "turnover", "tv cost"], [])
    >>> [part.role for part in found.parts], found.doubtful
    (['date', 'ignored', 'ignored', 'channel_spend'], {'revenue': ('sales', 'turnover')})
    """
    chosen = layout or _likely_layout(names, words)
    parts: dict[str, Part] = {}
    doubtful: dict[str, tuple[str, ...]] = {}
    for role in SINGLE[chosen]:
        usual = usual_for(role, [name for name in names if name not in parts])
        if len(usual) == 1:
            parts[usual[0]] = Part(role)
        elif len(usual) > 1 and role not in MEASURES:
            doubtful[role] = tuple(usual)
    if chosen == "aggregate":
        spends = {name: channel_of(name) for name in names if name not in parts}
        parts |= {name: Part("channel_spend", of) for name, of in spends.items() if of}
    return Guess(chosen, tuple(parts.get(name, Part("ignored")) for name in names), doubtful)


def _likely_layout(names: Sequence[str], words: Sequence[str]) -> Layout:
    """Attributed where a column could hold the channel of each row."""
    if any(word in folded(name) for name in names for word in ("channel", "kanal", "канал")):
        return "attributed"
    if usual_for("channel", names) or (words and not any(channel_of(name) for name in names)):
        return "attributed"
    return "aggregate"
