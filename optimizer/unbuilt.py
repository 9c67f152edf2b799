"""What a scenario may state but nobody can compute yet: refused by name, never ignored."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.errors import Fault, NotBuiltError
from optimizer.scenario import BudgetRange, Scenario, Schedule

INSTEAD = {
    "/objective": "use revenue or profit",
    "/budget": "state one sum, or leave it out to plan the current total",
    "/lot": "leave it out to plan in cents",
    "/schedule/pattern": "use even",
}


def refuse_unbuilt(scenario: Scenario) -> None:
    """Raise, by name, on every stated key whose mathematics is not built yet.

    Raises
    ------
    NotBuiltError
    """
    faults = tuple(
        Fault(pointer, f"{what} is not built yet; {INSTEAD.get(pointer, 'take the key out')}")
        for pointer, what in _unbuilt(scenario)
    )
    if faults:
        raise NotBuiltError("scenario", faults)


def _unbuilt(scenario: Scenario) -> Iterator[tuple[str, str]]:
    if isinstance(scenario.budget, BudgetRange) or scenario.budget == "free":
        yield "/budget", "a budget that is not one fixed sum"
    if scenario.objective not in ("revenue", "profit"):
        yield "/objective", f"the objective {scenario.objective}"
    for key in ("markets", "groups", "targets", "max_moved", "cost_index", "resources", "risk"):
        if getattr(scenario, key) is not None:
            yield f"/{key}", f"the key {key}"
    if scenario.lot != 0.01:
        yield "/lot", "a lot other than 0.01"
    yield from _unbuilt_schedule(scenario.schedule)
    if scenario.fit is not None and scenario.fit.incrementality is not None:
        yield "/fit/incrementality", "the incrementality factor"
    if scenario.history is not None and scenario.history.lift_tests is not None:
        yield "/history/lift_tests", "reading lift tests"
    for channel, rules in scenario.channels.items():
        stated = (
            k for k in ("spent", "min_if_active", "like", "scale") if getattr(rules, k) is not None
        )
        yield from ((f"/channels/{channel}/{key}", f"the rule {key}") for key in stated)


def _unbuilt_schedule(schedule: Schedule) -> Iterator[tuple[str, str]]:
    if schedule.pattern != "even":
        yield "/schedule/pattern", f"the schedule pattern {schedule.pattern}"
    for key in ("cap", "floor", "blackout", "smooth"):
        if getattr(schedule, key) is not None:
            yield f"/schedule/{key}", f"the schedule rule {key}"
