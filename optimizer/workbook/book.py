"""What every sheet shares: formats, cells that cannot act as formulas, tables, print setup."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

Cell = str | float | None

MADE = dt.datetime(2020, 1, 1)  # a fixed date: the same plan, the same bytes
CENTS_BELOW = 1e4  # currency: smaller plans show cents everywhere
INK, BAND, LINE, MUTED = "#1F3864", "#E9EEF7", "#B8C2D6", "#6B7280"
NOW_COLOUR, PLAN_COLOUR, MARK = "#A5B1C6", "#1F5FBF", "#D9622B"
NAMEABLE = re.compile(r"[^\"\\\[\]_*?\x00-\x1f]{1,6}")  # currencies a number format can hold
NO_LETTERS = {0xFFFE: "?", 0xFFFF: "?"}  # XML has no place for them
WIDEST_TEXT = 44  # characters
LINE_HEIGHT = 15.5  # points
HEADING = {
    "bold": True,
    "font_color": "#FFFFFF",
    "bg_color": INK,
    "text_wrap": True,
    "valign": "vcenter",
}
CHANCE = '[>0.995]"over 99 %";[<0.005]"under 1 %";0%'
HEADINGS = {"text": "heading text", "wrapped": "heading text", "remark": "heading remark"}
CHART_TITLE = {"name_font": {"size": 12, "color": INK}, "overlay": False}
GRID = {"visible": True, "line": {"color": "#E5E7EB"}}


class _Exact(float):
    """A number written with all of its digits: what is read back is the same number."""

    def __format__(self, _: str) -> str:
        return repr(float(self)).removesuffix(".0")


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, its cells, and the form they are shown in."""

    heading: str
    cells: Sequence[Cell]
    form: str = "text"
    total: Cell = None


@dataclass(frozen=True)
class Block:
    """Where a table's cells stand, from the first column on: rows counted from 0, both ends."""

    sheet: str
    top: int
    bottom: int

    def columns(self, first: int, last: int) -> list[Any]:
        """The place of some columns' cells, as charts name it."""
        return [self.sheet, self.top, first, self.bottom, last]

    def heading(self, column: int) -> list[Any]:
        """The place of one column's heading."""
        return [self.sheet, self.top - 1, column]


@dataclass
class Book:
    """A workbook being written, with the formats all sheets use."""

    workbook: Any
    buffer: io.BytesIO
    currency: str
    shows_cents: bool
    formats: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Mapping[str, Any]) -> Book:
        """An empty workbook in a plan's currency."""
        buffer = io.BytesIO()
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        workbook = Workbook(buffer, options)
        workbook.set_properties({"title": "romi plan", "created": MADE})
        workbook.set_calc_mode("auto")
        small = abs(plan["totals"]["spend"]) < CENTS_BELOW
        return cls(workbook, buffer, storable(plan.get("currency") or ""), small)

    def bytes(self) -> bytes:
        """The finished file."""
        self.workbook.close()
        return self.buffer.getvalue()

    def form(self, name: str, *, strong: bool = False) -> Any:
        """A cell format by name, made on first use."""
        key = f"{name} strong" if strong else name
        if key not in self.formats:
            look = {"valign": "top", "font_color": "#111827", **self._look(name)}
            if strong:
                look |= {"bold": True, "top": 1, "top_color": INK}
            self.formats[key] = self.workbook.add_format(look)
        return self.formats[key]

    def _look(self, name: str) -> dict[str, Any]:
        cents = ".00" if self.shows_cents else ""
        unit = f' "{self.currency}"' if NAMEABLE.fullmatch(self.currency) else ""
        looks: dict[str, dict[str, Any]] = {
            "title": {"bold": True, "font_size": 16, "font_color": INK},
            "part": {"bold": True, "font_size": 12, "font_color": INK},
            "heading": HEADING | {"align": "right"},
            "heading text": HEADING,
            "heading remark": HEADING | {"align": "left", "indent": 1},
            "text": {},
            "remark": {"text_wrap": True, "align": "left", "indent": 1},
            "wrapped": {"text_wrap": True},
            "to the right": {"align": "right"},
            "lead": {"text_wrap": True, "font_size": 12, "bg_color": BAND, "valign": "vcenter"},
            "note": {"text_wrap": True, "font_color": MUTED},
            "label": {"font_color": MUTED, "text_wrap": True},
            "money": {"num_format": f"#,##0{cents}"},
            "cents": {"num_format": "#,##0.00"},
            "money unit": {"num_format": f"#,##0{cents}{unit}"},
            "cents unit": {"num_format": f"#,##0.00{unit}"},
            "price": {"num_format": f"#,##0.0000{unit}"},
            "chance": {"num_format": CHANCE},
            "percent": {"num_format": "0.0%"},
            "change": {"num_format": "+0.0%;-0.0%;0.0%"},
            "gap": {"num_format": "0.000000%"},
            "ratio": {"num_format": "0.00"},
            "count": {"num_format": "#,##0"},
            "plain": {"num_format": "General", "align": "left"},
            "date": {"num_format": "yyyy-mm-dd", "align": "left"},
        }
        return looks[name]

    def page(self, name: str, widths: Sequence[float], *, landscape: bool = False) -> Page:
        """A new sheet, one page wide in print."""
        sheet = self.workbook.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer("&L&8&A&R&8Page &P of &N")
        if landscape:
            sheet.set_landscape()
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        return Page(self, sheet, tuple(widths))


@dataclass
class Page:
    """A sheet being written from the top down."""

    book: Book
    sheet: Worksheet
    widths: tuple[float, ...]
    row: int = 0

    def put(self, column: int, value: Cell, form: str = "text", *, strong: bool = False) -> None:
        """One cell of the current row: text as text, numbers with all their digits."""
        self._cell(self.row, column, value, self.book.form(form, strong=strong))

    def _cell(self, row: int, column: int, value: Cell, look: Any) -> None:
        if value is None:
            self.sheet.write_blank(row, column, None, look)
        elif isinstance(value, str):
            self.sheet.write_string(row, column, storable(value), look)
        else:
            self.sheet.write_number(row, column, _Exact(value), look)

    def title(self, text: str) -> None:
        """The sheet's title, then an empty row."""
        self.put(0, text, "title")
        self.row += 2

    def part(self, text: str) -> None:
        """A heading within the sheet, after an empty row."""
        self.row += 1
        self.put(0, text, "part")
        self.row += 1

    def sentence(self, text: str, form: str = "wrapped") -> None:
        """A sentence over all columns, in as many lines as it needs."""
        look, last = self.book.form(form), len(self.widths) - 1
        if last:
            self.sheet.merge_range(self.row, 0, self.row, last, "", look)
        self.sheet.write_string(self.row, 0, storable(text), look)
        per_line, height = 0.95 * sum(self.widths), LINE_HEIGHT
        if form == "lead":
            per_line, height = 0.8 * sum(self.widths), 1.35 * LINE_HEIGHT
        self.sheet.set_row(self.row, height * lines_of(text, per_line))
        self.row += 1

    def fact(self, label: str, value: Cell, form: str = "text") -> None:
        """A label and its value, where there is one."""
        if value is None or value == "":
            return
        self.put(0, label, "label")
        self.put(1, value, form)
        texts = (label, value if form == "wrapped" else "")
        self._heighten(self.row, dict(enumerate(texts)))
        self.row += 1

    def table(self, columns: Sequence[Column], *, filtered: bool = False) -> Block:
        """A table from the current row on, its totals beneath it where it has any."""
        lines = max(column.heading.count("\n") + 1 for column in columns)
        self.sheet.set_row(self.row, 16 * lines + 2)
        for place, column in enumerate(columns):
            self.put(place, column.heading, HEADINGS.get(column.form, "heading"))
        top, count = self.row + 1, len(columns[0].cells)
        for place, column in enumerate(columns):
            look = self.book.form(column.form)
            for offset, value in enumerate(column.cells):
                self._cell(top + offset, place, value, look)
        self._give_room(columns, top)
        block = Block(self.sheet.get_name(), top, top + count - 1)
        if filtered:
            self.sheet.autofilter(self.row, 0, block.bottom, len(columns) - 1)
        self.row = block.bottom + 1
        self._totals(columns)
        return block

    def _give_room(self, columns: Sequence[Column], top: int) -> None:
        """Rows of a table as high as their wrapped text needs."""
        wrapped = [i for i, c in enumerate(columns) if c.form in ("wrapped", "remark")]
        for offset in range(len(columns[0].cells) if wrapped else 0):
            self._heighten(top + offset, {i: columns[i].cells[offset] for i in wrapped})

    def _heighten(self, row: int, texts: Mapping[int, Cell]) -> None:
        """A row as high as the texts in some of its columns need."""
        needed = [lines_of(str(text or ""), 0.9 * self.widths[i]) for i, text in texts.items()]
        if max(needed) > 1:
            self.sheet.set_row(row, LINE_HEIGHT * max(needed))

    def _totals(self, columns: Sequence[Column]) -> None:
        if any(column.total is not None for column in columns):
            for place, column in enumerate(columns):
                self.put(place, column.total, column.form, strong=True)
            self.row += 1


def storable(text: str) -> str:
    """Text a file can hold: half of a letter, or what is none, becomes a question mark."""
    return text.encode("utf-8", "replace").decode().translate(NO_LETTERS)


def width_of(text: str) -> int:
    """Columns of a screen a text takes: Chinese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def lines_of(text: str, width: float) -> int:
    """Lines a text takes at a width in characters."""
    return sum(max(1, math.ceil(width_of(part) / width)) for part in text.split("\n"))


def fitting(columns: Sequence[Column]) -> list[float]:
    """Column widths at which nothing is cut off, in characters."""
    return [_fitting(column) for column in columns]


def _fitting(column: Column) -> float:
    cells = [*column.cells, column.total]
    texts = [cell for cell in cells if isinstance(cell, str)]
    numbers = [cell for cell in cells if isinstance(cell, float | int)]
    decimals = {"money": 0, "count": 0}.get(column.form, 2)
    shown = [f"{number:,.{decimals}f}" for number in numbers]
    widest = max((width_of(text) for text in (*texts, *shown)), default=0)
    heading = max(width_of(line) for line in column.heading.split("\n"))
    return min(max(widest, heading + 2, 6), WIDEST_TEXT) + 2


def cell_name(row: Mapping[str, Any]) -> str:
    """A cell in words: its channel, and its market where there is one."""
    market = row.get("market")
    return f"{row['channel']} in {market}" if market is not None else str(row["channel"])


def add_mark(chart: Any, block: Block, colour: str, shape: str) -> None:
    """A point of a scatter chart: the first row of a table of two columns."""
    chart.add_series(
        {
            "name": block.heading(1),
            "categories": block.columns(0, 0),
            "values": block.columns(1, 1),
            "line": {"none": True},
            "marker": {
                "type": shape,
                "size": 9,
                "fill": {"color": colour},
                "border": {"color": INK},
            },
        }
    )
