"""A Plan as a table and a few sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import NONE, Scale, compact, listed, percent, ratio, span, sure
from optimizer import AllocationRow, Diagnostic, Plan, PlanWarning

LIMITS = {"minimum": "min", "maximum": "max", "locked": "locked", "excluded": "out"}
SHOWN_PRICES = 3
SHOWN_ALIKE = 3
SAME = 0.011  # currency; apart by no more than rounding to the cent
ROOMY = 100  # characters; a narrower terminal gets a tighter table


def show_plan(plan: Plan, console: Console) -> None:
    """Print a plan: the table, what it brings, its proof, its warnings."""
    console.print(_title(plan))
    console.print(_table(plan, console.width))
    console.print()
    for sentence in (*_gain(plan), *_proof(plan), *_prices(plan)):
        console.print(sentence, highlight=False, markup=False)
    _show_warnings(plan, console)


def _title(plan: Plan) -> str:
    what = "best split" if plan.certificate else "split given"
    what = f"[bold]{escape(plan.name)}[/bold]: the {what}" if plan.name else f"The {what}"
    starting = f" from {plan.start}" if plan.start else ""
    length = f"{plan.periods} {plan.period}{'s'[: plan.periods != 1]}{starting}"
    return f"{what}, judged by {plan.objective}, {length}\n"


def _table(plan: Plan, width: int) -> Table:
    amounts = [amount for row in plan.rows for amount in (row.spend, row.current_spend)]
    money = Scale.of([*amounts, plan.totals.spend], plan.currency)
    by_market = any(row.market is not None for row in plan.rows)
    table = Table(
        box=box.SIMPLE,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1) if width >= ROOMY else 0,
        show_footer=True,
    )
    table.add_column("\nchannel", "total", overflow="fold", min_width=7, footer_style="bold")
    if by_market:
        table.add_column("\nmarket", overflow="fold", min_width=6)
    for heading, total in zip(
        _headings(plan, money, width), _total_figures(plan, money), strict=True
    ):
        right = not heading.endswith("limit")
        table.add_column(
            heading, total, justify="right" if right else "left", no_wrap=True, footer_style="bold"
        )
    for row in plan.rows:
        name = [escape(row.channel), *([escape(row.market or NONE)] if by_market else [])]
        table.add_row(*name, *_row_figures(row, money))
    return table


def _headings(plan: Plan, money: Scale, width: int) -> tuple[str, ...]:
    return (
        f"now\n{money.unit}",
        f"{'plan' if plan.certificate else 'split'}\n{money.unit}",
        "\nchange",
        f"revenue\n{plan.currency or ''}",
        "90 %\ninterval",
        "\nROMI",
        f"{'marginal' if width >= ROOMY else 'next'}\nROMI",
        "\nlimit",
    )


def _row_figures(row: AllocationRow, money: Scale) -> tuple[str, ...]:
    change = row.change if row.current_spend > 0.0 or row.spend > 0.0 else 0.0
    style = "green" if (change or 0.0) > 0.005 else "red" if (change or 0.0) < -0.005 else "dim"
    return (
        money(row.current_spend),
        f"[bold]{money(row.spend)}[/bold]",
        f"[{style}]{percent(change)}[/{style}]",
        compact(row.response.mean),
        f"[dim]{span(row.response.p05, row.response.p95)}[/dim]",
        ratio(row.romi),
        ratio(row.marginal_romi),
        LIMITS.get(row.binding or "", ""),
    )


def _total_figures(plan: Plan, money: Scale) -> tuple[str, ...]:
    revenue = plan.totals.revenue
    return (
        money(sum(row.current_spend for row in plan.rows)),
        money(plan.totals.spend),
        "",
        compact(revenue.mean),
        span(revenue.p05, revenue.p95),
        ratio(plan.totals.romi.mean),
        "",
        "",
    )


def _gain(plan: Plan) -> Iterator[str]:
    """The uplift, in plain words."""
    uplift, unit = plan.totals.uplift, f"{plan.currency} " if plan.currency else ""
    kind = "profit" if plan.objective == "profit" else "revenue"
    if all(abs(row.spend - row.current_spend) < SAME for row in plan.rows):
        yield "Gain: none to expect, because this is the current split."
        return
    gain = f"Gain over the current split: {compact(uplift.mean)} {unit}of {kind}"
    if uplift.p05 is None or uplift.probability_positive is None:
        yield f"{gain}; how sure that is cannot be said without draws."
        return
    if uplift.p05 == uplift.p95:
        yield f"{gain}, the same under every draw."
        return
    yield (
        f"{gain} (90 % interval {span(uplift.p05, uplift.p95)}); "
        f"{sure(uplift.probability_positive)} sure it beats the current split."
    )


def _proof(plan: Plan) -> Iterator[str]:
    if plan.certificate is not None:
        yield f"Proof: {plan.certificate.statement} (by {plan.route})."


def _prices(plan: Plan) -> Iterator[str]:
    """What the budget, and the limits that cost most, are worth."""
    budget = [entry for entry in plan.shadow_prices if entry.constraint == "budget"]
    limits = [entry for entry in plan.shadow_prices if entry.constraint != "budget"]
    for entry in budget:
        yield f"Budget: {entry.statement}."
    dearest = sorted(limits, key=lambda entry: -entry.price)[:SHOWN_PRICES]
    for entry in dearest:
        if entry.price > 0.005:
            yield f"Limit: {entry.statement}."


def _show_warnings(plan: Plan, console: Console) -> None:
    if plan.warnings:
        console.print("\n[bold yellow]Before you act on it[/bold yellow]")
        show_list(grouped(plan.warnings), console)


def show_list(sentences: Iterable[str], console: Console) -> None:
    """Print sentences one under the other, each wrapped under its own dash."""
    for sentence in sentences:
        for line in wrap(sentence, console.width, initial_indent="  - ", subsequent_indent="    "):
            console.print(line, markup=False, highlight=False)


def grouped(warnings: Iterable[PlanWarning | Diagnostic]) -> list[str]:
    """Warnings as sentences, those of one kind together so that none drowns the others."""
    kinds: dict[str, list[PlanWarning | Diagnostic]] = {}
    for warning in warnings:
        kinds.setdefault(warning.code, []).append(warning)
    return [sentence for alike in kinds.values() for sentence in _said_once(alike)]


def _said_once(alike: Sequence[PlanWarning | Diagnostic]) -> Iterator[str]:
    """Sentences that differ in the channel alone become one; of others, the first few."""
    cells: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for warning in alike:
        channel = warning.channel or ""
        template = warning.message.replace(channel, "{}") if channel else warning.message
        where = f" in {warning.market}" if warning.market else ""
        cells.setdefault(template, []).append(channel + where)
        first.setdefault(template, warning.message)
    for template in list(cells)[:SHOWN_ALIKE]:
        others = list(dict.fromkeys(cells[template]))[1:]
        more = f" The same holds for {listed(others)}." if others else ""
        yield first[template] + more
    hidden = len(cells) - SHOWN_ALIKE
    if hidden > 0:
        yield f"And {hidden} more of this kind; --json lists them all."
