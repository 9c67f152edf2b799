"""romi fit with options of the curves, and with what lies behind the fit in a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer import FitReport, Model
from tests.api.conftest import Romi


def test_what_lies_behind_a_fit_is_written_beside_the_model(romi: Romi, folder: Path) -> None:
    result = romi("fit", "history.csv", "--report", "behind.json", "-o", "with_report.json")
    assert result.exit_code == 0
    model = Model.from_dict(json.loads((folder / "with_report.json").read_text()))
    report = FitReport.from_dict(json.loads((folder / "behind.json").read_text()))
    assert model.fit is not None
    assert report.history == model.fit.history
    assert len(report.markets[0].series[0].observed) == model.fit.n_periods


@pytest.mark.parametrize(
    ("name", "words"),
    [("behind.txt", "--report behind.txt"), ("nowhere/behind.json", "does not exist")],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_fit(
    romi: Romi, name: str, words: str
) -> None:
    result = romi("fit", "history.csv", "--report", name)
    assert result.exit_code != 0
    assert words in result.stderr
    assert "Fitting" not in result.stderr


def test_a_scenario_states_the_family_of_the_curves(romi: Romi, folder: Path) -> None:
    scenario = "history: {file: history.csv}\nperiods: 4\nfit: {curve: log}\n"
    (folder / "log.yaml").write_text(scenario)
    assert romi("fit", "log.yaml", "-o", "log.json").exit_code == 0
    model = Model.from_dict(json.loads((folder / "log.json").read_text()))
    assert {entry.curve.family for entry in model.channels} == {"log"}
