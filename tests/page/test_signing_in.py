"""Signing in and out, in a browser: keys, one-time links, sessions that end, languages."""

from __future__ import annotations

import pytest

from api.serving import operators, sessions
from api.settings import Settings
from tests.page.browser import visiting
from tests.service.running import serving


def test_a_key_signs_in_and_leads_to_where_one_was_going(service, opened, workspace):
    visit = opened()
    visit.go("/?x=1")
    assert visit.path == "/sign-in?then=%2F%3Fx%3D1"
    visit.page.get_by_label("API key").fill(service.key("read", workspace=workspace))
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.wait_for_url("**/?x=1")


def test_a_key_that_is_none_is_told_beside_the_field(opened):
    visit = opened()
    visit.expect("status of 401")
    visit.go("/sign-in")
    field = visit.page.get_by_label("API key")
    field.fill("romi_0_nothing")
    field.press("Enter")
    wrong = visit.page.locator("#key-wrong")
    wrong.wait_for()
    assert "unknown, expired or revoked" in wrong.inner_text()
    assert field.get_attribute("aria-describedby") == "key-wrong"


def test_a_one_time_link_opens_the_page_once(service, opened):
    service.key(workspace="home")
    link = sessions.link(service.desk)
    visit = opened()
    visit.go(f"/enter?link={link}")
    visit.page.get_by_role("button", name="Open romi").click()
    visit.page.get_by_role("button", name="Sign out").wait_for()
    again = opened()
    again.expect("status of 401")
    again.go(f"/enter?link={link}")
    again.page.get_by_role("button", name="Open romi").click()
    again.page.get_by_role("heading", name="This link was used already").wait_for()
    assert not again.context.cookies()


def test_the_session_is_kept_from_scripts_and_from_other_sites(service, opened, workspace):
    visit = opened()
    visit.go("/sign-in")
    visit.page.get_by_label("API key").fill(service.key("read", workspace=workspace))
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.get_by_role("button", name="Sign out").wait_for()
    (cookie,) = visit.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert visit.page.evaluate("document.cookie") == ""


def test_signing_out_ends_the_session_itself(service, opened, workspace):
    visit = opened(workspace)
    visit.go("/")
    kept = visit.context.cookies()
    visit.page.get_by_role("button", name="Sign out").click()
    visit.page.wait_for_url("**/sign-in")
    visit.context.add_cookies(kept)
    visit.go("/")
    assert visit.path.startswith("/sign-in")


def test_a_revoked_key_ends_its_session(service, opened, workspace):
    visit = opened()
    key = service.key("read", workspace=workspace)
    visit.go("/sign-in?then=/jobs")
    visit.page.get_by_label("API key").fill(key)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.get_by_role("button", name="Sign out").wait_for()
    operators.end_key(service.desk, "key_" + key.split("_")[1])
    visit.go("/jobs")
    assert visit.path == "/sign-in?then=%2Fjobs"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Sign in"), ("ru", "Войти"), ("zh", "登录")]
)
def test_the_page_speaks_the_language_the_browser_asks_for(opened, language, words):
    visit = opened(language=language)
    visit.go("/sign-in")
    assert visit.page.locator("html").get_attribute("lang") == language
    assert words in visit.page.locator("main button").inner_text()


@pytest.mark.parametrize("script", [True, False])
def test_a_chosen_language_stays(opened, script):
    visit = opened(script=script)
    visit.go("/sign-in?then=/jobs")
    visit.page.get_by_label("Language").select_option("ru")
    if not script:
        visit.page.get_by_role("button", name="Choose").click()
    visit.page.locator("html[lang=ru]").wait_for(state="attached")
    assert visit.path == "/sign-in?then=/jobs"
    visit.go("/sign-in")
    assert visit.page.locator("html").get_attribute("lang") == "ru"


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"]
)
def test_signing_in_leads_to_no_other_host(service, opened, workspace, elsewhere):
    visit = opened()
    visit.go(f"/sign-in?then={elsewhere}")
    visit.page.get_by_label("API key").fill(service.key("read", workspace=workspace))
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.get_by_role("button", name="Sign out").wait_for()
    assert visit.path == "/"


def test_a_service_without_keys_asks_for_none(chromium, tmp_path):
    settings = Settings(folder=tmp_path, port=0, auth=False, _env_file=None)
    with serving(settings) as service, visiting(chromium, service.base) as visit:
        visit.go("/")
        assert visit.path == "/"
        assert visit.page.get_by_role("button", name="Sign out").count() == 0
        visit.page.get_by_role("button", name="Open the example").wait_for()
