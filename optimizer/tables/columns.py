"""Which column plays which part: as the user says, or by the names people give columns.

What the user names is taken; what is left is recognised by common names. Where two columns could
play one part, nothing is guessed: the error lists what was found and how to say it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from optimizer.errors import HistoryError, nearest

Layout = Literal["attributed", "aggregate"]
ControlKind = Literal["promotion", "holiday", "demand", "other"]

_USUAL_NAMES = """
date: date day week month ds period time timestamp date_week week_date week_start week_starting
date: start_date wk_strt_dt week_of year_month year_week datum дата неделя месяц 日期
channel: channel channel_name media_channel marketing_channel medium media source platform
channel: kanal канал источник 渠道
spend: spend cost costs expense expenses amount_spent ad_spend adspend media_spend media_cost
spend: marketing_spend investment kosten ausgaben расход расходы затраты 花费
revenue: revenue revenues sales turnover income gmv y conversion_value conv_value
revenue: attributed_revenue total_revenue total_sales umsatz выручка доход продажи 收入
market: market geo region country dma territory markt рынок регион страна 市场
population: population pop inhabitants население
currency: currency currency_code waehrung währung валюта
"""


def _usual_names(listed: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in listed.strip().splitlines():
        role, names = line.split(": ")
        found[role] = found.get(role, frozenset()) | frozenset(names.split())
    return found


_KNOWN_NAMES = _usual_names(_USUAL_NAMES)
_SPEND_AFFIXES = (
    re.compile(r"(.+)_S"),
    re.compile(r"(?i)(.+?)[ _.\-]+(?:spend|spending|cost|costs|investment|расход)"),
    re.compile(r"(?i)(?:spend|cost|costs|mdsp)[ _.\-]+(.+)"),
)
_NOT_A_CHANNEL = re.compile(r"(?i)(?:total|all|sum|overall|per[ _].*|of[ _].*)")
_FIELDS = {
    "attributed": ("date", "channel", "spend", "revenue", "market", "currency"),
    "aggregate": ("date", "revenue", "market", "population", "currency", "channels", "controls"),
}
_EXAMPLE = {
    "attributed": "columns={'date': ..., 'channel': ..., 'spend': ..., 'revenue': ...}",
    "aggregate": "columns={'date': ..., 'revenue': ..., 'channels': {'tv': <its spend column>}}",
}


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
    ignored: tuple[str, ...] = ()

    def number_columns(self) -> tuple[str, ...]:
        """Columns that must hold numbers (controls may hold text)."""
        single = [name for name in (self.spend, self.population) if name]
        return (*single, *self.channels.values(), *self.revenue)


def roles_of(
    names: Sequence[str],
    *,
    layout: Layout | None,
    columns: Mapping[str, Any] | None,
    whole: bool,
    file: str | None = None,
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

    Raises
    ------
    HistoryError
        A named column is missing, a key is unknown, or recognition is ambiguous or incomplete.
    """
    ask = _Asker(list(names), file)
    given = dict(columns or {})
    layout = _settled_layout(ask, layout, given)
    unknown = [key for key in given if key not in _FIELDS[layout]]
    if unknown:
        hint = nearest(str(unknown[0]), _FIELDS[layout])
        raise ask.error(f'columns has no key "{unknown[0]}" for layout {layout}; {hint}.')
    read = _long_roles if layout == "attributed" else _wide_roles
    return read(ask, given, whole)


@dataclass(frozen=True, slots=True)
class _Asker:
    """Answers questions about one table's column names, and words the refusals."""

    names: list[str]
    file: str | None

    def error(self, message: str) -> HistoryError:
        return HistoryError(f"{self.file}: {message}" if self.file else message)

    def incomplete(self, missing: str, layout: Layout) -> HistoryError:
        found = ", ".join(f'"{name}"' for name in self.names[:20])
        more = ", ..." if len(self.names) > 20 else ""
        return self.error(
            f"no {missing} was recognised among the columns {found}{more}. "
            f"Say which is which: {_EXAMPLE[layout]}."
        )

    def existing(self, name: Any, role: str) -> str:
        if not isinstance(name, str):
            raise self.error(f"columns: {role} must be a column's name, not {name!r}.")
        if name not in self.names:
            raise self.error(
                f'there is no column "{name}" (given as {role}); {nearest(name, self.names)}.'
            )
        return name

    def one(self, given: Mapping[str, Any], role: str) -> str | None:
        """The column of a role as given, else the only one with a usual name, else None."""
        if given.get(role) is not None:
            return self.existing(given[role], role)
        if role in given:
            return None
        taken = {name for name in given.values() if isinstance(name, str)}
        found = [
            name for name in self.names if folded(name) in _KNOWN_NAMES[role] and name not in taken
        ]
        if len(found) > 1:
            shown = " and ".join(f'"{name}"' for name in found)
            raise self.error(
                f"{shown} could each be the {role}. Say which: columns={{'{role}': '{found[0]}'}}."
            )
        return found[0] if found else None


def folded(name: str) -> str:
    """A column name without case, brackets and punctuation.

    Examples
    --------
    >>> folded("Amount spent (EUR)")
    'amount_spent'
    """
    plain = re.sub(r"[(\[].*?[)\]]", "", name).casefold()
    return re.sub(r"\W+", "_", plain).strip("_")


def channel_of(column: str) -> str | None:
    """The channel a spend column's name speaks of, or None.

    Examples
    --------
    >>> channel_of("tv_S"), channel_of("Search Spend (EUR)"), channel_of("cost_per_click")
    ('tv', 'Search', None)
    """
    plain = re.sub(r"[(\[].*?[)\]]", "", column).strip()
    for affix in _SPEND_AFFIXES:
        match = affix.fullmatch(plain)
        if match and not _NOT_A_CHANNEL.fullmatch(match[1]):
            return match[1]
    return None


def _settled_layout(ask: _Asker, layout: Layout | None, given: Mapping[str, Any]) -> Layout:
    if layout is not None:
        if layout not in get_args(Layout):
            raise ask.error(f'there is no layout "{layout}"; {nearest(str(layout), _FIELDS)}.')
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
            "Say layout='attributed' or layout='aggregate', and name the columns."
        )
    return "attributed" if long else "aggregate"


def _long_roles(ask: _Asker, given: Mapping[str, Any], whole: bool) -> Roles:
    found = {role: ask.one(given, role) for role in _FIELDS["attributed"]}
    needed = ["date", "channel"] + (["spend", "revenue"] if whole else [])
    missing = [role for role in needed if found[role] is None]
    if not whole and found["spend"] is None and found["revenue"] is None:
        missing.append("spend or revenue")
    if missing:
        raise ask.incomplete(f"{' and no '.join(missing)} column", "attributed")
    used = [name for name in found.values() if name is not None]
    _refuse_double_use(ask, used)
    return Roles(
        "attributed",
        str(found["date"]),
        channel=found["channel"],
        spend=found["spend"],
        revenue=(found["revenue"],) if found["revenue"] else (),
        market=found["market"],
        currency=found["currency"],
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
        raise ask.incomplete(" and no ".join(missing), "aggregate")
    used += channels.values()
    _refuse_double_use(ask, used)
    return Roles(
        "aggregate",
        date,
        channels=channels,
        revenue=revenue,
        controls=controls,
        ignored=tuple(name for name in ask.names if name not in used),
        **single,
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
                f"Say which: columns={{'channels': {{'{channel}': '{name}'}}}}."
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
            raise ask.error(
                f'columns: control "{name}" has no kind "{kind}"; '
                f"{nearest(str(kind), get_args(ControlKind))}."
            )
    return dict(wanted)


def _refuse_double_use(ask: _Asker, used: Sequence[str]) -> None:
    twice = sorted({name for name in used if list(used).count(name) > 1})
    if twice:
        raise ask.error(
            f'the column "{twice[0]}" is given two roles. Name another for one of them.'
        )
