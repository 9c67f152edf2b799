"""Why a cell's money moved between two plans, in words, from the plans' own figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from optimizer.plan_document import AllocationRow, Interval, Plan
from optimizer.scenario import Scenario

Cell = tuple[str, str | None]

NOTICEABLE = 0.05  # of marginal ROMI: what counts as more than elsewhere
LARGER = 0.001  # relative: what counts as another budget
ANOTHER_MARGIN = 1e-6  # relative; margins are read back from ROMI


@dataclass(frozen=True)
class Reader:
    """One plan as the reasons read it, its money per plan or per period."""

    label: str
    plan: Plan
    divisor: float = 1.0
    scenario: Scenario | None = None  # the one it was made from, where given

    @cached_property
    def rows(self) -> dict[Cell, AllocationRow]:
        """The rows by channel and market."""
        return {(row.channel, row.market): row for row in self.plan.rows}

    @cached_property
    def spend(self) -> float:
        """Total, currency."""
        return self.plan.totals.spend / self.divisor

    def spend_of(self, cell: Cell) -> float:
        """One cell's spend, currency; nothing where the plan has no such cell."""
        return self.rows[cell].spend / self.divisor if cell in self.rows else 0.0

    @cached_property
    def usual_marginal(self) -> float | None:
        """The middle of what the next unit of money earns where no limit holds it."""
        free = [row.marginal_romi for row in self.plan.rows if row.binding is None]
        known = [value for value in free if value is not None]
        return median(known) if known else None

    @cached_property
    def usual_doubt(self) -> float | None:
        """The middle of the rows' doubt."""
        known = [value for value in map(doubt, self.plan.rows) if value is not None]
        return median(known) if known else None

    @property
    def is_given(self) -> bool:
        """Whether the split was stated rather than sought."""
        return self.plan.certificate is None


def margin_of(row: AllocationRow) -> float | None:
    """The margin behind a row's ROMI; None where nothing is earned."""
    if row.romi is None or not row.response.mean:
        return None
    return (row.romi + 1.0) * row.spend / row.response.mean


def doubt(row: AllocationRow) -> float | None:
    """Half the 90 % interval of a row's revenue, relative to its mean."""
    earned: Interval = row.response
    if not earned.mean or earned.p05 is None or earned.p95 is None:
        return None
    return 0.5 * (earned.p95 - earned.p05) / earned.mean


def reason(cell: Cell, first: Reader, other: Reader) -> str:
    """Why a cell's money differs between two plans: the strongest reason their figures show."""
    if cell not in first.rows or cell not in other.rows:
        return f"{(first if cell not in first.rows else other).label} has no such channel"
    return next(_reasons(cell, first, other)) + _marginals(cell, first, other)


def _reasons(cell: Cell, first: Reader, other: Reader) -> Iterator[str]:
    """Reasons from the strongest to the weakest."""
    before, after = first.rows[cell], other.rows[cell]
    up = other.spend_of(cell) > first.spend_of(cell)
    yield from _rules(before, after, first, other)
    yield from _limits(before, after, first, other, up=up)
    if other.is_given or first.is_given:
        given = other if other.is_given else first
        yield f"the split of {given.label} was given, not sought"
    if first.plan.provenance.model != other.plan.provenance.model:
        yield "the models differ, and with them its curve"
    yield from _worth(before, after, first, other)
    yield from _doubts(before, first, other, up=up)
    yield from _budgets(first, other, up=up)
    yield from _next_unit(before, first, up=up)
    yield "it follows from the other moves"


def _rules(
    before: AllocationRow, after: AllocationRow, first: Reader, other: Reader
) -> Iterator[str]:
    for rule in ("excluded", "locked"):
        if after.binding == rule:
            yield f"{rule} in {other.label}"
        elif before.binding == rule:
            yield f"{rule} in {first.label}, not in {other.label}"


def _limits(
    before: AllocationRow, after: AllocationRow, first: Reader, other: Reader, *, up: bool
) -> Iterator[str]:
    if after.binding is not None and after.binding == before.binding:
        yield f"it rests on its {after.binding} in both, and the {after.binding} moved"
    elif after.binding is not None:
        meets = "up to" if up else "down to"
        reaches = (after.binding == "maximum") == up
        verb = f"goes {meets}" if reaches else "is held by"
        yield f"it {verb} its {after.binding} in {other.label}"
    elif before.binding is not None:
        yield f"its {before.binding} holds it in {first.label}, not in {other.label}"


def _worth(
    before: AllocationRow, after: AllocationRow, first: Reader, other: Reader
) -> Iterator[str]:
    """What its money counts: another objective, another margin."""
    if first.plan.objective != other.plan.objective:
        yield (
            f"{other.label} is judged by {other.plan.objective}, {first.label} by "
            f"{first.plan.objective}"
        )
    old, new = margin_of(before), margin_of(after)
    if old is not None and new is not None and abs(new - old) > ANOTHER_MARGIN * old:
        yield f"its margin is {new:.3g} in {other.label}, {old:.3g} in {first.label}"


def _next_unit(before: AllocationRow, first: Reader, *, up: bool) -> Iterator[str]:
    """What its next unit of money earned, against the others'."""
    usual, own = first.usual_marginal, before.marginal_romi
    if usual is None or own is None or abs(own - usual) <= NOTICEABLE:
        return
    if (own > usual) == up:
        than = "more" if up else "less"
        yield f"in {first.label} its next unit of money earns {than} than elsewhere"


def _doubts(before: AllocationRow, first: Reader, other: Reader, *, up: bool) -> Iterator[str]:
    """Caution takes from the doubtful and gives to the sure; less caution the reverse."""
    old, new = first.plan.caution, other.plan.caution
    own, usual = doubt(before), first.usual_doubt
    if old == new or own is None or usual is None:
        return
    gives_to_the_sure = new > old
    is_sure = own < usual
    if own != usual and (is_sure == gives_to_the_sure) == up:
        kind = "surer" if is_sure else "less sure"
        yield (
            f"{other.label} has {'more' if new > old else 'less'} caution, and its revenue is "
            f"{kind} than most (± {own:.0%})"
        )


def _budgets(first: Reader, other: Reader, *, up: bool) -> Iterator[str]:
    change = other.spend / first.spend - 1.0 if first.spend > 0.0 else 0.0
    if abs(change) > LARGER and (change > 0.0) == up:
        yield f"the budget is {100.0 * abs(change):.3g} % {'larger' if up else 'smaller'}"


def _marginals(cell: Cell, first: Reader, other: Reader) -> str:
    old, new = (reader.rows[cell].marginal_romi for reader in (first, other))
    if old is None or new is None:
        return ""
    said = [f"{value:.2f}".replace("-", "−") for value in (old, new)]
    return f" (marginal ROMI {said[0]} in {first.label}, {said[1]} in {other.label})"
