"""Immutable files named by the sha-256 of what they hold.

A file is written under another name, forced to disk, renamed, and its folder forced to disk; only
then may a row name it. Writing the same bytes twice is writing them once. A crash leaves at worst
a file that no row names; :meth:`Blobs.sweep` takes those away.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from api.errors import ServiceError

YOUNG_SECONDS = 24 * 3600  # a file may be younger than the row that will name it


class BlobError(ServiceError):
    """A file the database names is missing or damaged."""

    code = "damaged_file"


class Blobs:
    """A folder of immutable files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "blobs"

    def put(self, data: bytes) -> str:
        """Keep these bytes; their sha-256 as 64 hex digits."""
        name = hashlib.sha256(data).hexdigest()
        place = self._place(name)
        if not _holds(place, data):
            self._write(place, data)
        _force(place.parent)  # also where another has just renamed it, and is not done yet
        _force(self.folder)
        return name

    @staticmethod
    def _write(place: Path, data: bytes) -> None:
        """Write a file that is there whole or not at all."""
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}.{uuid4().hex}.part")
        try:
            _write_through(draft, data)
            draft.rename(place)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def get(self, name: str) -> bytes:
        """The bytes of a name.

        Raises
        ------
        BlobError
            There is no such file, or it no longer holds what its name says.
        """
        try:
            data = self._place(name).read_bytes()
        except FileNotFoundError as wrong:
            raise BlobError(
                f"The file {name[:12]} is missing from the data folder. Restore it from a backup."
            ) from wrong
        if hashlib.sha256(data).hexdigest() != name:
            raise BlobError(f"The file {name[:12]} is damaged on disk. Restore it from a backup.")
        return data

    def names(self) -> Iterator[str]:
        """Every name kept."""
        for place in sorted(self.folder.glob("??/*")):
            if not place.name.startswith("."):
                yield place.name

    def sweep(self, named: set[str]) -> int:
        """Take away old files that no row names; how many."""
        oldest = time.time() - YOUNG_SECONDS
        stale = [
            place
            for place in self.folder.glob("??/*")
            if place.name not in named and place.stat().st_mtime < oldest
        ]
        for place in stale:
            place.unlink(missing_ok=True)
        return len(stale)

    def _place(self, name: str) -> Path:
        return self.folder / name[:2] / name


def _holds(place: Path, data: bytes) -> bool:
    """Whether a file is there and undamaged."""
    try:
        return place.read_bytes() == data
    except OSError:
        return False


def _write_through(place: Path, data: bytes) -> None:
    with place.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _force(folder: Path) -> None:
    """Make a rename inside a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
