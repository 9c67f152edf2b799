"""What the tests of the shell share: a history, a model, and a way to run a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from api.cli import app

Romi = Callable[..., Result]

MODEL = {
    "model": 1,
    "currency": "EUR",
    "channels": [
        {
            "channel": "tv",
            "history_spend_per_period": 300,
            "curve": {"family": "hill", "ceiling": 900, "half_saturation": 400, "slope": 1.4},
        },
        {
            "channel": "search",
            "history_spend_per_period": 300,
            "curve": {"family": "log", "scale": [90, 100, 110, 120], "rate": 0.02},
        },
    ],
}


def history_frame(periods: int = 60) -> pd.DataFrame:
    """An aggregate history without faults: two channels, a row per week."""
    rng = np.random.default_rng(0)
    spend = rng.uniform(50, 200, (periods, 2)).round(2)
    return pd.DataFrame(
        {
            "date": pd.date_range("2024-01-01", periods=periods, freq="7D").date,
            "tv_spend": spend[:, 0],
            "search_spend": spend[:, 1],
            "revenue": (1000 + 2 * spend[:, 0] + spend[:, 1]).round(2),
        }
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model, a history and a scenario for each."""
    (tmp_path / "model.json").write_text(json.dumps(MODEL))
    history_frame().to_csv(tmp_path / "history.csv", index=False)
    (tmp_path / "plan.yaml").write_text("model: model.json\nperiods: 10\nbudget: 6000\n")
    (tmp_path / "fit.yaml").write_text("history: {file: history.csv}\nperiods: 10\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def romi(folder: Path) -> Romi:
    """Run a command in the folder; nothing that fails may show a traceback or leave drafts."""

    def run(*arguments: str, width: int = 80) -> Result:
        environment = {"COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"}
        result = CliRunner().invoke(app, arguments, env=environment)
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert not list(folder.rglob("*.part"))
        return result

    return run
