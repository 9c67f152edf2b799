"""One process's desk: the database, the files, the models in memory, the child that parses."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.jobs.child import Child, Ended, Limits
from api.settings import Settings
from api.store import keys
from api.store.blobs import Blobs
from api.store.clock import now
from api.store.database import Database, upgrade
from api.store.failures import FullError, told_failures

if TYPE_CHECKING:
    from optimizer import Model


LEAST_FREE_BYTES = 4 << 20  # SQLite's log, or a small upload


@dataclass
class Desk:
    """What every request of a process shares."""

    settings: Settings
    database: Database
    blobs: Blobs
    pepper: bytes
    _models: OrderedDict[str, Model] = field(default_factory=OrderedDict)
    _used: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _parsing: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        limits = Limits(self.settings.parse_memory_mb, self.settings.parse_seconds)
        self.parser = Child(Path(self.settings.folder), limits)

    @classmethod
    def of(cls, settings: Settings) -> Desk:
        """The desk of these settings; its folder is made.

        Raises
        ------
        StoreError
            The folder or the database cannot be used; says which setting names it.
        """
        with told_failures():
            settings.folder.mkdir(parents=True, exist_ok=True)
            blobs = Blobs(settings.folder)
            return cls(settings, Database(settings.database), blobs, pepper_of(settings))

    @classmethod
    def opened(cls, settings: Settings) -> Desk:
        """The desk of these settings, its tables of this version's shape."""
        desk = cls.of(settings)
        try:
            with told_failures():
                upgrade(desk.database)
                with desk.database.write() as connection:
                    keys.adopt(connection, desk.pepper)
        except BaseException:
            desk.close()
            raise
        return desk

    def check_room(self) -> None:
        """Raise FullError where the disk has no room left for a write."""
        if shutil.disk_usage(self.settings.folder).free < LEAST_FREE_BYTES:
            raise FullError

    def model(self, blob: str) -> Model:
        """A model by its file, from memory where it was read before."""
        with self._lock:
            if blob in self._models:
                self._models.move_to_end(blob)
                return self._models[blob]
        from optimizer import model_of_bytes

        model = model_of_bytes(self.blobs.get(blob))
        with self._lock:
            self._models[blob] = model
            while len(self._models) > self.settings.models_in_memory:
                self._models.popitem(last=False)
        return model

    def parse(self, payload: dict[str, Any], kind: str = "upload") -> Ended:
        """Read uploaded files in the limited child; one upload at a time."""
        with self._parsing:
            return self.parser.run(kind, payload)

    def note_use(self, key: str) -> None:
        """Remember that a key was used; written down by `flush_uses`."""
        self._used[key] = now()

    def flush_uses(self) -> None:
        """Write down when keys were last used."""
        used, self._used = self._used, {}
        if used:
            with self.database.write() as connection:
                keys.used(connection, used)

    def close(self) -> None:
        """Give everything back."""
        with suppress(Exception):
            self.flush_uses()
        self.parser.stop()
        self.database.close()


def pepper_of(settings: Settings) -> bytes:
    """The secret that keys the hashes: stated, or made once in the folder."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    place = settings.folder / "secret"
    if not place.exists():
        draft = place.with_name(f".secret.{secrets.token_hex(8)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        with suppress(FileExistsError):
            place.hardlink_to(draft)  # the first of several processes wins
        draft.unlink()
    return place.read_bytes()
