"""What an operator is told of a damaged file, a full disk, a wrong setting: one sentence."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner

from api.cli import app
from api.errors import ExitCode
from api.serving.doctor import check_up
from api.settings import Settings
from api.store.failures import DamagedError, failure_of
from tests.service.running import SCENARIO, serving

PAGE = 4096  # bytes, of SQLite's files
COMMANDS = (
    ("serve", "--port", "0"),
    ("doctor",),
    ("keys", "list"),
    ("audit", "verify"),
    ("backup", "copy"),
)


@pytest.fixture
def romi(tmp_path, monkeypatch):
    """Runs a command under ROMI_* variables; its end and all it said."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **variables):
        return CliRunner().invoke(app, arguments, env={"NO_COLOR": "1", **variables})

    return run


def assert_one_sentence(found, command, *words):
    """What to do is said; nothing is called a fault of romi's own."""
    assert "fault of its own" not in found.output
    assert "Traceback" not in found.output
    for word in words:
        assert word in found.output, found.output
    if command[0] == "doctor":
        assert found.stdout.startswith("BAD ")
        assert found.exit_code == ExitCode.INTERNAL
    else:
        assert found.stderr.count("\n") == 1
        assert found.exit_code == ExitCode.FAULTY_INPUT


@pytest.fixture
def filled(tmp_path):
    """Settings over an SQLite file of many pages, closed."""
    settings = Settings(folder=tmp_path / "data", _env_file=None)
    with serving(settings) as service, service.client() as client:
        for _ in range(30):
            assert client.post("/v1/scenarios", json={"scenario": SCENARIO}).is_success
    return settings


def spoil(settings, first, last):
    """Write noise over some pages of the file."""
    with (settings.folder / "romi.sqlite").open("r+b") as file:
        file.seek((first - 1) * PAGE)
        file.write(os.urandom((last - first + 1) * PAGE))


def test_the_doctor_sees_damaged_pages(filled):
    assert all(sign.well for sign in check_up(filled))
    spoil(filled, 5, 7)
    told = [sign.words for sign in check_up(filled) if not sign.well]
    assert any("damaged" in words and words.endswith("romi restore BACKUP.") for words in told)
    assert not any("Error:" in words for words in told)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_file_that_is_no_database_is_told_as_damaged(romi, filled, command):
    spoil(filled, 1, 1)
    found = romi(*command, ROMI_FOLDER=str(filled.folder))
    assert_one_sentence(found, command, "damaged", "romi restore BACKUP")


def test_what_sqlite_says_of_damage_is_told_as_damage():
    wrong = sqlite3.DatabaseError("database disk image is malformed")
    assert isinstance(failure_of(DatabaseError("a statement", {}, wrong)), DamagedError)


def test_a_service_is_not_ready_while_its_disk_is_full(fresh, monkeypatch):
    Usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 1 << 40, 4096))
    answer = fresh.anyone.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    monkeypatch.undo()
    assert fresh.anyone.get("/readyz").is_success


WRONG_ADDRESSES = {
    "garbage": '"garbage"',
    "mysql://x": "mysql://...",
    "postgresql://h:port/x": "postgresql://user:password@host/database",
    "postgresql://postgres@127.0.0.1:1/romi": "does not answer",
    "postgresql://postgres@127.0.0.1:5432/no_such_database": "no_such_database",
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("address", WRONG_ADDRESSES)
def test_a_wrong_address_of_a_database_names_its_setting(
    romi, tmp_path, postgres, address, command
):
    found = romi(*command, ROMI_FOLDER=str(tmp_path / "data"), ROMI_DATABASE_URL=address)
    assert_one_sentence(found, command, "ROMI_DATABASE_URL", WRONG_ADDRESSES[address])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_that_is_a_file_names_its_setting(romi, tmp_path, command):
    place = tmp_path / "data"
    place.write_text("a file")
    assert_one_sentence(romi(*command, ROMI_FOLDER=str(place)), command, "ROMI_FOLDER", str(place))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_that_may_not_be_written_names_its_setting(romi, tmp_path, monkeypatch, command):
    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "touch", refuse)  # of the secret, the first file that is made
    found = romi(*command, ROMI_FOLDER=str(tmp_path / "data"))
    assert_one_sentence(found, command, "ROMI_FOLDER", "Permission denied")


def test_a_readonly_database_names_its_setting():
    wrong = sqlite3.OperationalError("attempt to write a readonly database")
    assert "ROMI_FOLDER" in str(failure_of(wrong))


def test_an_empty_setting_is_one_that_was_left_out(monkeypatch):
    monkeypatch.setenv("ROMI_FOLDER", "")
    monkeypatch.setenv("ROMI_SECRET", "")
    stated = Settings(_env_file=None)
    assert stated.folder == Settings.model_fields["folder"].get_default(call_default_factory=True)
    assert stated.secret is None


def test_an_unknown_level_of_logs_is_refused_with_those_there_are(romi):
    found = romi("keys", "list", ROMI_LOG_LEVEL="loud")
    assert found.exit_code == ExitCode.MISUSE
    assert "ROMI_LOG_LEVEL" in found.stderr
    assert "'warning'" in found.stderr
    assert Settings(log_level="INFO", _env_file=None).log_level == "info"
