"""compare(): two to four plans side by side: what moved, why, and how sure the difference is.

The doubt of a difference is not the difference of the doubts: plans that share a model err
together. So every difference is taken draw by draw, under the model's joint draws, and only then
summed up. Without the model there are differences of means, and no probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from optimizer.comparison import ComparedPlan, Comparison, Move
from optimizer.differences import SAME, differences_of, outcomes_of, scaled
from optimizer.errors import DocumentError, Fault
from optimizer.model import Model
from optimizer.plan_document import Plan
from optimizer.reasons import Reader, reason
from optimizer.scenario import Scenario
from optimizer.settings import currency_of, differing_settings, notes_on

FEWEST, MOST = 2, 4
LETTERS = "ABCD"


def compare(
    plans: Sequence[Plan],
    model: Model | None = None,
    *,
    scenarios: Sequence[Scenario] = (),
    labels: Sequence[str] | None = None,
) -> Comparison:
    """Two to four plans side by side, differences against the first.

    Parameters
    ----------
    plans : sequence of Plan
        In one currency, with periods of one kind. Where they differ in length, all money is per
        period.
    model : Model, optional
        The one all plans were made from: differences are then taken draw by draw.
    scenarios : sequence of Scenario, optional
        Those the plans were made from, in any order: needed beside the model where they change
        costs, add channels or optimise a schedule.
    labels : sequence of str, optional
        What to call the plans; their own names if those tell them apart, else A, B, C, D.

    Returns
    -------
    Comparison

    Raises
    ------
    DocumentError
        If there are fewer than two plans or more than four, their currencies or kinds of period
        differ, or the model or a scenario is not one they were made from.

    Examples
    --------
    >>> from optimizer.plan import plan
    >>> line = {"family": "log", "scale": 100.0, "rate": 0.02}
    >>> model = Model.from_dict({"channels": [
    ...     {"channel": name, "history_spend_per_period": 300.0, "curve": line}
    ...     for name in ("tv", "radio")]})
    >>> free, held = (plan(model, Scenario.from_dict({"periods": 10, **keys}))
    ...     for keys in ({}, {"channels": {"tv": {"max": 2000}}}))
    >>> [move.why[1] for move in compare([free, held], model).rows]  # doctest: +ELLIPSIS
    ['it is held by its maximum in B (marginal ROMI ...)', 'it follows from the other moves (...)']
    """
    chosen = _labels(plans, labels)
    _refuse_unlike(plans, chosen)
    if model is not None:
        _refuse_another_model(plans, model)
    asked = {scenario.content_hash: scenario for scenario in scenarios}
    _refuse_other_scenarios(plans, asked)
    lengths = {plan.periods for plan in plans}
    readers = tuple(
        Reader(
            label,
            plan,
            1.0 if len(lengths) == 1 else float(plan.periods),
            asked.get(plan.provenance.scenario),
        )
        for label, plan in zip(chosen, plans, strict=True)
    )
    outcomes, doubts = outcomes_of(readers, model)
    return Comparison(
        currency=currency_of(plans),
        period=plans[0].period,
        per="plan" if len(lengths) == 1 else "period",
        same_draws=outcomes is not None,
        plans=tuple(map(_compared, readers)),
        differences=tuple(differences_of(readers, outcomes)),
        rows=tuple(sorted(_moves(readers), key=lambda move: -move.largest)),
        settings=tuple(differing_settings(readers)),
        notes=(*doubts, *notes_on(readers)),
    )


def _labels(plans: Sequence[Plan], labels: Sequence[str] | None) -> tuple[str, ...]:
    count = len(plans)
    if not FEWEST <= count <= MOST:
        raise _fault(f"takes two to four plans, not {count}; give that many")
    strange = next((p for p in plans if not isinstance(p, Plan)), None)
    if strange is not None:
        raise TypeError(f"compare() takes Plans, not {type(strange).__name__}. plan() makes them.")
    own = [plan.name for plan in plans]
    if labels is None:
        told_apart = all(own) and len(set(own)) == count
        return tuple(own) if told_apart else tuple(LETTERS[:count])
    if len(set(labels)) != count:
        raise _fault(f"needs a label of its own for each of the {count} plans")
    return tuple(labels)


def _fault(text: str) -> DocumentError:
    return DocumentError("comparison", (Fault("", text),))


def _refuse_unlike(plans: Sequence[Plan], labels: Sequence[str]) -> None:
    """Plans whose money or periods cannot stand side by side."""
    for (one, plan), (other, another) in combinations(zip(labels, plans, strict=True), 2):
        if plan.currency and another.currency and plan.currency != another.currency:
            raise _fault(
                f"{one} is in {plan.currency}, {other} in {another.currency}; compare plans of "
                "one currency"
            )
        if plan.period != another.period:
            raise _fault(
                f"{one} counts in {plan.period}s, {other} in {another.period}s; compare plans "
                "with periods of one kind"
            )


def _refuse_another_model(plans: Sequence[Plan], model: Model) -> None:
    made_from = {plan.provenance.model for plan in plans}
    if len(made_from) == 1 and model.content_hash not in made_from:
        text = (
            "is not the one these plans were made from (its hash differs); give that one, or "
            "none for differences of means"
        )
        raise DocumentError("model", (Fault("", text),))


def _refuse_other_scenarios(plans: Sequence[Plan], asked: Mapping[str, Scenario]) -> None:
    made_from = {plan.provenance.scenario for plan in plans}
    for content_hash, scenario in asked.items():
        if content_hash not in made_from:
            named = f'"{scenario.name}" ' if scenario.name else ""
            text = (
                f"{named}is not one these plans were made from (its hash differs); give those, or "
                "plan again"
            )
            raise DocumentError("scenario", (Fault("", text),))


def _compared(reader: Reader) -> ComparedPlan:
    plan, totals = reader.plan, reader.plan.totals
    uplift = scaled(totals.uplift, reader.divisor).model_dump()
    chance = totals.uplift.probability_positive
    return ComparedPlan.model_validate(
        {
            "label": reader.label,
            "name": plan.name,
            "objective": plan.objective,
            "caution": plan.caution,
            "periods": plan.periods,
            "spend": reader.spend,
            "revenue": scaled(totals.revenue, reader.divisor),
            "profit": scaled(totals.profit, reader.divisor),
            "romi": totals.romi,
            "uplift": uplift | {"probability_positive": chance},
            "gap": plan.certificate.gap if plan.certificate else None,
            "model": plan.provenance.model,
            "scenario": plan.provenance.scenario,
        }
    )


def _moves(readers: Sequence[Reader]) -> Iterator[Move]:
    """Every cell of any plan, in the order they first appear."""
    for cell in dict.fromkeys(cell for reader in readers for cell in reader.rows):
        rows = [reader.rows.get(cell) for reader in readers]
        moved = [reader.spend_of(cell) - readers[0].spend_of(cell) for reader in readers]
        yield Move(
            channel=cell[0],
            market=cell[1],
            spend=tuple(
                None if row is None else row.spend / reader.divisor
                for row, reader in zip(rows, readers, strict=True)
            ),
            moved=tuple(moved),
            revenue=tuple(
                None if row is None else scaled(row.response, reader.divisor)
                for row, reader in zip(rows, readers, strict=True)
            ),
            romi=tuple(row and row.romi for row in rows),
            marginal_romi=tuple(row and row.marginal_romi for row in rows),
            binding=tuple(row and row.binding for row in rows),
            why=tuple(
                reason(cell, readers[0], reader) if abs(amount) >= SAME else None
                for reader, amount in zip(readers, moved, strict=True)
            ),
        )
