"""What one more unit of every binding constraint is worth, in money and in words.

A price is of what was maximised: with caution or a measure of risk, of the mean gain less what
these take off, which is said. Prices of rows, targets and counts are those of the relaxation the
proof rests on: exact where curves are concave, and said to be of the relaxation where the split had
to be branched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.allocation import Allocation, Route
from optimizer.allocation.rows import Rows
from optimizer.cells import Question
from optimizer.outcome import Outcome
from optimizer.plan_document import ShadowPrice

FloatArray = npt.NDArray[np.float64]
NOTHING = 1e-9  # of the budget's price: a smaller price is none
EARNED = {
    "revenue": "revenue",
    "profit": "margin",
    "romi": "margin",
    "customer_value": "customer value",
    "least_spend": "spend saved",
}


@dataclass(frozen=True)
class _Words:
    """How this plan speaks of money."""

    one: str  # "EUR", or "unit"
    of: str  # " EUR", or ""
    earned: str  # what the objective counts
    judged: str | None  # what is taken off it: "caution" or "risk"
    relaxed: str  # ends a sentence about a price of the relaxation

    @classmethod
    def of_plan(cls, question: Question, found: Allocation) -> _Words:
        currency = question.scenario.currency or question.model.currency
        exact = found.route == Route.PRICE
        judged = _judged(question)
        charged = question.cost_per_spend > 0.0 and question.scenario.objective == "revenue"
        return cls(
            one=currency or "unit",
            of=f" {currency}" if currency else "",
            earned=_after(judged, EARNED["profit" if charged else question.scenario.objective]),
            judged=judged,
            relaxed="" if exact else " (price of the relaxation)",
        )


def _judged(question: Question) -> str | None:
    """What is taken off the mean gain where there is doubt to be judged; None for nothing."""
    scenario = question.scenario
    if question.model.n_draws == 1 or scenario.objective == "least_spend":
        return None
    if scenario.risk is not None:
        return "risk" if scenario.risk.weight > 0.0 else None
    return "caution" if scenario.caution > 0.0 else None


def _after(judged: str | None, earned: str) -> str:
    """What is counted, or an amount of it, with what was taken off."""
    if judged is None:
        return earned
    return f"{earned} after caution" if judged == "caution" else f"{earned} after risk"


def shadow_prices(
    question: Question, outcome: Outcome, found: Allocation
) -> tuple[ShadowPrice, ...]:
    """The budget's price, then that of every limit, row, target and count that binds."""
    words = _Words.of_plan(question, found)
    return (
        *_of_budget(question, found, words),
        *_of_limits(question, outcome, found, words),
        *_of_rows(question, found, words),
    )


def _of_budget(question: Question, found: Allocation, words: _Words) -> Iterator[ShadowPrice]:
    if found.price is None or question.scenario.objective == "least_spend":
        return
    if question.span and not question.span[0] < question.span[1]:
        return
    statement = (
        f"one more {words.one} of budget, limits held, earns {found.price:,.2f}{words.of} of "
        f"{words.earned}"
    )
    price = float(found.price - question.cost_per_spend)
    yield ShadowPrice(constraint="budget", price=price, statement=statement)


def _of_limits(
    question: Question, outcome: Outcome, found: Allocation, words: _Words
) -> Iterator[ShadowPrice]:
    if found.price is None or question.scenario.objective in ("romi", "least_spend"):
        return
    if question.rows is not None or question.targets or question.most_moved is not None:
        return  # what a cell's next unit costs is then not the budget's price alone
    for row, name, gain in zip(outcome.rows, question.names, found.marginal_gain, strict=True):
        if row.binding not in ("minimum", "maximum"):
            continue
        is_top = row.binding == "maximum"
        step = max(gain - found.price if is_top else found.price - gain, 0.0)
        change = "raising the maximum" if is_top else "lowering the minimum"
        gained = _after(words.judged, f"{step:,.2f}{words.of}")
        statement = f"{change} of {name} by one {words.one} gains {gained}"
        yield ShadowPrice(
            constraint=f"{name} {row.binding}", price=float(step), statement=statement
        )


def _of_rows(question: Question, found: Allocation, words: _Words) -> Iterator[ShadowPrice]:
    prices: FloatArray | None = getattr(found, "prices", None)
    rows = question.rows or Rows.none(len(question.names))
    names = rows.names
    if prices is None or len(prices) < 1 + len(names):
        return
    least = NOTHING * max(1.0, abs(float(prices[0])))
    left = prices[1:]
    fixed = rows.lower == rows.upper
    for name, price, is_fixed in zip(names, left, fixed, strict=False):
        if abs(price) > least:
            yield _row_price(name, float(price), words, is_fixed=bool(is_fixed))
    left = left[len(names) :]
    for target, price in zip(question.targets, left, strict=False):
        if price > least:
            statement = (
                f"asking {_unit_of(target.name, words)} less of the {target.name} gains "
                f"{price:,.4g}{words.of} of {words.earned}{words.relaxed}"
            )
            yield ShadowPrice(constraint=target.name, price=float(price), statement=statement)
    left = left[len(question.targets) :]
    for count, price in zip(question.counts, left, strict=False):
        if abs(price) > least:
            change = "more" if price > 0.0 else "fewer"
            statement = (
                f"one {change} active cell in {count.name.removesuffix(' active')} gains "
                f"{abs(price):,.2f}{words.of} of {words.earned}{words.relaxed}"
            )
            yield ShadowPrice(constraint=count.name, price=abs(float(price)), statement=statement)
    left = left[len(question.counts) :]
    moved = float(np.sum(left)) if question.most_moved is not None else 0.0
    if moved > least:
        statement = (
            f"one more {words.one} that may move gains {moved:,.2f}{words.of} of "
            f"{words.earned}{words.relaxed}"
        )
        yield ShadowPrice(constraint="max_moved", price=moved, statement=statement)


def _row_price(name: str, price: float, words: _Words, *, is_fixed: bool) -> ShadowPrice:
    """A row's price: of its upper side where positive, of its lower side where negative."""
    gains = f"gains {abs(price):,.2f}{words.of} of {words.earned}{words.relaxed}"
    if name.startswith("resource "):
        statement = f"one more unit of {name.removeprefix('resource ')} {gains}"
    elif name.startswith("group ") and not name.endswith((" sum", " share")):
        statement = f"one {words.one} of leave from {name} {gains}"
    elif is_fixed:
        change = "raising" if price > 0.0 else "lowering"
        statement = f"{change} {name} by one {words.one} {gains}"
    else:
        side = "raising the most" if price > 0.0 else "lowering the least"
        statement = f"{side} of {name} by one {words.one} {gains}"
    return ShadowPrice(constraint=name, price=abs(price), statement=statement)


def _unit_of(target: str, words: _Words) -> str:
    """What a target is counted in."""
    return "one customer" if target == "target cac" else f"one {words.one}"
