"""A form's state as a link: what was typed, of which version, in whose way of writing."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping

from api.problems import RequestError

LONGEST = 100_000  # characters of a link's state


def packed(fields: Mapping[str, str]) -> str:
    """A form's fields in a form a link can carry."""
    text = json.dumps(dict(sorted(fields.items())), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpacked(draft: str) -> dict[str, str]:
    """The fields a link carries.

    Raises
    ------
    RequestError
        The link was cut off or changed.

    Examples
    --------
    >>> unpacked(packed({"budget": "5", "name": "Весна"}))
    {'budget': '5', 'name': 'Весна'}
    """
    try:
        raw = base64.urlsafe_b64decode(draft + "=" * (-len(draft) % 4))
        unzip = zlib.decompressobj()
        content = json.loads(unzip.decompress(raw, LONGEST))
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise RequestError(
            400, "cut_link", "This link was cut off or changed. Open the scenario and start anew."
        )
    return {str(name): value for name, value in content.items() if isinstance(value, str)}
