"""One scenario on the desk: what its form asks, answered; nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from api.page.bench import faults, relaxing
from api.page.bench.question import Reading, document_of, fields_of, respelled, split_of
from api.page.plans import curves
from api.page.plans.pictures import current_split
from api.page.words.language import Language
from api.problems import problem_of
from api.serving import rows, scenarios
from api.serving.desk import Desk
from api.store.keys import Caller

if TYPE_CHECKING:
    from optimizer import Model, Plan, Scenario

OUR_FIELDS = {"form_token", "replaces", "relax", "draft", "once"}
AROUND = {"budget_min": 0.8, "budget_max": 1.2}  # a range not stated yet, of what is spent
CARRIED = ("mode", "version", "language")  # fields that no document holds


@dataclass
class Bench:
    """A kept scenario with its model, and the fields of its form as they stand."""

    kept: dict[str, Any]
    model_id: str
    model: Model
    channels: tuple[str, ...]
    fields: dict[str, str]
    language: Language

    @property
    def identity(self) -> str:
        """The scenario's id."""
        return str(self.kept["id"])

    @property
    def spacing(self) -> str:
        """What a period is."""
        return self.model.period


@dataclass
class Answer:
    """What the form's question comes to: a plan, or what is wrong."""

    document: dict[str, Any]
    plan: Plan | None = None
    now: Plan | None = None
    problem: dict[str, Any] | None = None
    offers: list[relaxing.Offer] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)  # field -> what is wrong with it


def opened(
    desk: Desk, caller: Caller, identity: str, sent: Mapping[str, Any] | None, language: Language
) -> Bench:
    """A scenario with its model; its form as sent, or as the kept document fills it."""
    kept = scenarios.read(desk, caller, identity)
    with desk.database.read() as connection:
        model_row = rows.model_row(connection, caller.workspace, kept["model"] or "current")
    model = desk.model(model_row["blob"])
    document = kept["scenario"]
    added = [
        name for name, rule in (document.get("channels") or {}).items() if (rule or {}).get("like")
    ]
    channels = tuple(dict.fromkeys([*(entry.channel for entry in model.channels), *added]))
    if sent is None:
        fields = fields_of({**document, "name": kept["name"]}, channels, language)
    else:
        texts = {
            name: value
            for name, value in sent.items()
            if isinstance(value, str) and name not in OUR_FIELDS
        }
        fields = respelled(texts, language)
    fields = {"version": str(kept["version"]), **fields, "language": language.code}
    return Bench(kept, model_row["id"], model, channels, fields, language)


def answered(bench: Bench) -> Answer:
    """Plan, or judge, what the form asks."""
    from optimizer import OptimizerError, Scenario

    reading = Reading(bench.fields, bench.language)
    document = document_of(reading, bench.channels)
    split = split_of(reading, bench.channels) if _is_own_split(bench) else None
    answer = Answer(document, wrong=reading.wrong)
    if answer.wrong:
        return answer
    try:
        scenario = Scenario.from_dict(document)
        answer.document = scenario.to_dict()
        answer.plan = _judged(bench.model, scenario, split)
        answer.now = _current(bench.model, scenario, answer.plan)
    except OptimizerError as error:
        _tell(answer, problem_of(error), bench)
    return answer


def shown_fields(bench: Bench, plan: Plan) -> dict[str, str]:
    """The form after an answer: free channels show what the plan gives them."""
    fields, spend = dict(bench.fields), spend_by_channel(plan)
    for place, channel in enumerate(bench.channels):
        if not fields.get(f"locked-{place}") and not _is_own_split(bench):
            fields[f"spend-{place}"] = bench.language.typed(round(spend.get(channel, 0.0), 2))
    if fields.get("budget_kind") != "range":
        fields |= {
            name: bench.language.typed(round(share * plan.totals.spend, 2))
            for name, share in AROUND.items()
        }
    if fields.get("budget_kind", "fixed") == "fixed" and not fields.get("budget"):
        fields["budget"] = bench.language.typed(round(plan.totals.spend, 2))
    return fields


def relaxed(bench: Bench, choice: int) -> Bench:
    """The form after one of the ways out was taken; as it was, where there is none."""
    answer = answered(bench)
    if choice >= len(answer.offers):
        return bench
    document = {**answer.offers[choice].document, "name": bench.fields.get("name", "")}
    fields = fields_of(document, bench.channels, bench.language)
    carried = {name: bench.fields[name] for name in CARRIED if name in bench.fields}
    bench.fields = {**fields, **carried}
    return bench


def pictures(bench: Bench, answer: Answer) -> dict[str, Any]:
    """What the charts of an answer show."""
    if answer.plan is None:
        return {"curves": []}
    drawn = curves.curves_of(bench.model, answer.plan, answer.now, answer.document)
    return {"curves": drawn}


def marks(bench: Bench, answer: Answer) -> dict[str, Any]:
    """What a script needs after an answer: every channel's money, every cell's marks."""
    if answer.plan is None:
        return {"spend": {}, "marks": {}, "total": None}
    spend = spend_by_channel(answer.plan)
    cells = curves.marks_of(answer.plan, answer.now)
    limits = {row_key(row): curves.limits_of(row, answer.document) for row in answer.plan.rows}
    return {
        "spend": {str(i): spend.get(name, 0.0) for i, name in enumerate(bench.channels)},
        "marks": {
            cell_key(cell): {**mark, "limits": limits[cell_key(cell)]}
            for cell, mark in cells.items()
        },
        "total": answer.plan.totals.spend,
    }


def slider(bench: Bench, answer: Answer) -> tuple[float, float, float]:
    """From where to where the budget's slider reaches, and where it stands; currency."""
    usual = sum(entry.history_spend_per_period or 0.0 for entry in bench.model.channels)
    around = usual * (answer.document.get("periods") or 1) or 1.0
    total = answer.plan.totals.spend if answer.plan else answer.document.get("budget")
    here = total if isinstance(total, (int, float)) else around
    return min(0.25 * around, 0.5 * here), max(2.0 * around, 1.5 * here), here


def spend_by_channel(plan: Plan) -> dict[str, float]:
    """Every channel's money over its markets, currency, whole plan."""
    spend: dict[str, float] = {}
    for row in plan.rows:
        spend[row.channel] = spend.get(row.channel, 0.0) + row.spend
    return spend


def cell_key(cell: tuple[str, str | None]) -> str:
    """A cell as one text."""
    return "\t".join(part for part in cell if part is not None)


def row_key(row: Any) -> str:
    """A plan's row's cell as one text."""
    return cell_key((row.channel, row.market))


def _is_own_split(bench: Bench) -> bool:
    return bench.fields.get("mode") == "what_if"


def _judged(model: Model, scenario: Scenario, split: dict[str, Any] | None) -> Plan:
    import optimizer

    if split is None:
        return optimizer.plan(model, scenario)
    return optimizer.what_if(model, scenario, split)


def _current(model: Model, scenario: Scenario, plan: Plan) -> Plan:
    """What the current split brings, at the plan's own total where that is fixed."""
    import optimizer

    return optimizer.what_if(model, scenario, current_split(plan.to_dict()))


def _tell(answer: Answer, problem: dict[str, Any], bench: Bench) -> None:
    """Put what is wrong where it stands: beside fields, or above the answer."""
    answer.problem = problem
    answer.wrong |= faults.told(problem.get("errors", []), bench)
    if "conflicts" in problem:
        budget = bench.language.read(bench.fields.get("budget") or "0")
        answer.offers = relaxing.ways_out(
            answer.document,
            problem,
            budget or 1.0,
            bench.channels,
            lambda document: _left(bench.model, document),
        )


def _left(model: Model, document: dict[str, Any]) -> dict[str, Any] | None:
    """What is still wrong with a scenario; None where it has an answer."""
    import optimizer

    try:
        optimizer.plan(model, optimizer.Scenario.from_dict(document))
    except optimizer.OptimizerError as error:
        return problem_of(error)
    return None
