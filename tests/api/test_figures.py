"""Amounts of any size, and warnings of any number, stay legible."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from api.terminal.figures import Scale
from api.terminal.plans import grouped, show_list
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


def test_a_list_is_wrapped_by_the_places_letters_take_on_a_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sentence = "电视广告在北京市场的支出超过了它以往的最高水平因此那里的曲线只是猜测 of [tv]"
    show_list([sentence], Console(width=40))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= 40
    assert lines[0].startswith("  - ")
    assert all(line.startswith("    ") for line in lines[1:])
    assert "".join(line[4:] for line in lines).replace(" ", "") == sentence.replace(" ", "")


def test_a_gain_is_told_in_the_objectives_own_money(romi: Romi, folder: Path) -> None:
    asked = "model: model.json\nperiods: 10\nobjective: customer_value\n"
    (folder / "plan.yaml").write_text(f"{asked}values: {{tv: 2, search: 3}}\n")
    printed = romi("plan", "plan.yaml", "-q").stdout
    assert "judged by customer value" in printed
    assert "of customer value (90 %" in " ".join(printed.split())


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


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_takes_no_more_than_the_terminal_and_names_what_it_leaves_out(
    romi: Romi, width: int
) -> None:
    printed = romi("plan", "plan.yaml", width=width).stdout
    assert max(len(line) for line in printed.splitlines()) <= width
    assert ("Too narrow here for: interval" in printed) == (width < 72)
    rows = [line for line in printed.splitlines() if line.startswith(("tv ", "search "))]
    assert len(rows) == 2
    assert all("%" in row for row in rows), "one line each"


def _plan(romi: Romi, folder: Path, keys: str) -> str:
    (folder / "plan.yaml").write_text(f"model: model.json\nperiods: 10\n{keys}\n")
    return " ".join(romi("plan", "plan.yaml", "--quiet").stdout.split())


def _uncertain(folder: Path) -> None:
    model = json.loads(json.dumps(MODEL))
    model["channels"][1]["curve"]["scale"] = [20, 100, 180, 300]
    (folder / "model.json").write_text(json.dumps(model))


@pytest.mark.parametrize("objective", ["revenue", "profit"])
def test_caution_is_explained_where_it_moves_money(
    romi: Romi, folder: Path, objective: str
) -> None:
    _uncertain(folder)
    question = f"budget: 6000\nbounds: [0.1, 1.9]\nobjective: {objective}\nmargin: 2\n"
    words = "a channel that earns more on average but less surely gets less"
    assert f"Caution 0.3: {words}" in _plan(romi, folder, question + "caution: 0.3")
    assert words not in _plan(romi, folder, question + "caution: 0")


def test_limits_that_cost_are_called_a_cost(romi: Romi, folder: Path) -> None:
    printed = _plan(romi, folder, "budget: 6000\nchannels: {tv: {max: 1600}}\nbounds: [0, 9]")
    assert "Your limits cost" in printed
    assert "Gain" not in printed


def test_a_split_that_loses_is_not_blamed_on_limits(romi: Romi, folder: Path) -> None:
    (folder / "split.json").write_text('{"tv": 500, "search": 5500}')
    printed = romi("what-if", "plan.yaml", "--split", "split.json").stdout
    assert "This split costs" in printed


@pytest.mark.parametrize("objective", ["revenue", "profit"])
def test_a_budget_beyond_break_even_says_so(romi: Romi, folder: Path, objective: str) -> None:
    keys = f"objective: {objective}\nmargin: 0.3\nbounds: [0.1, 1.9]\n"
    words = "a smaller budget earns more profit"
    for caution, lost in ((0, "0."), (0.5, "at least 0.")):
        printed = _plan(romi, folder, keys + f"budget: 20000\ncaution: {caution}")
        assert f"The last EUR loses {lost}" in printed
        assert words in printed
    assert words not in _plan(romi, folder, keys.replace("0.3", "3") + "budget: 2000")
