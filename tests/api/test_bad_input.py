"""Every kind of bad input ends with one clear sentence, the right exit code, nothing half-done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.api.conftest import Romi, history_frame

Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def _cell(column: str, value: object) -> Spoil:
    def spoil(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.astype(object)
        frame.loc[4, column] = value
        return frame

    return spoil


HISTORIES: dict[str, tuple[Spoil, str]] = {
    "text in numbers": (_cell("tv_spend", "lots"), '"lots" is not a number'),
    "NaN": (_cell("tv_spend", "NaN"), "is not a finite number"),
    "Infinity": (_cell("tv_spend", "Infinity"), "is not a finite number"),
    "1e300": (_cell("revenue", "1e300"), "above 1e13"),
    "negative spend": (_cell("tv_spend", -5), "the spend is -5"),
    "a date given twice": (lambda f: pd.concat([f, f.iloc[[3]]]), "was already given in row 5"),
    "two currencies": (
        lambda f: f.assign(currency=["EUR"] * 30 + ["USD"] * 30),
        "convert all money to one currency",
    ),
    "one row": (lambda f: f.iloc[:1], "at least 30"),
    "29 periods": (lambda f: f.iloc[:29], "at least 30"),
    "no revenue column": (lambda f: f.rename(columns={"revenue": "x1"}), "no revenue column"),
    "no rows": (lambda f: f.iloc[:0], "no rows"),
}


@pytest.mark.parametrize("fault", HISTORIES)
def test_a_bad_history_is_refused_by_every_command(romi: Romi, folder: Path, fault: str) -> None:
    spoil, words = HISTORIES[fault]
    spoil(history_frame()).to_csv(folder / "history.csv", index=False)
    for command in (
        ("check", "history.csv"),
        ("fit", "history.csv", "-o", "out.json"),
        ("plan", "fit.yaml", "-o", "out.json"),
    ):
        result = romi(*command, "--quiet")
        assert result.exit_code == 3
        assert words in " ".join(result.output.split())
    assert not (folder / "out.json").exists()


@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 20, b"PK\x03\x04 no archive"])
def test_an_unreadable_history_is_refused(romi: Romi, folder: Path, content: bytes) -> None:
    (folder / "history.csv").write_bytes(content)
    result = romi("check", "history.csv", "--quiet")
    assert result.exit_code == 3
    assert result.stderr.startswith("romi: history.csv")


def test_a_missing_file_is_named_with_its_nearest(romi: Romi) -> None:
    result = romi("check", "histroy.csv", "--quiet")
    assert result.exit_code == 3
    assert 'did you mean "history.csv"?' in result.stderr


def test_a_wrong_column_is_answered_with_the_nearest(romi: Romi, folder: Path) -> None:
    source = "{file: history.csv, columns: {revenue: revenu}}"
    (folder / "fit.yaml").write_text(f"history: {source}\nperiods: 10\n")
    result = romi("plan", "fit.yaml", "--quiet")
    assert result.exit_code == 3
    assert 'did you mean "revenue"?' in result.stderr


def test_columns_that_are_not_recognised_are_written_into_a_scenario(
    romi: Romi, folder: Path
) -> None:
    history_frame().rename(columns={"revenue": "x1"}).to_csv(folder / "x.csv", index=False)
    said = romi("check", "x.csv").stderr
    assert "`history: {file: x.csv, columns: {date: date, revenue: ..., channels: {tv:" in said


SCENARIOS = {
    "unknown channel": ("channels: {serach: {min: 1}}", 3, 'did you mean "search"?'),
    "unknown key": ("bugdet: 5", 3, 'did you mean "budget"?'),
    "an incrementality without doubt": (
        "fit: {incrementality: {search: [0.7, 0]}}",
        3,
        "must be above 0",
    ),
    "an unknown family of curves": ("fit: {curve: hil}", 3, "hill"),
    "too much drift": ("fit: {drift: 3}", 3, "0.1"),
    "NaN": ("budget: .nan", 3, "not a finite number"),
    "infinity": ("budget: .inf", 3, "not a finite number"),
    "1e300": ("budget: 1e300", 3, "1e+300"),
    "text": ("budget: much", 3, "'much'"),
    "min above max": ("channels: {tv: {min: 5, max: 4}}", 3, "swap or change one"),
    "broken YAML": ("channels: [1", 3, "not valid YAML"),
    "below the minima": (
        "budget: 1000\nchannels: {tv: {min: 800}, search: {min: 800}}",
        4,
        "by 600 to 1,600",
    ),
    "above the maxima": (
        "budget: 10000\nbounds: [0, 2]\nchannels: {tv: {max: 800}, search: {max: 800}}",
        4,
        "to 1,600",
    ),
}


@pytest.mark.parametrize("fault", SCENARIOS)
def test_a_bad_scenario_ends_with_one_sentence(romi: Romi, folder: Path, fault: str) -> None:
    text, code, words = SCENARIOS[fault]
    (folder / "plan.yaml").write_text(f"model: model.json\nperiods: 10\n{text}\n")
    result = romi("plan", "plan.yaml", "-o", "out.json", "--quiet")
    assert result.exit_code == code
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    assert not (folder / "out.json").exists()


def test_every_fault_of_a_document_is_told_at_once(romi: Romi, folder: Path) -> None:
    (folder / "plan.yaml").write_text("model: model.json\nbugdet: 5\nperiods: x\n")
    result = romi("plan", "plan.yaml", "--quiet")
    assert "has 2 faults" in result.stderr
    assert "bugdet" in result.stderr
    assert "periods" in result.stderr


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ('{"tvv": 5}', 'did you mean "tv"?'),
        ('{"tv": NaN}', "NaN is not a number"),
        ('{"tv": -5}', "(it is -5)"),
        ('{"tv": 5', "not valid JSON"),
        ("[]", "top level"),
    ],
)
def test_a_bad_split_is_refused(romi: Romi, folder: Path, split: str, words: str) -> None:
    (folder / "split.json").write_text(split)
    result = romi("what-if", "plan.yaml", "--split", "split.json", "--quiet")
    assert result.exit_code == 3
    assert words in result.stderr


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("{}", "channels"),
        ('{"channels": [{"channel": "tv", "curve": {"family": "hil"}}]}', 'did you mean "hill"?'),
        ('{"channels": []}', "channels"),
    ],
)
def test_a_bad_model_is_refused(romi: Romi, folder: Path, model: str, words: str) -> None:
    (folder / "model.json").write_text(model)
    result = romi("plan", "plan.yaml", "--quiet")
    assert result.exit_code == 3
    assert words in result.stderr


def test_a_scenario_without_history_or_model_says_what_to_name(romi: Romi, folder: Path) -> None:
    (folder / "plan.yaml").write_text("periods: 10\n")
    result = romi("plan", "plan.yaml", "--quiet")
    assert result.exit_code == 3
    assert "name one, or give a model with --model" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("-o", "nowhere/plan.json"), 3, "does not exist. Create it first."),
        (("-o", "plan.txt"), 2, '".txt" is no format of this command; known: .json, .csv'),
        (("-o", "plan"), 2, "without an ending"),
        (("--frobnicate",), 2, "No such option"),
    ],
)
def test_a_bad_output_is_refused_before_any_work(
    romi: Romi, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = romi("plan", "fit.yaml", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert "Fitting" not in result.stderr


def test_a_model_cannot_be_written_as_csv(romi: Romi) -> None:
    assert romi("fit", "history.csv", "-o", "model.csv").exit_code == 2


def test_an_unknown_layout_is_misuse(romi: Romi) -> None:
    assert romi("check", "history.csv", "--layout", "round").exit_code == 2


def test_a_history_given_as_a_scenario_says_how_to_name_it(romi: Romi) -> None:
    result = romi("plan", "history.csv", "--quiet")
    assert result.exit_code == 3
    assert "`history: {file: history.csv}`" in result.stderr


def test_a_document_of_another_kind_is_named_as_what_it_is(romi: Romi) -> None:
    romi("plan", "plan.yaml", "-q", "-o", "plan.json")
    for arguments, words in (
        (("plan", "model.json"), "model.json is a model, not a scenario; give it with --model."),
        (("plan", "plan.json"), "plan.json is a plan, not a scenario."),
        (("plan", "plan.yaml", "--model", "fit.yaml"), "fit.yaml is a scenario, not a model"),
        (("plan", "plan.yaml", "--model", "plan.json"), "plan.json is a plan, not a model"),
        (("plan", "plan.yaml", "--model", "history.csv"), "history.csv is a table, not a model"),
    ):
        result = romi(*arguments, "--quiet")
        assert result.exit_code == 3
        assert words in result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,spend\ntv,5\n", "has no column channel"),
        ("", "has no column channel"),
        ("channel,spend\ntv,5\ntv,6\n", "names tv twice"),
        ("channel,spend\ntv,5k\n", "write 5000, without"),
        ("channel,spend\ntvv,5\n", 'did you mean "tv"?'),
        ("channel,spend\ntv\n", "must be a number"),
    ],
    ids=str,
)
def test_a_bad_split_as_csv_is_refused(romi: Romi, folder: Path, content: str, words: str) -> None:
    (folder / "split.csv").write_text(content)
    result = romi("what-if", "plan.yaml", "--split", "split.csv", "--quiet")
    assert result.exit_code == 3
    assert words in result.stderr


@pytest.mark.parametrize("name", ["none.csv", "none.json"])
def test_a_split_that_is_not_there_is_said_to_be_missing(romi: Romi, name: str) -> None:
    result = romi("what-if", "plan.yaml", "--split", name, "--quiet")
    assert result.exit_code == 3
    assert f"There is no file {name}" in result.stderr
