"""A service's data as one folder that can be carried away, and back again.

The database is copied while it is in use (SQLite's online backup); every file it names is copied
beside it, and a manifest holds the sha-256 of all. PostgreSQL has its own tools for the database
(`pg_dump`); there the backup holds the files alone, and says so.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url, select

from api.store.blobs import Blobs
from api.store.database import Database
from api.store.failures import StoreError
from api.store.tables import histories, models

MANIFEST = "manifest.json"
DATABASE = "romi.sqlite"
SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup or a restore moved."""

    files: int
    database: bool


def back_up(database: Database, folder: Path, target: Path) -> Copied:
    """Copy everything into a new folder.

    Raises
    ------
    StoreError
        The target is there already, or a file the database names is missing or damaged.
    """
    if target.exists():
        raise StoreError(f"{target} is there already. Name a folder that is not.")
    draft = target.with_name(f".{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "blobs").mkdir(parents=True)
    if database.is_sqlite:
        _copy_database(database, draft / DATABASE)
    blobs, copies = Blobs(folder), Blobs(draft)
    names = sorted(named_blobs(database))  # after the copy: its rows name no more than these
    for name in names:
        copies.put(blobs.get(name))
    if (folder / SECRET).exists():
        shutil.copy2(folder / SECRET, draft / SECRET)
    _write_manifest(draft)
    draft.rename(target)
    return Copied(len(names), database.is_sqlite)


def restore(source: Path, folder: Path) -> Copied:
    """Copy a backup into a folder that holds nothing yet, after checking every file of it.

    Raises
    ------
    StoreError
        The folder holds data already, or the backup is damaged.
    """
    if (folder / DATABASE).exists() or (folder / "blobs").exists():
        raise StoreError(f"{folder} holds data already. Name an empty folder by ROMI_FOLDER.")
    manifest = _checked_manifest(source)
    folder.mkdir(parents=True, exist_ok=True)
    for name in manifest:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, place)
    files = sum(name.startswith("blobs/") for name in manifest)
    return Copied(files, DATABASE in manifest)


def named_blobs(database: Database) -> set[str]:
    """Every file that a row names."""
    with database.read() as connection:
        return {
            name
            for column in (histories.c.blob, models.c.blob, models.c.report)
            for name in connection.execute(select(column)).scalars()
            if name is not None
        }


def _copy_database(database: Database, target: Path) -> None:
    source = sqlite3.connect(str(make_url(database.address).database))
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()


def _write_manifest(folder: Path) -> None:
    places = sorted(place for place in folder.rglob("*") if place.is_file())
    hashes = {str(place.relative_to(folder)): _hash(place) for place in places}
    (folder / MANIFEST).write_text(json.dumps({"romi_backup": 1, "files": hashes}, indent=1))


def _checked_manifest(source: Path) -> dict[str, str]:
    try:
        manifest: dict[str, str] = json.loads((source / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise StoreError(f"{source} is no backup of romi's: it has no {MANIFEST}.") from wrong
    for name, expected in manifest.items():
        place = source / name
        inside = place.resolve().is_relative_to(source.resolve())
        if not inside or not place.is_file() or _hash(place) != expected:
            raise StoreError(f"The backup is damaged at {name}. Use another one.")
    return manifest


def _hash(place: Path) -> str:
    with place.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
