"""Histories: uploaded, read in the limited child, kept as immutable Parquet."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection, RowMapping, insert

from api.problems import RequestError
from api.serving import rows
from api.serving.desk import Desk
from api.serving.once import Deed, earlier_answer, store_once
from api.store.clock import now
from api.store.idempotency import Kept
from api.store.ids import new_id
from api.store.keys import Caller
from api.store.tables import histories

if TYPE_CHECKING:
    from optimizer import History

MOST_FILES = 10
PREVIEW_ROWS = 20
CHUNK = 1 << 20


class BadUploadError(Exception):
    """The files make no history: carries the problem the child told."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        self.problem = problem


@contextmanager
def laid_down(desk: Desk, files: Sequence[tuple[str, BinaryIO]]) -> Iterator[list[dict[str, str]]]:
    """Uploaded files in a folder of their own for as long as they are read."""
    if not 1 <= len(files) <= MOST_FILES:
        raise RequestError(
            422, "no_files", f"Send one to {MOST_FILES} files in the form field `file`."
        )
    place = desk.settings.folder / "uploads"
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        laid = []
        for number, (name, file) in enumerate(files):
            path = Path(folder) / str(number)
            with path.open("wb") as target:
                while chunk := file.read(CHUNK):
                    target.write(chunk)
            laid.append({"name": name, "path": str(path)})
        yield laid


def said_by(files: Sequence[dict[str, str]], options: dict[str, Any]) -> bytes:
    """Everything an upload says, the same however it is sent."""
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    for file in files:
        digest.update(f"\0{file['name']}\0".encode())
        with Path(file["path"]).open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.digest()


def upload(
    desk: Desk, deed: Deed, files: list[dict[str, str]], name: str, options: dict[str, Any]
) -> Kept:
    """Read the files and keep the history; the answer it had, where the upload comes again."""
    before = earlier_answer(desk, deed)
    if before is not None:
        return before
    row = {"name": name, **_read(desk, files, {**options, "keep": True})}

    def make(connection: Connection) -> tuple[str, Kept]:
        identity = new_id("hst")
        whole = {"id": identity, "workspace": deed.caller.workspace, "created_at": now(), **row}
        connection.execute(insert(histories).values(**whole))
        headers = {"Location": f"/v1/histories/{identity}"}
        return identity, Kept(201, headers, rows.shown(whole))

    return store_once(desk, deed, make)


def look(desk: Desk, files: list[dict[str, str]], options: dict[str, Any]) -> dict[str, Any]:
    """What reading the files would give; nothing is kept."""
    return _read(desk, files, {**options, "keep": False})


def preview(desk: Desk, caller: Caller, identity: str) -> dict[str, Any]:
    """The first rows of a kept history, as it was understood."""
    row, history = kept(desk, caller, identity)
    return {"summary": row["summary"], "rows": first_rows(history)}


def first_rows(history: History) -> list[dict[str, Any]]:
    """The first periods of its first market: spend by channel, and revenue."""
    records = []
    for period, date in enumerate(history.dates[:PREVIEW_ROWS]):
        for place, market in enumerate(history.markets[:1]):
            spend = dict(zip(history.channels, history.spend[place, period].tolist(), strict=True))
            revenue = history.revenue[place, period]
            shown = (
                dict(zip(history.channels, revenue.tolist(), strict=True))
                if history.layout == "attributed"
                else float(revenue)
            )
            records.append(
                {"date": str(date.date()), "market": market, "spend": spend, "revenue": shown}
            )
    return records


def kept(desk: Desk, caller: Caller, identity: str) -> tuple[RowMapping, History]:
    """A history of this workspace: its row and its numbers; 404 otherwise."""
    from optimizer import history_of_parquet

    with desk.database.read() as connection:
        row = rows.found(connection, histories, caller.workspace, identity)
    return row, history_of_parquet(desk.blobs.get(row["blob"]))


def remove(desk: Desk, deed: Deed, identity: str) -> None:
    """Take a history away; models fitted to it stay."""

    def make(connection: Connection) -> tuple[str, Kept]:
        rows.removed(connection, histories, deed.caller.workspace, identity)
        return identity, Kept(204, {}, None)

    store_once(desk, deed, make)


def lift_tests(
    desk: Desk, caller: Caller, identity: str, name: str, file: BinaryIO
) -> list[dict[str, Any]]:
    """The lift tests of an uploaded table, held against a kept history, as a fit takes them.

    Raises
    ------
    BadUploadError
        They are none, or not of this history.
    """
    with desk.database.read() as connection:
        row = rows.found(connection, histories, caller.workspace, identity)
    with laid_down(desk, [(name, file)]) as laid:
        ended = desk.parse({"file": laid[0], "history": row["blob"]}, "lift_tests")
    if ended.how != "done":
        raise BadUploadError(ended.result)
    found: list[dict[str, Any]] = ended.result["rows"]
    return found


def _read(desk: Desk, files: list[dict[str, str]], options: dict[str, Any]) -> dict[str, Any]:
    ended = desk.parse({"files": files, **options})
    if ended.how != "done":
        raise BadUploadError(ended.result)
    result: dict[str, Any] = ended.result
    return result
