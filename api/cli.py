"""The command line: one command per verb; stdout carries data, stderr everything else.

The verbs are functions in `api.commands`, where slow libraries are imported inside them, so that
`romi --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from api.commands import service
from api.commands.compare import compare
from api.commands.customers import customers
from api.commands.demo import demo
from api.commands.experiment import experiment
from api.commands.frontier import frontier
from api.commands.histories import check, fit
from api.commands.plans import plan, what_if
from api.commands.questions import SERVER
from api.errors import told

app = typer.Typer(
    help="Split a marketing budget, with the doubt and the proof.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_debug: ContextVar[bool] = ContextVar("debug", default=False)


def _command(function: Callable[..., None]) -> None:
    """Register a command whose failures end in one sentence and an exit code."""
    app.command(function.__name__.replace("_", "-"))(_telling(function))


def _telling(function: Callable[..., None]) -> Callable[..., None]:
    """A function whose failures end in one sentence and an exit code."""

    @wraps(function)
    def command(*args: Any, **kwargs: Any) -> None:
        with told(_debug.get()):
            function(*args, **kwargs)

    return command


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"romi {version('romi')}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
    version: Annotated[  # noqa: ARG001  (answered by its callback)
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="ROMI_SERVER",
            help="Have a service fit and plan; its key is read from ROMI_KEY.",
        ),
    ] = None,
) -> None:
    _debug.set(debug)
    SERVER.set(server)


#: In the order of the help.
VERBS = (demo, check, fit, plan, what_if, compare, frontier, experiment, customers, *service.VERBS)

for _verb in VERBS:
    _command(_verb)
for _name, (_help, _verbs) in service.GROUPS.items():
    _group = typer.Typer(help=_help, no_args_is_help=True)
    for _deed in _verbs:
        _group.command(_deed.__name__.split("_")[0])(_telling(_deed))
    app.add_typer(_group, name=_name)


def main() -> None:
    """The entry point of the command `romi`."""
    for library in ("OPENBLAS", "OMP", "MKL"):  # matrices here are small: threads cost, not gain
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="plainly")  # a terminal without dashes shows hyphens
    app()


if __name__ == "__main__":
    main()
