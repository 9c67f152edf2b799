"""A History's findings and a fitted Model's diagnostics as tables and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.terminal.figures import NONE, Scale, compact, listed, ratio
from api.terminal.funnels import funnel_as_data, show_funnel
from api.terminal.plans import grouped, show_list
from optimizer import Diagnostic, Finding, History, Model, Severity

FloatArray = npt.NDArray[np.float64]
COLOURS = {Severity.FATAL: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}
FINDING_COLUMNS = ("severity", "code", "file", "row", "column", "message")
WIDEST_PLACE = 24  # characters
ROLES = "roles"  # which column was taken for what: told before all else, and no finding to count
MOST_OF_A_KIND = 8  # findings of one code in a table
CODES_OF_THE_WHOLE = (
    "structure",
    "structure_chosen",
    "incremental",
    "r_squared",
    "holdout_error",
    "naive_forecasts",
    "lift_test",
    "calibrated",
    "best_test",
)


def describe(history: History) -> str:
    """A history in one line: periods, dates, channels, markets."""
    periods, channels = len(history.dates), listed(history.channels)
    first, last = history.dates[0].date(), history.dates[-1].date()
    markets = len([market for market in history.markets if market is not None])
    where = f" in {markets} markets" if markets > 1 else ""
    unit = f", {history.currency}" if history.currency else ""
    return (
        f"{periods} {history.spacing.value}s from {first} to {last}{where}{unit}, "
        f"{history.layout}; channels {channels}"
    )


def verdict(findings: Sequence[Finding]) -> str:
    """One line on whether a history can be used.

    Examples
    --------
    >>> verdict([])
    'usable, nothing found'
    """
    counts = Counter(finding.severity for finding in findings if finding.code != ROLES)
    words = {Severity.FATAL: "fatal fault", Severity.WARNING: "warning", Severity.NOTE: "note"}
    parts = [
        f"{counts[kind]} {word}{'s'[: counts[kind] != 1]}"
        for kind, word in words.items()
        if counts[kind]
    ]
    usable = "not usable" if counts[Severity.FATAL] else "usable"
    return f"{usable}, {listed(parts) if parts else 'nothing found'}"


def show_check(
    names: str, history: History | None, findings: Sequence[Finding], console: Console
) -> None:
    """Print what was found in a history, and whether it can be used."""
    if history is not None:
        console.print(f"{describe(history)}\n", markup=False)
    for roles in (found for found in findings if found.code == ROLES):
        whose = f"Columns of {roles.file}" if roles.file else "Columns"
        console.print(f"{whose}: {roles.message}\n", markup=False, highlight=False)
    if history is not None:
        show_funnel(funnel_as_data(history), console)
    show_findings(findings, console)
    console.print(f"{names}: {verdict(findings)}.", markup=False)


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print findings as a table, the worst first, and of many of one kind a few."""
    told = [finding for finding in findings if finding.code != ROLES]
    if not told:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("severity", no_wrap=True)
    table.add_column("where", overflow="fold", max_width=WIDEST_PLACE)
    table.add_column("what", overflow="fold")
    several = len({finding.file for finding in told if finding.file}) > 1
    order = list(COLOURS)
    for kind in _kinds(sorted(told, key=lambda found: order.index(found.severity))):
        colour = COLOURS[kind[0].severity]
        severity = f"[{colour}]{kind[0].severity}[/{colour}]"
        for finding in kind[:MOST_OF_A_KIND]:
            where = escape(place(finding, with_file=several))
            table.add_row(severity, where, escape(finding.message))
        if len(kind) > MOST_OF_A_KIND:
            table.add_row(severity, "", f"and {len(kind) - MOST_OF_A_KIND} more of this kind.")
    console.print(table)
    console.print()


def _kinds(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings in their order, those too many to list gathered by severity and code."""
    counts = Counter((finding.severity, finding.code) for finding in findings)
    kinds: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        many = counts[finding.severity, finding.code] > MOST_OF_A_KIND
        kinds.setdefault((finding.severity, finding.code) if many else number, []).append(finding)
    return list(kinds.values())


def findings_as_data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as plain records; first which column was taken for what."""
    return [
        {name: getattr(found, name) for name in FINDING_COLUMNS} | {"severity": str(found.severity)}
        for found in sorted(findings, key=lambda found: found.code != ROLES)
    ]


def place(finding: Finding, *, with_file: bool) -> str:
    """Where a finding was made; its file only where there are several."""
    row = None if finding.row is None else f"row {finding.row}"
    parts = [part for part in (finding.file if with_file else None, row, finding.column) if part]
    return ", ".join(parts) or "whole history"


def show_fit(model: Model, history: History, console: Console) -> None:
    """Print a fitted model: a row per curve, then what the fit says about itself."""
    console.print(f"{describe(history)}\n", markup=False)
    console.print(_curves(model))
    console.print()
    show_funnel(funnel_as_data(history), console)
    for sentence in about_the_whole(model):
        console.print(sentence, highlight=False, markup=False)
    warnings = [note for note in _diagnostics(model) if note.severity == "warning"]
    if warnings:
        console.print("\n[bold yellow]Before you rely on it[/bold yellow]")
        show_list(grouped(warnings), console)


def about_the_whole(model: Model) -> list[str]:
    """What the fit says about the whole of its history, in sentences."""
    notes = [note for note in _diagnostics(model) if note.code in CODES_OF_THE_WHOLE]
    return [
        note.message if note.market is None else f"{note.market}: {note.message}" for note in notes
    ]


def _diagnostics(model: Model) -> Sequence[Diagnostic]:
    return model.fit.diagnostics if model.fit else ()


def _curves(model: Model) -> Table:
    """Per curve: spend, what it returns there, how well that is known, where it saturates."""
    spend = np.array([entry.history_spend_per_period or 0.0 for entry in model.channels])
    response, money = model.response(spend), Scale.of(spend, model.currency)
    notes = _diagnostics(model)
    still = {(n.channel, n.market) for n in notes if n.code == "constant_spend"}
    learned = {
        (n.channel, n.market): n.value
        for n in notes
        if n.code == "learned_share" and (n.channel, n.market) not in still
    }
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("\nchannel", overflow="fold")
    for heading in (
        f"spend a {model.period}\n{money.unit}",
        "revenue per unit\nof spend (ROAS)",
        "90 %\ninterval",
        "learned from\nthe history",
        f"half of the most\nis earned at, {money.unit}",
    ):
        table.add_column(heading, justify="right")
    for i, entry in enumerate(model.channels):
        name = entry.channel if entry.market is None else f"{entry.channel} in {entry.market}"
        share = learned.get((entry.channel, entry.market))
        returned = response[:, i] / spend[i] if spend[i] > 0.0 else np.array([np.nan])
        half = np.mean(getattr(entry.curve, "half_saturation", np.nan))
        table.add_row(
            escape(name),
            money(float(spend[i])),
            ratio(_finite(returned.mean())),
            _span(returned),
            "" if share is None else f"{100.0 * share:.0f} %",
            compact(_finite(half)),
        )
    return table


def _finite(value: float | np.floating[Any]) -> float | None:
    return float(value) if np.isfinite(value) else None


def _span(draws: FloatArray) -> str:
    """The 90 % interval of a return."""
    if draws.size == 1 or not np.all(np.isfinite(draws)):
        return NONE
    low, high = np.quantile(draws, (0.05, 0.95))
    return f"{ratio(low)}–{ratio(high)}"
