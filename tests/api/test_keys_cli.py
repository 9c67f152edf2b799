"""Keys at the terminal: made, listed with what they are, revoked."""

from __future__ import annotations

import pytest

from api.store.database import Database, upgrade


@pytest.fixture
def keys(romi, tmp_path, monkeypatch):
    """Runs `romi keys` over an empty database; what it printed."""
    monkeypatch.setenv("ROMI_FOLDER", str(tmp_path))
    database = Database(f"sqlite:///{tmp_path / 'romi.sqlite'}")
    upgrade(database)
    database.close()

    def run(*arguments):
        found = romi("keys", *arguments)
        assert found.exit_code == 0, found.output
        return found

    return run


def test_where_there_are_no_keys_it_says_how_to_make_one(keys):
    found = keys("list")
    assert found.stdout == ""
    assert "romi keys make" in found.stderr


def test_keys_are_listed_with_what_they_are_and_whether_they_live(keys):
    made = keys("make", "ad ops", "--scope", "read", "--days", "90").stdout.strip()
    keys("make", "плановик", "--workspace", "shop")
    identity = "key_" + made.split("_")[1]
    keys("revoke", identity)
    heading, first, second = keys("list").stdout.splitlines()
    assert heading.split("  ")[0] == "key"
    assert heading.split()[1:] == ["name", "workspace", "scopes", "state", "last", "used"]
    assert first.startswith(identity)
    assert "ad ops" in first
    assert "revoked 20" in first
    assert "плановик" in second
    assert all(word in second for word in ("shop", "read, write", "live", "never"))
    assert made.split("_")[2] not in first
