"""Everything that can go wrong, as one tree.

Each error carries its evidence as arguments (so that it pickles between processes) and its text
ends with what to try next. The core knows neither exit codes nor HTTP: the shell maps classes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

MOST_NAMED = 6  # limits that a sentence names


class OptimizerError(Exception):
    """Anything romi says no to, with what to do about it."""

    code = "optimizer_error"


class HistoryError(OptimizerError):
    """A history cannot be used as it stands."""

    code = "unusable_history"


class FitError(OptimizerError):
    """No curve could be found in this history."""

    code = "no_fit"


class FileError(OptimizerError):
    """A file is missing, unreadable or of the wrong kind."""

    code = "unusable_file"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a document: where it stands (a JSON pointer) and what is wrong."""

    pointer: str
    message: str

    def __str__(self) -> str:
        parts = self.pointer.removeprefix("/").split("/")
        where = ".".join(part.replace("~1", "/").replace("~0", "~") for part in parts)
        return f"{where}: {self.message}" if where else self.message


class DocumentError(OptimizerError):
    """A scenario, model or plan document has faults."""

    code = "faulty_document"

    def __init__(self, document: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(document, faults)
        self.document, self.faults = document, faults

    def __str__(self) -> str:
        head = f"The {self.document} has {len(self.faults)} faults:\n  "
        lines = [str(fault) for fault in self.faults]
        return f"The {self.document}: {lines[0]}" if len(lines) == 1 else head + "\n  ".join(lines)


class ProblemError(OptimizerError):
    """The question has no answer."""

    code = "no_answer"


@dataclass(frozen=True, slots=True)
class Relaxation:
    """By how much one limit gives: an upper one is raised, a lower one lowered."""

    name: str  # of the limit, as the error's conflicts name it
    by: float  # in its unit
    unit: str  # "money", "cells", or "units" of a resource
    is_enough: bool  # by itself; otherwise all of the error's relaxations are needed together


class InfeasibleError(ProblemError):
    """No allocation satisfies every constraint."""

    code = "infeasible_constraints"

    def __init__(
        self,
        total_budget: float,
        conflicts: tuple[str, ...],
        advice: str,
        relaxations: tuple[Relaxation, ...] = (),
    ) -> None:
        super().__init__(total_budget, conflicts, advice, relaxations)
        self.total_budget, self.conflicts, self.advice = total_budget, conflicts, advice
        self.relaxations = relaxations

    def __str__(self) -> str:
        shown = self.conflicts[:MOST_NAMED]
        more = len(self.conflicts) - len(shown)
        wanted = " and ".join(shown) + (f" and {more} more limits" if more else "")
        if not self.relaxations:
            return f"No allocation of {self.total_budget:,.2f} satisfies {wanted}. {self.advice}"
        cannot = {1: "cannot hold", 2: "cannot both hold"}.get(
            len(self.conflicts), "cannot all hold"
        )
        return f"{wanted} {cannot}. {self.advice}"


class SolverError(OptimizerError):
    """A solver broke; its answer is not used."""

    code = "solver_failed"


class ClusterError(OptimizerError):
    """The cluster that was to do the work does not answer, or broke."""

    code = "cluster_failed"


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion for a mistyped word, or the words there are.

    Examples
    --------
    >>> nearest("serach", ["tv", "search"])
    'did you mean "search"?'
    >>> nearest("zebra", ["tv", "search"])
    'known: search, tv'
    """
    names = sorted({str(name) for name in known})
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), list(folded), n=1, cutoff=0.6)
    if close:
        return f'did you mean "{folded[close[0]]}"?'
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known: {shown}" if names else "there is none"
