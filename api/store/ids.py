"""Identifiers that say their kind and sort by the time they were made."""

from __future__ import annotations

import re
import secrets
import time

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: none is taken for another


def new_id(kind: str) -> str:
    """``hst_``, ``mdl_``, ``scn_``, ``pln_``, ``job_`` or ``key_`` and 26 letters (a ULID)."""
    return f"{kind}_{_ulid(time.time_ns() // 1_000_000, secrets.randbits(80))}"


def is_id(kind: str, text: str) -> bool:
    """Whether this is an identifier of a kind.

    Examples
    --------
    >>> is_id("hst", new_id("hst")), is_id("hst", new_id("mdl")), is_id("hst", "hst_")
    (True, False, False)
    """
    return re.fullmatch(f"{kind}_[{_LETTERS}]{{26}}", text) is not None


def _ulid(milliseconds: int, chance: int) -> str:
    number = milliseconds << 80 | chance
    return "".join(_LETTERS[number >> 5 * place & 31] for place in range(25, -1, -1))
