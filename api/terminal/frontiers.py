"""Frontiers and sensitivities: a curve drawn in blocks, tables and a few sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import NONE, Scale, compact, in_words, ratio, span
from api.terminal.plans import ROOMY, show_list
from optimizer import Frontier, FrontierPoint, RiskFrontier, Sensitivity, sure

EIGHTHS = " ▁▂▃▄▅▆▇█"
HEIGHT = 8  # lines of a drawn curve
MARGIN = 10  # characters left of it
WIDEST_CURVE = 72  # characters
SHOWN_BUDGETS = 12
PEAK = "▲"


def show_frontier(found: Frontier, console: Console) -> None:
    """Print a frontier: the curve of profit, budgets, the break-even, what was left out."""
    named = f"[bold]{escape(found.name)}[/bold]: the" if found.name else "The"
    money = f", {escape(found.currency)}" if found.currency else ""
    console.print(
        f"{named} best plan of every budget, judged by {in_words(found.objective)}{money}\n"
    )
    _draw(found, console)
    console.print(_budgets(found, console.width))
    console.print(f"\n{found.statement}", markup=False, highlight=False)
    if found.notes:
        console.print("\n[bold]Read with care[/bold]")
        show_list([note.message for note in found.notes], console)


def _draw(found: Frontier, console: Console) -> None:
    """Mean profit against budget, in blocks; the budgets of its ends and of its peak beneath."""
    width = min(console.width - MARGIN - 1, WIDEST_CURVE)
    least, most = found.points[0].budget, found.points[-1].budget
    places = [least + (most - least) * i / (width - 1) for i in range(width)]
    heights = [_profit_at(found.points, budget) for budget in places]
    low, high = min(heights), max(heights)
    console.print(f"[dim]{'profit':>{MARGIN - 1}}[/dim]")
    for line, label in zip(_lines(heights), _labels(low, high), strict=True):
        console.print(f"[dim]{label:>{MARGIN - 1}}[/dim] [cyan]{line}[/cyan]")
    console.print(f"{_axis(found, width)}\n", style="dim", highlight=False)


def _lines(heights: Sequence[float]) -> list[str]:
    """Columns of blocks over the lowest height, from the top line down.

    Examples
    --------
    >>> _lines([0.0, 1.0])[0], _lines([0.0, 1.0])[-1]
    (' █', '▁█')
    """
    low, high = min(heights), max(heights)
    reach = (high - low) or 1.0
    eighths = [max(1, round(8 * HEIGHT * (height - low) / reach)) for height in heights]
    return [
        "".join(EIGHTHS[min(max(count - 8 * line, 0), 8)] for count in eighths)
        for line in range(HEIGHT - 1, -1, -1)
    ]


def _labels(low: float, high: float) -> list[str]:
    """What the top and the bottom line stand for."""
    return [compact(high), *[""] * (HEIGHT - 2), compact(low)]


def _axis(found: Frontier, width: int) -> str:
    """The budgets under the curve's ends, and under its peak where they leave room."""
    least, most = found.points[0].budget, found.points[-1].budget
    left, right = compact(least), compact(most)
    line = [" "] * width
    line[: len(left)], line[width - len(right) :] = left, right
    if found.break_even is not None:
        peak = f"{PEAK} {compact(found.break_even.budget)}"
        at = round((width - 1) * (found.break_even.budget - least) / (most - least))
        start = at if at + len(peak) < width - len(right) else at - len(peak) + 1
        if start > len(left):
            text = peak if start == at else f"{peak[2:]} {PEAK}"
            line[start : start + len(text)] = text
    return " " * MARGIN + "".join(line)


def _profit_at(points: Sequence[FrontierPoint], budget: float) -> float:
    """Mean profit between two points, by a straight line."""
    for one, other in pairwise(points):
        if budget <= other.budget:
            share = (budget - one.budget) / (other.budget - one.budget)
            return (1.0 - share) * (one.profit.mean or 0.0) + share * (other.profit.mean or 0.0)
    return points[-1].profit.mean or 0.0


def _budgets(found: Frontier, width: int) -> Table:
    """A dozen of the budgets with what they bring; the scenario's own in bold."""
    table = _table(width)
    shown = _shown(found)
    money = Scale.of([point.budget for point in shown], found.currency)
    headings = ["budget", "revenue", "profit", "90 %\ninterval", "ROMI", "marginal\nROMI"]
    for heading in headings:
        table.add_column(heading if "\n" in heading else f"\n{heading}", justify="right")
    table.add_column("")
    for point in shown:
        row = [
            money(point.budget),
            compact(point.revenue.mean),
            compact(point.profit.mean),
            f"[dim]{span(point.profit.p05, point.profit.p95)}[/dim]",
            ratio(point.romi.mean),
            ratio(point.marginal_romi),
        ]
        note = _note(found, point)
        table.add_row(*row, note, style="bold" if note else "")
    return table


def _shown(found: Frontier) -> list[FrontierPoint]:
    """About a dozen points, evenly taken, with the scenario's own and the break-even."""
    last = len(found.points) - 1
    count = min(SHOWN_BUDGETS, last + 1)
    chosen = {found.points[round(i * last / (count - 1))].budget for i in range(count)}
    chosen |= {found.budget} if found.budget is not None else set()
    points = [point for point in found.points if point.budget in chosen]
    points += [found.break_even] if found.break_even is not None else []
    return sorted(points, key=lambda point: point.budget)


def _note(found: Frontier, point: FrontierPoint) -> str:
    if point is found.break_even:
        return "break-even"
    return "your budget" if point.budget == found.budget else ""


def show_risk_frontier(found: RiskFrontier, console: Console) -> None:
    """Print what more and more regard for risk costs and buys."""
    named = f"[bold]{escape(found.name)}[/bold]: " if found.name else ""
    total = "" if found.budget is None else f" of {found.budget:,.0f}"
    money = f" {escape(found.currency)}" if found.currency else ""
    console.print(f"{named}uplift{total}{money} under more and more {found.varied}\n")
    table = _table(console.width)
    worst = f"mean of worst\n{100.0 * found.tail:g} %"
    for heading in (
        f"\n{found.varied}",
        "mean\nuplift",
        "given\nup",
        "standard\ndeviation",
        worst,
        "chance\nof more",
    ):
        table.add_column(heading, justify="right")
    most = max((point.uplift.mean or 0.0 for point in found.points), default=0.0)
    for point in found.points:
        chance, mean = point.uplift.probability_positive, point.uplift.mean or 0.0
        table.add_row(
            f"{point.aversion:.2g}",
            compact(mean),
            compact(most - mean),
            compact(point.sd),
            compact(point.cvar),
            NONE if chance is None else sure(chance),
        )
    console.print(table)
    console.print(f"\n{found.statement}", markup=False, highlight=False)


def show_sensitivity(found: Sensitivity, console: Console) -> None:
    """Print what would change a recommendation."""
    console.print("\n[bold]What would change it[/bold]")
    console.print(found.statement, markup=False, highlight=False)
    console.print()
    show_list([point.statement for point in found.returns], console)
    if found.budgets:
        console.print("\n[bold]Other budgets[/bold]")
        show_list([step.statement for step in found.budgets], console)


def _table(width: int) -> Table:
    padding = (0, 1) if width >= ROOMY else 0
    return Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=padding)
