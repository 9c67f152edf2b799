"""The sheet Schedule: every cell's money by period, what it earns then, and a chart of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.workbook.book import (
    CHART_TITLE,
    GRID,
    INK,
    MARK,
    PLAN_COLOUR,
    Block,
    Book,
    Cell,
    Column,
    fitting,
    storable,
)

CHART_ROWS = 20  # rows of cells the chart takes
STACKED = 10  # cells shown one on the other; of more, their total
SHADES = (
    "#1F5FBF",
    "#8FB3E8",
    "#3E8E7E",
    "#A7D3C8",
    "#C9A227",
    "#EBD98F",
    "#8A5A9E",
    "#CDB4DB",
    "#6B7280",
    "#C5CAD3",
)
ENDS = (("mean", "revenue"), ("p05", "5 % are\nbelow"), ("p95", "5 % are\nabove"))
Rows = Sequence[Mapping[str, Any]]


def add_schedule(book: Book, plan: Mapping[str, Any]) -> None:
    """Write the sheet."""
    schedule = plan["schedule"]
    rows: Rows = [row for row in schedule["allocation"] if any(row["spend"])]
    columns = _columns(plan, rows)
    page = book.page("Schedule", fitting(columns), landscape=True)
    unit = f", {book.currency}" if book.currency else ""
    page.title(f"Schedule: spend and revenue by {plan.get('period', 'week')}{unit}")
    page.sentence(schedule["difference"], "note")
    top = page.row + 1
    page.row = top + CHART_ROWS
    page.sheet.repeat_rows(page.row)
    block = page.table(columns)
    page.row += 1
    page.fact("revenue after the end", schedule["after_end"]["mean"], "money")
    page.sheet.insert_chart(top, 0, _chart(book, block, len(rows)))


def _columns(plan: Mapping[str, Any], rows: Rows) -> list[Column]:
    """A row for each period: its date, each cell's spend, the total, the revenue it earns."""
    schedule = plan["schedule"]
    earned = schedule["revenue"]
    by_period = list(zip(*(row["spend"] for row in rows), strict=True))
    money = "cents" if any(x % 1.0 for row in rows for x in row["spend"]) else "money"
    dates = schedule["dates"] or [str(place + 1) for place in range(len(earned))]
    columns = [Column(str(plan.get("period", "week")), list(dates), total="total")]
    columns += [
        Column(
            "\n".join(filter(None, (row["channel"], row.get("market")))),
            list(row["spend"]),
            money,
            math.fsum(row["spend"]),
        )
        for row in rows
    ]
    totals = [math.fsum(spends) for spends in by_period] or [0.0] * len(earned)
    columns.append(Column("spend", totals, money, plan["totals"]["spend"]))
    for end, heading in ENDS:
        cells: list[Cell] = [figures.get(end) for figures in earned]
        if any(cell is not None for cell in cells):
            total = sum(figures[end] for figures in earned) if end == "mean" else None
            columns.append(Column(heading, cells, "money", total))
    return columns


def _chart(book: Book, block: Block, cells: int) -> Any:
    """Spend as columns, one cell on the other, and revenue as a line on its own axis."""
    stack = range(1, 1 + cells) if 0 < cells <= STACKED else [1 + cells]
    chart = book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    for shade, column in enumerate(stack):
        chart.add_series(
            {
                "name": block.heading(column),
                "categories": block.columns(0, 0),
                "values": block.columns(column, column),
                "fill": {"color": SHADES[shade] if len(stack) > 1 else PLAN_COLOUR},
                "gap": 40,
            }
        )
    line = book.workbook.add_chart({"type": "line"})
    revenue = cells + 2
    line.add_series(
        {
            "name": block.heading(revenue),
            "categories": block.columns(0, 0),
            "values": block.columns(revenue, revenue),
            "line": {"color": MARK, "width": 2.25},
            "y2_axis": True,
        }
    )
    chart.combine(line)
    chart.set_title({"name": storable("Spend and revenue by period"), **CHART_TITLE})
    chart.set_x_axis({"num_font": {"size": 9, "rotation": -45}, "line": {"color": INK}})
    chart.set_y_axis({"name": "spend", "num_format": "#,##0", "major_gridlines": GRID, "min": 0})
    line.set_y2_axis({"name": "revenue", "num_format": "#,##0", "min": 0})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 20 * (CHART_ROWS - 1)})
    return chart
