"""A Comparison as two tables and a few sentences."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import NONE, Scale, compact, percent, ratio, span
from api.terminal.plans import LIMITS, ROOMY, show_list
from optimizer import Comparison, Difference, Move, sure

SHOWN_MOVES = 12
SHOWN_REASONS = 5
TRIFLE = 0.05  # of the largest move: a smaller one needs no reason
SAME = 0.011  # currency; apart by no more than rounding to the cent
NAMES = {2: "Two", 3: "Three", 4: "Four"}


def show_comparison(found: Comparison, console: Console) -> None:
    """Print a comparison: totals, differences, moves, reasons."""
    each = f", per {found.period}" if found.per == "period" else ""
    money = f", {found.currency}" if found.currency else ""
    console.print(f"{NAMES[len(found.plans)]} plans side by side{escape(money)}{each}\n")
    console.print(_totals(found, console.width))
    console.print()
    for difference in found.differences:
        console.print(difference.statement, markup=False, highlight=False)
    _show_moves(found, console)
    for heading, lines in (
        ("Why", list(_reasons(found))),
        ("What else differs", [setting.statement for setting in found.settings]),
        ("Read with care", [note.message for note in found.notes]),
    ):
        if lines:
            console.print(f"\n[bold]{heading}[/bold]")
            show_list(lines, console)


def _table(width: int) -> Table:
    padding = (0, 1) if width >= ROOMY else 0
    return Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=padding)


def _totals(found: Comparison, width: int) -> Table:
    """Each plan in a column of its own: what it brings, and what more than the first."""
    table = _table(width)
    table.add_column("")
    for plan in found.plans:
        table.add_column(escape(plan.label), justify="right", overflow="fold", min_width=7)
    money = Scale.of([plan.spend for plan in found.plans], None)
    scaled = f" ({money.unit})" if money.unit else ""
    table.add_row(f"spend{scaled}", *(f"[bold]{money(plan.spend)}[/bold]" for plan in found.plans))
    for name in ("revenue", "profit"):
        figures = [getattr(plan, name) for plan in found.plans]
        _add_figure(table, name, [compact(f.mean) for f in figures], _spans(figures))
    figures = [plan.romi for plan in found.plans]
    _add_figure(table, "ROMI", [ratio(f.mean) for f in figures], [])
    table.add_section()
    _add_differences(table, found)
    return table


def _add_figure(table: Table, name: str, means: list[str], ends: list[str]) -> None:
    """A row of means and, where there are intervals, a row of those under it."""
    table.add_row(name, *means)
    if any(end not in (NONE, "") for end in ends):
        table.add_row("[dim]  90 %[/dim]", *(f"[dim]{end}[/dim]" for end in ends))


def _spans(figures: list[object]) -> list[str]:
    return [span(getattr(f, "p05", None), getattr(f, "p95", None)) for f in figures]


def _add_differences(table: Table, found: Comparison) -> None:
    """What each plan brings more than the first, and how sure that is."""
    first = found.plans[0].label
    table.add_row(f"[dim]against {escape(first)}[/dim]")
    for name, gains in _gains(found):
        means = [_with_sign(gain.mean) for gain in gains]
        ends = [span(gain.p05, gain.p95) for gain in gains]
        _add_figure(table, name, ["", *means], ["", *ends])
        chances = [gain.probability_positive for gain in gains]
        if any(chance is not None for chance in chances):
            said = [NONE if chance is None else sure(chance) for chance in chances]
            table.add_row("[dim]  chance of more[/dim]", "", *said)


def _gains(found: Comparison) -> Iterator[tuple[str, list[Difference]]]:
    """What plans are told apart by, and how far each of the others is from the first."""
    yield "revenue", [difference.revenue for difference in found.differences]
    yield "profit", [difference.profit for difference in found.differences]
    judged = [difference.objective for difference in found.differences]
    if found.plans[0].objective == "customer_value" and None not in judged:
        yield "customer value", [gain for gain in judged if gain is not None]


def _with_sign(amount: float | None) -> str:
    text = compact(amount)
    return f"+{text}" if amount is not None and amount > 0.0 else text


def _show_moves(found: Comparison, console: Console) -> None:
    """The cells whose money moves most."""
    moved = [move for move in found.rows if move.largest >= SAME]
    if not moved:
        console.print("\nEvery channel gets the same in all of them.")
        return
    shown, hidden = moved[:SHOWN_MOVES], moved[SHOWN_MOVES:]
    console.print("\n[bold]What moved[/bold], largest first\n")
    console.print(_moves(found, shown, console.width))
    if hidden:
        rest = sum(move.largest for move in hidden)
        console.print(
            f"[dim]And {len(hidden)} more, {compact(rest)} in all; --json lists them.[/dim]"
        )


def _moves(found: Comparison, moves: list[Move], width: int) -> Table:
    table = _table(width)
    by_market = any(move.market is not None for move in moves)
    table.add_column("channel", overflow="fold", min_width=7)
    if by_market:
        table.add_column("market", overflow="fold", min_width=6)
    money = Scale.of([spend or 0.0 for move in moves for spend in move.spend], None)
    marginal = len(found.plans) == 2
    for i, label in enumerate(found.labels):
        table.add_column(escape(label), justify="right", overflow="fold", min_width=6)
        if i:
            table.add_column("moved", justify="right", no_wrap=True)
    if marginal:
        table.add_column("next ROMI", justify="right", no_wrap=True)
        table.add_column("limit")
    for move in moves:
        cells = [escape(move.channel), *([escape(move.market or NONE)] if by_market else [])]
        for i, spend in enumerate(move.spend):
            cells.append(NONE if spend is None else money(spend))
            if i:
                cells.append(_moved(move, i, money, marginal))
        if marginal:
            cells += [_arrow(*map(ratio, move.marginal_romi)), _limit(move)]
        table.add_row(*cells)
    return table


def _moved(move: Move, place: int, money: Scale, roomy: bool) -> str:
    """Money moved against the first plan, coloured; in percent where columns are many."""
    amount, before = move.moved[place], move.spend[0] or 0.0
    style = "green" if amount >= SAME else "red" if amount <= -SAME else "dim"
    if roomy:
        text = f"+{money(amount)}" if amount > 0.0 else money(amount)
    else:
        text = percent(amount / before if before > 0.0 else None) if amount else "0 %"
    return f"[{style}]{text}[/{style}]"


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _limit(move: Move) -> str:
    names = [LIMITS.get(limit or "", NONE) for limit in move.binding]
    return "" if set(names) == {NONE} else _arrow(*names)


def _reasons(found: Comparison) -> Iterator[str]:
    """Why the largest moves were made, plan by plan."""
    several = len(found.plans) > 2
    for i, label in enumerate(found.labels[1:], start=1):
        moved = [(abs(move.moved[i]), move) for move in found.rows if move.why[i] is not None]
        largest = max((amount for amount, _ in moved), default=0.0)
        told = [pair for pair in moved if pair[0] >= TRIFLE * largest]
        for _, move in sorted(told, key=itemgetter(0), reverse=True)[:SHOWN_REASONS]:
            where = f" in {label}" if several else ""
            yield f"{move.name}{where}, {_with_sign(move.moved[i])}: {move.why[i]}."
