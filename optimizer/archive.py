"""What became of every series of a long run, kept as it comes: a model each, and a journal.

A model is a whole file of its own. Once it is there, one line of the journal says which input and
options it answers; only then is it done. So a run that is killed loses at most what was under way,
and the next run with the same input does only what no line speaks of.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from optimizer.errors import DocumentError, FileError
from optimizer.model import Model
from optimizer.tables.findings import Finding, Severity

Key = tuple[str, ...]
LONGEST_NAME = 60  # letters of a key in the name of its file
HASH_SHOWN = 8  # hexadecimal digits that tell keys apart whose letters are alike


class Folder(Protocol):
    """A folder with a journal; :class:`optimizer.files.Folder` on disk."""

    def read(self, name: str) -> bytes:
        """A whole file; FileError where it cannot be read."""

    def size(self, name: str) -> int | None:
        """Its bytes; None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def lines(self) -> Sequence[bytes]:
        """The journal's whole lines."""

    def append(self, line: bytes) -> None:
        """Add a line to the journal; on disk when this returns."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one series."""

    key: Key
    stamp: str  # sha256 of the input and of all that the fit follows from
    file: str | None = None  # of the model
    size: int | None = None  # bytes of the model
    findings: tuple[Finding, ...] = ()  # why there is no model


class Archive(Mapping[Key, Model]):
    """The models of a folder, by the key of their series; each is read when it is asked for."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._records: dict[Key, Record] = {}
        for line in folder.lines():
            record = _record_of(line)
            if record is not None:
                self._records[record.key] = record

    def __getitem__(self, key: Key) -> Model:
        file = self._records[key].file
        if file is None:
            raise KeyError(key)
        try:
            return Model.from_dict(json.loads(self._folder.read(file)))
        except (ValueError, DocumentError) as wrong:
            raise FileError(
                f"{file} is no longer the model that was kept there ({wrong}). "
                "Remove it and fit its series again."
            ) from wrong

    def __iter__(self) -> Iterator[Key]:
        return (key for key, record in self._records.items() if record.file is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def records(self) -> Mapping[Key, Record]:
        """What became of every series, those without a model as well."""
        return self._records

    def done(self, key: Key, stamp: str) -> Record | None:
        """What became of a series with this input; None where it is still to be done."""
        record = self._records.get(key)
        if record is None or record.stamp != stamp:
            return None
        is_whole = record.file is None or self._folder.size(record.file) == record.size
        return record if is_whole else None

    def keep(self, key: Key, stamp: str, model: Model) -> Record:
        """Keep the model of a series in place of what there was."""
        data = (json.dumps(model.to_dict(), ensure_ascii=False) + "\n").encode()
        record = Record(key, stamp, file_name(key), len(data))
        self._folder.write(file_name(key), data)
        self._note(record)
        return record

    def keep_fault(self, key: Key, stamp: str, findings: tuple[Finding, ...]) -> Record:
        """Keep why a series has no model; a model of another input is removed."""
        record = Record(key, stamp, findings=findings)
        self._note(record)
        self._folder.remove(file_name(key))
        return record

    def _note(self, record: Record) -> None:
        content = {name: value for name, value in asdict(record).items() if value}
        self._folder.append(json.dumps(content, ensure_ascii=False).encode())
        self._records[record.key] = record


def file_name(key: Key) -> str:
    """The file of a series: letters of its key, and enough of a hash to tell it from others.

    Examples
    --------
    >>> file_name(("North / West", "Acme"))
    'north-west-acme-f4261c47.json'
    """
    words = re.sub(r"\W+", "-", " ".join(key).casefold()).strip("-")[:LONGEST_NAME]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:HASH_SHOWN]
    return f"{words or 'series'}-{digest}.json"


def _record_of(line: bytes) -> Record | None:
    """A line of the journal; None where it is damaged."""
    try:
        content: dict[str, Any] = json.loads(line)
        found = [
            Finding(**{**finding, "severity": Severity(finding["severity"])})
            for finding in content.pop("findings", ())
        ]
        return Record(tuple(content.pop("key")), findings=tuple(found), **content)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
