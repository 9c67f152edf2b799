"""A reader of the page without scripts: an httpx client that signed in and knows its token."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from api.page.frame.forms import FORM_TOKEN
from tests.service.running import Service

TOKEN = re.compile(rf'name="{FORM_TOKEN}" value="([0-9a-f]+)"')
TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL)


@dataclass
class Reader:
    """A session: what it gets, and the forms it sends as a browser without scripts does."""

    client: httpx.Client
    token: str

    def get(self, path: str, **more: Any) -> httpx.Response:
        """A view; redirects are followed."""
        return self.client.get(path, follow_redirects=True, **more)

    def post(self, path: str, fields: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form with its token; the answer as it comes, a redirect not followed."""
        return self.client.post(path, data={**(fields or {}), FORM_TOKEN: self.token}, **more)

    def follow(
        self, path: str, fields: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        """Send a form and go where its answer leads."""
        return self.post(path, fields, follow_redirects=True, **more)


@contextmanager
def reading(
    service: Service, workspace: str, *scopes: str, language: str = "en"
) -> Iterator[Reader]:
    """A reader of a workspace, signed in with a key of these scopes (admin where none is named)."""
    headers = {"Accept-Language": language}
    with httpx.Client(base_url=service.base, headers=headers, timeout=60) as client:
        key = service.key(*scopes, workspace=workspace)
        answer = client.post("/sign-in", data={"key": key})
        assert answer.status_code == 303, answer.text
        found = TOKEN.search(client.get("/").text)
        assert found is not None
        yield Reader(client, found[1])


def words(answer: httpx.Response) -> str:
    """What a person reads of an answer: its text without tags, blanks in a row as one."""
    return " ".join(html.unescape(TAGS.sub(" ", answer.text)).split())


def fields(answer: httpx.Response, action: str) -> dict[str, Any]:
    """What a form of the page would send as it stands: its inputs and selects by name.

    Parameters
    ----------
    action : str
        The form's address; the first form that has it counts.
    """
    found = re.search(
        rf'<form\b[^>]*action="{re.escape(action)}".*?</form>', answer.text, re.DOTALL
    )
    assert found is not None, f"no form sends to {action}"
    return _inputs(found[0]) | _selects(found[0]) | _texts(found[0])


def _inputs(form: str) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        kind, name = _attribute(tag, "type") or "text", _attribute(tag, "name")
        ticked = re.search(r"\schecked\b", tag) is not None
        if (
            name
            and kind not in ("file", "submit")
            and (kind not in ("radio", "checkbox") or ticked)
        ):
            sent[name] = _attribute(tag, "value") or ("on" if kind == "checkbox" else "")
    return sent


def _selects(form: str) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for tag, inside in re.findall(r"(<select\b[^>]*>)(.*?)</select>", form, re.DOTALL):
        options = re.findall(r"<option\b[^>]*>", inside)
        chosen = [one for one in options if re.search(r"\sselected\b", one)] or options[:1]
        name = _attribute(tag, "name")
        if name and chosen:
            sent[name] = _attribute(chosen[0], "value") or ""
    return sent


def _texts(form: str) -> dict[str, Any]:
    found = re.findall(r"(<textarea\b[^>]*>)(.*?)</textarea>", form, re.DOTALL)
    return {_attribute(tag, "name") or "": html.unescape(text) for tag, text in found}


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return None if found is None else html.unescape(found[1])
