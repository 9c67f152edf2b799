"""Tables sent to the page: as drafts to put right, or kept as histories."""

from __future__ import annotations

import re

import httpx
import pandas as pd

from tests.page.visiting import Reader, fields, words
from tests.test_history import long

DRAFT = re.compile(r"/histories/drafts/[A-Za-z0-9_-]{32}")


def csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def upload(reader: Reader, *files: tuple[str, bytes], **typed: str) -> httpx.Response:
    """The answer to uploading files; what comes of a draft is its view."""
    sent = [("file", file) for file in files]
    return reader.follow("/histories", typed, files=sent)


def drafted(reader: Reader, table: pd.DataFrame, **typed: str) -> tuple[str, httpx.Response]:
    """The address of the draft a table became, and its view."""
    answer = upload(reader, ("shop.csv", csv(table)), **typed)
    assert DRAFT.fullmatch(answer.url.path), words(answer)
    return answer.url.path, answer


def kept(reader: Reader, table: pd.DataFrame | None = None) -> str:
    """The address of a kept history."""
    draft, view = drafted(reader, long() if table is None else table)
    answer = reader.post(f"{draft}/keep", fields(view, draft))
    assert answer.status_code == 303, words(answer)
    return answer.headers["location"]


def role(view: httpx.Response, column: str) -> str:
    """The field that says what a column is."""
    found = re.search(rf'for="(role-\d+-\d+)">What the column {re.escape(column)} is<', view.text)
    assert found is not None, f"there is no column {column}"
    return found[1]
