"""Uploads on their way to a history: raw files kept for a day, with what their columns are for.

A draft is a folder of its own, ``drafts/<workspace>/<token>``: the files as they came, and beside
them ``draft.json``, which says what each column is for and what reading them by that gave. The
files are read in the limited child, never here.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from api.problems import RequestError
from api.serving import histories
from api.serving.desk import Desk
from api.serving.histories import BadUploadError
from api.serving.once import Deed
from api.store.clock import now
from api.store.keys import Caller

MOST_DRAFTS = 20  # of a workspace; beyond them the oldest goes
MOST_BYTES = 4  # times what one upload may hold: all drafts of a workspace
LIVES_SECONDS = 24 * 3600
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
TOKEN_BYTES = 24
CONTENT = "draft.json"

Reading = dict[str, Any]  # summary, findings, problem


@dataclass
class DraftColumn:
    """One column of a file, and the part it plays."""

    name: str
    role: str
    of: str | None = None  # the channel whose spend it is, or the kind of a control
    channel: str = ""  # whose spend it would be, by its name
    by_hand: bool = False  # whether somebody said so


@dataclass
class DraftFile:
    """One uploaded file: its first rows, and what its columns are for."""

    name: str
    layout: str
    columns: list[DraftColumn]
    doubtful: dict[str, list[str]]  # role -> the columns that could each play it
    rows: list[list[str]]
    places: list[int]
    n_rows: int

    def stated(self) -> dict[str, Any]:
        """Its columns as the reader takes them: every part said, so that none is guessed."""
        by_role: dict[str, list[str]] = {}
        for column in self.columns:
            by_role.setdefault(column.role, []).append(column.name)
        said: dict[str, Any] = {role: by_role.get(role, [None])[0] for role in PARTS[self.layout]}
        if self.layout == "aggregate":
            several = by_role.get("revenue", [])
            said["revenue"] = several if len(several) > 1 else said["revenue"]
            spends = [column for column in self.columns if column.role == "channel_spend"]
            said["channels"] = {column.of or column.channel: column.name for column in spends}
            controls = [column for column in self.columns if column.role == "control"]
            said["controls"] = {column.name: column.of or "other" for column in controls}
        return said


#: Parts that one column plays, by layout.
PARTS = {
    "attributed": ("date", "channel", "spend", "revenue", "market", "currency",
                   "impressions", "clicks", "customers", "orders"),
    "aggregate": ("date", "revenue", "market", "population", "currency"),
}  # fmt: skip


@dataclass
class Draft:
    """An upload that is no history yet."""

    token: str
    name: str
    currency: str | None
    at: int  # milliseconds since 1970
    files: list[DraftFile]
    reading: Reading | None = None  # None: not read by these columns yet
    folder: Path = field(default=Path(), repr=False)

    def laid(self) -> list[dict[str, str]]:
        """Where its files are, as the reading child takes them."""
        return [
            {"name": file.name, "path": str(self.folder / str(number))}
            for number, file in enumerate(self.files)
        ]

    def options(self) -> dict[str, Any]:
        """How its files are to be read."""
        one = len(self.files) == 1
        return {
            "layout": self.files[0].layout if one else None,
            "columns": [file.stated() for file in self.files],
            "currency": self.currency,
        }


def begin(
    desk: Desk,
    caller: Caller,
    files: Sequence[tuple[str, BinaryIO]],
    name: str,
    currency: str | None,
) -> Draft:
    """Keep uploaded files as a draft, with what their columns seem to be for.

    Raises
    ------
    BadUploadError
        A file is no table at all; nothing is kept.
    """
    with histories.laid_down(desk, files) as laid:
        peeked = _peeked(desk, laid)
        _make_room(desk, caller, sum(Path(file["path"]).stat().st_size for file in laid))
        token = secrets.token_urlsafe(TOKEN_BYTES)
        draft = Draft(token, name, currency, now(), peeked, folder=_shelf(desk, caller) / token)
        draft.folder.mkdir(parents=True, mode=0o700)
        for number, file in enumerate(laid):
            Path(file["path"]).rename(draft.folder / str(number))
    read_again(desk, draft)
    return draft


def find(desk: Desk, caller: Caller, token: str) -> Draft:
    """A draft of this workspace; 404 otherwise."""
    place = _shelf(desk, caller) / token
    if not TOKEN.fullmatch(token) or not (place / CONTENT).is_file():
        raise RequestError(
            404,
            "not_found",
            "This upload is not here any more: it was kept, discarded, or is older than a day. "
            "Upload the file again.",
        )
    return _loaded(place)


def listed(desk: Desk, caller: Caller) -> list[Draft]:
    """The drafts of this workspace, newest first."""
    found = []
    for place in _places(_shelf(desk, caller)):
        with suppress(OSError):  # kept or discarded meanwhile
            found.append(_loaded(place))
    return sorted(found, key=lambda draft: -draft.at)


def read_again(desk: Desk, draft: Draft) -> None:
    """Read a draft's files by what is stated of their columns now, and keep what that gave."""
    try:
        found = histories.look(desk, draft.laid(), draft.options())
        draft.reading = {**found, "problem": None}
    except BadUploadError as wrong:
        draft.reading = {"summary": None, "findings": [], "problem": wrong.problem}
    save(draft)


def look_again(desk: Desk, draft: Draft, layouts: Sequence[str]) -> None:
    """Take a draft's columns for what they seem to be under other layouts; not read by that yet."""
    draft.files, draft.reading = _peeked(desk, draft.laid(), layouts), None


def keep(desk: Desk, caller: Caller, draft: Draft) -> str:
    """Make a draft a history; its id.

    Raises
    ------
    BadUploadError
        The files make no history by what is stated; the draft stays.
    """
    deed = Deed(caller, "history.upload")
    kept = histories.upload(desk, deed, draft.laid(), draft.name, draft.options())
    _remove(draft.folder)
    return str(kept.body["id"])


def discard(desk: Desk, caller: Caller, token: str) -> None:
    """Take a draft away."""
    _remove(find(desk, caller, token).folder)


def save(draft: Draft) -> None:
    """Write down what is stated of a draft; it appears whole or not at all."""
    content = {name: value for name, value in asdict(draft).items() if name != "folder"}
    beside = draft.folder / f".{secrets.token_hex(8)}"
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.rename(draft.folder / CONTENT)


def forget_old(desk: Desk) -> None:
    """Take away what nobody came back for in a day."""
    oldest = time.time() - LIVES_SECONDS
    for place in (desk.settings.folder / "drafts").glob("*/*"):
        with suppress(OSError):
            if place.stat().st_mtime < oldest:
                _remove(place)


def _make_room(desk: Desk, caller: Caller, coming: int) -> None:
    """Take the oldest drafts away where there would be too many, or too much in them."""
    places = sorted(_places(_shelf(desk, caller)), key=lambda place: -place.stat().st_mtime)
    most, held = MOST_BYTES * (desk.settings.upload_mb << 20), coming
    for number, place in enumerate(places, start=1):
        held += sum(file.stat().st_size for file in place.iterdir())
        if number >= MOST_DRAFTS or held > most:
            _remove(place)


def _peeked(
    desk: Desk, laid: list[dict[str, str]], layouts: Sequence[str] | None = None
) -> list[DraftFile]:
    """The files as the child sees them."""
    ended = desk.parse({"files": laid, "layouts": layouts}, "peek")
    if ended.how != "done":
        raise BadUploadError(ended.result)
    return [_file(one) for one in ended.result["files"]]


def _file(peeked: dict[str, Any]) -> DraftFile:
    """A file as the child saw it."""
    columns = [
        DraftColumn(one["name"], one["part"]["role"], one["part"]["of"], one["channel"])
        for one in peeked["columns"]
    ]
    return DraftFile(
        peeked["file"],
        peeked["layout"],
        columns,
        {role: list(names) for role, names in peeked["doubtful"].items()},
        [list(row) for row in peeked["rows"]],
        list(peeked["places"]),
        peeked["n_rows"],
    )


def _loaded(place: Path) -> Draft:
    content = json.loads((place / CONTENT).read_text(encoding="utf-8"))
    for file in content["files"]:
        file["columns"] = [DraftColumn(**column) for column in file["columns"]]
    files = [DraftFile(**file) for file in content.pop("files")]
    return Draft(**content, files=files, folder=place)


def _shelf(desk: Desk, caller: Caller) -> Path:
    return desk.settings.folder / "drafts" / caller.workspace


def _places(shelf: Path) -> Iterator[Path]:
    return (place for place in shelf.glob("*") if (place / CONTENT).is_file())


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
