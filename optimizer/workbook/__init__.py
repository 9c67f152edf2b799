"""A plan as an Excel workbook, in memory: plain data in, bytes out.

It takes the Plan document as plain data, as any door of romi has it, and leaves out what the
document lacks. No cell holds a formula: names are text, whatever they start with, and every
number is the document's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.curve_points import CurvePoints
from optimizer.errors import ProblemError
from optimizer.workbook.book import Book
from optimizer.workbook.curves import SHOWN_CURVES, add_curves
from optimizer.workbook.frontier import add_frontier
from optimizer.workbook.schedule import add_schedule
from optimizer.workbook.several import add_overview, add_splits
from optimizer.workbook.split import add_split
from optimizer.workbook.summary import add_summary
from optimizer.workbook.terms import add_assumptions, add_certificate

__all__ = ["SHOWN_CURVES", "workbook_of", "workbook_of_several"]

MOST_ROWS = 1_000_000  # a sheet ends after 1,048,576


def workbook_of(
    plan: Mapping[str, Any],
    *,
    curves: Sequence[CurvePoints] = (),
    frontier: Mapping[str, Any] | None = None,
    scenario: Mapping[str, Any] | None = None,
) -> bytes:
    """An .xlsx file of a plan; the same bytes for the same content.

    Parameters
    ----------
    plan : mapping
        A Plan document as plain data.
    curves : sequence of CurvePoints
        Response curves to draw; without them the sheet is left out.
    frontier : mapping, optional
        A Frontier document as plain data: what each budget would bring. Its points may hold as
        little as ``{"budget": ..., "revenue": {"mean": ...}}``.
    scenario : mapping, optional
        The scenario's stated keys, listed among the assumptions.

    Raises
    ------
    ProblemError
        If the plan has more cells than a sheet has rows.
    """
    if len(plan["allocation"]) > MOST_ROWS:
        raise ProblemError(
            f"A sheet holds {MOST_ROWS:,} cells, and this plan has {len(plan['allocation']):,}. "
            "Write it as CSV."
        )
    book = Book.of(plan)
    add_summary(book, plan)
    add_split(book, plan)
    if curves:
        add_curves(book, plan, curves)
    if plan.get("schedule"):
        add_schedule(book, plan)
    if frontier and frontier["points"]:
        add_frontier(book, plan, frontier)
    add_assumptions(book, plan, scenario or {})
    if plan.get("certificate") or plan.get("shadow_prices"):
        add_certificate(book, plan)
    return book.bytes()


def workbook_of_several(plans: Sequence[Mapping[str, Any]]) -> bytes:
    """An .xlsx file of several plans, such as a year's quarters: an overview and every split.

    Parameters
    ----------
    plans : sequence of mappings
        Plan documents as plain data, in one currency.

    Raises
    ------
    ProblemError
        If there is no plan, the plans' currencies differ, or one has more cells than a sheet rows.
    """
    if not plans:
        raise ProblemError("There is no plan to write. Give one at least.")
    currencies = sorted({str(plan.get("currency")) for plan in plans})
    if len(currencies) > 1:
        raise ProblemError(
            f"The plans are in {' and '.join(currencies)}. Write a workbook for each currency."
        )
    if max(len(plan["allocation"]) for plan in plans) > MOST_ROWS:
        raise ProblemError(f"A sheet holds {MOST_ROWS:,} cells. Write the plans as CSV.")
    book = Book.of(plans[0])
    add_overview(book, plans)
    add_splits(book, plans)
    return book.bytes()
