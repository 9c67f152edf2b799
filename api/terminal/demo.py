"""What `romi demo` prints: the history, the fit, the plan, and where to go from here."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from api.terminal.histories import about_the_whole, describe, show_findings, verdict
from api.terminal.plans import show_list, show_plan
from optimizer import History, Model, Plan


@dataclass(frozen=True)
class Way:
    """The whole way from a history to a plan."""

    history: History
    model: Model
    fit_seconds: float
    plan: Plan


def show_demo(way: Way, copied_to: Path | None, console: Console) -> None:
    """Print what was seen on the way."""
    findings = way.history.findings
    console.print(f"[bold]History[/bold]: {describe(way.history)}; {verdict(findings)}.")
    show_findings(findings, console)
    curves, draws = len(way.model.channels), way.model.n_draws
    spent = f"{way.fit_seconds:.1f} s"
    console.print(f"[bold]Fit[/bold]: {curves} curves with {draws} draws each, in {spent}.")
    show_list(about_the_whole(way.model), console)
    console.print()
    show_plan(way.plan, console)
    _show_next(copied_to, console)


def _show_next(copied_to: Path | None, console: Console) -> None:
    folder = copied_to or Path("example")
    steps = [
        (f"romi plan {folder / 'scenario.yaml'}", "after changing its budget or bounds"),
        ("romi check your.csv", "what romi makes of your own history"),
        ("romi plan your.yaml -o plan.csv", "a scenario that names it"),
    ]
    if copied_to is None:
        steps.insert(0, (f"romi demo --copy-to {folder}", "the example's files, to edit"))
    if (activation := way_to_romi(Path(sys.prefix), os.environ.get("PATH", ""))) is not None:
        steps.insert(0, (activation, "once per terminal: it then knows `romi`"))
    width = max(len(command) for command, _ in steps)
    console.print("\n[bold]Next[/bold]")
    for command, why in steps:
        console.print(f"  {command:<{width}}   {why}", markup=False, soft_wrap=True)


def way_to_romi(environment: Path, path: str) -> str | None:
    """What makes a terminal know the command; None where it does.

    Examples
    --------
    >>> way_to_romi(Path("/nowhere/.venv"), "/usr/bin") is None
    True
    """
    script = environment / "bin" / "activate"
    found = shutil.which("romi", path=path)
    if not script.is_file() or (found and Path(found).parent == script.parent):
        return None
    with contextlib.suppress(ValueError):
        script = script.relative_to(Path.cwd())
    return f"source {script}"
