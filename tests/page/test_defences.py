"""What keeps others out: the security policy, the form token, forms of strangers, templates."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

import api.page
from api.auth import COOKIE
from api.page.routers import ROUTERS
from api.page.words.templating import environment
from api.serving import sessions
from tests.service.running import PLAIN

TEMPLATES = Path(api.page.__file__).parent / "templates"
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
OPEN = {"/sign-in", "/enter", "/language"}  # of whoever has no session yet
ASKED = {  # forms that only ask, so a key that may only look may send them
    "/sign-out",
    "/scenarios/{scenario_id}",
    "/scenarios/{scenario_id}/answer",
    "/scenarios/{scenario_id}/frontier",
    "/scenarios/{scenario_id}/plan.{kind}",
}
SENT = sorted({route.path for route in ROUTES if "POST" in route.methods} - OPEN)
SHOWN = sorted(
    {route.path for route in ROUTES if "GET" in route.methods}
    - {"/sign-in", "/enter", "/static/{version}/{name:path}"}
)
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

ALONE = {"report.html"}  # a file that is carried away, and is whole in itself

each_form = pytest.mark.parametrize("path", SENT)
each_view = pytest.mark.parametrize("path", SHOWN)
each_template = pytest.mark.parametrize(
    "template",
    sorted(path for path in TEMPLATES.rglob("*.html") if path.name not in ALONE),
    ids=lambda path: path.name,
)


def filled(path):
    """A route's address with something in each gap."""
    return re.sub(r"\{\w+(?::path)?\}", "hst_01m85jv4c2q3n6v8x0z2b4d6f8", path)


@pytest.fixture
def stranger(service):
    return service.anyone


@pytest.fixture
def reader(service, workspace):
    """Signed in by a key that may do everything."""
    token = sessions.sign_in(service.desk, service.key(workspace=workspace))
    with httpx.Client(base_url=service.base, cookies={COOKIE: token}, **PLAIN) as client:
        yield client


@each_view
def test_strangers_are_sent_to_sign_in(stranger, path):
    answer = stranger.get(filled(path))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?then=%2F")
    part = stranger.get(filled(path), headers={"HX-Request": "true"})
    assert part.status_code == 401
    assert part.headers["hx-redirect"].startswith("/sign-in?then=")


@each_form
def test_forms_of_strangers_are_not_read(stranger, path):
    answer = stranger.post(filled(path), data={"form_token": "x"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@each_form
@pytest.mark.parametrize("token", [None, "", "0" * 64, "ключ"])
def test_forms_without_the_sessions_token_are_refused(reader, path, token):
    answer = reader.post(filled(path), data={} if token is None else {"form_token": token})
    assert answer.status_code == 403, answer.text
    assert "This form belongs to a session that ended" in answer.text


@each_form
def test_a_token_of_another_session_is_refused(service, reader, workspace, path):
    other = sessions.sign_in(service.desk, service.key(workspace=workspace))
    token = sessions.form_token(service.desk, other)
    assert reader.post(filled(path), data={"form_token": token}).status_code == 403
    header = {"X-Form-Token": token}
    assert reader.post(filled(path), headers=header).status_code == 403


@pytest.mark.parametrize("path", [path for path in SENT if path not in ASKED])
def test_a_key_that_may_only_look_changes_nothing(service, workspace, path):
    token = sessions.sign_in(service.desk, service.key("read", workspace=workspace))
    with httpx.Client(base_url=service.base, cookies={COOKIE: token}, **PLAIN) as client:
        data = {"form_token": sessions.form_token(service.desk, token)}
        answer = client.post(filled(path), data=data)
    assert answer.status_code == 403
    assert "Your key may look, not change anything" in answer.text


@each_view
def test_every_answer_states_the_policy(reader, path):
    answer = reader.get(filled(path))
    assert answer.status_code in (200, 303, 404, 422), answer.text
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


@each_template
def test_templates_hold_nothing_the_policy_forbids(template):
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<[^>{]*\son[a-z]+=", text), "an on...= attribute"
    assert not re.search(r"<[^>]*\sstyle=", text), "a style attribute"
    assert not re.search(r"<style|javascript:|hx-on|hx-vals=.js:", text)
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in tag or 'type="application/json"' in tag, tag
    assert not re.search(r"""(?:src|href|action)=["']https?://""", text), "another host"


@each_template
def test_every_form_that_is_sent_carries_the_token(template):
    text = template.read_text(encoding="utf-8")
    forms = re.findall(r"<form\b.*?</form>", text, re.DOTALL)
    for form in forms:
        head = form.split(">")[0]
        if 'method="post"' in head and not any(f'action="{path}"' in head for path in OPEN):
            assert "form_token" in form, head


def test_data_for_scripts_cannot_end_its_element():
    said = environment("en").filters["data"](
        {"name": "</script><script>alert(1)</script>&amp;\u2028"}
    )
    assert "<" not in said
    assert "&" not in said


@pytest.mark.parametrize("path", ["/nothing", "/scenarios/scn_nothing", "/<script>"])
def test_what_is_not_there_is_told_as_a_page(reader, path):
    answer = reader.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>Not here</h1>" in answer.text
    part = reader.get(path, headers={"HX-Request": "true"})
    assert part.status_code == 404
    assert "<html" not in part.text
    assert 'role="alert"' in part.text


def test_a_failure_of_its_own_is_told_as_a_page_without_its_insides(reader, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("an inner matter")

    monkeypatch.setattr("api.page.home.page", broken)
    answer = reader.get("/")
    assert answer.status_code == 500
    assert "<h1>The service could not do this</h1>" in answer.text
    assert re.search(r"Request [0-9a-f]{32}", answer.text)
    assert "inner matter" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY
