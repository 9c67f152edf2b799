"""Everything the reading parts of a plan show, from documents alone.

The parts are ``templates/parts/``: totals, allocation, marginal, waterfall, frontier, proof,
warnings, prices, schedule. Each is one section, or nothing where there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.page.plans import budgets, pictures
from api.page.plans.advice import advice, sureness
from api.page.words.language import Language

current_split = pictures.current_split


def reading(
    plan: Mapping[str, Any],
    language: Language,
    *,
    now: Mapping[str, Any] | None = None,
    frontier: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the parts take.

    Parameters
    ----------
    plan : mapping
        A Plan document.
    language : Language
        The reader's.
    now : mapping, optional
        The Plan document of a what-if of the plan's :func:`current_split`: for the waterfall.
    frontier : mapping, optional
        The Frontier document of the plan's question.
    """
    chance = plan["totals"]["uplift"]["probability_positive"]
    return {
        "plan": plan,
        "advice": advice(plan, language),
        "sure": None if chance is None else sureness(chance, language),
        "worth": pictures.worth_of(plan),
        "figures": pictures.figures(plan),
        "moves": pictures.moves(plan),
        "marginals": pictures.marginals(plan),
        "waterfall": None if now is None else pictures.waterfall(plan, now),
        "timetable": pictures.timetable(plan),
        "frontier": frontier,
        "budgets": None if frontier is None else budgets.budgets(frontier),
    }
