"""romi fit --by: a model for every series, and what the rest means to a script."""

from __future__ import annotations

import json

import numpy as np
import pytest

from api.errors import ExitCode
from optimizer import Model, open_archive
from tests.many_cases import table, with_bad_series

ONE = ("--by", "market,brand", "--workers", "1", "-o", "models")


@pytest.fixture
def tables(folder):
    """A table of two good series, and one with three bad ones among them."""
    table(2).to_csv(folder / "good.csv", index=False)
    with_bad_series(table(2)).to_csv(folder / "mixed.csv", index=False)
    return folder


def test_every_series_has_a_model_that_the_other_commands_read(romi, tables):
    assert romi("fit", "good.csv", *ONE).exit_code == ExitCode.OK
    for path in (tables / "models").glob("*.json"):
        assert Model.from_dict(json.loads(path.read_text())).fit is not None
        answer = romi("plan", "plan.yaml", "--model", path, "--json")
        assert answer.exit_code == ExitCode.OK, answer.stderr


def test_the_table_names_each_failure_and_its_reason(romi, tables):
    answer = romi("fit", "mixed.csv", *ONE)
    assert answer.exit_code == ExitCode.FAULTY_INPUT
    assert "2 of 5 series have a model" in answer.stdout
    for word in ("text", "silent", "short", "not a number", "no channel has any spend"):
        assert word in answer.stdout
    with open_archive(tables / "models") as archive:
        assert len(archive) == 2


def test_json_says_of_every_series_its_file_or_its_findings(romi, tables):
    found = json.loads(romi("fit", "mixed.csv", *ONE, "--json", "-q").stdout)
    assert (found["series"], found["fitted"], found["resumed"]) == (5, 2, 0)
    assert all((tables / "models" / entry["file"]).is_file() for entry in found["models"])
    assert {entry["market"]: entry["findings"][0]["code"] for entry in found["failed"]} == {
        "text": "text_in_number",
        "silent": "no_spend",
        "short": "too_few_periods",
    }


def test_a_folder_begun_is_gone_on_from_only_where_that_is_said(romi, tables):
    romi("fit", "good.csv", *ONE)
    refused = romi("fit", "good.csv", *ONE)
    assert refused.exit_code == ExitCode.MISUSE
    assert "--resume" in refused.stderr
    again = json.loads(romi("fit", "good.csv", *ONE, "--resume", "--json", "-q").stdout)
    assert (again["fitted"], again["resumed"]) == (2, 2)


def test_a_scenario_brings_its_columns_priors_and_seed(romi, tables):
    odd = table(2).rename(columns={"spend": "money"})
    odd.to_csv(tables / "odd.csv", index=False)
    scenario = {
        "history": {"file": "odd.csv", "columns": {"spend": "money"}},
        "fit": {"priors": {"tv": {"roas": [3.0, 0.2]}}},
        "periods": 4,
        "seed": 7,
    }
    (tables / "many.json").write_text(json.dumps(scenario))
    assert romi("fit", "many.json", *ONE).exit_code == ExitCode.OK
    with open_archive(tables / "models") as archive:
        for model in archive.values():
            assert model.fit.priors["tv"]["roas"] == pytest.approx((3.0, 0.2))
            assert np.size(model.channels[0].curve.ceiling) == model.fit.draws


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--by", "market"), "name a folder"),
        (("--by", "market", "-o", "models.json"), "name a folder"),
        (("--by", ",", "-o", "models"), "names no column"),
        (("--resume",), "go with --by"),
        (("--workers", "2"), "go with --by"),
        (("--by", "market", "-o", "models", "--lift-tests", "tests.csv"), "takes no lift tests"),
    ],
)
def test_what_does_not_go_together_is_misuse(romi, tables, asked, words):
    answer = romi("fit", "good.csv", *asked)
    assert answer.exit_code == ExitCode.MISUSE
    assert words in answer.stderr


def test_a_column_that_is_not_there_is_the_tables_fault(romi, tables):
    answer = romi("fit", "good.csv", "--by", "markt", "-o", "models")
    assert answer.exit_code == ExitCode.FAULTY_INPUT
    assert 'did you mean "market"' in answer.stderr


def test_a_cluster_that_does_not_answer_is_a_remote_failure(romi, tables, monkeypatch):
    monkeypatch.setenv("ROMI_CLUSTER", "nonsense://nowhere")
    answer = romi("fit", "good.csv", *ONE)
    assert answer.exit_code == ExitCode.REMOTE
    assert "nonsense://nowhere" in answer.stderr
