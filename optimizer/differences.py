"""What one plan earns more than another, draw by draw where they share a model.

A plan's scenario says at which costs, for which channels and in which periods its split is bought;
without it a split earns the model's own steady response, and where the plan says otherwise there
are differences of means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.amounts import about, interval, sure
from optimizer.cells import PlanWarning, Question, ask
from optimizer.comparison import Difference, PlanDifference
from optimizer.model import Model
from optimizer.outcome import Outcome as Brought
from optimizer.plan_document import Interval, Plan
from optimizer.reasons import Cell, Reader, margin_of
from optimizer.settings import shared_objective
from optimizer.timing import evaluate

FloatArray = npt.NDArray[np.float64]

SAME = 0.011  # currency; apart by no more than rounding to the cent
AGREES = 1e-6  # relative: a model whose mean misses the plan's own is not all there is to it


@dataclass(frozen=True)
class Outcome:
    """What a plan earns under every draw; currency, per plan or per period."""

    revenue: FloatArray  # (N,)
    profit: FloatArray  # (N,)
    spend: float

    @property
    def romi(self) -> FloatArray:
        """(N,), ratio."""
        return self.profit / self.spend if self.spend > 0.0 else np.zeros_like(self.profit)

    @property
    def customer_value(self) -> FloatArray:
        """(N,): what customers are worth, where the profit counts them."""
        return self.profit + self.spend


def outcomes_of(
    readers: Sequence[Reader], model: Model | None
) -> tuple[tuple[Outcome, ...] | None, tuple[PlanWarning, ...]]:
    """Every plan under the same draws; or none, and why there are none."""
    made_from = {reader.plan.provenance.model for reader in readers}
    if len(made_from) > 1:
        text = (
            "The plans were made from different models: they share no draws, so how sure a "
            "difference is cannot be said, and part of it is the models' own."
        )
        return None, (PlanWarning(code="models_differ", message=text),)
    if model is None:
        text = (
            "Differences are of means. How sure they are needs the model's draws, which a plan "
            "does not hold: intervals of two plans say nothing of their difference."
        )
        return None, (PlanWarning(code="no_model", message=text),)
    first = readers[0]
    found = []
    for reader in readers:
        outcome = _under_draws(reader, model, first)
        if not _agrees(outcome, reader):
            return None, (_other_curves(reader),)
        found.append(outcome)
    note = PlanWarning(
        code="no_draws",
        message="The model has no draws: how sure a difference is cannot be said.",
    )
    return tuple(found), (note,) if model.n_draws == 1 else ()


def _under_draws(reader: Reader, model: Model, first: Reader) -> Outcome:
    """A plan's revenue and profit under every draw; a split within a cent of the first's is it."""
    source = first if _is_same_split(reader, first) else reader
    if reader.scenario is not None:
        return _as_asked(reader, source, ask(model, reader.scenario))
    cells: list[Cell] = [(entry.channel, entry.market) for entry in model.channels]
    spend = np.array([source.spend_of(cell) for cell in cells])
    margins = [margin_of(reader.rows[c]) if c in reader.rows else None for c in cells]
    margin = np.array([0.0 if m is None else m for m in margins])
    periods = reader.plan.periods / reader.divisor  # of the money here: 1 where it is per period
    drawn = model.response(spend / periods) * periods
    return Outcome(drawn.sum(axis=1), np.asarray(drawn @ margin) - source.spend, source.spend)


def _as_asked(reader: Reader, source: Reader, question: Question) -> Outcome:
    """The same as the plan's scenario has it: its costs, its own channels, its periods."""
    cells: list[Cell] = [(entry.channel, entry.market) for entry in question.model.channels]
    divisor = reader.divisor
    spend = np.array([source.spend_of(cell) for cell in cells]) * divisor
    timed, schedule, timing = None, reader.plan.schedule, question.timing
    if question.is_optimised and schedule is not None and timing is not None:
        timed = evaluate(timing, np.array([row.spend for row in schedule.rows]))
    revenue = Brought(question, spend, timed).revenue / divisor
    profit = np.asarray(revenue @ question.margin) - source.spend
    return Outcome(revenue.sum(axis=1), profit, source.spend)


def _is_same_split(one: Reader, other: Reader) -> bool:
    return one.rows.keys() == other.rows.keys() and all(
        abs(one.spend_of(cell) - other.spend_of(cell)) < SAME for cell in one.rows
    )


def _agrees(outcome: Outcome, reader: Reader) -> bool:
    """Whether the model's mean is the plan's own."""
    revenue, profit = (
        (i.mean or 0.0) / reader.divisor
        for i in (reader.plan.totals.revenue, reader.plan.totals.profit)
    )
    near = AGREES * (abs(revenue) + reader.spend + SAME)
    return bool(
        abs(outcome.revenue.mean() - revenue) <= near
        and abs(outcome.profit.mean() - profit) <= near
    )


def _other_curves(reader: Reader) -> PlanWarning:
    text = (
        f"What {reader.label} earns is not the model's steady response to its split (its scenario "
        "changes costs, schedule or channels): differences are of means, without a probability. "
        "Give the plans' scenarios to take them draw by draw."
    )
    if reader.scenario is not None:
        text = (
            f"What {reader.label} says it earns is not what its scenario and the model bring now: "
            "differences are of means, without a probability. Make the plan again."
        )
    return PlanWarning(code="other_curves", message=text)


def scaled(value: Interval, divisor: float) -> Interval:
    """An interval of money per period, or as it is where the divisor is 1."""
    ends = (value.mean, value.p05, value.p95)
    mean, low, high = (None if end is None else end / divisor for end in ends)
    return Interval(mean=mean, p05=low, p95=high)


def differences_of(
    readers: Sequence[Reader], outcomes: Sequence[Outcome] | None
) -> Iterator[PlanDifference]:
    """Each later plan less the first."""
    first = readers[0]
    objective = shared_objective(readers)
    for place, reader in enumerate(readers[1:], start=1):
        if outcomes is None:
            figures = _of_means(first.plan, reader.plan, first.divisor, reader.divisor)
        else:
            figures = _of_draws(outcomes[0], outcomes[place])
        spend = reader.spend - first.spend
        figures["least_spend"] = Difference(mean=spend)
        kind = objective if objective in ("revenue", "customer_value") else "profit"
        yield PlanDifference(
            label=reader.label,
            spend=spend,
            revenue=figures["revenue"],
            profit=figures["profit"],
            romi=figures["romi"],
            objective=figures.get(objective or ""),
            statement=_statement(first, reader, kind.replace("_", " "), figures[kind]),
        )


def _of_draws(first: Outcome, other: Outcome) -> dict[str, Difference]:
    gains = {
        "revenue": other.revenue - first.revenue,
        "profit": other.profit - first.profit,
        "romi": other.romi - first.romi,
        "customer_value": other.customer_value - first.customer_value,
    }
    return {name: _difference(gain) for name, gain in gains.items()}


def _difference(gain: FloatArray) -> Difference:
    """A gain (N,) summed up; no probability where nothing differs or nothing is in doubt."""
    certain = gain.size == 1 or not np.any(gain)
    chance = None if certain else float(np.mean(gain > 0.0))
    return Difference(**Interval.of(gain).model_dump(), probability_positive=chance)


def _of_means(
    first: Plan, other: Plan, first_divisor: float, other_divisor: float
) -> dict[str, Difference]:
    """Differences of means; ROMI is a ratio, whatever the length."""

    def less(one: float | None, another: float | None, ratio: bool = False) -> Difference:
        if one is None or another is None:
            return Difference(mean=None)
        by, per = (1.0, 1.0) if ratio else (other_divisor, first_divisor)
        return Difference(mean=another / by - one / per)

    one, another = first.totals, other.totals
    value, other_value = ((totals.profit.mean or 0.0) + totals.spend for totals in (one, another))
    return {
        "revenue": less(one.revenue.mean, another.revenue.mean),
        "profit": less(one.profit.mean, another.profit.mean),
        "romi": less(one.romi.mean, another.romi.mean, ratio=True),
        "customer_value": less(value, other_value),
    }


def _statement(first: Reader, other: Reader, kind: str, gain: Difference) -> str:
    """A difference in one sentence."""
    unit = f" {other.plan.currency}" if other.plan.currency else ""
    unit += f" a {other.plan.period}" if other.divisor != 1.0 or first.divisor != 1.0 else ""
    spend, mean = other.spend - first.spend, gain.mean or 0.0
    spends = f" spends {abs(spend):,.2f}{unit} {_more(spend)} and" if abs(spend) >= SAME else ""
    if mean == 0.0:
        return f"{other.label}{spends} earns the same {kind} as {first.label}."
    earned = f"{about(abs(mean))}{unit}"
    head = f"{other.label}{spends} earns {earned} {_more(mean)} {kind} than {first.label}"
    chance = gain.probability_positive
    if gain.p05 is None or gain.p95 is None or chance is None:
        return f"{head}; how sure that is cannot be said."
    low, high = (gain.p05, gain.p95) if mean > 0.0 else (-gain.p95, -gain.p05)
    likely = chance if mean > 0.0 else 1.0 - chance
    return f"{head} ({interval(low, high)}); {sure(likely)} sure it is {_more(mean)}."


def _more(amount: float) -> str:
    return "more" if amount > 0.0 else "less"
