"""The service's clock, in the unit the tables hold."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def as_text(milliseconds: int | None) -> str | None:
    """A time as RFC 3339.

    Examples
    --------
    >>> as_text(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
