"""What a scenario may state but nobody can compute yet: refused by name, never ignored."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.errors import Fault, NotBuiltError
from optimizer.scenario import Scenario


def refuse_unbuilt(scenario: Scenario) -> None:
    """Raise, by name, on every stated key whose mathematics is not built yet.

    Raises
    ------
    NotBuiltError
    """
    faults = tuple(
        Fault(pointer, f"{what} is not built yet; take the key out")
        for pointer, what in _unbuilt(scenario)
    )
    if faults:
        raise NotBuiltError("scenario", faults)


def _unbuilt(scenario: Scenario) -> Iterator[tuple[str, str]]:
    if scenario.history is not None and scenario.history.lift_tests is not None:
        yield "/history/lift_tests", "reading lift tests"
