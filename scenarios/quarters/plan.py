"""Plan four quarters and write one workbook: for a scheduler, with a romi service or without."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from api.client import Client
from api.errors import told
from api.remote import ask_service
from api.services import Question, read_question
from optimizer import Plan, Scenario, plans_workbook, write_whole

SCENARIO = Path(__file__).with_name("scenario.yaml")
BUDGETS = (1_400_000, 1_250_000, 1_300_000, 1_900_000)  # EUR, a quarter each; Christmas is dear
WEEKS = 13


@contextmanager
def question() -> Iterator[Question]:
    """The scenario with its curves, fitted by the service if one is named, else here."""
    server = os.environ.get("ROMI_SERVER")
    if server is None:
        yield read_question(SCENARIO)
        return
    with Client(server, os.environ.get("ROMI_KEY")) as client:
        yield ask_service(client, SCENARIO)


def quarters(asked: Question) -> list[Plan]:
    """The plan of each quarter, one after another from the end of the history."""
    fitted = asked.model.fit
    assert fitted is not None, "the scenario names a history, so its model is fitted"
    first = date.fromisoformat(fitted.last_date) + timedelta(weeks=1)
    starts = [first + timedelta(weeks=WEEKS * quarter) for quarter in range(len(BUDGETS))]
    return [
        asked.put(_quarter(asked.scenario, start, budget)).plan()
        for start, budget in zip(starts, BUDGETS, strict=True)
    ]


def _quarter(year: Scenario, start: date, budget: float) -> Scenario:
    return year.model_copy(update={"start": start.isoformat(), "budget": budget})


def main(target: Path) -> None:
    """Write the workbook and say what each quarter brings."""
    with question() as asked:
        plans = quarters(asked)
    write_whole(target, plans_workbook(plans))
    for plan in plans:
        revenue = plan.totals.revenue.mean
        print(f"{plan.start}  {plan.totals.spend:>12,.0f} EUR earn {revenue:>12,.0f} EUR")  # noqa: T201


if __name__ == "__main__":
    with told(debug=False):
        main(Path(sys.argv[1] if len(sys.argv) > 1 else "year.xlsx"))
