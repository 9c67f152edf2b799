"""A plan's periods as dates, and the same periods of the past."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.errors import Fault
from optimizer.model import Model, ModelChannel, Period
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
PERIODS_PER_YEAR = {"day": 365, "week": 52, "month": 12}
DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Calendar:
    """The periods planned: how many, of what length, from when."""

    model: Model
    scenario: Scenario
    dates: tuple[dt.date, ...] | None  # first day of each period; None where nothing tells
    idle: int  # periods between the history's end and the plan; negative where they overlap

    @classmethod
    def of(cls, model: Model, scenario: Scenario) -> Calendar:
        """The periods of a scenario, right after the history unless it states a start."""
        free = first_free(model)
        start = scenario.start or free
        idle = 0 if start is None or free is None else _between(free, start, model.period)
        dates = None
        if start is not None:
            steps = range(scenario.periods)
            dates = tuple(later(start, step, model.period) for step in steps)
        return cls(model, scenario, dates, idle)

    def faults(self) -> Iterator[Fault]:
        """Blackout dates that lie outside the plan, or that no date can be compared with."""
        blackout = self.scenario.schedule.blackout or {}
        if self.dates is None:
            if blackout:
                yield Fault("/start", "is needed: blackout gives dates and the model knows none")
            return
        last = later(self.dates[0], len(self.dates), self.model.period) - dt.timedelta(days=1)
        for channel, days in blackout.items():
            for day in days:
                if not self.dates[0] <= day <= last:
                    text = f"{day} lies outside the plan, which runs from {self.dates[0]} to {last}"
                    yield Fault(f"/schedule/blackout/{channel}", f"{text}; take it out")

    def open_periods(self) -> npt.NDArray[np.bool_]:
        """(T, n): whether a cell may spend; a date closes the period it falls in."""
        cells = [entry.channel for entry in self.model.channels]
        is_open = np.ones((self.scenario.periods, len(cells)), dtype=bool)
        for channel, days in (self.scenario.schedule.blackout or {}).items():
            at = [sum(date <= day for date in self.dates or ()) - 1 for day in days]
            columns = [i for i, name in enumerate(cells) if name == channel]
            is_open[np.ix_(at, columns)] = False
        return is_open

    def past(self, entry: ModelChannel) -> tuple[FloatArray, float]:
        """Spend by period up to the plan, oldest first, and the usual spend before that.

        Periods between the history and the plan are taken to spend as usual.
        """
        recent = np.array(entry.recent_spend or [], dtype=float)
        usual = entry.history_spend_per_period
        if usual is None:
            usual = float(recent.mean()) if recent.size else 0.0
        if self.idle < 0:
            return recent[: max(recent.size + self.idle, 0)], usual
        waiting = min(self.idle, PERIODS_PER_YEAR[self.model.period])
        return np.append(recent, np.full(waiting, usual)), usual

    def last_year(self, entry: ModelChannel) -> FloatArray | None:
        """Spend (T,) of the same periods a year before, repeated; None where it is not known."""
        year = PERIODS_PER_YEAR[self.model.period]
        recent = np.array(entry.recent_spend or [], dtype=float)
        if recent.size < year:
            return None
        return recent[-year:][(self.idle + np.arange(self.scenario.periods)) % year]


def first_free(model: Model) -> dt.date | None:
    """The first period after the history; None for a model without one."""
    if model.fit is None:
        return None
    return later(dt.date.fromisoformat(model.fit.last_date), 1, model.period)


def later(date: dt.date, steps: int, period: Period) -> dt.date:
    """A date some periods later; a month's last day where the day is missing.

    Examples
    --------
    >>> later(dt.date(2027, 1, 31), 1, "month"), later(dt.date(2027, 1, 4), 2, "week")
    (datetime.date(2027, 2, 28), datetime.date(2027, 1, 18))
    """
    if period != "month":
        return date + dt.timedelta(days=DAYS[period] * steps)
    year, month = divmod(12 * date.year + date.month - 1 + steps, 12)
    return dt.date(year, month + 1, min(date.day, calendar.monthrange(year, month + 1)[1]))


def _between(start: dt.date, end: dt.date, period: Period) -> int:
    """Whole periods from one date to another, the nearest number."""
    if period == "month":
        return 12 * (end.year - start.year) + end.month - start.month
    return round((end - start).days / DAYS[period])
