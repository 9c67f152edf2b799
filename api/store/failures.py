"""What a database's or a disk's own complaint means, and what an operator does about it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from api.errors import ServiceError

LONGEST_COMPLAINT = 200


class StoreError(ServiceError):
    """The database cannot serve; says what to do about it."""

    status = 503
    code = "store_away"


class DamagedError(StoreError):
    """The database's file no longer holds what was written to it."""

    status = 500
    code = "damaged_file"


class FullError(StoreError):
    """There is no room left to write in."""

    status = 507
    code = "disk_full"

    def __init__(self) -> None:
        super().__init__(
            "The disk of the service is full; nothing was stored. Make room, then send it again."
        )


#: Words of SQLite's about a damaged file.
DAMAGED = re.compile("malformed|not a database")
#: Words of SQLite's, and of PostgreSQL's, about a full disk.
FULL = re.compile("disk is full|no space left", re.IGNORECASE)
#: Words of SQLite's about a place that is not its own to write.
FORBIDDEN = re.compile("readonly database|unable to open database file")


def failure_of(wrong: DBAPIError | sqlite3.Error) -> StoreError:
    """A driver's complaint as what it means; that the database does not answer where unknown."""
    complaint = brief(wrong)
    if DAMAGED.search(complaint):
        return damaged(complaint)
    if FULL.search(complaint):
        return FullError()
    if FORBIDDEN.search(complaint):
        return StoreError(
            f"The database cannot be written to ({complaint}). Set ROMI_FOLDER to a folder that "
            "romi may write to, its files too."
        )
    return StoreError(
        f"The database does not answer ({complaint}). Check that it runs, and that "
        "ROMI_DATABASE_URL names its host, port, database, user and password."
    )


def damaged(found: str) -> DamagedError:
    """The database's file is damaged, as this finding shows."""
    return DamagedError(
        f"The database's file is damaged ({found}). Stop romi and bring a backup back into an "
        "empty folder: romi restore BACKUP."
    )


def brief(wrong: DBAPIError | sqlite3.Error) -> str:
    """The first line of a driver's complaint."""
    own = wrong.orig if isinstance(wrong, DBAPIError) else wrong
    lines = str(own).strip().splitlines() or [type(own).__name__]
    return lines[0][:LONGEST_COMPLAINT].rstrip(".")


@contextmanager
def told_failures() -> Iterator[None]:
    """Tell what the database and the folder complain of as what it means to an operator.

    Raises
    ------
    StoreError
        Either cannot be used; says which setting names it.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as wrong:
        raise failure_of(wrong) from wrong
    except OSError as wrong:
        place, why = wrong.filename or "ROMI_FOLDER", wrong.strerror or type(wrong).__name__
        raise StoreError(
            f"romi cannot use {place} ({why}). Name a folder with room that romi may write to, by "
            "ROMI_FOLDER or on the command line."
        ) from wrong
