"""Folders that a long run fills: whole files, and a journal of what is done; safe to kill.

Beside :mod:`optimizer.files` the other half of the one door to disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from optimizer.archive import Archive
from optimizer.errors import FileError
from optimizer.files import PathLike, write_whole

JOURNAL = "series.jsonl"


class Folder:
    """A folder with a journal: whole files, and lines that are on disk once they are added.

    A last line that a killed run left unfinished is cut off. One run at a time may write; the
    hold is let go by the end of its process, however that comes.

    Parameters
    ----------
    path : path
        Made if missing, where it is to be written to.
    writes : bool
        Whether this run adds to it.

    Raises
    ------
    FileError
        Another run holds it, it cannot be made, or there is none to read.
    """

    def __init__(self, path: PathLike, *, writes: bool) -> None:
        self._path = Path(path)
        self._journal: BinaryIO | None = None
        if writes:
            self._journal = _held_journal(self._path)
        elif not (self._path / JOURNAL).is_file():
            raise FileError(
                f"{self._path} holds no models of many series. `romi fit --by` writes them."
            )

    def read(self, name: str) -> bytes:
        """A whole file."""
        return _read(self._path / name)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none."""
        with contextlib.suppress(OSError):
            return (self._path / name).stat().st_size
        return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file so that it appears whole or not at all."""
        write_whole(self._path / name, data)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            (self._path / name).unlink()

    def lines(self) -> list[bytes]:
        """The journal's whole lines."""
        return _read(self._path / JOURNAL).split(b"\n")[:-1]

    def append(self, line: bytes) -> None:
        """Add a line to the journal; on disk when this returns."""
        if self._journal is None:
            raise FileError(f"{self._path} was opened to be read. Open it for writing.")
        try:
            self._journal.write(line + b"\n")
            self._journal.flush()
            os.fsync(self._journal.fileno())
        except OSError as wrong:
            raise FileError(
                f"{self._path / JOURNAL} could not be written ({wrong.strerror or wrong}). "
                "Make room, and run it again: what is done is not done twice."
            ) from wrong

    def close(self) -> None:
        """Let another run write."""
        if self._journal is not None:
            self._journal.close()


@contextlib.contextmanager
def open_archive(path: PathLike, *, writes: bool = False) -> Iterator[Archive]:
    """The models of many series that a folder holds, to be read or added to.

    Parameters
    ----------
    path : path
    writes : bool
        Whether a run is to add to it; the folder is made if missing.

    Raises
    ------
    FileError
        There is none to read, it cannot be made, or another run is writing to it.
    """
    folder = Folder(path, writes=writes)
    try:
        yield Archive(folder)
    finally:
        folder.close()


def _held_journal(folder: Path) -> BinaryIO:
    """The journal of a folder, open at its end, after its last whole line, for this run alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        journal = (folder / JOURNAL).open("ab+", buffering=0)
    except OSError as wrong:
        raise FileError(
            f"The folder {folder} cannot be written to ({wrong.strerror or wrong}). Choose another."
        ) from wrong
    if not _held(journal):
        journal.close()
        raise FileError(f"Another run is writing to {folder}. Wait for it, or choose another.")
    journal.seek(0)
    written = journal.read()
    journal.truncate(written.rfind(b"\n") + 1)
    journal.seek(0, os.SEEK_END)
    return journal


def _held(file: BinaryIO) -> bool:
    """Hold a file until it is closed; False where another process does."""
    try:
        import fcntl
    except ImportError:  # not on this system: two runs at once are the user's care
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise FileError(
            f"{path} cannot be read ({wrong.strerror or wrong}). Fit its series again."
        ) from wrong
