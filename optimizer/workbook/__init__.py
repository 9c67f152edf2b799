"""A plan as an Excel workbook, in memory: plain data in, bytes out.

It takes the Plan document as plain data, as any door of romi has it, and leaves out what the
document lacks. No cell holds a formula: names are text, whatever they start with, and every
number is the document's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.curve_points import CurvePoints
from optimizer.workbook.book import Book
from optimizer.workbook.curves import add_curves
from optimizer.workbook.frontier import add_frontier
from optimizer.workbook.split import add_split
from optimizer.workbook.summary import add_summary
from optimizer.workbook.terms import add_assumptions, add_certificate

__all__ = ["workbook_of"]


def workbook_of(
    plan: Mapping[str, Any],
    *,
    curves: Sequence[CurvePoints] = (),
    frontier: Sequence[Mapping[str, Any]] = (),
    scenario: Mapping[str, Any] | None = None,
) -> bytes:
    """An .xlsx file of a plan; the same bytes for the same content.

    Parameters
    ----------
    plan : mapping
        A Plan document as plain data.
    curves : sequence of CurvePoints
        Response curves to draw; without them the sheet is left out.
    frontier : sequence of mappings
        What each budget would bring, such as ``{"budget": ..., "revenue": {"mean": ...}}``.
    scenario : mapping, optional
        The scenario's stated keys, listed among the assumptions.
    """
    book = Book.of(plan)
    add_summary(book, plan)
    add_split(book, plan)
    if curves:
        add_curves(book, plan, curves)
    if frontier:
        add_frontier(book, plan, frontier)
    add_assumptions(book, plan, scenario or {})
    if plan.get("certificate") or plan.get("shadow_prices"):
        add_certificate(book, plan)
    return book.bytes()
