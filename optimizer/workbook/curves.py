"""The sheets Curves and Curve data: what each cell earns at every spend, today's and the plan's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.curve_points import CurvePoints
from optimizer.workbook.book import (
    CHART_TITLE,
    GRID,
    INK,
    MARK,
    NOW_COLOUR,
    Block,
    Book,
    Column,
    Page,
    add_mark,
    cell_name,
)

SHOWN_CURVES = 24
EDGE = "#8FA3C7"
ACROSS, CHART_ROWS = 2, 17  # charts in a row of the sheet; rows of cells one takes
WIDTH, HEIGHT = 430, 318  # pixels
ROWS_A_PAGE = 3  # of charts
AGREES = 1e-6  # relative: a curve that misses the plan's own response is not the plan's


def add_curves(book: Book, plan: Mapping[str, Any], curves: Sequence[CurvePoints]) -> None:
    """Write both sheets; of many cells, those with most money."""
    rows = {(row["channel"], row.get("market")): row for row in plan["allocation"]}
    known = [curve for curve in curves if _is_the_plans_own(curve, rows)]
    drawn = sorted(known, key=lambda c: -rows[c.channel, c.market]["spend"])[:SHOWN_CURVES]
    if not drawn:
        return
    unit = f", {book.currency}" if book.currency else ""
    page = book.page("Curves", [13.3] * 9)
    page.title(f"Response curves: revenue for spend, whole plan{unit}")
    page.sentence(_said(len(rows), len(drawn), drawn[0].p05 is not None), "note")
    data = book.page("Curve data", [16] * 6)
    data.title(f"Response curves, whole plan{unit}")
    for place, curve in enumerate(drawn):
        row = rows[curve.channel, curve.market]
        chart = _chart(book, data, curve, row)
        down, across = divmod(place, ACROSS)
        top = page.row + 1 + down * CHART_ROWS
        page.sheet.insert_chart(top, 0, chart, {"x_offset": across * (WIDTH + 12), "y_offset": 8})
    breaks = range(ROWS_A_PAGE, -(-len(drawn) // ACROSS), ROWS_A_PAGE)
    page.sheet.set_h_pagebreaks([page.row + 1 + down * CHART_ROWS for down in breaks])


def _is_the_plans_own(curve: CurvePoints, rows: Mapping[Any, Mapping[str, Any]]) -> bool:
    """Whether the curve earns at the plan's spend what the plan says."""
    row = rows.get((curve.channel, curve.market))
    if row is None or row["response"]["mean"] is None:
        return False
    said = row["response"]["mean"]
    return bool(abs(curve.marked[1] - said) <= AGREES * max(abs(said), curve.mean[-1]))


def _said(cells: int, drawn: int, doubtful: bool) -> str:
    """What the charts show, and what they leave out."""
    parts = ["Solid: the mean."]
    if doubtful:
        parts.append("Between the dashed lines lie nine in ten of the plausible curves.")
    if cells > SHOWN_CURVES:
        parts.append(f"Of {cells} cells, the {drawn} with most money.")
    elif drawn < cells:
        parts.append(f"{cells - drawn} of {cells} cells have no curve of their own in the model.")
    return " ".join(parts)


def _chart(book: Book, data: Page, curve: CurvePoints, row: Mapping[str, Any]) -> Any:
    """One cell's chart, its points written on the data sheet."""
    named = data.row
    data.put(0, cell_name(row), "part")
    data.row += 1
    lines = data.table(_curve_columns(curve))
    marks = [
        data.table(_mark_columns(name, spend, earned))
        for name, spend, earned in zip(
            ("now", "plan"), (row["current_spend"], row["spend"]), curve.marked, strict=True
        )
    ]
    data.row += 1
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    _add_lines(chart, lines, len(_curve_columns(curve)))
    for block, colour, shape in zip(marks, (NOW_COLOUR, MARK), ("circle", "diamond"), strict=True):
        add_mark(chart, block, colour, shape)
    chart.set_title({"name": [data.sheet.get_name(), named, 0], **CHART_TITLE})
    axis = {"num_format": _axis_format(float(curve.spend[-1])), "major_gridlines": GRID, "min": 0}
    chart.set_x_axis(axis | {"name": "spend"})
    chart.set_y_axis(axis | {"name": "revenue", "num_format": _axis_format(float(curve.mean[-1]))})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": WIDTH, "height": HEIGHT})
    return chart


def _axis_format(largest: float) -> str:
    """Thousands or millions where the figures are long; decimals where they are small."""
    if largest >= 2e6:
        return '#,##0.0,,"M"'
    if largest >= 2e4:
        return '#,##0,"k"'
    return "#,##0" if largest >= 10.0 else "General"


def _curve_columns(curve: CurvePoints) -> list[Column]:
    columns = [
        Column("spend", curve.spend.tolist(), "cents"),
        Column("mean", curve.mean.tolist(), "cents"),
    ]
    for heading, edge in (("5 % are below", curve.p05), ("5 % are above", curve.p95)):
        if edge is not None:
            columns.append(Column(heading, edge.tolist(), "cents"))
    return columns


def _mark_columns(name: str, spend: float, earned: float) -> list[Column]:
    return [Column("spend", [spend], "cents"), Column(name, [float(earned)], "cents")]


def _add_lines(chart: Any, block: Block, columns: int) -> None:
    for column in range(1, columns):
        is_mean = column == 1
        look = {"color": INK, "width": 2.0} if is_mean else {"color": EDGE, "width": 1.0}
        chart.add_series(
            {
                "name": block.heading(column),
                "categories": block.columns(0, 0),
                "values": block.columns(column, column),
                "line": look if is_mean else look | {"dash_type": "dash"},
                "marker": {"type": "none"},
            }
        )
