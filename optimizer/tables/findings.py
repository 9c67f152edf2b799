"""Findings: what was noticed while a history was read or checked, and the error that carries them.

A reader collects findings in a :class:`Notebook` and raises once, with every fatal finding, when
it can go no further: the planner mends the file in one go rather than one fault at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from optimizer.errors import HistoryError

SHOWN = 8  # findings written out in an error's text; the rest are counted
SHOWN_PER_KIND = 5  # findings of one kind kept row by row; the rest become one summary


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
    """A history has fatal findings; all of them are carried, the first few are in the text."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)
        self.findings = findings

    def __str__(self) -> str:
        lines = [str(finding) for finding in self.findings[:SHOWN]]
        hidden = len(self.findings) - len(lines)
        if len(self.findings) == 1:
            return f"The history cannot be used. {lines[0]}"
        head = f"The history cannot be used, for {len(self.findings)} reasons:"
        tail = [f"and {hidden} more."] if hidden else []
        return "\n  ".join([head, *lines, *tail])


@dataclass(slots=True)
class Notebook:
    """Findings collected while one history is read."""

    findings: list[Finding] = field(default_factory=list)

    def fatal(
        self,
        code: str,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        file: str | None = None,
    ) -> None:
        """Write down something that makes the history unusable."""
        self.findings.append(Finding(code, Severity.FATAL, message, row, column, file))

    def warning(
        self,
        code: str,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        file: str | None = None,
    ) -> None:
        """Write down something a planner should look at; planning goes on."""
        self.findings.append(Finding(code, Severity.WARNING, message, row, column, file))

    def note(
        self,
        code: str,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        file: str | None = None,
    ) -> None:
        """Write down something that was done and needs no answer."""
        self.findings.append(Finding(code, Severity.NOTE, message, row, column, file))

    def warn_each(self, found: Iterable[Finding], summary: str) -> None:
        """Keep the first few findings of a kind; one more counts the rest (``{n}`` in summary)."""
        listed = list(found)
        self.findings.extend(listed[:SHOWN_PER_KIND])
        hidden = len(listed) - SHOWN_PER_KIND
        if hidden > 0:
            first = listed[0]
            self.findings.append(
                Finding(first.code, first.severity, summary.format(n=hidden), file=first.file)
            )

    def raise_if_fatal(self) -> None:
        """Raise one error with every fatal finding so far, if there is any."""
        fatal = tuple(found for found in self.findings if found.severity is Severity.FATAL)
        if fatal:
            raise UnusableHistoryError(fatal)
