"""Several plans in one workbook: what each brings, what each channel gets in each, every split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.workbook.book import (
    CHART_TITLE,
    GRID,
    Block,
    Book,
    Cell,
    Column,
    Page,
    cell_name,
    fitting,
    storable,
)
from optimizer.workbook.split import add_split
from optimizer.workbook.summary import headline

SHEET_NAME = 31  # characters a sheet's name may have
#: Colours told apart by every eye (Okabe and Ito, 2008).
APART = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
NOT_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def add_overview(book: Book, plans: Sequence[Mapping[str, Any]]) -> None:
    """Write the sheet Overview: a row for each plan, and a row for each channel."""
    totals, spends = _totals(plans, book.currency), _spends(plans)
    page = book.page("Overview", _widest(fitting(totals), fitting(spends)), landscape=True)
    page.title(" · ".join(dict.fromkeys(str(plan.get("name") or "Plan") for plan in plans)))
    for plan in plans:
        page.sentence(f"{_called(plan)}: {headline(plan)}")
    page.part("What each brings")
    page.table(totals)
    page.part("What each channel gets")
    block = page.table(spends)
    _bars(book, page, block, len(plans))


def add_splits(book: Book, plans: Sequence[Mapping[str, Any]]) -> None:
    """Write one sheet for each plan's split."""
    taken: set[str] = {"overview"}
    for plan in plans:
        add_split(book, plan, name=_sheet_name(_called(plan), taken))


def _called(plan: Mapping[str, Any]) -> str:
    """A plan by when it starts, else by its name."""
    return str(plan.get("start") or plan.get("name") or "Plan")


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """A name a sheet can have and none has yet."""
    base = storable(wanted).translate(NOT_IN_NAMES).strip()[: SHEET_NAME - 4] or "Plan"
    names = [base, *(f"{base} {number}" for number in range(2, 1000))]
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return name


def _totals(plans: Sequence[Mapping[str, Any]], currency: str) -> list[Column]:
    unit = f"\n{currency}" if currency else ""

    def total(key: str, end: str = "mean") -> list[Cell]:
        return [(plan["totals"][key] or {}).get(end) for plan in plans]

    def added(cells: Sequence[Cell]) -> Cell:
        numbers = [cell for cell in cells if isinstance(cell, float | int)]
        return sum(numbers) if len(numbers) == len(cells) else None

    spend: list[Cell] = [plan["totals"]["spend"] for plan in plans]
    columns = [
        Column("plan", [_called(plan) for plan in plans], total="total"),
        Column("periods", [plan["periods"] for plan in plans], "count"),
        Column(f"spend{unit}", spend, "money", added(spend)),
        Column(f"revenue{unit}", total("revenue"), "money", added(total("revenue"))),
        Column("5 % are\nbelow", total("revenue", "p05"), "money"),
        Column("5 % are\nabove", total("revenue", "p95"), "money"),
        Column(f"profit{unit}", total("profit"), "money", added(total("profit"))),
        Column("ROMI", total("romi"), "ratio"),
        Column(f"gain over\nnow{unit}", total("uplift"), "money", added(total("uplift"))),
        Column("chance of\na gain", total("uplift", "probability_positive"), "chance"),
    ]
    return [column for column in columns if any(cell is not None for cell in column.cells)]


def _spends(plans: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Money of each cell in each plan."""
    names = list(dict.fromkeys(cell_name(row) for plan in plans for row in plan["allocation"]))
    columns = [Column("channel", names, total="total")]
    for plan in plans:
        money = {cell_name(row): row["spend"] for row in plan["allocation"]}
        cells: list[Cell] = [money.get(name) for name in names]
        columns.append(Column(_called(plan), cells, "money", plan["totals"]["spend"]))
    return columns


def _widest(*tables: Sequence[float]) -> list[float]:
    """Widths at which every table's columns fit."""
    count = max(len(table) for table in tables)
    return [max(table[i] for table in tables if i < len(table)) for i in range(count)]


def _bars(book: Book, page: Page, block: Block, count: int) -> None:
    """A bar for each plan, stacked of its channels."""
    chart = book.workbook.add_chart({"type": "column", "subtype": "stacked"})
    for row in range(block.top, block.bottom + 1):
        chart.add_series(
            {
                "name": [block.sheet, row, 0],
                "categories": [block.sheet, block.top - 1, 1, block.top - 1, count],
                "values": [block.sheet, row, 1, row, count],
                "gap": 80,
                "fill": {"color": APART[(row - block.top) % len(APART)]},
            }
        )
    unit = f", {book.currency}" if book.currency else ""
    chart.set_title({"name": storable(f"Spend by channel{unit}"), **CHART_TITLE})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": GRID})
    chart.set_legend({"position": "right"})
    chart.set_size({"width": 900, "height": 420})
    page.sheet.set_h_pagebreaks([page.row + 1])
    page.sheet.insert_chart(page.row + 1, 0, chart)
