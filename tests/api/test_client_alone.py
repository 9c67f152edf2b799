"""What the client says before it reaches a service."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from api.client import Client
from api.remote import _rows
from optimizer import FileError


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        Client("http://127.0.0.1:1") as romi,
        pytest.raises(FileError, match=r"nope\.csv cannot be read .*Check its name"),
    ):
        romi.upload(tmp_path / "nope.csv")


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_sends_no_header(key: str | None) -> None:
    with Client("http://127.0.0.1:1", key) as romi:
        assert "authorization" not in romi._http.headers


def test_lift_tests_of_a_parquet_file_are_sent(tmp_path: Path) -> None:
    row: dict[str, object] = {"channel": "tv", "start": "2026-03-02", "end": "2026-04-12"}
    row |= {"spend_control": 100.0, "spend_test": 0.0, "lift": -80.0, "standard_error": 20.0}
    pd.DataFrame([row]).to_parquet(tmp_path / "tests.parquet", index=False)
    assert _rows("tests.parquet", tmp_path) == [{key: str(value) for key, value in row.items()}]


def test_lift_tests_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no file .*nope\.csv"):
        _rows("nope.csv", tmp_path)
