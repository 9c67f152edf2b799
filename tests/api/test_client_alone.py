"""What the client says before it reaches a service."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.client import Client
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
