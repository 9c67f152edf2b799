"""The client, `--server`, the quarterly script: a service answers what the library does."""

import os
import runpy
import sys

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.client import Client, RemoteError
from optimizer import Scenario, fit, plan, read_history, what_if
from scenarios.make import FOLDER

SHOP = FOLDER / "shop"
QUESTION = Scenario(periods=13, budget=1_500_000, objective="profit", margin=0.5)


@pytest.fixture
def client(service):
    with Client(service.base, service.key()) as client:
        yield client


def test_a_script_has_the_same_answers_from_a_service(client):
    shares: list[float] = []
    kept = client.fit(client.upload(SHOP / "history.csv"), progress=shares.append)
    here = fit(read_history(SHOP / "history.csv"))
    assert client.model(kept) == here
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    there = client.plan(QUESTION, kept)
    assert there == plan(here, QUESTION)
    assert client.what_if(QUESTION, there, kept) == what_if(here, QUESTION, there)
    assert [one.totals for one in client.plans([QUESTION, QUESTION], kept)] == [there.totals] * 2


def test_kept_scenarios_run_and_compare(client):
    kept = client.bring_in(fit(read_history(SHOP / "history.csv"), draws=20), make_current=True)
    scenarios = [client.keep(QUESTION), client.keep(QUESTION.model_copy(update={"caution": 0}))]
    plans = [client.run(scenario) for scenario in scenarios]
    assert client.kept_plan(plans[0]) == client.plan(QUESTION, kept)
    assert len(client.compare(*plans).plans) == 2
    assert client.workbook(plans[0])[:2] == b"PK"
    assert {row["id"] for row in client.list("plans")} >= set(plans)


def test_what_the_service_refuses_says_why(client):
    with pytest.raises(RemoteError, match="No model is called") as refused:
        client.plan(QUESTION, "nobody")
    assert refused.value.problem["status"] == 404
    with pytest.raises(RemoteError, match="cannot be used") as refused:
        client.upload(SHOP / "README.md")
    assert refused.value.exit_code == 3


def test_the_command_line_prints_what_it_would_have_printed_here(service, monkeypatch):
    command = ["plan", str(SHOP / "scenario.yaml"), "--json", "--quiet"]
    here = CliRunner().invoke(app, command)
    monkeypatch.setenv("ROMI_KEY", service.key())
    there = CliRunner().invoke(app, ["--server", service.base, *command])
    assert there.exit_code == 0, there.output
    assert there.stdout == here.stdout


def test_no_service_and_no_key_end_with_six(service, monkeypatch):
    command = ["plan", str(SHOP / "scenario.yaml")]
    monkeypatch.setenv("ROMI_KEY", "romi_nobody_nothing")
    assert CliRunner().invoke(app, ["--server", service.base, *command]).exit_code == 6
    monkeypatch.setattr("api.client.PAUSE_SECONDS", (0.0, 0.0))
    assert CliRunner().invoke(app, ["--server", "http://127.0.0.1:9", *command]).exit_code == 6


def test_the_quarterly_script_writes_one_workbook_here_and_there(service, tmp_path, monkeypatch):
    script = FOLDER / "quarters" / "plan.py"
    for name, address in (("here", None), ("there", service.base)):
        monkeypatch.setattr(sys, "argv", [str(script), str(tmp_path / f"{name}.xlsx")])
        if address is not None:
            monkeypatch.setitem(os.environ, "ROMI_SERVER", address)
            monkeypatch.setitem(os.environ, "ROMI_KEY", service.key())
        runpy.run_path(str(script), run_name="__main__")
    assert (tmp_path / "here.xlsx").read_bytes() == (tmp_path / "there.xlsx").read_bytes()
