"""A geo history at the terminal: checked, fitted, planned by market."""

import json

import pandas as pd
import pytest

from optimizer import Model
from tests.api.conftest import Romi
from tests.fitting.panels import STRENGTHS, panel

SCENARIO = "history: {file: geo.csv}\nperiods: 13\nobjective: revenue\nmarkets: {w: {max: 700}}\n"


@pytest.fixture
def geo(folder):
    """A geo history as a file; market w opens after 20 weeks, market y has no channel c."""
    history = panel(strengths=STRENGTHS)
    rows = []
    for g, market in enumerate(history.markets):
        table = pd.DataFrame(history.spend[g].round(2), columns=[f"{c}_spend" for c in "abc"])
        table["revenue"] = history.revenue[g].round(2)
        table.insert(0, "date", history.dates.date)
        table.insert(1, "market", market)
        table.insert(2, "population", history.population[g])
        rows.append(table.iloc[20:] if market == "w" else table)
    frame = pd.concat(rows)
    frame.loc[frame["market"] == "y", "c_spend"] = 0.0
    frame.to_csv(folder / "geo.csv", index=False)
    (folder / "geo.yaml").write_text(SCENARIO)
    return folder


def test_a_geo_history_is_checked_fitted_and_planned_by_market(romi: Romi, geo) -> None:
    checked = romi("check", "geo.csv")
    assert checked.exit_code == 0
    assert "6 markets" in checked.output
    assert "market w has revenue from" in " ".join(checked.output.split())
    fitted = romi("fit", "geo.csv", "-o", "model.json")
    assert fitted.exit_code == 0
    model = Model.from_dict(json.loads((geo / "model.json").read_text()))
    assert len(model.channels) == 17
    assert "c has no spend in y" in " ".join(fitted.output.split())
    planned = romi("plan", "geo.yaml", "--model", "model.json", "--json")
    assert planned.exit_code == 0
    rows = json.loads(planned.stdout)["allocation"]
    spend = {(row["channel"], row["market"]): row["spend"] for row in rows}
    assert len(spend) == 17
    assert sum(money for (_, market), money in spend.items() if market == "w") <= 700.0
    now = {(row["channel"], row["market"]): row["current_spend"] for row in rows}
    assert spend["a", "v"] / now["a", "v"] > spend["a", "u"] / now["a", "u"]
