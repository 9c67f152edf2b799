"""A Plan as a table and a few sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.terminal.figures import NONE, Scale, compact, in_words, listed, percent, ratio, span
from optimizer import AllocationRow, Diagnostic, Plan, PlanWarning, sure

GAINS = {"profit": "profit", "customer_value": "customer value"}  # objective -> its money
LIMITS = {"minimum": "min", "maximum": "max", "locked": "locked", "excluded": "out"}
SHOWN_PRICES = 3
SHOWN_ALIKE = 3
NARROWEST_PLAN = 20  # characters
NOTICEABLE = 0.05  # marginal ROMI of free channels, the largest less the smallest
LEAST_SHOWN = 0.005  # of a unit of money
WIDEST = 10_000  # characters: what a table would take if it could
DISPENSABLE = ("interval", "next ROMI", "limit", "ROMI", "revenue", "now")  # first to go first
SAME = 0.011  # currency; apart by no more than rounding to the cent
ROOMY = 100  # characters; a narrower terminal gets a tighter table
DASH = "  - "


def show_plan(plan: Plan, console: Console) -> None:
    """Print a plan: the table, what it brings, its proof, its warnings."""
    console.print(_title(plan))
    table, left_out = _fitting_table(plan, console)
    console.print(table)
    if left_out:
        console.print(f"[dim]Too narrow here for: {', '.join(left_out)}.[/dim]")
    console.print()
    for sentence in (*_about_caution(plan), *_gain(plan), *_proof(plan), *_prices(plan)):
        console.print(sentence, highlight=False, markup=False)
    _show_warnings(plan, console)


def _title(plan: Plan) -> str:
    what = "best split" if plan.certificate else "split given"
    what = f"[bold]{escape(plan.name)}[/bold]: the {what}" if plan.name else f"The {what}"
    starting = f" from {plan.start}" if plan.start else ""
    length = f"{plan.periods} {plan.period}{'s'[: plan.periods != 1]}{starting}"
    return f"{what}, judged by {in_words(plan.objective)}, {length}\n"


def _fitting_table(plan: Plan, console: Console) -> tuple[Table, list[str]]:
    """The table with as many of its columns as fit, and the names of the others."""
    columns, left_out = _columns(plan, console.width), []
    table = _table(plan, columns, console.width)
    for name in DISPENSABLE:
        if console.measure(table, options=console.options.update(max_width=WIDEST)).maximum <= (
            console.width
        ):
            break
        columns = [column for column in columns if column.name != name]
        left_out.append(name)
        table = _table(plan, columns, console.width)
    return table, left_out


@dataclass(frozen=True)
class _Column:
    """A column of figures: its heading in two lines, its cells, its total."""

    name: str
    heading: str
    cells: list[str]
    total: str = ""


def _table(plan: Plan, columns: Sequence[_Column], width: int) -> Table:
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
    for column in columns:
        table.add_column(
            column.heading,
            column.total,
            justify="left" if column.name == "limit" else "right",
            no_wrap=True,
            footer_style="bold",
        )
    for i, row in enumerate(plan.rows):
        name = [escape(row.channel), *([escape(row.market or NONE)] if by_market else [])]
        table.add_row(*name, *(column.cells[i] for column in columns))
    return table


def _columns(plan: Plan, width: int) -> list[_Column]:
    """Every column of figures, in order."""
    rows, revenue = plan.rows, plan.totals.revenue
    amounts = [amount for row in rows for amount in (row.spend, row.current_spend)]
    money = Scale.of([*amounts, plan.totals.spend], plan.currency)
    now = [row.current_spend for row in rows]
    kind, following = (
        "plan" if plan.certificate else "split",
        "marginal" if width >= ROOMY else "next",
    )
    spans = [span(row.response.p05, row.response.p95) for row in rows]
    return [
        _Column("now", f"now\n{money.unit}", [money(amount) for amount in now], money(sum(now))),
        _Column(
            kind,
            f"{kind}\n{money.unit}",
            [f"[bold]{money(row.spend)}[/bold]" for row in rows],
            money(plan.totals.spend),
        ),
        _Column("change", "\nchange", [_change(row) for row in rows]),
        _Column(
            "revenue",
            "new\ncustomers" if plan.counts == "customers" else f"revenue\n{plan.currency or ''}",
            [compact(row.response.mean) for row in rows],
            compact(revenue.mean),
        ),
        _Column(
            "interval",
            "90 %\ninterval",
            [f"[dim]{ends}[/dim]" for ends in spans],
            span(revenue.p05, revenue.p95),
        ),
        _Column("ROMI", "\nROMI", [ratio(row.romi) for row in rows], ratio(plan.totals.romi.mean)),
        _Column("next ROMI", f"{following}\nROMI", [ratio(row.marginal_romi) for row in rows]),
        _Column("limit", "\nlimit", [LIMITS.get(row.binding or "", "") for row in rows]),
    ]


def _change(row: AllocationRow) -> str:
    change = row.change if row.current_spend > 0.0 or row.spend > 0.0 else 0.0
    style = "green" if (change or 0.0) > 0.005 else "red" if (change or 0.0) < -0.005 else "dim"
    return f"[{style}]{percent(change)}[/{style}]"


def _about_caution(plan: Plan) -> Iterator[str]:
    """Why free channels differ in what their next unit of money earns, where they do."""
    kept = any(warning.code == "keep_current" for warning in plan.warnings)
    free = [_judged_marginal(plan, row) for row in plan.rows if row.binding is None]
    earned = [value for value in free if value is not None]
    if plan.certificate is None or not _counts_doubt(plan) or kept or len(earned) < 2:
        return
    if max(earned) - min(earned) > NOTICEABLE:
        yield (
            f"Caution {plan.caution:g}: a channel that earns more on average but less surely gets "
            "less (caution: 0 judges by the mean alone)."
        )


def _counts_doubt(plan: Plan) -> bool:
    """Whether caution had any doubt to count."""
    return plan.caution > 0.0 and plan.totals.revenue.p05 is not None


def _judged_marginal(plan: Plan, row: AllocationRow) -> float | None:
    """What the next unit of money earns of what was maximised."""
    margin = _margin(row.response.mean, row.romi, row.spend)
    if row.marginal_romi is None or plan.objective != "revenue":
        return row.marginal_romi
    return None if margin is None else (row.marginal_romi + 1.0) / margin


def _margin(revenue: float | None, romi: float | None, spend: float) -> float | None:
    """The margin behind a ROMI."""
    return None if romi is None or not revenue else (romi + 1.0) * spend / revenue


def _gain(plan: Plan) -> Iterator[str]:
    """The uplift, in plain words."""
    uplift, unit = plan.totals.uplift, f"{plan.currency} " if plan.currency else ""
    kind = GAINS.get(plan.objective, "revenue")
    if all(abs(row.spend - row.current_spend) < SAME for row in plan.rows):
        yield "Gain: none to expect, because this is the current split."
        return
    mean, low, high, chance = (
        uplift.mean or 0.0,
        uplift.p05,
        uplift.p95,
        uplift.probability_positive,
    )
    if mean < 0.0:
        whose = "Your limits cost" if plan.certificate else "This split costs"
        gain = f"{whose} {compact(-mean)} {unit}of {kind} against the current split"
        low, high = (None, None) if low is None or high is None else (-high, -low)
    else:
        gain = f"Gain over the current split: {compact(mean)} {unit}of {kind}"
    if low is None or high is None or chance is None:
        yield f"{gain}; how sure that is cannot be said without draws."
    elif low == high:
        yield f"{gain}, the same under every draw."
    else:
        worse = f"{sure(1.0 - chance)} sure it is no better"
        verdict = worse if mean < 0.0 else f"{sure(chance)} sure it beats the current split"
        yield f"{gain} (90 % interval {span(low, high)}); {verdict}."


def _proof(plan: Plan) -> Iterator[str]:
    if plan.certificate is not None:
        yield f"Proof: {plan.certificate.statement} (by {plan.route})."


def _prices(plan: Plan) -> Iterator[str]:
    """What the budget, and the limits that cost most, are worth."""
    budget = [entry for entry in plan.shadow_prices if entry.constraint == "budget"]
    limits = [entry for entry in plan.shadow_prices if entry.constraint != "budget"]
    for entry in budget:
        yield f"Budget: {entry.statement}."
        free = [row.marginal_romi for row in plan.rows if row.binding is None]
        best = max((value for value in free if value is not None), default=0.0)
        if best < -LEAST_SHOWN:
            money = plan.currency or "unit of money"
            lost = f"at least {-best:.2f} on average" if _counts_doubt(plan) else f"{-best:.2f}"
            yield f"The last {money} loses {lost}: a smaller budget earns more profit."
    dearest = sorted(limits, key=lambda entry: -entry.price)[:SHOWN_PRICES]
    for entry in dearest:
        if entry.price > LEAST_SHOWN:
            yield f"Limit: {entry.statement}."


def _show_warnings(plan: Plan, console: Console) -> None:
    if plan.warnings:
        console.print("\n[bold yellow]Before you act on it[/bold yellow]")
        show_list(grouped(plan.warnings), console)


def show_list(sentences: Iterable[str], console: Console) -> None:
    """Print sentences one under the other, each wrapped under its own dash.

    Lines are as wide as a screen shows them: a Chinese letter takes two places.
    """
    for sentence in sentences:
        lines = Text(sentence).wrap(console, max(console.width - len(DASH), 1))
        for mark, line in zip(chain((DASH,), repeat(" " * len(DASH))), lines, strict=False):
            console.print(f"{mark}{line.plain.rstrip()}", markup=False, highlight=False)


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
        place = [channel, warning.market or ""]
        cells.setdefault(template, []).append(" in ".join(part for part in place if part))
        first.setdefault(template, warning.message)
    for template in list(cells)[:SHOWN_ALIKE]:
        others = list(dict.fromkeys(cells[template]))[1:]
        more = f" The same holds for {listed(others)}." if others else ""
        yield first[template] + more
    hidden = len(cells) - SHOWN_ALIKE
    if hidden > 0:
        yield f"And {hidden} more of this kind; --json lists them all."
