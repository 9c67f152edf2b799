"""Several plans in one workbook, read back cell by cell."""

import io

import pytest
import python_calamine

from optimizer import Model, ProblemError, Scenario, plan, plans_workbook

CURVE = {"family": "log", "scale": 900.0, "rate": 0.01}
CHANNELS = [
    {"channel": name, "history_spend_per_period": 100.0, "curve": CURVE}
    for name in ("tv", "=search")
]


@pytest.fixture(scope="module")
def plans():
    model = Model.from_dict({"currency": "EUR", "channels": CHANNELS})
    quarters = (("2025-01-06", 2_000), ("2025-04-07", 3_000), ("2025-04-07", 4_000))
    return [
        plan(model, Scenario(periods=13, budget=budget, start=start, name="Year"))
        for start, budget in quarters
    ]


def _sheets(content):
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_every_plan_has_its_split_and_the_overview_adds_them_up(plans):
    sheets = _sheets(plans_workbook(plans))
    assert list(sheets) == ["Overview", "2025-01-06", "2025-04-07", "2025-04-07 2"]
    channels = next(i for i, row in enumerate(sheets["Overview"]) if row[0] == "channel")
    for row, name in zip(sheets["Overview"][channels + 1 :], ("tv", "=search"), strict=False):
        assert row[0] == name
        assert row[1:4] == [answer.split[name] for answer in plans]
    totals = next(row for row in sheets["Overview"] if row[0] == "total")
    assert totals[2] == pytest.approx(9_000)


def test_the_same_plans_give_the_same_bytes(plans):
    assert plans_workbook(plans) == plans_workbook(plans)


def test_nothing_and_two_currencies_are_refused(plans):
    with pytest.raises(ProblemError, match="no plan"):
        plans_workbook([])
    other = Model.from_dict({"currency": "USD", "channels": CHANNELS})
    foreign = plan(other, Scenario(periods=13, budget=2_000))
    with pytest.raises(ProblemError, match="EUR and USD"):
        plans_workbook([plans[0], foreign])
