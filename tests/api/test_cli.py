"""Every command: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from api.terminal.demo import way_to_romi
from optimizer import Model, Plan
from tests.api.conftest import MODEL, Romi

ROOT = Path(__file__).parents[2]


def process(
    *arguments: str, folder: Path = ROOT, stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_a_plan_shows_split_response_limits_gain_and_proof(romi: Romi) -> None:
    result = romi("plan", "plan.yaml")
    assert result.exit_code == 0
    for words in ("tv", "search", "ROMI", "limit", "total", "6,000.00", "EUR"):
        assert words in result.stdout
    assert "Gain over the current split" in result.stdout
    assert "sure it beats the current split" in result.stdout
    assert "Proof: no feasible split earns more than" in result.stdout
    assert "one more EUR of budget" in result.stdout


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_of_a_plan_is_wider_than_the_terminal(romi: Romi, width: int) -> None:
    printed = romi("plan", "plan.yaml", width=width).stdout
    assert max(len(line) for line in printed.splitlines()) <= width


def test_json_is_the_plan_and_nothing_else(romi: Romi) -> None:
    result = romi("plan", "plan.yaml", "--json")
    plan = Plan.from_dict(json.loads(result.stdout))
    assert sum(plan.split.values()) == pytest.approx(6000.0, abs=0.001)
    assert "Looking for the best split" in result.stderr


def test_quiet_says_nothing_on_stderr(romi: Romi) -> None:
    assert romi("plan", "plan.yaml", "--quiet", "--model", "model.json").stderr == ""


def test_quiet_with_a_file_says_nothing_at_all(romi: Romi, folder: Path) -> None:
    result = romi("plan", "plan.yaml", "-q", "-o", "plan.json")
    assert result.output == ""
    assert Plan.from_dict(json.loads((folder / "plan.json").read_text())).certificate is not None


def test_csv_has_a_row_per_channel_that_sums_to_the_budget(romi: Romi, folder: Path) -> None:
    romi("plan", "plan.yaml", "-o", "plan.csv")
    rows = list(csv.DictReader((folder / "plan.csv").read_text().splitlines()))
    assert [row["channel"] for row in rows] == ["tv", "search"]
    assert sum(float(row["spend"]) for row in rows) == pytest.approx(6000.0, abs=0.001)


def test_csv_cells_cannot_act_as_formulas(romi: Romi, folder: Path) -> None:
    model = json.loads(json.dumps(MODEL).replace('"tv"', '"=1+1"'))
    (folder / "model.json").write_text(json.dumps(model))
    romi("plan", "plan.yaml", "-o", "plan.csv")
    assert "\n'=1+1," in (folder / "plan.csv").read_text()


def test_a_history_is_fitted_on_the_way_to_a_plan(romi: Romi) -> None:
    result = romi("plan", "fit.yaml")
    assert result.exit_code == 0
    assert "Fitting curves to 60 weeks of 2 channels" in result.stderr
    assert "Proof:" in result.stdout


def test_the_same_scenario_gives_the_same_plan_twice(romi: Romi) -> None:
    assert romi("plan", "fit.yaml", "--json").stdout == romi("plan", "fit.yaml", "--json").stdout


def test_a_fitted_model_plans_as_its_history_does(romi: Romi, folder: Path) -> None:
    romi("fit", "fit.yaml", "-o", "fitted.json")
    direct, through_file = (
        json.loads(romi("plan", "fit.yaml", "--json", *model).stdout)["allocation"]
        for model in ((), ("--model", "fitted.json"))
    )
    assert direct == through_file


def test_a_model_given_beside_the_scenario_wins_with_a_warning(romi: Romi) -> None:
    result = romi("plan", "fit.yaml", "--model", "model.json")
    assert result.exit_code == 0
    assert "warning: --model model.json is used" in result.stderr
    assert "Fitting" not in result.stderr


def test_paths_in_a_scenario_are_relative_to_its_folder(
    romi: Romi, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert romi("plan", "../plan.yaml").exit_code == 0
    assert romi("check", "../fit.yaml").exit_code == 0


def test_a_what_if_of_the_plans_own_split_returns_its_numbers(romi: Romi) -> None:
    planned = json.loads(romi("plan", "plan.yaml", "--json", "-o", "plan.json").stdout)
    asked = json.loads(romi("what-if", "plan.yaml", "--split", "plan.json", "--json").stdout)
    assert asked["certificate"] is None
    assert asked["totals"] == planned["totals"]
    assert asked["allocation"] == planned["allocation"]


def test_a_what_if_of_a_plan_as_csv_is_that_of_the_plan(romi: Romi, folder: Path) -> None:
    model = json.loads(json.dumps(MODEL).replace('"tv"', '"-tv"'))
    (folder / "model.json").write_text(json.dumps(model))
    planned = json.loads(romi("plan", "plan.yaml", "--json", "-o", "plan.csv").stdout)
    asked = json.loads(romi("what-if", "plan.yaml", "--split", "plan.csv", "--json").stdout)
    assert asked["allocation"] == planned["allocation"]


def test_a_plan_of_markets_as_csv_is_a_split_too(romi: Romi, folder: Path) -> None:
    model = json.loads(json.dumps(MODEL))
    model["channels"] = [
        {**entry, "channel": "tv", "market": market}
        for entry, market in zip(model["channels"], ("north", "south"), strict=True)
    ]
    (folder / "model.json").write_text(json.dumps(model))
    planned = json.loads(romi("plan", "plan.yaml", "--json", "-o", "plan.csv").stdout)
    asked = json.loads(romi("what-if", "plan.yaml", "--split", "plan.csv", "--json").stdout)
    assert asked["allocation"] == planned["allocation"]


def test_a_split_of_a_spreadsheet_may_part_its_cells_by_semicolons(
    romi: Romi, folder: Path
) -> None:
    (folder / "split.csv").write_bytes("\ufeffchannel;spend\ntv;2000\nsearch;4000\n".encode())
    asked = json.loads(romi("what-if", "plan.yaml", "--split", "split.csv", "--json").stdout)
    assert [row["spend"] for row in asked["allocation"]] == [2000.0, 4000.0]


def test_csv_money_is_whole_cents_and_no_figure_has_noise(romi: Romi, folder: Path) -> None:
    romi("plan", "plan.yaml", "-o", "plan.csv")
    for row in csv.DictReader((folder / "plan.csv").read_text().splitlines()):
        for key, text in row.items():
            if "." in text:
                money = key in ("spend", "per_period", "current_spend") or "response" in key
                assert len(text.split(".")[1]) <= (2 if money else 6), (key, text)
        assert float(row["change"]) == pytest.approx(
            float(row["spend"]) / float(row["current_spend"]) - 1.0, abs=1e-4
        )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_without_our_letters_gets_the_nearest(folder: Path, encoding: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "api.cli", "plan", "plan.yaml", "--quiet"],
        capture_output=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "COLUMNS": "80"},
    )
    printed = ended.stdout.decode(encoding)
    assert "?" not in printed
    assert " -" in printed or "−" in printed


def test_json_on_an_ascii_terminal_keeps_every_name(folder: Path) -> None:
    model = json.dumps(MODEL).replace('"tv"', '"télé"')
    (folder / "model.json").write_text(model, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "api.cli", "plan", "plan.yaml", "--quiet", "--json"],
        capture_output=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
    )
    assert json.loads(ended.stdout.decode("ascii"))["allocation"][0]["channel"] == "télé"


def test_the_demo_says_how_a_terminal_comes_to_know_the_command(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("activate", "romi"):
        (tmp_path / "bin" / name).touch(mode=0o755)
    assert way_to_romi(tmp_path, "/usr/bin") == f"source {tmp_path / 'bin' / 'activate'}"
    assert way_to_romi(tmp_path, str(tmp_path / "bin")) is None


def test_a_what_if_outside_the_limits_is_answered_with_warnings(romi: Romi, folder: Path) -> None:
    (folder / "split.json").write_text('{"tv": 100}')
    result = romi("what-if", "plan.yaml", "--split", "split.json")
    assert result.exit_code == 0
    assert "tv gets 100.00; the scenario allows" in " ".join(result.stdout.split())
    assert "kept at the current spend" in " ".join(result.stdout.split())


def test_fit_shows_what_is_known_of_every_channel(romi: Romi, folder: Path) -> None:
    result = romi("fit", "history.csv", "-o", "model_of_history.json")
    assert result.exit_code == 0
    for words in ("tv", "search", "ROAS", "learned", "explains", "missed revenue by"):
        assert words in " ".join(result.stdout.split())
    model = Model.from_dict(json.loads((folder / "model_of_history.json").read_text()))
    assert model.n_draws == 400


def test_check_of_a_good_history_ends_well(romi: Romi) -> None:
    result = romi("check", "history.csv")
    assert result.exit_code == 0
    assert "history.csv: usable" in result.stdout


def test_findings_as_csv_have_a_header_even_where_there_are_none(romi: Romi, folder: Path) -> None:
    romi("check", "history.csv", "-o", "findings.csv")
    header = (folder / "findings.csv").read_text().splitlines()[0]
    assert header == "severity,code,file,row,column,message"


def test_check_as_json_lists_findings_as_data(romi: Romi, folder: Path) -> None:
    text = (folder / "history.csv").read_text().replace("2024-01-29", "2024-01-22")
    (folder / "history.csv").write_text(text)
    result = romi("check", "history.csv", "--json", "-o", "findings.csv")
    content = json.loads(result.stdout)
    assert result.exit_code == 3
    assert not content["usable"]
    assert [found["code"] for found in content["findings"]] == ["roles", "duplicate_row"]
    assert content["findings"][1]["severity"] == "fatal"
    assert content["findings"][1]["row"] == 6
    assert "fatal" in (folder / "findings.csv").read_text()


def test_the_demo_shows_history_fit_plan_and_what_next(romi: Romi, folder: Path) -> None:
    result = romi("demo", "--copy-to", "mine")
    assert result.exit_code == 0
    for words in ("History:", "Fit:", "Gain over the current split", "Proof:", "Next"):
        assert words in result.stdout
    assert romi("plan", "mine/scenario.yaml").exit_code == 0
    assert romi("demo", "--copy-to", "mine").exit_code == 3  # overwrites nothing
    assert sorted(path.name for path in (folder / "mine").iterdir()) == sorted(
        path.name for path in (ROOT / "scenarios" / "shop").iterdir() if path.is_file()
    )


def test_help_and_version_load_no_slow_library() -> None:
    program = (
        "import sys, api.cli; "
        "print([name for name in ('optimizer', 'numpy', 'pandas', 'rich') if name in sys.modules])"
    )
    assert process("-c", program).stdout.strip() == "[]"
    assert process("-m", "api.cli", "--version").stdout.startswith("romi ")


def test_a_plan_of_given_curves_loads_no_solver_library(folder: Path) -> None:
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom api.cli import app\n"
        "assert CliRunner().invoke(app, ['plan', 'plan.yaml']).exit_code == 0\n"
        "print('cvxpy' in sys.modules)"
    )
    loaded = process("-c", program, folder=folder)
    assert loaded.stdout.strip() == "False", loaded.stderr


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_reader_who_leaves_early_is_no_failure(folder: Path, form: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = ("-m", "api.cli", "plan", "plan.yaml", "--quiet", *form)
    ended = process(*command, folder=folder, stdout=writing)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_said_plainly(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = ("-m", "api.cli", "plan", "plan.yaml", "--quiet", "--json")
        ended = process(*command, folder=folder, stdout=full)
    assert ended.returncode == 1
    assert ended.stderr.startswith("romi: The answer could not be written")
    assert len(ended.stderr.splitlines()) == 1
