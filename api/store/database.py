"""The one database: SQLite beside the files, or PostgreSQL by its address.

A write is one transaction that holds from its first statement: on SQLite ``BEGIN IMMEDIATE``, so
that nobody else writes between what it read and what it wrote; on PostgreSQL row locks and unique
constraints do the same. What was acknowledged was committed, and what was committed is on disk
(WAL, synchronous=FULL).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from api.store.failures import StoreError, damaged, failure_of

BUSY_MILLISECONDS = 30_000
LONGEST_FINDING = 120
KINDS = ("sqlite", "postgresql", "postgres")
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs"}

#: Any number, the same everywhere: who holds it writes the tables' shape.
UPGRADE_LOCK = 7_203_519


class Database:
    """Connections to one database."""

    def __init__(self, address: str) -> None:
        self.address = address
        url = _url_of(address)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._prepare_place(url.database)
            self.engine = create_engine(
                url, connect_args={"timeout": BUSY_MILLISECONDS / 1000}, pool_size=20
            )
            _tune_sqlite(self.engine)
            self._reader = self.engine
        else:
            modern = url.set(drivername="postgresql+psycopg")
            self.engine = create_engine(modern, pool_size=10, max_overflow=20, pool_pre_ping=True)
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")

    @staticmethod
    def _prepare_place(name: str | None) -> None:
        """The folder of an SQLite file, made; refused on a network file system."""
        if not name:
            raise StoreError("An SQLite database needs a file. Write sqlite:///folder/romi.sqlite.")
        folder = Path(name).resolve().parent
        folder.mkdir(parents=True, exist_ok=True)
        kind = file_system_of(folder)
        if kind in NETWORK_FILE_SYSTEMS:
            raise StoreError(
                f"{folder} is on a network file system ({kind}), where SQLite loses data. Set "
                "ROMI_FOLDER to a local disk, or ROMI_DATABASE_URL to a PostgreSQL address."
            )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one moment of the data and writes nothing."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is kept, or none."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.execution_options(romi_writes=True)
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """Raise StoreError where the database does not answer."""
        try:
            with self.read() as connection:
                connection.execute(text("select 1"))
        except DBAPIError as wrong:
            raise failure_of(wrong) from wrong

    def check_pages(self) -> None:
        """Raise DamagedError where a page of SQLite's file is not as it was written.

        PostgreSQL checks its own.
        """
        if not self.is_sqlite:
            return
        try:
            with self.read() as connection:
                found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
        except DBAPIError as wrong:
            raise failure_of(wrong) from wrong
        if found != "ok":
            raise damaged(" ".join(str(found).split())[:LONGEST_FINDING])

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _url_of(address: str) -> URL:
    """A database's address, taken apart; refused where it is none of SQLite's or PostgreSQL's."""
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in KINDS:
        shown = address if url is None else f"{url.get_backend_name()}://..."
        raise StoreError(
            f'ROMI_DATABASE_URL is "{shown}", which is no database of romi\'s. Write '
            "postgresql://user:password@host/database, or leave it out for SQLite in ROMI_FOLDER."
        )
    return url


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, by name
        for setting in (
            f"busy_timeout = {BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("romi_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def file_system_of(folder: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The kind of file system a folder lies on; None where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    places = [line.split()[1:3] for line in lines if len(line.split()) >= 3]
    holding = [(len(place), kind) for place, kind in places if folder.is_relative_to(Path(place))]
    return max(holding)[1] if holding else None


def upgrade(database: Database) -> None:
    """Bring the tables to this version's shape; one process at a time."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"select pg_advisory_xact_lock({UPGRADE_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
