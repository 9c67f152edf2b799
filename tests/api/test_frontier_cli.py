"""`romi frontier` and `romi plan --sensitivity`: what they print, write and refuse."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from optimizer import Frontier, RiskFrontier, Sensitivity
from tests.api.conftest import Romi


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def question(folder: Path) -> str:
    """A scenario of the shared model, as a file's name."""
    text = "model: model.json\nperiods: 10\nbudget: 6000\nobjective: profit\ncaution: 0\n"
    (folder / "profit.yaml").write_text(text)
    return "profit.yaml"


def test_it_draws_the_curve_and_says_where_profit_peaks(romi: Romi, question: str) -> None:
    result = romi("frontier", question, "--points", "21", "--from", "1000", "--to", "12000")
    assert result.exit_code == 0
    printed = words(result.stdout)
    for said in ("best plan of every budget", "Profit peaks at a budget of", "break-even", "▲"):
        assert said in printed
    assert "your budget" in printed
    assert sum("█" in line for line in result.stdout.splitlines()) >= 7


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("options", [(), ("--risk",)])
def test_no_line_is_wider_than_the_terminal(
    romi: Romi, question: str, width: int, options: tuple[str, ...]
) -> None:
    printed = romi("frontier", question, "--points", "9", *options, width=width).stdout
    assert max(len(line) for line in printed.splitlines()) <= max(width, 72)
    assert "…" not in printed


def test_json_is_the_frontier_and_nothing_else(romi: Romi, question: str) -> None:
    result = romi("frontier", question, "--json", "--from", "2000", "--to", "9000")
    found = Frontier.from_dict(json.loads(result.stdout))
    assert len(found.points) == 50
    assert (found.points[0].budget, found.points[-1].budget) == (2000.0, 9000.0)


def test_a_table_has_a_row_per_budget(romi: Romi, folder: Path, question: str) -> None:
    assert romi("frontier", question, "--points", "5", "-q", "-o", "f.csv").exit_code == 0
    rows = list(csv.DictReader((folder / "f.csv").read_text().splitlines()))
    assert [float(row["budget"]) for row in rows] == [3000.0, 4500.0, 6000.0, 7500.0, 9000.0]
    assert float(rows[2]["spend_tv"]) + float(rows[2]["spend_search"]) == pytest.approx(6000.0)
    assert {"profit_p05", "marginal_romi"} <= set(rows[0])


def test_a_workbook_holds_the_plan_and_its_frontier(
    romi: Romi, folder: Path, question: str
) -> None:
    assert romi("frontier", question, "--points", "5", "-q", "-o", "f.xlsx").exit_code == 0
    with ZipFile(io.BytesIO((folder / "f.xlsx").read_bytes())) as book:
        assert 'name="Frontier"' in book.read("xl/workbook.xml").decode()


def test_risk_is_told_at_one_budget(romi: Romi, question: str) -> None:
    result = romi("frontier", question, "--risk", "--points", "3")
    assert "under more and more caution" in words(result.stdout)
    asked = romi("frontier", question, "--risk", "--json")
    found = RiskFrontier.from_dict(json.loads(asked.stdout))
    assert len(found.points) == 11
    assert found.budget == 6000.0


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--points", "1"), 3, "points: must be 2 to 1000"),
        (("--from", "9000", "--to", "1000"), 3, "the smaller one first"),
        (("--risk", "--from", "10"), 2, "leave --from and --to out"),
        (("--risk", "-o", "f.xlsx"), 2, "is no format of this command"),
    ],
)
def test_what_it_cannot_do_is_refused_in_a_sentence(
    romi: Romi, question: str, options: tuple[str, ...], code: int, said: str
) -> None:
    result = romi("frontier", question, *options)
    assert result.exit_code == code
    assert said in words(result.stderr)
    assert result.stdout == ""


def test_a_plan_says_on_request_what_would_change_it(romi: Romi, question: str) -> None:
    result = romi("plan", question, "--sensitivity")
    assert result.exit_code == 0
    printed = words(result.stdout)
    for said in ("The best split", "What would change it", "takes at least", "10 % more budget"):
        assert said in printed
    assert "What would change it" not in romi("plan", question).stdout
    content = json.loads(romi("plan", question, "--sensitivity", "--json").stdout)
    assert Sensitivity.from_dict(content["sensitivity"]).budgets
