"""Answers on their way out: tables for people, JSON and CSV for scripts, on stdout or in a file."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from api.errors import MisuseError
from optimizer import FileError, write_whole

TABULAR = (".json", ".csv")
PLAN_KINDS = (*TABULAR, ".xlsx")
REPORT_KINDS = (*PLAN_KINDS, ".html")
NUMBERS = re.compile(r"\[\n\s+([^\[\]{}\"]*?)\s+\]")  # no text holds a raw line break
NARROWEST = 72  # characters; a narrower terminal wraps lines itself, and nothing is cut off
MONEY = ("spend", "per_period", "current_spend", "response")  # of a plan's rows
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def json_text(content: Any) -> str:
    """Plain data as JSON, one trailing newline; a list of numbers takes one line.

    Examples
    --------
    >>> print(json_text({"slope": [1.0, 1.5]}), end="")
    {
      "slope": [1.0, 1.5]
    }
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def csv_text(records: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """Records as CSV, nested ones in columns of their own; no cell can act as a formula.

    Examples
    --------
    >>> csv_text([{"channel": "=tv", "response": {"mean": 2.5}, "market": None}])
    "channel,response_mean,market\\n'=tv,2.5,\\n"
    >>> csv_text([], ["channel", "market"])
    'channel,market\\n'
    """
    rows = [dict(_flat(record)) for record in records]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]) if rows else columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def to_cents(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A plan's rows for a spreadsheet: money to the cent, ratios to six decimals.

    Examples
    --------
    >>> to_cents([{"spend": 5.004, "response": {"mean": 2.499999}, "romi": -0.50059952}])
    [{'spend': 5.0, 'response': {'mean': 2.5}, 'romi': -0.5006}]
    """
    return [
        {key: _rounded(value, 2 if key in MONEY else 6) for key, value in record.items()}
        for record in records
    ]


def _rounded(value: Any, decimals: int) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(part, decimals) for key, part in value.items()}
    return round(value, decimals) + 0.0 if isinstance(value, float) else value


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}_")
        else:
            yield prefix + key, _harmless(value)


def _harmless(value: Any) -> Any:
    """Text that a spreadsheet would run is quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


class _Console(Console):
    """A console whose reader may leave early."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def stdout_console(narrowest: int = NARROWEST) -> Console:
    """A console for what was asked for; colour and width as the terminal has them."""
    console = _Console(highlight=False)
    console.width = max(console.width, narrowest)
    return console


def _write_json(content: Any) -> None:
    """JSON on stdout, escaped where the stream could not hold a name."""
    text = json_text(content)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    sys.stdout.write(text)


class _UntilDone:
    """Done when its block ends, however it ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.done()

    def done(self) -> None:
        """Let go of what is held."""


class Voice(_UntilDone):
    """Tells on stderr what is being done: a bar on a terminal, plain lines elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None

    def progress(self, sentence: str) -> None:
        """What takes a moment, until the next sentence; its bar pulses until it advances."""
        if not self._console.is_terminal:
            self.say(sentence)
            return
        self.done()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24))
        self._bar = Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True)
        self._bar.add_task(escape(sentence), total=None)
        self._bar.start()

    def advance(self, share: float) -> None:
        """How much of it is done, 0 to 1."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], total=1.0, completed=share)

    def done(self) -> None:
        """Nothing takes a moment any more."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, sentence: str) -> None:
        """An aside."""
        self._console.print(escape(sentence))

    def warn(self, sentence: str) -> None:
        """An aside that matters."""
        self._console.print(f"[yellow]warning:[/yellow] {escape(sentence)}")


@dataclass(frozen=True)
class Answer:
    """What a command has found, in every form it can be written in."""

    content: Any  # plain data, ready for JSON
    records: Sequence[Mapping[str, Any]] = ()  # the rows of a CSV
    columns: Sequence[str] = ()  # its columns where there are no rows
    workbook: Callable[[], bytes] | None = None
    report: Callable[[], str] | None = None

    def written_as(self, kind: str) -> bytes:
        """The bytes of a file whose name ends so."""
        if kind == ".xlsx" and self.workbook is not None:
            return self.workbook()
        if kind == ".html" and self.report is not None:
            return self.report().encode()
        is_csv = kind == ".csv"
        text = csv_text(self.records, self.columns) if is_csv else json_text(self.content)
        return text.encode()


class Delivery(_UntilDone):
    """Where an answer goes, and who is told meanwhile; made before any work is done for it.

    Parameters
    ----------
    as_json : bool
        Print the document instead of the table.
    output : Path or None
        Write the answer there as well, in the format its name ends in.
    quiet : bool
        Say nothing on stderr; and with an output file, nothing on stdout either.
    kinds : tuple of str
        Endings this answer can be written in.

    Raises
    ------
    MisuseError
        The output's ending names no format.
    FileError
        Its folder does not exist.
    """

    def __init__(
        self, *, as_json: bool, output: Path | None, quiet: bool, kinds: tuple[str, ...] = TABULAR
    ) -> None:
        self.voice = Voice(quiet=quiet)
        self.shows_table = not as_json and not (quiet and output is not None)
        self._as_json, self._output = as_json, output
        self._at_end: list[Callable[[], None]] = []
        if output is not None:
            _refuse_unfit(output, kinds)

    def at_end(self, leave: Callable[[], None]) -> None:
        """Have this done when the command ends, however it does."""
        self._at_end.append(leave)

    def done(self) -> None:
        """Everything is handed over."""
        self.voice.done()
        while self._at_end:
            self._at_end.pop()()

    def hand_over(
        self, answer: Answer, show: Callable[[Console], None], narrowest: int = NARROWEST
    ) -> None:
        """Deliver an answer: as a file, as JSON, or as its picture for people."""
        self.voice.done()
        if self._output is not None:
            write_whole(self._output, answer.written_as(self._output.suffix.lower()))
        if self._as_json:
            _write_json(answer.content)
        elif self.shows_table:
            show(stdout_console(narrowest))
        sys.stdout.flush()
        if self._output is not None:
            self.voice.say(f"Wrote {self._output}.")


def document_writer(path: Path, option: str) -> Callable[[Any], None]:
    """What writes a document into a JSON file of its own; the file's name is checked at once.

    Raises
    ------
    MisuseError
        The name does not end in .json.
    FileError
        Its folder does not exist.
    """
    _refuse_unfit(path, (".json",), option)

    def write(document: Any) -> None:
        write_whole(path, json_text(document.to_dict()).encode())

    return write


def _refuse_unfit(output: Path, kinds: tuple[str, ...], option: str = "--output") -> None:
    if output.suffix.lower() not in kinds:
        ending = f'"{output.suffix}"' if output.suffix else "a name without an ending"
        raise MisuseError(
            f"{option} {output}: {ending} is no format of this command; known: {', '.join(kinds)}."
        )
    if not output.parent.is_dir():
        raise FileError(f"The folder {output.parent} does not exist. Create it first.")


def copy_folder(source: Path, folder: Path) -> None:
    """Copy a folder's files into another, made if missing; nothing there is overwritten."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise FileError(
            f"The folder {folder} could not be made ({wrong.strerror}). Choose another."
        ) from wrong
    files = sorted(file for file in source.iterdir() if file.is_file())
    taken = [file.name for file in files if (folder / file.name).exists()]
    if taken:
        raise FileError(f"{folder} already has {taken[0]}. Choose another folder.")
    for file in files:
        write_whole(folder / file.name, file.read_bytes())
