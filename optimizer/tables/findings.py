"""Findings: what was noticed while a history was read or checked, and the error that carries them.

A reader collects findings in a :class:`Notebook` and raises once, with every fatal finding, when
it can go no further: the planner mends the file in one go rather than one fault at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import SupportsInt, TypedDict, Unpack

from optimizer.errors import HistoryError

SHOWN = 8  # findings written out in an error's text; the rest are counted
SHOWN_PER_KIND = 5  # findings of one kind kept row by row; the rest become one summary
NEARLY_ALL = 0.9  # share of a column's cells that fail alike: the column is wrong, not its cells
ROLES = "roles"  # the code of the note on which column was taken for what


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "period"), counted(2, "period")
    ('1 period', '2 periods')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def there_are(periods: int) -> str:
    """How many periods there are."""
    return f"there {'is' if periods == 1 else 'are'} {counted(periods, 'period')}"


def stopped(sentence: str) -> str:
    """A sentence with its stop, unless it ends as a question.

    Examples
    --------
    >>> stopped("known: tv"), stopped('did you mean "tv"?')
    ('known: tv.', 'did you mean "tv"?')
    """
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


class Severity(StrEnum):
    """What a finding means for planning."""

    FATAL = "fatal"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed in a history: where, how bad, what was done about it."""

    code: str  # snake_case, stable: "missing_period", "duplicate_row", "outlier", ...
    severity: Severity
    message: str  # one sentence a planner understands, ends with what was done or what to do
    row: int | None = None  # 1-based row of the file, header is row 1; None: not one row
    column: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        places = (
            self.file,
            None if self.row is None else f"row {self.row}",
            None if self.column is None else f'column "{self.column}"',
        )
        where = ", ".join(place for place in places if place)
        return f"{where}: {self.message}" if where else self.message


class UnusableHistoryError(HistoryError):
    """A history has fatal findings: all are carried, the first few are in the text.

    The notes on which column was taken for what come after them.
    """

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)
        self.findings = findings

    def __str__(self) -> str:
        fatal = [found for found in self.findings if found.severity is Severity.FATAL]
        lines = [str(finding) for finding in fatal[:SHOWN]]
        hidden = len(fatal) - len(lines)
        if len(fatal) == 1:
            return f"The history cannot be used: {lines[0]}"
        head = f"The history cannot be used, for {len(fatal)} reasons:"
        tail = [f"and {hidden} more."] if hidden else []
        return "\n  ".join([head, *lines, *tail])


def fatal(code: str, message: str, row: SupportsInt, column: str, file: str | None) -> Finding:
    """A fault of one cell."""
    return Finding(code, Severity.FATAL, message, int(row), column, file)


class Place(TypedDict, total=False):
    """Where a finding was made."""

    row: int | None
    column: str | None
    file: str | None


@dataclass(slots=True)
class Notebook:
    """Findings collected while one history is read."""

    findings: list[Finding] = field(default_factory=list)

    def fatal(self, code: str, message: str, **place: Unpack[Place]) -> None:
        """Write down something that makes the history unusable."""
        self.findings.append(Finding(code, Severity.FATAL, message, **place))

    def warning(self, code: str, message: str, **place: Unpack[Place]) -> None:
        """Write down something a planner should look at; planning goes on."""
        self.findings.append(Finding(code, Severity.WARNING, message, **place))

    def note(self, code: str, message: str, **place: Unpack[Place]) -> None:
        """Write down something that was done and needs no answer."""
        self.findings.append(Finding(code, Severity.NOTE, message, **place))

    def fatal_each(self, found: Sequence[Finding], of: int, whole: str) -> None:
        """Keep the faults of a column's rows, or one where nearly all `of` them fail alike."""
        if len(found) > SHOWN and len(found) >= NEARLY_ALL * of:
            found = [replace(found[0], message=whole, row=None)]
        self.findings.extend(found)

    def warn_each(self, found: Iterable[Finding], summary: str) -> None:
        """Keep the first few findings of a kind; one more counts the rest (``{n}`` in summary)."""
        listed = list(found)
        shown = len(listed) if len(listed) == SHOWN_PER_KIND + 1 else SHOWN_PER_KIND
        self.findings.extend(listed[:shown])
        hidden = len(listed) - shown
        if hidden > 0:
            first = listed[0]
            self.findings.append(
                Finding(first.code, first.severity, summary.format(n=hidden), file=first.file)
            )

    def raise_if_fatal(self) -> None:
        """Raise one error with every fatal finding so far, if there is any."""
        fatal = tuple(found for found in self.findings if found.severity is Severity.FATAL)
        if fatal:
            roles = (found for found in self.findings if found.code == ROLES)
            raise UnusableHistoryError((*fatal, *roles))
