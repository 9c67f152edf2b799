"""The sheet Split: a row per cell with its money before and after, and a chart of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from optimizer.workbook.book import (
    CHART_TITLE,
    GRID,
    NOW_COLOUR,
    PLAN_COLOUR,
    Block,
    Book,
    Cell,
    Column,
    cell_name,
    fitting,
    storable,
)

SHOWN_BARS = 25
SHOWN_MOVES = 15
BAR_HEIGHT = 30  # pixels for one cell's two bars


def add_split(book: Book, plan: Mapping[str, Any], *, name: str = "Split") -> None:
    """Write the sheet."""
    columns, rows = _columns(plan), plan["allocation"]
    page = book.page(name, fitting(columns), landscape=True)
    page.title(name)
    page.sheet.freeze_panes(page.row + 1, 1)
    page.sheet.repeat_rows(page.row)
    block = page.table(columns, filtered=True)
    by_market = any(column.heading == "market" for column in columns)
    if by_market or len(rows) > SHOWN_BARS:
        above = page.row + 1
        page.part("Largest moves")
        block = page.table(_largest_moves(rows, columns[1 : 3 + by_market]))
        page.sheet.set_h_pagebreaks([above, page.row + 1])
    page.sheet.insert_chart(page.row + 1, 0, _bars(book, block, 1 + by_market))


def _largest_moves(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> list[Column]:
    """The cells whose money moves most, largest first, and their figures in the same columns."""
    moved = [abs(row["spend"] - row["current_spend"]) for row in rows]
    largest = sorted(range(len(rows)), key=lambda place: -moved[place])[:SHOWN_MOVES]
    names = Column("", [cell_name(rows[place]) for place in largest])
    figures = [replace(c, cells=[c.cells[place] for place in largest], total=None) for c in columns]
    hidden = [
        replace(c, heading="", cells=[None] * len(largest))
        for c in figures
        if c.heading == "market"
    ]
    return [names, *hidden, *(c for c in figures if c.heading != "market")]


def _bars(book: Book, block: Block, now: int) -> Any:
    """Two bars for every cell, before and after, the first cell on top."""
    chart = book.workbook.add_chart({"type": "bar"})
    for name, column, colour in (("now", now, NOW_COLOUR), ("plan", now + 1, PLAN_COLOUR)):
        chart.add_series(
            {
                "name": name,
                "categories": block.columns(0, 0),
                "values": block.columns(column, column),
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    unit = f", {book.currency}" if book.currency else ""
    chart.set_title({"name": storable(f"Spend before and after{unit}"), **CHART_TITLE})
    chart.set_y_axis({"reverse": True, "num_font": {"size": 9}})
    chart.set_x_axis({"num_format": "#,##0", "major_gridlines": GRID, "label_position": "high"})
    chart.set_legend({"position": "top"})
    count = block.bottom - block.top + 1
    chart.set_size({"width": 900, "height": 130 + BAR_HEIGHT * count})
    return chart


def _columns(plan: Mapping[str, Any]) -> list[Column]:
    rows, totals = plan["allocation"], plan["totals"]
    unit = f"\n{plan['currency']}" if plan.get("currency") else ""
    money = "cents" if any(row["spend"] % 1.0 for row in rows) else "money"
    revenue = totals["revenue"]

    def each(key: str) -> list[Cell]:
        return [row.get(key) for row in rows]

    def response(end: str) -> list[Cell]:
        return [row["response"].get(end) for row in rows]

    now = sum(row["current_spend"] for row in rows)
    columns = [
        Column("channel", each("channel"), total="total"),
        Column("market", each("market")),
        Column(f"now{unit}", each("current_spend"), money, now),
        Column(f"plan{unit}", each("spend"), money, totals["spend"]),
        Column("change", each("change"), "change"),
        Column("share of\nthe plan", each("share"), "percent"),
        Column(f"revenue{unit}", response("mean"), "money", revenue["mean"]),
        Column("5 % are\nbelow", response("p05"), "money", revenue.get("p05")),
        Column("5 % are\nabove", response("p95"), "money", revenue.get("p95")),
        Column("ROMI", each("romi"), "ratio", totals["romi"]["mean"]),
        Column("marginal\nROMI", each("marginal_romi"), "ratio"),
        Column("limit", each("binding"), "remark"),
    ]
    always = {"channel", f"now{unit}", f"plan{unit}"}
    return [c for c in columns if c.heading in always or any(v is not None for v in c.cells)]
