"""Published histories, outside the project, are planned from their scenario files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from api.cli import app

HERE = Path(__file__).parent / "scenarios"
DATA = Path(os.environ.get("ROMI_DATA", Path(__file__).parents[2] / "shared" / "data"))
SCENARIOS = sorted(path.stem for path in HERE.glob("*.yaml"))


@pytest.fixture
def scenario(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The scenario file, its history's path set to where the data stands today."""
    content = YAML(typ="safe").load((HERE / f"{request.param}.yaml").read_text())
    history = DATA.resolve() / Path(content["history"]["file"]).name
    if not history.exists():
        pytest.skip(f"{history.name} is not there; set ROMI_DATA to the folder that has it")
    content["history"]["file"] = str(history)
    place = tmp_path / "scenario.json"
    place.write_text(json.dumps(content))
    return place


@pytest.mark.parametrize("scenario", SCENARIOS, indirect=True)
def test_a_published_history_ends_in_a_proven_split(scenario: Path) -> None:
    result = CliRunner().invoke(app, ["plan", str(scenario), "--json"])
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert plan["certificate"]["gap"] <= 1e-5
    assert sum(row["spend"] for row in plan["allocation"]) == pytest.approx(
        plan["totals"]["spend"], abs=0.001
    )
    for row in plan["allocation"]:
        assert row["response"]["p05"] <= row["response"]["mean"] <= row["response"]["p95"]


@pytest.mark.parametrize("scenario", SCENARIOS, indirect=True)
def test_a_published_history_has_no_fatal_finding(scenario: Path) -> None:
    assert CliRunner().invoke(app, ["check", str(scenario), "--quiet"]).exit_code == 0


def test_all_four_published_histories_have_a_scenario() -> None:
    assert len(SCENARIOS) >= 4
