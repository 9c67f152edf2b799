"""Storing once: what a request makes, its audit row and its answer in one transaction."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from api.problems import RequestError
from api.serving.desk import Desk
from api.store import audit, idempotency
from api.store.idempotency import Kept
from api.store.keys import Caller

TRIES = 50
PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Deed:
    """A request that stores: whose it is, what it is called, and what makes it the same again."""

    caller: Caller
    action: str
    key: str | None = None  # the Idempotency-Key
    fingerprint: bytes = b""  # of everything the request says

    @property
    def request_hash(self) -> str:
        """The hash of everything the request says."""
        return hashlib.sha256(self.action.encode() + b"\0" + self.fingerprint).hexdigest()


def earlier_answer(desk: Desk, deed: Deed) -> Kept | None:
    """The answer this request was given before, if it comes again."""
    if deed.key is None:
        return None
    with desk.database.read() as connection:
        return _recalled(connection, deed)


def store_once(desk: Desk, deed: Deed, make: Callable[[Connection], tuple[str, Kept]]) -> Kept:
    """Do it and keep the answer, or give the answer it had before.

    Parameters
    ----------
    make : callable
        Writes the rows; gives the resource's id and the answer.
    """
    for _ in range(TRIES):
        try:
            with desk.database.write() as connection:
                before = _recalled(connection, deed) if deed.key else None
                if before is not None:
                    return before
                resource, answer = make(connection)
                _record(connection, deed, resource)
                if deed.key:
                    workspace = deed.caller.workspace
                    idempotency.keep(connection, workspace, deed.key, deed.request_hash, answer)
                return answer
        except idempotency.KeyRaceError:
            time.sleep(PAUSE_SECONDS)
    raise RequestError(
        409, "in_progress", "The same request is still being answered. Send it again in a moment."
    )


def _record(connection: Connection, deed: Deed, resource: str) -> None:
    audit.record(
        connection,
        workspace=deed.caller.workspace,
        actor=deed.caller.key,
        action=deed.action,
        resource=resource,
    )


def _recalled(connection: Connection, deed: Deed) -> Kept | None:
    if deed.key is None:
        return None
    try:
        return idempotency.recall(connection, deed.caller.workspace, deed.key, deed.request_hash)
    except idempotency.KeyReusedError:
        raise RequestError(
            409,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Make a new key for a new request.",
        ) from None
