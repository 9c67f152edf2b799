"""plan() and what_if(): from a model and a scenario to the Plan document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from optimizer.allocation import Allocation, allocate
from optimizer.allocation.certificate import Certificate
from optimizer.cells import PlanWarning, Question, ask, stated_split
from optimizer.documents import Document, parse
from optimizer.enough_budget import with_enough_budget
from optimizer.errors import DocumentError, Fault, InfeasibleError, nearest
from optimizer.model import Model
from optimizer.notices import plan_warnings
from optimizer.outcome import Outcome
from optimizer.periods import first_free
from optimizer.plan_document import CertificateOut, Plan, Provenance, RiskOut, ShadowPrice
from optimizer.scenario import Scenario
from optimizer.scheduling import Timetable, best_timetable, decides_totals, timetable
from optimizer.shadow_prices import shadow_prices
from optimizer.timing import Outcome as TimedOutcome
from optimizer.version import VERSION

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Answer:
    """What was found for a question, before it is written down."""

    question: Question
    outcome: Outcome
    route: str
    certificate: CertificateOut | None = None
    prices: tuple[ShadowPrice, ...] = ()
    found: Allocation | None = None
    timetable: Timetable | None = None
    extra: tuple[PlanWarning, ...] = ()


def plan(model: Model, scenario: Scenario) -> Plan:
    """The best split of the scenario's budget, with its doubt and its proof.

    Parameters
    ----------
    model : Model
        Fitted, imported or hand-written curves.
    scenario : Scenario
        Its own ``history`` and ``model`` keys are not read: the model given here wins.

    Returns
    -------
    Plan

    Raises
    ------
    DocumentError
        If the scenario names unknown channels or contradicts itself.
    InfeasibleError
        If no split satisfies every constraint.

    Examples
    --------
    >>> tv = {"family": "hill", "ceiling": 900.0, "half_saturation": 400.0, "slope": 1.0}
    >>> radio = {"family": "log", "scale": 100.0, "rate": 0.02}
    >>> model = Model.from_dict({"channels": [
    ...     {"channel": "tv", "history_spend_per_period": 300.0, "curve": tv},
    ...     {"channel": "radio", "history_spend_per_period": 300.0, "curve": radio}]})
    >>> plan(model, Scenario(periods=10, budget=6000.0)).split
    {'tv': 4495.28, 'radio': 1504.72}
    """
    question = ask(model, scenario)
    answer = _scheduled(question) if decides_totals(question) else _allocated(question)
    return _document(answer)


def _allocated(question: Question) -> _Answer:
    """The best split by the steady reading, told by period where a schedule is asked for."""
    try:
        found = allocate(question.problem())
    except InfeasibleError as error:
        raise with_enough_budget(question, error) from None
    times = timetable(question, found.spend)
    outcome = Outcome(question, found.spend, _sought(question, times))
    outcome.check_last_unit()
    return _Answer(
        question,
        outcome,
        found.route.value,
        _certificate(found.certificate, found.rounding_loss),
        shadow_prices(question, outcome, found),
        found,
        times,
        tuple(_about_totals(question)),
    )


def _scheduled(question: Question) -> _Answer:
    """The best split and schedule together."""
    question.problem()  # refuses limits that clash within a cell
    times = best_timetable(question)
    outcome = Outcome(question, times.totals(question.scenario.lot), times.outcome)
    outcome.check_last_unit()
    assert times.certificate is not None, "a schedule that was sought carries its proof"
    proof = _certificate(times.certificate, times.rounding_loss)
    return _Answer(question, outcome, times.route, proof, timetable=times)


def _sought(question: Question, times: Timetable | None) -> TimedOutcome | None:
    """What the split earns by period, where its periods were sought."""
    return times.outcome if times and question.is_optimised else None


def _about_totals(question: Question) -> Iterator[PlanWarning]:
    if question.is_optimised:
        yield PlanWarning(
            code="totals_first",
            message="The rules of this scenario decide the totals by the steady reading, and the "
            "schedule spreads them: the certificate covers the totals, not the two together.",
        )


def what_if(
    model: Model, scenario: Scenario, split: Mapping[str, float | dict[str, float]] | Plan
) -> Plan:
    """What a given split would bring: the same numbers as a plan, without a certificate.

    Parameters
    ----------
    model : Model
    scenario : Scenario
    split : mapping of channel to money, or to a mapping of market to money; or a Plan
        Whole-plan currency. A channel not named keeps its current spend, with a warning.

    Raises
    ------
    DocumentError
        If the split names unknown channels or markets, or holds no valid money.
    """
    question = ask(model, scenario)
    spend, kept = _given_split(question, split.split if isinstance(split, Plan) else split)
    times, missed = _told_by_period(question, spend)
    outcome = Outcome(question, spend, _sought(question, times))
    answer = _Answer(question, outcome, "given", timetable=times, extra=(*kept, *missed))
    return _document(answer)


def _told_by_period(
    question: Question, spend: FloatArray
) -> tuple[Timetable | None, tuple[PlanWarning, ...]]:
    """A given split by period, as far as the schedule's rules can hold it."""
    try:
        return timetable(question, spend), ()
    except InfeasibleError as error:
        text = f"The schedule cannot hold this split, which is told as a whole: {error}"
        return None, (PlanWarning(code="outside_schedule", message=text),)


def _given_split(
    question: Question, split: Mapping[str, float | dict[str, float]]
) -> tuple[FloatArray, tuple[PlanWarning, ...]]:
    model = question.model
    stated = parse(_Split, {"split": dict(split)}, "split").split
    unknown = [name for name in stated if name not in model.names]
    if unknown:
        text = f'unknown channel "{unknown[0]}"; {nearest(unknown[0], model.names)}'
        raise DocumentError("split", (Fault(f"/{unknown[0]}", text),))
    for channel, money in stated.items():
        markets = [str(c.market) for c in model.channels if c.channel == channel]
        strange = [
            name for name in (money if isinstance(money, dict) else ()) if name not in markets
        ]
        if strange:
            text = f'unknown market "{strange[0]}"; {nearest(strange[0], markets)}'
            raise DocumentError("split", (Fault(f"/{channel}/{strange[0]}", text),))
    spend = stated_split(model, stated)
    missing = [name for name in model.names if name not in stated]
    keep = np.array([entry.channel in missing for entry in model.channels])
    spend = np.where(keep, np.round(question.reference, 2), spend)
    if spend.sum() <= 0.0:
        raise DocumentError(
            "split", (Fault("", "spends nothing; give at least one channel money"),)
        )
    message = f"The split does not name {', '.join(missing)}: kept at the current spend."
    return spend, (PlanWarning(code="kept_at_current", message=message),) if missing else ()


class _Split(Document):
    split: dict[
        str,
        Annotated[float, Field(ge=0, le=1e13)] | dict[str, Annotated[float, Field(ge=0, le=1e13)]],
    ]


def _document(answer: _Answer) -> Plan:
    question, outcome, found = answer.question, answer.outcome, answer.found
    scenario, model, times = question.scenario, question.model, answer.timetable
    is_given = answer.certificate is None
    warnings = plan_warnings(question, outcome.spend, found, is_given=is_given)
    return Plan.model_construct(
        name=scenario.name,
        currency=scenario.currency or model.currency,
        periods=scenario.periods,
        period=model.period,
        start=scenario.start or first_free(model),
        objective=scenario.objective,
        counts=model.counts,
        caution=0.0 if scenario.risk else scenario.caution,
        route=answer.route,
        rows=outcome.rows,
        totals=outcome.totals(),
        certificate=answer.certificate,
        shadow_prices=answer.prices,
        schedule=times.document(question) if times else None,
        risk=RiskOut(tail=scenario.risk.tail, weight=scenario.risk.weight)
        if scenario.risk
        else None,
        warnings=(*answer.extra, *warnings, *(times.warnings() if times else ())),
        provenance=Provenance(
            romi=VERSION,
            model=question.fitted.content_hash,
            scenario=scenario.content_hash,
            seed=scenario.seed,
        ),
    )


def _certificate(proof: Certificate, rounding_loss: float) -> CertificateOut:
    return CertificateOut(
        value=proof.value,
        upper_bound=proof.upper_bound,
        gap=proof.gap,
        nodes=proof.nodes,
        rounding_loss=rounding_loss,
        statement=proof.statement,
    )
