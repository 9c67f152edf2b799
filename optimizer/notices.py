"""What a planner should know before acting on a plan, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from optimizer.allocation import Allocation
from optimizer.cells import PlanWarning, Question
from optimizer.customer_values import customers_of
from optimizer.delivery import newcomers
from optimizer.model import Table

FloatArray = npt.NDArray[np.float64]
PROMISED_GAP = {"bundle over draws": 1e-5}  # route -> gap it need not explain
USUAL_GAP = 1e-6
NOTICEABLE_ROUNDING = 1e-6  # of the value
SMALL_BUDGET = 0.05  # of what was spent: below, curves rest on nothing, or the unit is another


def plan_warnings(
    question: Question, spend: FloatArray, found: Allocation | None, *, is_given: bool
) -> Iterator[PlanWarning]:
    """Every warning a split (n,) deserves; ``found`` is None where a schedule or a person chose."""
    yield from scenario_warnings(question)
    yield from _from_the_fit(question)
    yield from _made_incremental(question)
    yield from _beyond_what_was_seen(question, spend)
    if question.model.n_draws == 1:
        yield PlanWarning(
            code="no_draws",
            message="The model has no draws: intervals and probabilities are missing and caution "
            "counts as 0.",
        )
    if is_given:
        yield from _broken_rules(question, spend)
    if found is not None:
        yield from _about_the_answer(question, found)


def scenario_warnings(question: Question) -> Iterator[PlanWarning]:
    """What the scenario itself deserves, whatever the split."""
    yield from _without_history(question)
    yield from _far_below_history(question)
    yield from _unread_keys(question)
    yield from _about_customers(question)
    scenario, fit = question.scenario, question.model.fit
    margins = scenario.margin.values() if isinstance(scenario.margin, dict) else [scenario.margin]
    if max(margins) > 1.0:
        yield PlanWarning(
            code="margin_above_one",
            message=f"A margin of {max(margins):g} counts {100 * max(margins):,.0f} % of revenue "
            "as earned: write 0.4 for 40 %.",
        )
    if fit and scenario.start and scenario.start.isoformat() <= fit.last_date:
        yield PlanWarning(
            code="start_in_history",
            message=f"The plan starts on {scenario.start}, within the history, which ends on "
            f"{fit.last_date}.",
        )


def _without_history(question: Question) -> Iterator[PlanWarning]:
    borrowed = newcomers(question.scenario)
    for entry, name, spend, kind in zip(
        question.model.channels,
        question.names,
        question.current,
        question.limits.kinds,
        strict=True,
    ):
        if entry.channel in borrowed:
            yield PlanWarning(
                code="borrowed_curve",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} is new: its curve is that of {borrowed[entry.channel]}, its "
                "doubt doubled. Test it before relying on it.",
            )
        if spend <= 0.0 and kind != "excluded":
            yield PlanWarning(
                code="no_current_spend",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} has no current spend: it may get up to 5 % of the budget unless "
                "the scenario states its limits.",
            )


def _far_below_history(question: Question) -> Iterator[PlanWarning]:
    each = (entry.history_spend_per_period or 0.0 for entry in question.model.channels)
    usual = sum(each) * question.scenario.periods
    if question.budget < SMALL_BUDGET * usual:
        yield PlanWarning(
            code="small_budget",
            message=f"The budget of {question.budget:,.0f} is less than a twentieth of what as "
            f"many periods cost in the history ({usual:,.0f}), and curves tell little of so small "
            "a spend. Write amounts in full if this one is in thousands.",
        )


def _unread_keys(question: Question) -> Iterator[PlanWarning]:
    """Keys that this objective does not read, or reads in a way worth saying."""
    scenario = question.scenario
    counts_customers = scenario.objective == "customer_value"
    if scenario.fit is not None and scenario.model is not None:
        yield PlanWarning(
            code="fit_not_read",
            message="fit is read where curves are fitted to a history; the model's curves are "
            "taken as they are.",
        )
    stated = {"values": scenario.values, "customers": scenario.customers}
    for key in (name for name, content in stated.items() if content is not None):
        if not counts_customers:
            yield PlanWarning(
                code=f"{key}_not_read",
                message=f"{key} is read by the objective customer_value only; this plan ignores "
                "it.",
            )
    if counts_customers and "margin" in scenario.model_fields_set:
        yield PlanWarning(
            code="margin_not_read",
            message="margin is not read by the objective customer_value: values, or "
            "customers, say what a customer is worth.",
        )
    counts_customers = counts_customers or question.fitted.counts == "customers"
    if scenario.targets and scenario.targets.cac is not None and not counts_customers:
        yield PlanWarning(
            code="cac_counts_response",
            message="The target cac takes what the curves count for customers: the curves have to "
            "be of new customers, not of revenue.",
        )
    if scenario.max_moved is not None and not question.is_fixed:
        yield PlanWarning(
            code="moved_of_current",
            message="max_moved is a share of the current total here, since the budget may vary.",
        )


def _about_customers(question: Question) -> Iterator[PlanWarning]:
    """Whose customers' worth was taken from whom, and what the curves are taken to count."""
    customers = customers_of(question.scenario)
    if customers is None:
        return
    channels, segments = question.model.names, {row.segment: row for row in customers.segments}
    unknown = [name for name in channels if name not in segments]
    pooled = [name for name in channels if name in segments and segments[name].is_pooled]
    others = [name for name in segments if name not in channels]
    worth = f"{customers.whole.value.mean:,.2f}, the worth of a customer of any channel"
    for code, names, text in (
        ("no_segment", unknown, f"no segment of its own among the customers; taken at {worth}."),
        ("small_segment", pooled, f"too few customers for a value of its own; taken at {worth}."),
        ("segment_without_channel", others, "customers, but is no channel of this plan: not read."),
    ):
        for name in names:
            yield PlanWarning(code=code, channel=name, message=f"{name} has {text}")
    if question.fitted.counts != "customers":
        yield PlanWarning(
            code="customers_from_revenue",
            message="The curves count revenue, taken to be of first orders: a unit of it counts "
            "the value of a customer / the first order. Where the history counts new customers, "
            "fit: {response: customers} is better.",
        )


def _from_the_fit(question: Question) -> Iterator[PlanWarning]:
    fit = question.model.fit
    for note in fit.diagnostics if fit else ():
        if note.severity == "warning":
            yield PlanWarning(
                code=note.code, channel=note.channel, market=note.market, message=note.message
            )


def _made_incremental(question: Question) -> Iterator[PlanWarning]:
    """Whose revenue was made incremental, and by what."""
    stated = {c.channel: c.incrementality for c in question.model.channels if c.incrementality}
    if stated:
        each = [f"{name} ({mean:g}, give or take {sd:g})" for name, (mean, sd) in stated.items()]
        yield PlanWarning(
            code="incremental",
            message="Incremental revenue stands for what was attributed, by the factors stated: "
            f"{', '.join(each)}.",
        )


def _beyond_what_was_seen(question: Question, spend: FloatArray) -> Iterator[PlanWarning]:
    periods, period = question.scenario.periods, question.model.period
    for entry, name, money in zip(question.model.channels, question.names, spend, strict=True):
        per_period, seen = money / periods, entry.history_largest_spend
        if seen and per_period > seen * (1.0 + 1e-9):
            yield PlanWarning(
                code="beyond_data",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} gets {per_period:,.0f} a {period}, {per_period / seen:.1f} times "
                f"the most it ever got ({seen:,.0f}): there the curve is a guess.",
            )
        if isinstance(entry.curve, Table) and per_period > entry.curve.spend[-1]:
            yield PlanWarning(
                code="beyond_table",
                channel=entry.channel,
                market=entry.market,
                message=f"{name} gets {per_period:,.0f} a {period}, beyond the last point of its "
                f"table ({entry.curve.spend[-1]:,.0f}); from there on it is taken as flat.",
            )


def _broken_rules(question: Question, spend: FloatArray) -> Iterator[PlanWarning]:
    """Every rule of the scenario that a given split (n,) does not keep."""
    near, total = 0.5 * question.scenario.lot, float(spend.sum())
    least, most = question.span or (question.budget, question.budget)
    if not least - near <= total <= most + near:
        allowed = f"{least:,.2f}" if least == most else f"{least:,.2f} to {most:,.2f}"
        scaled = " The current split is scaled to what the split spends."
        yield PlanWarning(
            code="off_budget",
            message=f"The split spends {total:,.2f}; the scenario's budget is {allowed}."
            + (scaled if question.is_fixed else ""),
        )
    limits = question.limits
    allowed_cells = (spend >= limits.lower - near) & (spend <= limits.upper + near)
    allowed_cells |= limits.optional & (spend <= near)
    for i in np.flatnonzero(~allowed_cells):
        entry, low, high = question.model.channels[i], limits.lower[i], limits.upper[i]
        yield PlanWarning(
            code="outside_limits",
            channel=entry.channel,
            market=entry.market,
            message=f"{question.names[i]} gets {spend[i]:,.2f}; the scenario allows "
            f"{'0 or ' if limits.optional[i] else ''}{low:,.2f} to {high:,.2f}.",
        )
    yield from _broken_demands(question, spend)


def _broken_demands(question: Question, spend: FloatArray) -> Iterator[PlanWarning]:
    lot, rows = question.scenario.lot, question.rows
    if rows is not None:
        slack = lot * np.abs(rows.dense).max(axis=1) + 1e-9 * rows.scale(spend, spend)
        for i in np.flatnonzero(rows.excess(spend) > slack):
            text = f"The split misses {rows.names[i]} by {rows.excess(spend)[i]:,.2f}."
            yield PlanWarning(code="outside_rule", message=text)
    for count in question.counts:
        active = int((spend[count.members] >= lot).sum())
        if not count.at_least <= active <= count.at_most:
            text = f"{count.name}: {active}; allowed are {count.at_least} to {count.at_most}."
            yield PlanWarning(code="outside_rule", message=text)
    moved = np.maximum(spend - question.reference, 0.0).sum()
    if question.most_moved is not None and moved > question.most_moved + lot:
        text = f"The split moves {moved:,.2f}; max_moved allows {question.most_moved:,.2f}."
        yield PlanWarning(code="outside_rule", message=text)
    gain = question.mean_gain(spend) if question.targets else spend
    for target in question.targets:
        short = -target.reached(gain, spend)
        if not target.is_cautious and short > lot:
            text = f"The split misses the {target.name} by {short:,.2f}."
            yield PlanWarning(code="outside_rule", message=text)


def _about_the_answer(question: Question, found: Allocation) -> Iterator[PlanWarning]:
    if found.is_fallback:
        yield PlanWarning(code="keep_current", message=_kept(question, found))
    gap = found.certificate.gap
    if gap > PROMISED_GAP.get(found.route.value, USUAL_GAP):
        yield PlanWarning(
            code="gap",
            message=f"The proof leaves {100.0 * gap:.4f} % open: a split that much better may be "
            "there.",
        )
    earned = max(abs(found.certificate.value), 1e-300)
    if found.rounding_loss > NOTICEABLE_ROUNDING * earned:
        yield PlanWarning(
            code="coarse_money",
            message=f"Rounding to {question.scenario.lot:g} gives up "
            f"{100.0 * found.rounding_loss / earned:.4f} % of the value: the budget is small "
            "against its smallest unit.",
        )


def _kept(question: Question, found: Allocation) -> str:
    lot = question.scenario.lot
    if np.all(np.abs(found.spend - question.reference) <= lot):
        return "No split is clearly better than the current one: the plan keeps it."
    lower, upper = question.limits.least, question.limits.upper
    if np.all(upper - lower <= lot) or abs(upper.sum() - lower.sum()) <= lot:
        return "The limits leave one split only: the plan is that one."
    return (
        "The limits do not allow the current split, and no split they allow is clearly better "
        "than the one nearest to it: the plan is that one."
    )
