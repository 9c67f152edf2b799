"""The sheets Assumptions and Certificate: what the plan rests on, and how good it is proved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.workbook.book import Book, Cell, Column, Page

Content = Mapping[str, Any]


def add_assumptions(book: Book, plan: Content, scenario: Content) -> None:
    """Write the sheet Assumptions."""
    page = book.page("Assumptions", (28, 58))
    page.title("Assumptions")
    for label, key, form in (
        ("judged by", "objective", "text"),
        ("caution", "caution", "plain"),
        ("currency", "currency", "text"),
        ("periods", "periods", "plain"),
        ("a period is a", "period", "text"),
        ("starts on", "start", "text"),
    ):
        page.fact(label, plan.get(key), form)
    _add_margins(page, plan)
    if scenario:
        page.part("The scenario as it was stated")
        for label, value in _facts(scenario):
            page.fact(label, value, "wrapped" if isinstance(value, str) else "plain")
    page.part("Made from")
    for label, value in _facts(plan["provenance"]):
        page.fact(label, value, "wrapped" if isinstance(value, str) else "plain")


def _add_margins(page: Page, plan: Content) -> None:
    """The margin, or each channel's, as the plan's own ROMI has it."""
    found: dict[str, float] = {}
    for row in plan["allocation"]:
        if row.get("romi") is not None and row["response"]["mean"]:
            margin = (row["romi"] + 1.0) * row["spend"] / row["response"]["mean"]
            found.setdefault(row["channel"], float(f"{margin:.9g}"))
    if len(set(found.values())) == 1:
        page.fact("margin", next(iter(found.values())), "plain")
        return
    for channel, margin in found.items():
        page.fact(f"margin of {channel}", margin, "plain")


def _facts(content: Content, prefix: str = "") -> Iterator[tuple[str, Cell]]:
    """Nested keys as dotted labels, their values as cells."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _facts(value, f"{prefix}{key}.")
        elif isinstance(value, bool) or not isinstance(value, int | float | str | None):
            yield prefix + key, json.dumps(value, ensure_ascii=False)
        else:
            yield prefix + key, value


def add_certificate(book: Book, plan: Content) -> None:
    """Write the sheet Certificate."""
    page = book.page("Certificate", (30, 20, 48))
    page.title("Certificate")
    if plan.get("certificate"):
        _add_proof(page, plan["certificate"], plan)
    if plan.get("shadow_prices"):
        page.part("What one more unit is worth")
        _add_prices(page, plan)


def _add_proof(page: Page, proof: Content, plan: Content) -> None:
    page.sentence(f"{proof['statement'][:1].upper()}{proof['statement'][1:]}.", "lead")
    page.row += 1
    ratio = plan["objective"] == "romi"
    money = "ratio" if ratio else "cents unit"
    page.fact("value of this split", proof["value"], money)
    page.fact("no split can exceed", proof["upper_bound"], money)
    page.fact("gap, of the response earned", proof["gap"], "gap")
    page.fact("given up for whole cents", proof["rounding_loss"], "price")
    page.fact("boxes in the proof", proof["nodes"], "count")
    page.fact("found by", plan["route"], "to the right")
    page.row += 1
    page.sentence(
        "The proof is about the search for the best split. The doubt about the curves themselves "
        "is larger; it stands in the intervals of the sheets Summary and Split.",
        "note",
    )


def _add_prices(page: Page, plan: Content) -> None:
    prices = plan["shadow_prices"]
    page.table(
        [
            Column("constraint", [entry["constraint"] for entry in prices], "wrapped"),
            Column("price", [entry["price"] for entry in prices], "price"),
            Column("in words", [entry["statement"] for entry in prices], "remark"),
        ]
    )
