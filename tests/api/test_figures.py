"""Amounts of any size, and warnings of any number, stay legible."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.terminal.figures import Scale
from api.terminal.plans import grouped
from optimizer import PlanWarning
from tests.api.conftest import MODEL, Romi


@pytest.mark.parametrize(
    ("largest", "shown", "unit"),
    [
        (4.76, "4.76", "EUR"),
        (1_300_000.0, "1,300,000", "EUR"),
        (2.5e10, "25,000,000", "thousand EUR"),
        (1e13, "10,000,000", "million EUR"),
    ],
)
def test_money_takes_at_most_a_dozen_characters(largest: float, shown: str, unit: str) -> None:
    scale = Scale.of([1.0, largest], "EUR")
    assert (scale(largest), scale.unit) == (shown, unit)


@pytest.mark.parametrize("times", [1e-4, 1.0, 1e6])
def test_a_plan_of_any_size_fits_the_terminal(romi: Romi, folder: Path, times: float) -> None:
    model = json.loads(json.dumps(MODEL))
    for entry, keys in zip(model["channels"], (("ceiling", "half_saturation"), ()), strict=True):
        entry["history_spend_per_period"] *= times
        for key in keys:
            entry["curve"][key] *= times
    model["channels"][1]["curve"]["rate"] /= times
    model["channels"][1]["curve"]["scale"] = [value * times for value in (90, 100, 110, 120)]
    (folder / "model.json").write_text(json.dumps(model))
    (folder / "plan.yaml").write_text("model: model.json\nperiods: 10\n")
    result = romi("plan", "plan.yaml", "--quiet")
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert "…" not in result.stdout


def test_a_narrow_terminal_loses_nothing(romi: Romi) -> None:
    printed = romi("plan", "plan.yaml", width=40).stdout
    assert "…" not in printed
    assert "search" in printed


def test_markets_are_shown_beside_their_channels(romi: Romi, folder: Path) -> None:
    model = json.loads(json.dumps(MODEL))
    for entry, market in zip(model["channels"], ("north", "south"), strict=True):
        entry["market"] = market
    (folder / "model.json").write_text(json.dumps(model))
    printed = romi("plan", "plan.yaml").stdout
    assert "market" in printed
    assert "north" in printed


def _warning(channel: str, message: str, code: str = "beyond_data") -> PlanWarning:
    return PlanWarning(code=code, channel=channel, message=message)


def test_warnings_that_differ_in_the_channel_alone_become_one() -> None:
    alike = [_warning(name, f"{name} is a guess.") for name in ("tv", "search", "print")]
    assert grouped(alike) == ["tv is a guess. The same holds for search and print."]


def test_many_warnings_of_a_kind_are_counted() -> None:
    many = [_warning("tv", f"reason {number}") for number in range(5)]
    assert grouped(many)[-1] == "And 2 more of this kind; --json lists them all."
