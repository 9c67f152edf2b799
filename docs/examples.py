"""Run the README's examples and put their output into it: `python -m docs.examples`.

A block that starts with ```` ```console ```` and `$ romi ...` holds that command's own output.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from api.cli import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n\$ romi (?P<command>[^\n]+)\n(?P<output>.*?)```", re.DOTALL)


def output_of(command: str) -> str:
    """What a command prints on an 80-column terminal without colours."""
    arguments = shlex.split(command)
    printed = CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "NO_COLOR": "1"}).stdout
    return "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"


def main() -> None:
    """Rewrite every example's output; run from the project's folder."""

    def renewed(block: re.Match[str]) -> str:
        return f"```console\n$ romi {block['command']}\n{output_of(block['command'])}```"

    README.write_text(CONSOLE.sub(renewed, README.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
