"""What a form of the page sent: its fields and its files, from this session's own page alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import PurePath
from typing import Annotated, Any, BinaryIO

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from api.page.frame.visitor import Anyone
from api.problems import RequestError

FORM_TOKEN = "form_token"
MOST_FIELDS = 5000
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it is shown: what stands in its fields and, where it was refused, why."""

    typed: dict[str, str]
    wrong: str | None = None
    problem: dict[str, Any] | None = None

    @property
    def status(self) -> int:
        """What a view with this form answers."""
        return 200 if self.wrong is None and self.problem is None else 422

    @property
    def context(self) -> dict[str, Any]:
        """What its template reads."""
        return {"typed": self.typed, "wrong": self.wrong, "problem": self.problem}


async def sent_form(request: Request, visitor: Anyone) -> AsyncIterator[FormData]:
    """The fields of a form that this session's own page sent; its files are open meanwhile."""
    async with request.form(max_fields=MOST_FIELDS, max_files=20) as form:
        given = request.headers.get("x-form-token") or form.get(FORM_TOKEN, "")
        if not compare_digest(str(given).encode(), visitor.form_token.encode()):
            raise RequestError(
                403,
                "form_expired",
                "This form belongs to a session that ended. Load the page again, then send it "
                "again.",
            )
        yield form


Sent = Annotated[FormData, Depends(sent_form)]


def text_of(form: Any, name: str) -> str:
    """A field's text, without blanks around it; empty where it was not sent."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def sent_files(form: Any, name: str) -> list[tuple[str, BinaryIO]]:
    """The files of a form's field, by names that tell them apart; none where none was chosen."""
    found: list[tuple[str, BinaryIO]] = []
    times: Counter[str] = Counter()
    for file in form.getlist(name):
        if isinstance(file, UploadFile) and file.filename:
            called = PurePath(file.filename.replace("\\", "/")).name[-LONGEST_NAME:] or "upload"
            times[called] += 1
            again = f" ({times[called]})" if times[called] > 1 else ""
            found.append((called + again, file.file))
    return found
