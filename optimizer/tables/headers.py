"""The names people give columns, in the languages and with the units they write them in.

A role with a question mark lists names that count only where no other column has the role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_USUAL_NAMES = """
date: date day week month ds period time timestamp date_week week_date week_start week_starting
date: start_date wk_strt_dt week_of year_month year_week 日期
date: datum kalendertag fecha дата
date?: tag woche monat kw kalenderwoche periode zeitraum jour semaine mois dia día semana mes
date?: день неделя месяц период
channel: channel channel_name media_channel marketing_channel medium media source platform
channel: kanal kampagnenkanal werbekanal medienkanal marketingkanal mediakanal canal canal_media
channel: canal_marketing média medio medios канал рекламный_канал источник площадка 渠道
spend: spend cost costs expense expenses amount_spent ad_spend adspend media_spend media_cost
spend: marketing_spend investment kosten ausgaben werbekosten werbeausgaben mediakosten aufwand
spend: dépense dépenses depense depenses coût coûts cout couts investissement
spend: gasto gastos coste costes costo costos inversión inversion
spend: расход расходы затраты траты 花费
revenue: revenue revenues sales turnover income gmv y conversion_value conv_value
revenue: attributed_revenue total_revenue total_sales umsatz umsätze umsatz_brutto umsatz_netto
revenue: bruttoumsatz nettoumsatz erlös erlöse erloes einnahmen chiffre_d_affaires
revenue: revenu revenus recettes ventes ingreso ingresos ventas facturación facturacion
revenue: выручка доход доходы продажи оборот 收入
market: market geo region country dma territory markt gebiet bundesland marché marche région
market: pays mercado región país pais рынок регион страна 市场
population: population pop inhabitants einwohner bevölkerung población poblacion habitants население
currency: currency currency_code waehrung währung devise moneda divisa валюта
impressions: impressions impr impressionen показы 展示
clicks: clicks link_clicks klicks clics clicks_all клики 点击
customers: new_customers first_orders neukunden nouveaux_clients nuevos_clientes новые_клиенты
customers?: customers kunden clients clientes клиенты
orders: orders purchases bestellungen commandes pedidos заказы 订单
orders?: conversions transactions
"""


def _usual_names(listed: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in listed.strip().splitlines():
        role, names = line.split(": ")
        found[role] = found.get(role, frozenset()) | frozenset(names.split())
    return found


USUAL_NAMES = _usual_names(_USUAL_NAMES)
_BRACKETS = re.compile(r"[(\[].*?[)\]]")
_CODES = "eur|euro|usd|gbp|chf|rub|pln|sek|nok|dkk|cny|jpy"
_UNIT = re.compile(
    rf"(?i)[ _.,\-/]*(?:(?<=[ _.,\-/])(?:in[ _])?(?:{_CODES})|(?:in[ _])?(?:[€$£¥₽]|руб\.?))$"
)
_SPENDING = "ausgaben|kosten|dépenses?|coûts?|gastos?|costes?|costos?|расходы?|затраты"
_SPEND_AFFIXES = (
    re.compile(r"(.+)_S"),
    re.compile(rf"(?i)(.+?)[ _.\-]+(?:spend|spending|costs?|investment|werbekosten|{_SPENDING})"),
    re.compile(rf"(?i)(?:spend|costs?|mdsp|{_SPENDING})[ _.\-]+(?:(?:de|en|на)[ _])?(.+)"),
)
_NOT_A_CHANNEL = re.compile(
    r"(?i)(?:total|all|sum|overall|gesamt|summe|всего|итого|pct|percent|percentage|prozent|share|"
    r"ratio|%|anteil|brutto|netto|gross|net|per[ _].*|pro[ _].*|of[ _].*)"
)
_DELIVERY = re.compile(
    r"(?i).*(?:impression|click|klick|views?$|reach|grps?$|conversion|sessions?$|показы|клики).*"
    r"|mdip_.*|.+_[IP]"
)


def folded(name: str) -> str:
    """A column name without case, brackets and punctuation.

    Examples
    --------
    >>> folded("Amount spent (EUR)")
    'amount_spent'
    """
    return re.sub(r"\W+", "_", _BRACKETS.sub("", name).casefold()).strip("_")


def without_unit(name: str) -> str:
    """A column name without brackets and a closing currency.

    Examples
    --------
    >>> without_unit("Kosten in EUR"), without_unit("tv_spend_usd"), without_unit("Umsatz €")
    ('Kosten', 'tv_spend', 'Umsatz')
    """
    plain = _BRACKETS.sub("", name).strip()
    return _UNIT.sub("", plain) or plain


def usual_for(role: str, names: Sequence[str]) -> list[str]:
    """The columns whose names are usual for a role: as they are, less a unit, or less usual."""
    usual, seldom = USUAL_NAMES[role], USUAL_NAMES.get(f"{role}?", frozenset())
    plain = [name for name in names if folded(name) in usual]
    bare = [name for name in names if folded(without_unit(name)) in usual]
    return plain or bare or [name for name in names if folded(name) in seldom]


def channel_of(column: str) -> str | None:
    """The channel a spend column's name speaks of, or None.

    Examples
    --------
    >>> channel_of("tv_S"), channel_of("Search Spend (EUR)"), channel_of("cost_per_click")
    ('tv', 'Search', None)
    """
    plain = without_unit(column)
    for affix in _SPEND_AFFIXES:
        match = affix.fullmatch(plain)
        if match and not _NOT_A_CHANNEL.fullmatch(match[1]):
            return match[1]
    return None


def is_delivery(column: str) -> bool:
    """Whether a column counts what spend bought, such as impressions: no control."""
    return _DELIVERY.fullmatch(column) is not None


def recipe(columns: Mapping[str, Any], file: str | None) -> str:
    """How to name columns: in a scenario where they came from a file, else in Python.

    Examples
    --------
    >>> recipe({"date": "Tag", "controls": ["on", "heat"]}, "shop.csv")
    '`history: {file: shop.csv, columns: {date: Tag, controls: ["on", heat]}}` in a scenario'
    >>> recipe({"date": "Tag"}, None)
    "columns={'date': 'Tag'}"
    """
    if file is None:
        return f"columns={columns!r}".replace("'...'", "...")
    return f"`history: {{file: {_yaml(file)}, columns: {_yaml(columns)}}}` in a scenario"


_PLAIN_WORD = re.compile(r"[^\W\d][\w./%-]*(?: [\w./%-]+)*|\.\.\.|<[\w ]+>")
_YAML_WORD = re.compile(r"(?i)true|false|yes|no|on|off|null|y|n")


def _yaml(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_yaml(key)}: {_yaml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_yaml(one) for one in value) + "]"
    text = str(value)
    if _PLAIN_WORD.fullmatch(text) and not _YAML_WORD.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
