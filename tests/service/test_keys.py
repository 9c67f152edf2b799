"""API keys: they live until they expire, are revoked, or their grace after a rotation is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from api.cli import app as romi
from api.errors import ExitCode
from api.serving.access import DAY
from api.serving.desk import Desk
from api.serving.doctor import check_up
from api.serving.operators import check_secret, end_key, keys_listed
from api.settings import Settings
from api.store import keys
from api.store.clock import now
from api.store.failures import StoreError
from api.store.tables import api_keys
from tests.service.running import serving

PEPPER = b"a pepper"


@pytest.fixture
def issue(database, workspace):
    """Makes a key: its id and its text."""

    def one(**more):
        with database.write() as connection:
            stated = {"workspace": workspace, "name": "ci", "scopes": ("read",), **more}
            return keys.make_key(connection, PEPPER, **stated)

    return one


@pytest.fixture
def identify(database):
    """Whose a key is."""

    def one(key, pepper=PEPPER):
        with database.read() as connection:
            return keys.identify(connection, pepper, key)

    return one


def test_a_key_names_its_workspace_and_scopes(issue, identify, workspace):
    identity, key = issue(scopes=("read", "write"))
    caller = identify(key)
    assert (caller.key, caller.workspace) == (identity, workspace)
    assert caller.may("read")
    assert caller.may("write")
    assert not caller.may("admin")


def test_no_secret_is_kept(issue, database):
    _, key = issue()
    with database.read() as connection:
        row = connection.execute(select(api_keys)).mappings().one()
    secret = key.split("_", 2)[2]
    assert all(secret not in str(value) for value in row.values())


def test_a_key_under_another_pepper_is_unknown(issue, identify):
    assert identify(issue()[1], b"another") is None


def test_a_key_with_any_letter_changed_is_unknown(issue, identify):
    _, key = issue()
    for place in range(len(key)):
        changed = "x" if key[place] != "x" else "y"
        assert identify(key[:place] + changed + key[place + 1 :]) is None


@pytest.mark.parametrize("key", ["", "romi", "romi_", "romi__", "romi_x_", "_" * 9, "ключ_é_名"])
def test_what_is_no_key_is_unknown(key, identify):
    assert identify(key) is None


def test_a_key_expires_to_the_millisecond(issue, identify, monkeypatch):
    _, key = issue(expires_at=5_000)
    monkeypatch.setattr(keys, "now", lambda: 4_999)
    assert identify(key) is not None
    monkeypatch.setattr(keys, "now", lambda: 5_000)
    assert identify(key) is None


def test_a_revoked_key_is_unknown_at_once_and_is_revoked_once(issue, identify, database, workspace):
    identity, key = issue()
    with database.write() as connection:
        assert keys.revoke(connection, workspace, identity)
        assert not keys.revoke(connection, workspace, identity)
    assert identify(key) is None


def test_another_workspace_revokes_nothing(issue, identify, database):
    identity, key = issue()
    with database.write() as connection:
        stranger = keys.make_workspace(connection, "strangers")
        assert not keys.revoke(connection, stranger, identity)
    assert identify(key) is not None


def asks(service, key):
    headers = {"Authorization": f"Bearer {key}"}
    return service.anyone.get("/v1/models", headers=headers).status_code


def test_rotated_keys_live_side_by_side_until_the_grace_is_over(service):
    with service.client() as admin:
        made = admin.post("/v1/api-keys", json={"name": "ci", "scopes": ["read"]}).json()
        answer = admin.post(f"/v1/api-keys/{made['id']}:rotate", json={"grace_hours": 1})
        successor = answer.json()
        assert (answer.status_code, successor["replaces"]) == (201, made["id"])
        assert asks(service, made["key"]) == asks(service, successor["key"]) == 200
        listed = {key["id"]: key for key in admin.get("/v1/api-keys?limit=200").json()["items"]}
        assert listed[made["id"]]["expires_at"] is not None
        again = admin.post(f"/v1/api-keys/{successor['id']}:rotate", json={"grace_hours": 0})
        assert asks(service, successor["key"]) == 401
        assert asks(service, again.json()["key"]) == 200
        admin.delete(f"/v1/api-keys/{again.json()['id']}")
        assert asks(service, again.json()["key"]) == 401


def test_an_ended_key_has_no_successor(service):
    with service.client() as admin:
        made = admin.post("/v1/api-keys", json={"name": "ci", "scopes": ["read"]}).json()
        admin.delete(f"/v1/api-keys/{made['id']}")
        answer = admin.post(f"/v1/api-keys/{made['id']}:rotate", json={})
        assert (answer.status_code, answer.json()["code"]) == (422, "key_ended")


def aged(service, key, days):
    """Let a key have been made, and its end set, so many days earlier."""
    with service.desk.database.write() as connection:
        earlier = {name: api_keys.c[name] - days * DAY for name in ("created_at", "expires_at")}
        connection.execute(update(api_keys).where(api_keys.c.id == key).values(earlier))


def term(key):
    """For how long a key was given, in days."""
    begun, ends = (datetime.fromisoformat(key[name]) for name in ("created_at", "expires_at"))
    return (ends - begun) / timedelta(days=1)


def test_a_successor_has_a_term_of_its_own_as_long_as_its_keys(service):
    with service.client() as admin:
        body = {"name": "x", "scopes": ["read"], "days": 90}
        newest = admin.post("/v1/api-keys", json=body).json()
        for _ in range(3):
            aged(service, newest["id"], 89)
            newest = admin.post(f"/v1/api-keys/{newest['id']}:rotate", json={}).json()
            assert abs(term(newest) - 90) < 0.01
            made = datetime.fromisoformat(newest["created_at"]).timestamp()
            assert abs(made - now() / 1000) < 60


def test_the_successor_of_a_key_without_an_end_has_none(service):
    with service.client() as admin:
        made = admin.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]}).json()
        second = admin.post(f"/v1/api-keys/{made['id']}:rotate", json={}).json()
        assert second["expires_at"] is None


def test_a_key_is_rotated_once(service):
    with service.client() as admin:
        made = admin.post("/v1/api-keys", json={"name": "x", "scopes": ["read"]}).json()
        successor = admin.post(f"/v1/api-keys/{made['id']}:rotate", json={}).json()
        again = admin.post(f"/v1/api-keys/{made['id']}:rotate", json={})
        assert (again.status_code, again.json()["code"]) == (409, "key_rotated")
        assert successor["id"] in again.json()["detail"]


def test_a_lost_secret_is_told_before_anything_is_served(settings):
    with serving(settings) as service:
        service.key("admin")
        service.key("read")
    assert all(sign.well for sign in check_up(settings))
    (settings.folder / "secret").unlink()
    told = [sign.words for sign in check_up(settings) if not sign.well]
    assert len(told) == 1
    assert told[0].startswith("2 live keys were made under another secret")
    desk = Desk.opened(settings)
    with pytest.raises(StoreError, match="romi keys make"):
        check_secret(desk)
    assert {row["state"] for row in keys_listed(desk)} == {"of another secret"}
    for row in keys_listed(desk):
        end_key(desk, row["key"])
    check_secret(desk)
    desk.close()


def test_serve_refuses_a_lost_secret(tmp_path):
    settings = Settings(folder=tmp_path, port=0, _env_file=None)
    with serving(settings) as service:
        service.key("admin")
    (tmp_path / "secret").unlink()
    said = CliRunner().invoke(romi, ["serve", "--folder", str(tmp_path), "--port", "0"])
    assert said.exit_code == ExitCode.FAULTY_INPUT
    assert "Put that secret back from a backup" in said.stderr


def test_keys_made_before_secrets_were_noted_are_the_present_ones(settings):
    with serving(settings) as service:
        service.key("admin")
        with service.desk.database.write() as connection:
            connection.execute(update(api_keys).values(pepper=None))
    assert all(sign.well for sign in check_up(settings))


def test_the_last_use_is_written_down_when_flushed(service):
    key = service.key("read")
    assert asks(service, key) == 200
    begun = now()
    service.desk.flush_uses()
    with service.desk.database.read() as connection:
        own = select(api_keys.c.last_used_at).where(api_keys.c.id == f"key_{key.split('_')[1]}")
        assert abs(connection.execute(own).scalar_one() - begun) < 60_000
