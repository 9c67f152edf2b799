"""A real service, and readers of its page in a real browser."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import Any

import pytest
import structlog
from playwright.sync_api import Browser

from api.auth import COOKIE
from api.serving import sessions
from api.settings import Settings
from tests.page import browser as browsers
from tests.page.browser import LOCALES, Visit
from tests.service.running import Service, serving, working

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

Opens = Callable[..., Visit]
_numbers = count(1)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of the page."""
    reason = browsers.why_not()
    if reason:
        pytest.skip(reason)
    with browsers.chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a worker, on SQLite, shared by all tests: each has a workspace of its own."""
    folder = tmp_path_factory.mktemp("page")
    settings = Settings(folder=folder, port=0, lease_seconds=1.5, log_level="error", _env_file=None)
    with serving(settings) as service, working(settings, service.desk.database):
        yield service


@pytest.fixture
def workspace() -> str:
    """A workspace no other test knows."""
    return f"w{next(_numbers)}"


@pytest.fixture
def opened(chromium: Browser, service: Service) -> Iterator[Opens]:
    """Open a window on the service, signed in where a workspace is named.

    Called as ``opened(workspace, *scopes, language="en", width=1440, scheme="light",
    script=True)``.
    """
    with ExitStack() as stack:
        yield partial(_open, stack, chromium, service)


@pytest.fixture(scope="package")
def windows(chromium: Browser, service: Service) -> Iterator[Opens]:
    """Windows that stay open from test to test, with what they have in their caches.

    Called as `opened` is; the same wishes give the same window.
    """
    with ExitStack() as stack:
        kept: dict[Any, Visit] = {}

        def find(workspace: str | None = None, **wishes: Any) -> Visit:
            same = (workspace, *sorted(wishes.items()))
            if same not in kept:
                kept[same] = _open(stack, chromium, service, workspace, **wishes)
            return kept[same]

        yield find


def _open(
    stack: ExitStack,
    chromium: Browser,
    service: Service,
    workspace: str | None = None,
    *scopes: str,
    **wishes: Any,
) -> Visit:
    """Open a window until the stack is unwound."""
    visit = stack.enter_context(browsers.visiting(chromium, service.base, **_context(**wishes)))
    if workspace is not None:
        enter(service, visit, service.key(*scopes, workspace=workspace))
    return visit


def enter(service: Service, visit: Visit, key: str) -> None:
    """Give a window the session of a key."""
    token = sessions.sign_in(service.desk, key)
    assert token is not None
    visit.context.add_cookies([{"name": COOKIE, "value": token, "url": service.base}])


def _context(
    language: str = "en",
    width: int = 1440,
    scheme: str = "light",
    script: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """A reader's wishes as the browser takes them."""
    return {
        "viewport": {"width": width, "height": 900},
        "locale": LOCALES[language],
        "color_scheme": scheme,
        "java_script_enabled": script,
        **more,
    }
