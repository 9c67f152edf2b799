"""Real databases for the tests of the service: SQLite always, PostgreSQL where one answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import structlog

from api.settings import Settings
from api.store import keys
from api.store.database import Database
from api.store.tables import metadata
from benchmarks.service_databases import own_database, own_schema, why_not
from tests.service.holdings import Holdings, hold
from tests.service.running import Service, opened, serving, working

DATABASES = ("sqlite", "postgresql")

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL database of this session's own."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with own_database() as address:
        yield address


@contextmanager
def _settings(request: pytest.FixtureRequest, folder: Path) -> Iterator[Settings]:
    """Settings over an empty folder and an empty database of the parametrised kind."""
    stated = {"folder": folder, "port": 0, "lease_seconds": 1.5, "_env_file": None}
    if request.param == "sqlite":
        yield Settings(**stated)
        return
    with own_schema(request.getfixturevalue("postgres")) as address:
        yield Settings(**stated, database_url=address)


@pytest.fixture(params=DATABASES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a service that is used by one test."""
    with _settings(request, tmp_path) as settings:
        yield settings


@pytest.fixture(scope="session", params=DATABASES)
def emptied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database with its tables, for tests one after another."""
    with _settings(request, tmp_path_factory.mktemp("database")) as settings:
        database = opened(settings)
        yield database
        database.close()


@pytest.fixture
def database(emptied: Database) -> Database:
    """A database whose tables hold nothing."""
    with emptied.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return emptied


@pytest.fixture
def workspace(database: Database) -> str:
    """A workspace."""
    with database.write() as connection:
        return keys.make_workspace(connection, "home")


@pytest.fixture
def fresh(settings: Settings) -> Iterator[Service]:
    """A service used by one test."""
    with serving(settings) as service:
        yield service


@pytest.fixture(scope="module", params=DATABASES)
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service with a worker, shared by the tests of a file."""
    folder = tmp_path_factory.mktemp("service")
    with (
        _settings(request, folder) as settings,
        serving(settings) as service,
        working(settings, service.desk.database),
    ):
        yield service


@pytest.fixture(scope="module")
def home(service: Service) -> Holdings:
    """One of everything in a workspace of the service."""
    return hold(service)


@pytest.fixture
def admin(service: Service) -> Iterator[httpx.Client]:
    """A client that may do everything at home."""
    with service.client() as client:
        yield client
