"""Plans of every kind the page has to tell, made once."""

from __future__ import annotations

from functools import cache
from typing import Any

from optimizer import Frontier, Model, Plan, Scenario, frontier, plan, what_if
from tests.page.kept import PERIODS, drawn_model

LINE = {"family": "log", "scale": 900.0, "rate": 0.002}
BUDGET = 100_000.0  # what the curves' channels spend now, for the whole plan

#: Scenario keys of each kind of plan.
KINDS: dict[str, dict[str, Any]] = {
    "profit": {},
    "held": {"channels": {"tv": {"max": 12_000}, "radio": {"min": 30_000}}},
    "without caution": {"caution": 0.0},
    "tight": {"bounds": [1.0, 1.0]},
    "costly": {"channels": {"radio": {"min": 95_000, "max": 100_000}}, "bounds": [0.0, 2.0]},
    "free": {"budget": "free"},
    "romi": {"objective": "romi"},
    "revenue": {"objective": "revenue"},
    "least spend": {"objective": "least_spend", "budget": None, "targets": {"revenue": 150_000}},
    "by period": {"schedule": {"pattern": "optimised"}, "start": "2026-01-05"},
}


@cache
def curves(draws: int = 60) -> Model:
    """Curves of four channels, with so many draws; none where one."""
    return Model.from_dict(drawn_model(draws=draws))


def question(kind: str) -> Scenario:
    """The scenario of a kind."""
    stated = {"name": "Spring", "periods": PERIODS, "budget": BUDGET, "objective": "profit"}
    stated |= {"margin": 0.6, **KINDS[kind]}
    return Scenario.from_dict({key: value for key, value in stated.items() if value is not None})


@cache
def _planned(kind: str, draws: int) -> Plan:
    return plan(curves(draws), question(kind))


def planned(kind: str, draws: int = 60) -> Plan:
    """The plan of a kind."""
    return _planned(kind, draws)


def document(kind: str, draws: int = 60) -> dict[str, Any]:
    """The Plan document of a kind, its own to change."""
    return planned(kind, draws).to_dict()


def given(split: dict[str, float], kind: str = "profit", draws: int = 60) -> dict[str, Any]:
    """The document of a what-if."""
    return what_if(curves(draws), question(kind), split).to_dict()


@cache
def budgets_around() -> Frontier:
    """The frontier of the plain question."""
    return frontier(curves(), question("profit"), points=12, least=40_000, most=200_000)


@cache
def many_cells(channels: int = 7, markets: int = 5) -> tuple[Model, Scenario]:
    """So many channels in so many markets."""
    cells = [
        {
            "channel": f"channel {c}",
            "market": f"market {m}",
            "history_spend_per_period": 100.0 + 10 * c + m,
            "curve": {**LINE, "scale": 500.0 + 100 * ((3 * c + m) % 7)},
        }
        for c in range(channels)
        for m in range(markets)
    ]
    return Model.from_dict({"channels": cells}), Scenario.from_dict(
        {"periods": 4, "objective": "profit"}
    )
