"""API keys: they live until they expire, are revoked, or their grace after a rotation is over."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from api.store import keys
from api.store.clock import now
from api.store.tables import api_keys

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


def test_a_successor_lives_no_longer_than_its_key_was_to(service):
    with service.client() as admin:
        made = admin.post("/v1/api-keys", json={"name": "x", "scopes": ["read"], "days": 1}).json()
        successor = admin.post(f"/v1/api-keys/{made['id']}:rotate", json={}).json()
        assert successor["expires_at"] == made["expires_at"]


def test_the_last_use_is_written_down_when_flushed(service):
    key = service.key("read")
    assert asks(service, key) == 200
    begun = now()
    service.desk.flush_uses()
    with service.desk.database.read() as connection:
        own = select(api_keys.c.last_used_at).where(api_keys.c.id == f"key_{key.split('_')[1]}")
        assert abs(connection.execute(own).scalar_one() - begun) < 60_000
