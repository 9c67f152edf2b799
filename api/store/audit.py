"""The audit log: who did what, appended and chained by hashes, never changed.

Each row's hash covers its contents and the hash before it, so that a row changed, taken out or put
in between shows at the next one. The last rows can be cut off unseen; note the last hash elsewhere
(`romi audit verify` prints it) to see that too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from api.store.clock import now
from api.store.tables import audit_events

CHAIN_LOCK = 7_203_520
START = "0" * 64


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check of the whole log found."""

    rows: int
    last: str  # hash
    broken_at: int | None  # the first row that does not fit the one before


def record(  # noqa: PLR0913  (one for each column)
    connection: Connection,
    *,
    workspace: str,
    actor: str,
    action: str,
    resource: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Append one row; in the transaction of what it tells of."""
    if connection.dialect.name != "sqlite":  # SQLite's writers come one at a time already
        connection.execute(text(f"select pg_advisory_xact_lock({CHAIN_LOCK})"))
    newest = select(audit_events.c.seq, audit_events.c.hash).order_by(audit_events.c.seq.desc())
    last = connection.execute(newest.limit(1)).one_or_none()
    seq, previous = (1, START) if last is None else (last.seq + 1, last.hash)
    row = {
        "seq": seq,
        "workspace": workspace,
        "actor": actor,
        "action": action,
        "resource": resource,
        "detail": detail or {},
        "at": now(),
        "previous": previous,
    }
    connection.execute(insert(audit_events).values(**row, hash=_hash(row)))


def verify(connection: Connection) -> Chain:
    """Read the whole log and check every link."""
    previous, count = START, 0
    rows = connection.execute(select(audit_events).order_by(audit_events.c.seq)).mappings()
    for expected, found in enumerate(rows, start=1):
        row = {name: value for name, value in found.items() if name != "hash"}
        fits = row["seq"] == expected and row["previous"] == previous
        if not fits or _hash(row) != found["hash"]:
            return Chain(count, previous, row["seq"])
        previous, count = found["hash"], expected
    return Chain(count, previous, None)


def _hash(row: dict[str, Any]) -> str:
    text_ = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text_.encode()).hexdigest()
