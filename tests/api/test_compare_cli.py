"""`romi compare`: what it prints, what it writes, how it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from optimizer import Comparison
from tests.api.conftest import MODEL, Romi


@pytest.fixture
def plans(romi: Romi, folder: Path) -> tuple[str, ...]:
    """Three plans of one model, as files."""
    for name, keys in (("now", ""), ("more", "budget: 8000\n"), ("bold", "caution: 0\n")):
        budget = "" if "budget" in keys else "budget: 6000\n"
        text = f"model: model.json\nperiods: 10\nobjective: profit\n{budget}{keys}"
        (folder / f"{name}.yaml").write_text(text)
        assert romi("plan", f"{name}.yaml", "-q", "-o", f"{name}.json").exit_code == 0
    return ("now.json", "more.json", "bold.json")


def words(text: str) -> str:
    return " ".join(text.split())


def test_it_says_what_moved_why_and_how_sure(romi: Romi, plans: tuple[str, ...]) -> None:
    result = romi("compare", *plans[:2], "--model", "model.json")
    assert result.exit_code == 0
    printed = words(result.stdout)
    for said in (
        "Two plans side by side, EUR",
        "more spends 2,000.00 EUR more and earns",
        "90 % interval",
        "chance of more",
        "What moved, largest first",
        "the budget is 33.3 % larger",
        "budget: 6,000 in now, 8,000 in more",
    ):
        assert said in printed


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("count", [2, 3])
def test_no_line_is_wider_than_the_terminal(
    romi: Romi, plans: tuple[str, ...], width: int, count: int
) -> None:
    printed = romi("compare", *plans[:count], "--model", "model.json", width=width).stdout
    assert max(len(line) for line in printed.splitlines()) <= max(width, 72)
    assert "…" not in printed


def test_json_is_the_comparison_and_nothing_else(romi: Romi, plans: tuple[str, ...]) -> None:
    result = romi("compare", *plans, "--model", "model.json", "--json")
    found = Comparison.from_dict(json.loads(result.stdout))
    assert found.labels == ("now", "more", "bold")
    assert found.same_draws


def test_without_the_model_it_says_why_nothing_is_sure(romi: Romi, plans: tuple[str, ...]) -> None:
    printed = words(romi("compare", *plans[:2]).stdout)
    assert "how sure that is cannot be said" in printed
    assert "needs the model's draws, which a plan does not hold" in printed
    assert "chance of more" not in printed


def test_the_scenarios_of_plans_let_costs_differ(
    romi: Romi, folder: Path, plans: tuple[str, ...]
) -> None:
    text = "model: model.json\nperiods: 10\nbudget: 6000\nobjective: profit\n"
    (folder / "dear.yaml").write_text(f"{text}cost_index: {{search: 1.2}}\n")
    assert romi("plan", "dear.yaml", "-q", "-o", "dear.json").exit_code == 0
    given = ("compare", "now.json", "dear.json", "--model", "model.json")
    assert "Give the plans' scenarios" in words(romi(*given).stdout)
    printed = words(romi(*given, "--scenario", "dear.yaml").stdout)
    assert "chance of more" in printed


def test_csv_has_a_row_per_channel(romi: Romi, folder: Path, plans: tuple[str, ...]) -> None:
    romi("compare", *plans[:2], "-q", "-o", "moves.csv")
    rows = list(csv.DictReader((folder / "moves.csv").read_text().splitlines()))
    assert {row["channel"] for row in rows} == {"tv", "search"}
    assert sum(float(row["moved_more"]) for row in rows) == pytest.approx(2000.0, abs=0.01)


def test_plans_of_the_same_name_in_other_folders_keep_their_paths(
    romi: Romi, folder: Path, plans: tuple[str, ...]
) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "now.json").write_bytes((folder / "more.json").read_bytes())
    found = json.loads(romi("compare", "now.json", "old/now.json", "--json").stdout)
    assert [entry["label"] for entry in found["plans"]] == ["now.json", "old/now.json"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (("now.json",), "takes two to four plans, not 1"),
        (("now.json", "now.json"), "now.json is given twice"),
        (("now.json", "split.json"), "split.json is a split, not a plan; `romi what-if"),
        (("now.json", "now.yaml"), "now.yaml is a scenario; `romi plan now.yaml -o plan.json`"),
        (("now.json", "model.json"), "model.json is a model, not a plan; give it with --model"),
        (("now.json", "history.csv"), "history.csv is a table, not a plan"),
        (("now.json", "none.json"), "There is no file none.json"),
        (("now.json", "pounds.json"), "now is in EUR, pounds in GBP"),
        (("now.json", "broken.json"), "totals"),
        (("now.json", "more.json", "--model", "other.json"), "not the one these plans were made"),
        (("now.json", "more.json", "--model", "now.yaml"), "now.yaml is a scenario, not a model"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    romi: Romi, folder: Path, plans: tuple[str, ...], files: tuple[str, ...], said: str
) -> None:
    (folder / "split.json").write_text('{"tv": 3000, "search": 3000}')
    content = json.loads((folder / "now.json").read_text())
    (folder / "pounds.json").write_text(json.dumps(content | {"currency": "GBP"}))
    (folder / "broken.json").write_text(json.dumps(content | {"totals": {}}))
    (folder / "other.json").write_text(json.dumps(MODEL).replace("900", "901"))
    result = romi("compare", *files)
    assert result.exit_code == 3
    assert said in words(result.output)
    assert result.stdout == ""


def test_five_plans_are_too_many(romi: Romi, folder: Path, plans: tuple[str, ...]) -> None:
    names = [f"{number}.json" for number in range(5)]
    for name in names:
        (folder / name).write_bytes((folder / "now.json").read_bytes())
    assert "takes two to four plans, not 5" in words(romi("compare", *names).output)


def test_a_plan_as_a_workbook_is_a_file_spreadsheets_know(romi: Romi, folder: Path) -> None:
    result = romi("plan", "plan.yaml", "-o", "plan.xlsx")
    assert result.exit_code == 0
    assert (folder / "plan.xlsx").read_bytes().startswith(b"PK")
    assert romi("check", "history.csv", "-o", "found.xlsx").exit_code == 2
