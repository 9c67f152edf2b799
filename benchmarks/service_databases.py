"""A PostgreSQL database that lives as long as one run: made on the server that answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
ANSWER_SECONDS = 3


def server_address() -> str:
    """The server tests may make databases on."""
    return os.environ.get("ROMI_TEST_POSTGRES_URL") or LOCAL


def why_not() -> str | None:
    """Why there is no PostgreSQL to test on; None where one answers."""
    try:
        with _connected(server_address()) as connection:
            connection.execute(text("select 1"))
    except (SQLAlchemyError, ImportError) as wrong:
        brief = " ".join(str(getattr(wrong, "orig", None) or wrong).split())[:120]
        return f"no PostgreSQL answers at {make_url(server_address()).host}: {brief}"
    return None


@contextmanager
def own_database() -> Iterator[str]:
    """The address of a new database; dropped afterwards, whoever still speaks to it."""
    name = f"romi_test_{uuid4().hex[:12]}"
    with _connected(server_address()) as connection:
        connection.execute(text(f"create database {name}"))
    try:
        yield make_url(server_address()).set(database=name).render_as_string(hide_password=False)
    finally:
        with _connected(server_address()) as connection:
            connection.execute(text(f"drop database if exists {name} with (force)"))


@contextmanager
def own_schema(address: str) -> Iterator[str]:
    """The address of a new, empty schema of a database; cheaper than a database."""
    name = f"s_{uuid4().hex[:12]}"
    with _connected(address) as connection:
        connection.execute(text(f"create schema {name}"))
    inside = make_url(address).update_query_dict({"options": f"-csearch_path={name}"})
    try:
        yield inside.render_as_string(hide_password=False)
    finally:
        with _connected(address) as connection:
            connection.execute(text(f"drop schema {name} cascade"))


@contextmanager
def _connected(address: str) -> Iterator[Connection]:
    """A connection on which every statement is kept at once."""
    url = make_url(address).set(drivername="postgresql+psycopg")
    engine = create_engine(
        url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": ANSWER_SECONDS}
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
