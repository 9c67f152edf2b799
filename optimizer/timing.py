"""A plan's money by period: a scenario's schedule keys read against a model's carryover and past.

The patterns even and history fix the shape of every channel's spend; the split is then decided by
totals and only read by period here. The pattern optimised decides totals and periods together
(`allocation.schedule`). Either way revenue by period counts carryover in from the past and out
beyond the end, so it differs from the steady reading `periods x f(spend / periods)`; an `Outcome`
says by how much. Draws share each channel's mean retention; where an effect peaks after a delay,
the mean over the draws of the shares that arrive after 0, 1, ... periods. Such effects are read by
period, but not sought: the search follows stocks that fall from the start.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from optimizer.adstock import WINDOW, adstock_weights
from optimizer.allocation.problem import CENTS_AGREE, in_money
from optimizer.allocation.schedule import solve_schedule
from optimizer.allocation.schedule_proof import ScheduleCertificate, ScheduleProof
from optimizer.allocation.stocks import ScheduleProblem, counted_after, stocks
from optimizer.curves import Curve, TabulatedDraws
from optimizer.errors import DocumentError, Fault, nearest
from optimizer.model import Diagnostic, Model
from optimizer.periods import Calendar
from optimizer.scenario import Scenario

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Aim:
    """What a schedule is to make most of, within which totals; money for the whole plan."""

    lower: FloatArray  # (n,), currency
    upper: FloatArray  # (n,), currency
    least_total: float  # currency; equal to most_total for a fixed budget
    most_total: float  # currency; infinite for a free one
    value_per_revenue: FloatArray  # (n,), a unit of revenue counts 1, its margin, or a customer
    cost_per_spend: float  # 0 counts revenue, 1 profit
    reference: FloatArray  # (n,), currency: the current split; caution judges gains over it


@dataclass(frozen=True)
class Timing:
    """When each cell may spend how much; arrays by period are (T, n)."""

    model: Model
    scenario: Scenario
    calendar: Calendar
    floor: FloatArray  # (T, n), currency per period, whole lots; 0 where closed
    cap: FloatArray  # (T, n), currency per period, whole lots; infinite if none, 0 where closed
    shape: FloatArray  # (T, n), share of a cell's total by period: even, or as last year
    notes: tuple[Diagnostic, ...]

    @cached_property
    def retention(self) -> FloatArray:
        """Mean retention (n,) per period; 0 where the effect is delayed."""
        kept = (entry.carryover for entry in self.model.channels)
        return np.array(
            [float(np.mean(c.retention)) if c and not c.is_delayed else 0.0 for c in kept]
        )

    @cached_property
    def delayed(self) -> dict[int, FloatArray]:
        """Cell -> shares (window,) of its effect that arrive after 0, 1, ... periods."""
        window, found = WINDOW[self.model.period], {}
        for cell, entry in enumerate(self.model.channels):
            if entry.carryover is not None and entry.carryover.delay is not None:
                retention, delay = np.broadcast_arrays(
                    np.atleast_1d(entry.carryover.retention), np.atleast_1d(entry.carryover.delay)
                )
                found[cell] = adstock_weights(retention, window, delay).mean(axis=0)
        return found

    @cached_property
    def carried(self) -> FloatArray:
        """Stock (n,), currency, at the end of the period before the plan."""
        pasts = [self.calendar.past(entry) for entry in self.model.channels]
        return np.array(
            [
                _closing_stock(past, usual, r)
                for (past, usual), r in zip(pasts, self.retention, strict=True)
            ]
        )

    def limits(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Bounds (n,) on totals that keep every period of a fixed shape within floor and cap."""
        lot, used = self.scenario.lot, self.shape > 0.0
        share = np.where(used, self.shape, 1.0)
        least = np.where(used, self.floor / share, 0.0).max(axis=0)
        most = np.where(used, self.cap / share, np.inf).min(axis=0)
        most = np.where(used.any(axis=0), most, 0.0)
        least = in_money(np.ceil(least / lot - CENTS_AGREE), lot)
        finite = np.where(np.isfinite(most), most, 0.0)
        most = np.where(
            np.isfinite(most), in_money(np.floor(finite / lot + CENTS_AGREE), lot), np.inf
        )
        return np.maximum(lower, least), np.minimum(upper, most)

    def spread(self, totals: FloatArray) -> FloatArray:
        """Totals (n,) by period (n, T) in this shape, in whole lots that sum exactly."""
        lot = self.scenario.lot
        running = np.round(np.cumsum(self.shape * (totals / lot), axis=0))
        running[-1] = np.round(totals / lot)
        return in_money(np.diff(running, axis=0, prepend=0.0), lot).T

    def problem(self, aim: Aim) -> ScheduleProblem:
        """The schedule problem of an aim."""
        n_periods = self.scenario.periods
        cap = np.where(self.cap > 0.0, np.minimum(self.cap, aim.upper), 0.0)
        return ScheduleProblem(
            cells=tuple(_name(c.channel, c.market) for c in self.model.channels),
            gains=self._gains(np.maximum(aim.upper, aim.reference), aim.value_per_revenue),
            retention=self.retention,
            carried=self.carried,
            floor=self.floor,
            cap=cap,
            lower=aim.lower,
            upper=aim.upper,
            least_total=aim.least_total,
            most_total=aim.most_total,
            reference=np.tile(aim.reference / n_periods, (n_periods, 1)),
            smooth=self.scenario.schedule.smooth,
            cost_per_spend=aim.cost_per_spend,
            caution=self.scenario.caution,
            lot=self.scenario.lot,
        )

    def _gains(self, largest: FloatArray, value: FloatArray) -> Curve | TabulatedDraws:
        """The curves v f; draws tabulated as far as a total (n,) all at once would reach."""
        if self.model.n_draws == 1:
            return self.model.point_curves.rescaled(1.0, value)
        levels = (1.0 - self.retention) * (largest + self.carried) * (1.0 + 1e-9)
        return self.model.tabulated(np.maximum(levels, 1e-9)).rescaled(1.0, value)


@dataclass(frozen=True)
class Outcome:
    """What a schedule earns by period under every draw; revenue, currency."""

    by_period: FloatArray  # (N, T), within the plan
    after_end: FloatArray  # (N,), from what the plan's spend leaves behind
    by_cell: FloatArray  # (N, n), both together
    steady: FloatArray  # (N,), the steady reading of the same totals

    @property
    def revenue(self) -> FloatArray:
        """Total (N,)."""
        return np.asarray(self.by_cell.sum(axis=1))

    @property
    def difference(self) -> str:
        """How revenue by period differs from the steady reading, in words."""
        total, late = float(self.revenue.mean()), float(self.after_end.mean())
        steady = float(self.steady.mean())
        compared = "the same as"
        if steady > 0.0 and abs(total / steady - 1.0) >= 5e-4:
            word = "more" if total > steady else "less"
            compared = f"{abs(total / steady - 1.0):.1%} {word} than".replace("%", " %")
        return (
            f"By period, with carryover in from the past and {late:,.0f} earned after the end, the "
            f"plan earns {total:,.0f}: {compared} the {steady:,.0f} of the same totals spent "
            "steadily for ever."
        )


@dataclass(frozen=True)
class Scheduled:
    """The best schedule, what it earns and how good it is proved to be."""

    dates: tuple[dt.date, ...] | None
    spend: FloatArray  # (n, T), currency per period, whole lots
    outcome: Outcome
    certificate: ScheduleCertificate
    proof: ScheduleProof
    route: str
    rounding_loss: float  # of the objective, currency
    notes: tuple[Diagnostic, ...]


def read_timing(model: Model, scenario: Scenario) -> Timing:
    """Read the schedule keys of a scenario.

    Raises
    ------
    DocumentError
        On channels the model lacks, a cap below its floor, dates outside the plan, or a smoothness
        that last year's shape does not keep.
    """
    calendar = Calendar.of(model, scenario)
    faults = (
        *_unknown(model, scenario),
        *_crossed(scenario),
        *_delayed(model, scenario),
        *calendar.faults(),
    )
    if faults:
        raise DocumentError("scenario", faults)
    is_open = calendar.open_periods()
    floor, cap, divided = _period_limits(model, scenario, is_open)
    shape, unknown = _shape(model, scenario, calendar, is_open & (cap > 0.0))
    _check_shape(model, scenario, shape, is_open & (cap > 0.0))
    return Timing(model, scenario, calendar, floor, cap, shape, (*divided, *unknown))


def schedule(model: Model, scenario: Scenario, aim: Aim) -> Scheduled:
    """The best spend by period, with its proof.

    Parameters
    ----------
    model : Model
        Curves, carryover and recent spend.
    scenario : Scenario
        Its schedule keys, periods, start, caution and lot are read, nothing else.
    aim : Aim

    Returns
    -------
    Scheduled

    Raises
    ------
    DocumentError
        On faults in the schedule keys.
    InfeasibleError
        If no schedule keeps to every limit.
    """
    timing = read_timing(model, scenario)
    problem = timing.problem(aim)
    found = solve_schedule(problem)
    spend = found.spend.T.copy()
    return Scheduled(
        dates=timing.calendar.dates,
        spend=spend,
        outcome=evaluate(timing, spend),
        certificate=found.certificate,
        proof=found.proof,
        route="schedule" if found.is_concave else "schedule of S-shaped curves",
        rounding_loss=found.rounding_loss,
        notes=timing.notes,
    )


def evaluate(timing: Timing, spend: FloatArray) -> Outcome:
    """What any schedule (n, T), currency per period, earns by period: as a plan's own."""
    model, retention, periods = timing.model, timing.retention, spend.shape[1]
    late = WINDOW[model.period] if timing.delayed else 0
    counted = periods + max(counted_after(retention), late)
    with_plan, without = (_felt(timing, each, counted) for each in (spend, 0.0 * spend))
    by_period = np.empty((model.n_draws, periods))
    by_cell, after_end = np.zeros((model.n_draws, spend.shape[0])), np.zeros(model.n_draws)
    for period in range(counted):
        earned = model.response(with_plan[period]) - model.response(without[period])
        by_cell += earned
        if period < periods:
            by_period[:, period] = earned.sum(axis=1)
        else:
            after_end += earned.sum(axis=1)
    steady = model.response(spend.sum(axis=1) / periods).sum(axis=1) * periods
    return Outcome(by_period, after_end, by_cell, np.asarray(steady))


def _felt(timing: Timing, spend: FloatArray, counted: int) -> FloatArray:
    """Spend (n, T) as it is felt in each of the periods counted, (counted, n)."""
    retention = timing.retention
    felt = (1.0 - retention) * stocks(spend.T, retention, timing.carried, counted)
    for cell, weights in timing.delayed.items():
        past, usual = timing.calendar.past(timing.model.channels[cell])
        before = np.concatenate([np.full(weights.size, usual), past])[-weights.size :]
        rest = np.zeros(counted - spend.shape[1])
        whole = np.convolve(np.concatenate([before, spend[cell], rest]), weights)
        felt[:, cell] = whole[weights.size : weights.size + counted]
    return np.asarray(felt)


def _closing_stock(past: FloatArray, usual: float, retention: float) -> float:
    """The stock that spend (oldest first) leaves, after steady usual spend before it."""
    stock = usual / (1.0 - retention)
    for money in past:
        stock = float(money) + retention * stock
    return stock


def _name(channel: str, market: str | None) -> str:
    return channel if market is None else f"{channel} in {market}"


def _unknown(model: Model, scenario: Scenario) -> Iterator[Fault]:
    for key in ("cap", "floor", "blackout"):
        for name in getattr(scenario.schedule, key) or {}:
            if name not in model.names:
                text = f'unknown channel "{name}"; {nearest(name, model.names)}'
                yield Fault(f"/schedule/{key}/{name}", text)


def _delayed(model: Model, scenario: Scenario) -> Iterator[Fault]:
    """The search for the best periods follows no effect that peaks after a delay."""
    late = [c.channel for c in model.channels if c.carryover and c.carryover.is_delayed]
    if late and scenario.schedule.pattern == "optimised":
        text = (
            f"optimised follows effects that fall from the start, and that of {late[0]} peaks "
            "after a delay; use even or history"
        )
        yield Fault("/schedule/pattern", text)


def _crossed(scenario: Scenario) -> Iterator[Fault]:
    caps = scenario.schedule.cap or {}
    for name, floor in (scenario.schedule.floor or {}).items():
        cap = caps.get(name, math.inf)
        if floor > cap:
            text = f"is {floor:,.2f}, above the cap of {cap:,.2f}; lower it or raise the cap"
            yield Fault(f"/schedule/floor/{name}", text)


def _period_limits(
    model: Model, scenario: Scenario, is_open: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, list[Diagnostic]]:
    """Floor and cap (T, n) in whole lots, a channel's divided over its markets as last year."""
    lot, keys = scenario.lot, scenario.schedule
    floor, cap = np.zeros(is_open.shape), np.full(is_open.shape, np.inf)
    notes = []
    for name in {**(keys.cap or {}), **(keys.floor or {})}:
        cells = [i for i, entry in enumerate(model.channels) if entry.channel == name]
        share = _shares([model.channels[i].history_spend_per_period or 0.0 for i in cells])
        least = (keys.floor or {}).get(name, 0.0) * share
        floor[:, cells] = in_money(np.ceil(least / lot - CENTS_AGREE), lot)
        if name in (keys.cap or {}):
            most = (keys.cap or {})[name] * share
            cap[:, cells] = in_money(np.floor(most / lot + CENTS_AGREE), lot)
        if len(cells) > 1:
            message = f"The limits per period of {name} are divided over its markets as last year."
            notes.append(Diagnostic(code="schedule_divided", channel=name, message=message))
    return np.where(is_open, floor, 0.0), np.where(is_open, cap, 0.0), notes


def _shares(weights: Iterable[float]) -> FloatArray:
    values = np.array(list(weights))
    return np.asarray(
        values / values.sum() if values.sum() > 0.0 else np.ones(values.size) / values.size
    )


def _shape(
    model: Model, scenario: Scenario, calendar: Calendar, is_open: npt.NDArray[np.bool_]
) -> tuple[FloatArray, list[Diagnostic]]:
    """Share (T, n) of each cell's total by period, and where last year's is not known."""
    weights, notes = is_open.astype(float), []
    for cell, entry in enumerate(model.channels):
        if scenario.schedule.pattern != "history":
            break
        last_year = calendar.last_year(entry)
        spent = None if last_year is None else last_year * is_open[:, cell]
        if spent is not None and spent.sum() > 0.0:
            weights[:, cell] = spent
        elif is_open[:, cell].any():
            name = _name(entry.channel, entry.market)
            message = (
                f"The model knows no spend of {name} in these periods of last year: it is "
                "spread evenly."
            )
            notes.append(
                Diagnostic(
                    code="no_recent_spend",
                    channel=entry.channel,
                    market=entry.market,
                    severity="warning",
                    message=message,
                )
            )
    totals = weights.sum(axis=0)
    return weights / np.where(totals > 0.0, totals, 1.0), notes


def _check_shape(
    model: Model, scenario: Scenario, shape: FloatArray, is_open: npt.NDArray[np.bool_]
) -> None:
    """Last year's shape has to keep to the smoothness asked for."""
    smooth = scenario.schedule.smooth
    if smooth is None or scenario.schedule.pattern != "history":
        return
    linked = is_open[1:] & is_open[:-1]
    excess = np.where(linked, np.abs(np.diff(shape, axis=0)) - smooth * shape[:-1], 0.0)
    worst = excess.max(axis=0, initial=0.0)
    if worst.max() > 1e-9:
        name = model.channels[int(worst.argmax())].channel
        text = (
            f"is {smooth:g}, but {name}'s spend of last year steps by more; raise it, or use the "
            "pattern even or optimised"
        )
        raise DocumentError("scenario", (Fault("/schedule/smooth", text),))
