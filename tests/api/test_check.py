"""`romi check` says first what it understood, then what it found, and floods nobody."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.conftest import Romi, history_frame


def test_which_column_was_taken_for_what_comes_first(romi: Romi) -> None:
    said = " ".join(romi("check", "history.csv", "--quiet").stdout.split())
    assert "Columns of history.csv: date: date;" in said
    first = json.loads(romi("check", "history.csv", "--json", "--quiet").stdout)["findings"][0]
    assert (first["code"], first["severity"]) == ("roles", "note")
    assert "spend:" in first["message"]


def test_it_comes_first_where_the_history_cannot_be_used(romi: Romi, folder: Path) -> None:
    history_frame().iloc[:9].to_csv(folder / "short.csv", index=False)
    said = romi("check", "short.csv", "--quiet").stdout
    assert said.index("Columns of short.csv") < said.index("there are 9 periods")
    content = json.loads(romi("check", "short.csv", "--json", "--quiet").stdout)
    assert [found["code"] for found in content["findings"]] == ["roles", "too_few_periods"]


def test_eight_of_a_kind_are_shown_and_the_rest_counted(romi: Romi, folder: Path) -> None:
    table = history_frame().astype({"tv_spend": object, "revenue": object})
    table.loc[:19, "tv_spend"] = "lots"
    table.loc[30, "revenue"] = "much"
    table.to_csv(folder / "history.csv", index=False)
    said = romi("check", "history.csv", "--quiet").stdout
    assert said.count('"lots"') == 8
    assert "and 13 more of this kind." in said
    content = json.loads(romi("check", "history.csv", "--json", "--quiet").stdout)
    assert len(content["findings"]) == 22
