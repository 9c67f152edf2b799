"""Which column plays which part: as the user says, or by the names people give columns.

What the user names is taken; what is left is recognised by common names. Where two columns could
play one part, nothing is guessed: the error lists what was found and how to say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from optimizer.errors import HistoryError, nearest
from optimizer.tables.findings import stopped
from optimizer.tables.headers import channel_of, folded, recipe, usual_for

Layout = Literal["attributed", "aggregate"]
ControlKind = Literal["promotion", "holiday", "demand", "other"]

#: What else an attributed table may count per channel and period.
MEASURES = ("impressions", "clicks", "customers", "orders")
_KEYS = ("date", "channel", "spend", "revenue", "market", "currency")
_FIELDS = {
    "attributed": (*_KEYS, *MEASURES),
    "aggregate": ("date", "revenue", "market", "population", "currency", "channels", "controls"),
}
_ASKED: dict[Layout, dict[str, Any]] = {
    "attributed": dict.fromkeys(("date", "channel", "spend", "revenue"), "..."),
    "aggregate": {"date": "...", "revenue": "...", "channels": {"tv": "<its spend column>"}},
}
_LISTED = 12  # channels or columns written out in a sentence; the rest are counted


@dataclass(frozen=True, slots=True)
class Roles:
    """The part each column of one table plays; a table of several need not have all."""

    layout: Layout
    date: str
    channel: str | None = None
    spend: str | None = None  # long tables: the one spend column
    channels: dict[str, str] = field(default_factory=dict)  # wide tables: channel -> spend column
    revenue: tuple[str, ...] = ()  # several: their product
    market: str | None = None
    population: str | None = None
    currency: str | None = None
    controls: dict[str, ControlKind] = field(default_factory=dict)
    measures: dict[str, str] = field(default_factory=dict)  # long tables: measure -> column
    ignored: tuple[str, ...] = ()

    def number_columns(self) -> tuple[str, ...]:
        """Columns that must hold numbers (controls may hold text)."""
        single = [name for name in (self.spend, self.population) if name]
        return (*single, *self.channels.values(), *self.revenue)

    def sentence(self) -> str:
        """Which column plays which part.

        Examples
        --------
        >>> Roles("aggregate", "week", channels={"tv": "tv_S"}, revenue=("sales",)).sentence()
        'date: week; revenue: sales; spend: tv_S as tv.'
        """
        channels = [
            column if column == channel else f"{column} as {channel}"
            for channel, column in self.channels.items()
        ]
        controls = [f"{name} ({kind})" for name, kind in self.controls.items()]
        parts = {
            "date": self.date,
            "channel": self.channel,
            "revenue": " x ".join(self.revenue),
            "spend": self.spend or shortened(channels),
            "market": self.market,
            "population": self.population,
            "currency": self.currency,
            "controls": shortened(controls),
            **self.measures,
        }
        return stopped("; ".join(f"{part}: {which}" for part, which in parts.items() if which))


def shortened(listed: Sequence[str], most: int = _LISTED) -> str:
    """A list in a sentence; what is beyond the most is counted.

    Examples
    --------
    >>> shortened(["a", "b", "c", "d"], 2)
    'a, b and 2 more'
    """
    if len(listed) <= most + 1:
        return ", ".join(listed)
    return f"{', '.join(listed[:most])} and {len(listed) - most} more"


def roles_of(  # noqa: PLR0913  (what is known of one table)
    names: Sequence[str],
    *,
    layout: Layout | None,
    columns: Mapping[str, Any] | None,
    whole: bool,
    file: str | None = None,
    words: Sequence[str] = (),
) -> Roles:
    """The roles of a table's columns, as given or recognised.

    Parameters
    ----------
    names : sequence of str
        The table's column names.
    layout : "attributed", "aggregate" or None
        None: by the keys of `columns`, else by the names.
    columns : mapping or None
        As in a scenario's ``history.columns``.
    whole : bool
        Whether this table alone must bring both spend and revenue.
    file : str, optional
        Named in errors.
    words : sequence of str
        Columns that hold words, some of them often: one may be the channel.

    Raises
    ------
    HistoryError
        A named column is missing, a key is unknown, or recognition is ambiguous or incomplete.
    """
    ask = _Asker(list(names), file, words)
    given = dict(columns or {})
    layout = _settled_layout(ask, layout, given)
    unknown = [key for key in given if key not in _FIELDS[layout]]
    if unknown:
        hint = stopped(nearest(str(unknown[0]), _FIELDS[layout]))
        raise ask.error(f'columns has no key "{unknown[0]}" for layout {layout}; {hint}')
    read = _long_roles if layout == "attributed" else _wide_roles
    return read(ask, given, whole)


@dataclass(frozen=True, slots=True)
class _Asker:
    """Answers questions about one table's column names, and words the refusals."""

    names: list[str]
    file: str | None
    words: Sequence[str]  # columns of repeated words

    def error(self, message: str) -> HistoryError:
        return HistoryError(f"{self.file}: {message}" if self.file else message)

    def incomplete(self, missing: Sequence[str], given: Mapping[str, Any]) -> HistoryError:
        """A refusal that shows what was recognised, in the layout the table looks like."""
        found = ", ".join(f'"{name}"' for name in self.names[:20])
        more = ", ..." if len(self.names) > 20 else ""
        undated = "date column" in missing
        verb = "was" if missing[-1].endswith("column") else "were"
        asked = dict(_ASKED["attributed" if self.looks_long() else "aggregate"])
        for role in ("date", "channel", "spend", "revenue"):
            known = given.get(role) or usual_for(role, self.names)[:1]
            if role in asked and known:
                asked[role] = known if isinstance(known, str) else known[0]
        return self.error(
            ("romi needs a dated history, with one row per day, week or month: " if undated else "")
            + f"no {' and no '.join(missing)} {verb} recognised among the columns {found}{more}. "
            f"Say which is which: {self.recipe(asked)}."
        )

    def recipe(self, columns: Mapping[str, Any]) -> str:
        """How to name these columns: as a scenario does, and in Python."""
        shown = recipe(columns, self.file)
        return shown if self.file is None else f"{shown}, or columns= in Python"

    def looks_long(self) -> bool:
        """Whether a column could hold the channel of each row."""
        folds = [folded(name) for name in self.names]
        if any(word in name for name in folds for word in ("channel", "kanal", "канал")):
            return True
        if usual_for("channel", self.names):
            return True
        return bool(self.words) and not any(channel_of(name) for name in self.names)

    def existing(self, name: Any, role: str) -> str:
        if not isinstance(name, str):
            raise self.error(f"columns: {role} must be a column's name, not {name!r}.")
        if name not in self.names:
            hint = stopped(nearest(name, self.names))
            raise self.error(f'there is no column "{name}" (given as {role}); {hint}')
        return name

    def one(self, given: Mapping[str, Any], role: str) -> str | None:
        """The column of a role as given, else the only one with a usual name, else None."""
        if given.get(role) is not None:
            return self.existing(given[role], role)
        if role in given:
            return None
        taken = {name for name in given.values() if isinstance(name, str)}
        found = usual_for(role, [name for name in self.names if name not in taken])
        if len(found) > 1:
            shown = " and ".join(f'"{name}"' for name in found)
            raise self.error(
                f"{shown} could each be the {role}. Say which: {self.recipe({role: found[0]})}."
            )
        return found[0] if found else None

    def measures(self, given: Mapping[str, Any], taken: Sequence[str]) -> dict[str, str]:
        """Measure -> its column as given, or the only free one with a usual name."""
        found = {}
        for measure in MEASURES:
            if given.get(measure) is not None:
                found[measure] = self.existing(given[measure], measure)
            elif measure not in given:
                free = [name for name in self.names if name not in taken]
                usual = usual_for(measure, free)
                found |= {measure: usual[0]} if len(usual) == 1 else {}
        return found


def _settled_layout(ask: _Asker, layout: Layout | None, given: Mapping[str, Any]) -> Layout:
    if layout is not None:
        if layout not in get_args(Layout):
            hint = stopped(nearest(str(layout), _FIELDS))
            raise ask.error(f'there is no layout "{layout}"; {hint}')
        return layout
    if "channels" in given:
        return "aggregate"
    if "channel" in given:
        return "attributed"
    long = ask.one(given, "channel") is not None
    wide = any(channel_of(name) for name in ask.names)
    if long and ask.one(given, "spend") is None and wide:
        raise ask.error(
            "the table has a channel column and also one spend column per channel. "
            "Say layout attributed or aggregate, and name the columns, as in "
            f"{ask.recipe(_ASKED['attributed'])}."
        )
    return "attributed" if long else "aggregate"


def _long_roles(ask: _Asker, given: Mapping[str, Any], whole: bool) -> Roles:
    found = {role: ask.one(given, role) for role in _KEYS}
    needed = ["date", "channel"] + (["spend", "revenue"] if whole else [])
    missing = [f"{role} column" for role in needed if found[role] is None]
    if not whole and found["spend"] is None and found["revenue"] is None:
        missing.append("spend or revenue column")
    if missing:
        raise ask.incomplete(missing, given)
    used = [name for name in found.values() if name is not None]
    measures = ask.measures(given, used)
    used += measures.values()
    _refuse_double_use(ask, used)
    return Roles(
        "attributed",
        str(found["date"]),
        channel=found["channel"],
        spend=found["spend"],
        revenue=(found["revenue"],) if found["revenue"] else (),
        market=found["market"],
        currency=found["currency"],
        measures=measures,
        ignored=tuple(name for name in ask.names if name not in used),
    )


def _wide_roles(ask: _Asker, given: Mapping[str, Any], whole: bool) -> Roles:
    controls = _controls(ask, given.get("controls"))
    date = ask.one(given, "date")
    revenue = _revenue(ask, given)
    single = {role: ask.one(given, role) for role in ("market", "population", "currency")}
    used = [name for name in (date, *revenue, *single.values(), *controls) if name is not None]
    channels = _channels(ask, given.get("channels"), used)
    missing = [] if date else ["date column"]
    missing += [] if revenue or (not whole and channels) else ["revenue column"]
    missing += [] if channels or (not whole and revenue) else ["spend columns"]
    if date is None or missing:
        raise ask.incomplete(missing, given)
    used += channels.values()
    _refuse_double_use(ask, used)
    return Roles(
        "aggregate",
        date,
        channels=channels,
        revenue=revenue,
        market=single["market"],
        population=single["population"],
        currency=single["currency"],
        controls=controls,
        ignored=tuple(name for name in ask.names if name not in used),
    )


def _revenue(ask: _Asker, given: Mapping[str, Any]) -> tuple[str, ...]:
    wanted = given.get("revenue")
    if isinstance(wanted, list | tuple):
        if len(wanted) < 1:
            raise ask.error(
                "columns: revenue is an empty list; name one column, or two to multiply."
            )
        return tuple(ask.existing(name, "revenue") for name in wanted)
    found = ask.one(given, "revenue")
    if found is None and "revenue" not in given:
        pair = [
            name for name in ask.names if folded(name) in ("conversions", "revenue_per_conversion")
        ]
        return tuple(pair) if len(pair) == 2 else ()
    return (found,) if found else ()


def _channels(ask: _Asker, wanted: Any, used: Sequence[str]) -> dict[str, str]:
    if wanted is None:
        pairs = [(channel_of(name), name) for name in ask.names if name not in used]
        return _distinct(ask, [(channel, name) for channel, name in pairs if channel])
    if isinstance(wanted, Mapping):
        return {
            _channel_name(ask, channel): ask.existing(name, f"the spend of {channel}")
            for channel, name in wanted.items()
        }
    if isinstance(wanted, list | tuple):
        present = [ask.existing(name, "a channel's spend") for name in wanted]
        return _distinct(ask, [(channel_of(name) or name, name) for name in present])
    raise ask.error(f"columns: channels must map a channel to its spend column, not {wanted!r}.")


def _channel_name(ask: _Asker, channel: Any) -> str:
    if not isinstance(channel, str) or not channel.strip():
        raise ask.error(f"columns: channels: {channel!r} is no channel name; write it in quotes.")
    return " ".join(channel.split())


def _distinct(ask: _Asker, pairs: list[tuple[str, str]]) -> dict[str, str]:
    channels: dict[str, str] = {}
    for channel, name in pairs:
        if channel in channels:
            raise ask.error(
                f'"{channels[channel]}" and "{name}" could each be the spend of "{channel}". '
                f"Say which: {ask.recipe({'channels': {channel: name}})}."
            )
        channels[channel] = name
    return channels


def _controls(ask: _Asker, wanted: Any) -> dict[str, ControlKind]:
    if wanted is None:
        return {}
    if isinstance(wanted, list | tuple):
        wanted = dict.fromkeys(wanted, "other")
    if not isinstance(wanted, Mapping):
        raise ask.error(f"columns: controls must map columns to kinds, not {wanted!r}.")
    for name, kind in wanted.items():
        ask.existing(name, "a control")
        if kind not in get_args(ControlKind):
            hint = stopped(nearest(str(kind), get_args(ControlKind)))
            raise ask.error(f'columns: control "{name}" has no kind "{kind}"; {hint}')
    return dict(wanted)


def _refuse_double_use(ask: _Asker, used: Sequence[str]) -> None:
    twice = sorted({name for name in used if list(used).count(name) > 1})
    if twice:
        raise ask.error(
            f'the column "{twice[0]}" is given two roles. Name another for one of them.'
        )
