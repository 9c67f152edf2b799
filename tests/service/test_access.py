"""Every operation with every kind of key it must refuse: nothing leaks."""

from __future__ import annotations

import pytest

from api.main import application
from api.settings import Settings
from api.store.clock import now
from tests.service.holdings import MARK, OPEN, hold, operations

OPERATIONS = operations(application(Settings(_env_file=None)))
GUARDED = [one for one in OPERATIONS if (one.method, one.path) not in OPEN]
LESS = {"read": ("write",), "write": ("read",), "admin": ("read", "write")}  # what does not reach


def bad_keys(service):
    """Headers that name no caller, each in another way."""
    revoked = service.key("admin")
    with service.client() as admin:
        admin.delete(f"/v1/api-keys/key_{revoked.split('_')[1]}")
    live = service.key("admin")
    return {
        "no key": {},
        "an expired key": {"Authorization": f"Bearer {service.key('admin', expires_at=now() - 1)}"},
        "a revoked key": {"Authorization": f"Bearer {revoked}"},
        "a key with another secret": {"Authorization": f"Bearer {live[:-3]}xyz"},
        "another scheme": {"Authorization": f"Basic {live}"},
        "an empty key": {"Authorization": "Bearer"},
    }


def assert_refused(answer, status, request):
    assert answer.status_code == status, f"{request['method']} {request['url']}: {answer.text}"
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == status
    assert MARK not in answer.text


def send(service, request, headers):
    asked = {**request, "headers": {**request.get("headers", {}), **headers}}
    return service.anyone.request(**asked)


def test_every_v1_path_is_documented_and_nothing_else_is_open():
    assert {one.path for one in OPERATIONS if not one.path.startswith("/v1/")} == {
        path for _, path in OPEN
    }
    assert len(GUARDED) > 30


def test_without_a_key_that_lives_nothing_answers(service, home):
    for kind, headers in bad_keys(service).items():
        for operation in GUARDED:
            answer = send(service, home.request(operation), headers)
            assert_refused(answer, 401, home.request(operation))
            assert answer.headers["www-authenticate"].startswith("Bearer"), kind


def test_a_key_of_another_scope_is_refused_and_told_which_it_needs(service, home):
    for operation in GUARDED:
        with service.client(*LESS[operation.scope]) as client:
            answer = client.request(**home.request(operation))
        assert_refused(answer, 403, home.request(operation))
        assert answer.json()["detail"].endswith(f"Use a key with the scope {operation.scope}.")


def test_a_key_of_the_right_scope_is_not(service, home):
    """So that the refusals above are for the key's sake."""
    last = {"DELETE /v1/api-keys/{key_id}"}
    for operation in sorted(GUARDED, key=lambda one: (one.method == "DELETE", str(one) in last)):
        throwaway = hold(service) if operation.method in ("DELETE", "PUT") else home
        with service.client(operation.scope) as client:
            answer = client.request(**throwaway.request(operation))
        assert answer.is_success, f"{operation}: {answer.text}"


def test_for_another_workspace_none_of_it_is_there(service, home):
    for operation in GUARDED:
        with service.client(workspace="strangers") as stranger:
            answer = stranger.request(**home.request(operation))
        if home.names(operation):
            assert_refused(answer, 404, home.request(operation))
        else:
            assert answer.is_success, f"{operation}: {answer.text}"
            assert MARK not in answer.text
            assert not [one for one in vars(home).values() if one in answer.text], operation


def test_what_a_stranger_asks_changes_nothing_at_home(service, home):
    def held():
        with service.client() as admin:
            gets = [one for one in GUARDED if one.method == "GET" and "{" in one.path]
            return {str(one): admin.request(**home.request(one)).content for one in gets}

    before = held()
    for operation in GUARDED:
        with service.client(workspace="strangers") as stranger:
            stranger.request(**home.request(operation))
    assert held() == before


@pytest.mark.parametrize("alias", ["current", "spare"])
def test_an_alias_is_its_workspaces_own(service, home, alias):
    with service.client() as admin, service.client(workspace="strangers-2") as stranger:
        admin.put(f"/v1/models/aliases/{alias}", json={"model": home.model})
        assert admin.get(f"/v1/models/{alias}").json()["id"] == home.model
        assert stranger.get(f"/v1/models/{alias}").status_code == 404


@pytest.mark.parametrize("operation", GUARDED, ids=str)
def test_a_body_is_not_looked_at_before_the_key(service, operation):
    """An unknown caller learns nothing about what a route takes."""
    path = operation.path.replace("{", "x").replace("}", "")
    headers = {"content-type": "application/json"}
    answer = service.anyone.request(operation.method, path, content=b"{[", headers=headers)
    assert answer.status_code == 401
