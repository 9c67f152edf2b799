"""The worked examples are planned, reproducible, and in the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from api.cli import app
from scenarios.make import FOLDER, HISTORIES

EXAMPLES = sorted(path.parent.name for path in FOLDER.glob("*/scenario.yaml"))
ROOT = FOLDER.parent
AGAIN = "run `python -m scenarios.make`, then `python -m docs.examples`"
MACHINES_DIFFER_BY = 0.011  # the last digit of a cent
MACHINES_DIFFER_IN_VALUES = 1e-6  # values are where a search stopped; processors sum otherwise


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_is_made_again_from_its_seed(name: str) -> None:
    stored, made = pd.read_csv(FOLDER / name), HISTORIES[name]()
    assert list(stored.columns) == list(made.columns)
    for column in stored:
        if pd.api.types.is_numeric_dtype(made[column]):
            np.testing.assert_allclose(
                made[column], stored[column], atol=MACHINES_DIFFER_BY, err_msg=AGAIN
            )
        else:
            assert [str(cell) for cell in made[column]] == list(stored[column])


def test_the_examples_are_those_promised() -> None:
    assert EXAMPLES == ["customers", "national", "own_curves", "quarters", "shop", "spring"]
    for name in EXAMPLES:
        assert (FOLDER / name / "README.md").exists()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_ends_in_a_proven_split_better_than_the_current(name: str) -> None:
    result = CliRunner().invoke(app, ["plan", str(FOLDER / name / "scenario.yaml"), "--json"])
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert plan["certificate"]["gap"] <= 1e-5
    assert plan["totals"]["uplift"]["probability_positive"] > 0.8
    assert plan["totals"]["spend"] == pytest.approx(sum(r["spend"] for r in plan["allocation"]))


def test_the_values_of_the_customers_example_are_made_again_from_its_orders() -> None:
    folder = FOLDER / "customers"
    command = ["customers", str(folder / "orders.csv"), "--margin", "0.4", "--json"]
    result = CliRunner().invoke(app, [*command, "--history", str(folder / "history.csv")])
    assert result.exit_code == 0, result.output
    made, stored = json.loads(result.stdout), json.loads((folder / "customers.json").read_text())
    for ours, theirs in zip(made["channels"], stored["channels"], strict=True):
        assert ours.keys() == theirs.keys()
        worth = "ltv_to_cac"  # the one figure that rests on the values
        assert ours.pop(worth) == _about(theirs.pop(worth))
        assert ours == theirs
    for ours, theirs in zip(made["segments"], stored["segments"], strict=True):
        assert ours["value"] == _about(theirs["value"])


def _about(value: object) -> object:
    """A number as other machines find it; anything else as it is."""
    is_number = isinstance(value, int | float | dict)
    return pytest.approx(value, rel=MACHINES_DIFFER_IN_VALUES) if is_number else value


def test_the_wheel_carries_the_example_and_runs_it(tmp_path: Path) -> None:
    pytest.importorskip("setuptools")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    source = _clean_copy(tmp_path / "source")
    subprocess.run([*build, "-w", tmp_path, source], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("romi-*.whl"))) as wheel:
        assert "api/example/history.csv" in wheel.namelist()
        assert not any(name.startswith(("tests", "scenarios")) for name in wheel.namelist())
        wheel.extractall(tmp_path / "installed")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed")}
    command = [sys.executable, "-P", "-m", "api.cli", "demo", "--quiet"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "Proof:" in ran.stdout


def _clean_copy(place: Path) -> Path:
    """What a build reads, without what earlier builds left behind."""
    import shutil

    place.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("api", "optimizer", "scenarios"):
        shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, place / name)
    return place
