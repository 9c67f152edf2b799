"""In what plans differ besides their figures: settings, and what stands between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optimizer.cells import PlanWarning
from optimizer.comparison import Setting
from optimizer.plan_document import Plan
from optimizer.reasons import ANOTHER_MARGIN, Cell, Reader, margin_of

Values = list[float | str | None]


def currency_of(plans: Sequence[Plan]) -> str | None:
    """The currency of plans that state one or none."""
    return next((plan.currency for plan in plans if plan.currency), None)


def shared_objective(readers: Sequence[Reader]) -> str | None:
    """What all plans were judged by; None where that differs."""
    objectives = {reader.plan.objective for reader in readers}
    return objectives.pop() if len(objectives) == 1 else None


def differing_settings(readers: Sequence[Reader]) -> Iterator[Setting]:
    """The settings in which the plans differ, as far as plans hold them."""
    plans = [reader.plan for reader in readers]
    found: dict[str, Values] = {
        "budget": [reader.spend for reader in readers],
        "objective": [plan.objective for plan in plans],
        "caution": [plan.caution for plan in plans],
        "periods": [plan.periods for plan in plans],
        "start": [plan.start.isoformat() if plan.start else None for plan in plans],
        "split": ["sought" if plan.certificate else "given" for plan in plans],
        "model": [plan.provenance.model for plan in plans],
        **_margins(readers),
    }
    for setting, values in found.items():
        if any(not _alike(values[0], value) for value in values[1:]):
            said = ", ".join(
                f"{_said(value)} in {reader.label}"
                for value, reader in zip(values, readers, strict=True)
            )
            yield Setting(setting=setting, values=tuple(values), statement=f"{setting}: {said}")


def _margins(readers: Sequence[Reader]) -> dict[str, Values]:
    """Each channel's margin in every plan; one entry where a plan has one for all."""
    found: dict[str, Values] = {}
    for place, reader in enumerate(readers):
        for (channel, _), row in reader.rows.items():
            margin = margin_of(row)
            if margin is not None:
                known = found.setdefault(f"margin of {channel}", [None] * len(readers))
                known[place] = float(f"{margin:.9g}")
    whole = {name: values for name, values in found.items() if None not in values}
    kinds = {tuple(values) for values in whole.values()}
    return {"margin": list(kinds.pop())} if len(kinds) == 1 else whole


def _alike(one: float | str | None, other: float | str | None) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= max(ANOTHER_MARGIN * abs(one), 0.0)
    return one == other


def _said(value: float | str | None) -> str:
    if isinstance(value, str):
        return value[:15] if value.startswith("sha256:") else value
    if value is None:
        return "none"
    return f"{value:,.2f}".removesuffix(".00") if abs(value) >= 100.0 else f"{value:g}"


def notes_on(readers: Sequence[Reader]) -> Iterator[PlanWarning]:
    """What stands between the plans besides their figures."""
    plans = [reader.plan for reader in readers]
    asked = {plan.provenance.scenario for plan in plans}
    if len(asked) > 1 and not any(differing_settings(readers)):
        text = (
            "The scenarios differ in what plans do not hold, such as limits, groups or targets: "
            "see the scenario files."
        )
        yield PlanWarning(code="scenarios_differ", message=text)
    if len({plan.periods for plan in plans}) > 1:
        period = plans[0].period
        lengths = ", ".join(f"{r.label} {r.plan.periods} {period}s" for r in readers)
        text = f"The plans differ in length ({lengths}): all money here is per {period}."
        yield PlanWarning(code="lengths_differ", message=text)
    silent = [reader.label for reader in readers if not reader.plan.currency]
    if silent and len(silent) < len(readers):
        text = f"{' and '.join(silent)} names no currency: taken as {currency_of(plans)}."
        yield PlanWarning(code="currency_unstated", message=text)
    if shared_objective(readers) is None:
        text = "The plans are judged by different things: compare them by profit and by revenue."
        yield PlanWarning(code="objectives_differ", message=text)
    if any(not _alike(values[0], v) for values in _margins(readers).values() for v in values):
        text = "The plans count other margins: part of the difference in profit is the margins'."
        yield PlanWarning(code="margins_differ", message=text)
    if any(_shares_now(r) != _shares_now(readers[0]) for r in readers[1:]):
        text = "The plans start from different current splits: their gains are not alike."
        yield PlanWarning(code="current_differs", message=text)


def _shares_now(reader: Reader) -> dict[Cell, float]:
    """The current split as shares, to six digits."""
    total = sum(row.current_spend for row in reader.plan.rows) or 1.0
    return {cell: round(row.current_spend / total, 6) for cell, row in reader.rows.items()}
