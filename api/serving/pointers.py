"""Where a fault stands in what was sent: JSON pointers, as RFC 6901 writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def pointer(*parts: object) -> str:
    """A pointer through these keys and places of lists.

    Examples
    --------
    >>> pointer("channels", "Meta / Facebook", "min"), pointer()
    ('/channels/Meta ~1 Facebook/min', '')
    """
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def pointer_in(content: Any, place: str) -> str:
    """The pointer to a place of a document that was told with its names as they are.

    What stands in the document tells which slashes part keys and which are of a name.

    Examples
    --------
    >>> pointer_in({"channels": {"Meta / Facebook": {"min": 1}}}, "/channels/Meta / Facebook/min")
    '/channels/Meta ~1 Facebook/min'
    >>> pointer_in({"a": 1}, "/a/b"), pointer_in([5], "/0"), pointer_in({}, "")
    ('/a/b', '/0', '')
    """
    rest, here = place.removeprefix("/"), content
    parts: list[str] = []
    while rest:
        key = _first_key(here, rest)
        here = _held(here, key)
        parts.append(key)
        rest = rest[len(key) + 1 :]
    return pointer(*parts)


def place_in(content: Any, loc: tuple[Any, ...], kind: str) -> str:
    """The pointer to a place as pydantic tells it, without its names of a union's members.

    Examples
    --------
    >>> place_in({"split": {"tv": "x"}}, ("split", "tv", "float"), "float_parsing")
    '/split/tv'
    """
    parts: list[Any] = []
    here = content
    for number, part in enumerate(loc, start=1):
        listed = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if listed or (isinstance(here, Mapping) and part in here):
            here = here[part]
            parts.append(part)
        elif kind == "missing" and number == len(loc):
            parts.append(part)
    return pointer(*parts)


@contextmanager
def beneath(place: str, content: Any, of: str = "scenario") -> Iterator[None]:
    """Tell a document's faults from the top of the body it stands in."""
    from optimizer import DocumentError, Fault

    try:
        yield
    except DocumentError as error:
        if error.document != of:
            raise
        faults = tuple(
            Fault(place + pointer_in(content, _own(place, content, fault.pointer)), fault.message)
            for fault in error.faults
        )
        raise type(error)(error.document, faults) from None


def _own(place: str, content: Any, told: str) -> str:
    """A fault's place in its document, where it was told from above it (as of a split it is)."""
    name = place.removeprefix("/")
    above = told.startswith(f"{place}/") and _held(content, name) is None
    return told.removeprefix(place) if above else told


def _first_key(content: Any, rest: str) -> str:
    """The key of a document that a place begins with: the longest that is there."""
    key = rest
    while isinstance(content, Mapping) and key not in content and "/" in key:
        key = key.rpartition("/")[0]
    return key if isinstance(content, Mapping) and key in content else rest.split("/", 1)[0]


def _held(content: Any, key: str) -> Any:
    """What stands under a key, or at a place of a list; None where nothing does."""
    if isinstance(content, Mapping):
        return content.get(key)
    listed = isinstance(content, list) and key.isdecimal() and int(key) < len(content)
    return content[int(key)] if listed else None
