"""Names that come beside a body: of files, of documents, of the command line."""

from __future__ import annotations

from api.problems import RequestError
from api.schemas import plain_name


def checked_name(name: str) -> str:
    """A name without blanks around it; refused where nobody could read it."""
    try:
        return plain_name(name)
    except ValueError as wrong:
        raise RequestError(
            422,
            "faulty_name",
            f'The name "{name[:60]}" is blank, or holds a control character such as NUL or a line '
            "break. Write one that can be read.",
        ) from wrong
