"""The sheet Frontier: what each budget would bring, as a chart and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optimizer.workbook.book import (
    CHART_TITLE,
    GRID,
    INK,
    MARK,
    NOW_COLOUR,
    Block,
    Book,
    Cell,
    Column,
    Page,
    add_mark,
    fitting,
    storable,
)

CHART_ROWS = 20  # rows of cells the chart takes
#: Keys of a point -> heading and form; those a frontier lacks are left out.
FIGURES = (
    ("value", "value", "money"),
    ("revenue", "revenue", "money"),
    ("profit", "profit", "money"),
    ("romi", "ROMI", "ratio"),
    ("marginal_romi", "marginal\nROMI", "ratio"),
    ("risk", "risk", "money"),
)
ENDS = (("mean", ""), ("p05", "\n5 % are below"), ("p95", "\n5 % are above"))
Points = Sequence[Mapping[str, Any]]


def add_frontier(book: Book, plan: Mapping[str, Any], frontier: Mapping[str, Any]) -> None:
    """Write the sheet."""
    columns = _columns(frontier["points"])
    page = book.page("Frontier", fitting(columns), landscape=True)
    unit = f", {book.currency}" if book.currency else ""
    page.title(f"Frontier: what each budget would bring{unit}")
    for sentence in _sentences(frontier):
        page.sentence(sentence, "note")
    top = page.row
    page.row += CHART_ROWS
    block = page.table(columns)
    headings = [column.heading for column in columns]
    key = next((k for k in ("profit", "revenue", "value") if k in headings), None)
    if key is None:
        return
    chart = _chart(book, block, headings.index(key), key)
    _mark_plan(chart, page, plan, key)
    _mark_break_even(chart, page, frontier.get("break_even") or {}, key)
    page.sheet.insert_chart(top, 0, chart)


def _sentences(frontier: Mapping[str, Any]) -> Iterator[str]:
    """Where profit peaks, what the figures count, and what was left out."""
    if frontier.get("statement"):
        yield frontier["statement"]
    notes = frontier.get("notes") or ()
    yield from (note["message"] for note in notes if note["code"] != "no_draws")


def _chart(book: Book, block: Block, column: int, key: str) -> Any:
    """Value against budget."""
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    chart.add_series(
        {
            "name": block.heading(column),
            "categories": block.columns(0, 0),
            "values": block.columns(column, column),
            "line": {"color": INK, "width": 2.0},
            "marker": {"type": "none"},
        }
    )
    chart.set_title({"name": storable(f"{key.capitalize()} against budget"), **CHART_TITLE})
    axis = {"num_format": "#,##0", "major_gridlines": GRID}
    chart.set_x_axis(axis | {"name": "budget"})
    chart.set_y_axis(axis | {"name": key})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 20 * (CHART_ROWS - 1)})
    return chart


def _mark_plan(chart: Any, page: Page, plan: Mapping[str, Any], key: str) -> None:
    """The plan's own point, written beneath the table."""
    proof = plan.get("certificate") or {}
    own = proof.get("value") if key == "value" else plan["totals"][key]["mean"]
    if own is None:
        return
    page.row += 1
    spend = Column("budget", [plan["totals"]["spend"]], "money")
    block = page.table([spend, Column("this plan", [own], "money")])
    add_mark(chart, block, MARK, "diamond")


def _mark_break_even(chart: Any, page: Page, peak: Mapping[str, Any], key: str) -> None:
    """The budget where profit peaks, written beneath the table too."""
    earned = _figure(peak.get(key), "mean")
    if earned is None:
        return
    page.row += 1
    budget = Column("budget", [peak["budget"]], "money")
    block = page.table([budget, Column("peak", [earned], "money")])
    add_mark(chart, block, NOW_COLOUR, "circle")


def _columns(points: Points) -> list[Column]:
    budgets = [point.get("budget", point.get("spend")) for point in points]
    columns = [Column("budget", budgets, "money")]
    for key, heading, form in FIGURES:
        for end, words in ENDS:
            cells = [_figure(point.get(key), end) for point in points]
            if any(cell is not None for cell in cells):
                columns.append(Column(heading + words, cells, form))
    return columns


def _figure(value: Any, end: str) -> Cell:
    """One end of an interval; a plain number is its own mean."""
    if isinstance(value, Mapping):
        figure = value.get(end)
        return None if figure is None else float(figure)
    return float(value) if value is not None and end == "mean" else None
