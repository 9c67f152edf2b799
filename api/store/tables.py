"""The tables, the same on SQLite and PostgreSQL. Times are milliseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    types,
)

JSON = types.JSON(none_as_null=True)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(40), primary_key=True)


def _workspace() -> Column[str]:
    return Column(
        "workspace",
        String(40),
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        nullable=False,
    )


def _time(name: str, *, required: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=not required)


workspaces = Table("workspaces", metadata, _id(), Column("name", Text), _time("created_at"))

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    _time("created_at"),
    _time("expires_at", required=False),
    _time("revoked_at", required=False),
    _time("last_used_at", required=False),
    Column("replaces", String(40)),  # the key it was rotated from
    Column("pepper", String(16)),  # fingerprint of the secret that keys its hash
    Index("ix_api_keys_page", "workspace", "id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # of the cookie, or of the one-time link
    _workspace(),
    Column("key", String(40), nullable=False),  # the API key it speaks for, and ends with
    Column("kind", String(10), nullable=False),  # link: exchanged once for a cookie
    _time("created_at"),
    _time("expires_at"),
    Index("ix_sessions_age", "expires_at"),
)

histories = Table(
    "histories",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("blob", String(64), nullable=False),  # sha-256 of its Parquet
    Column("content_hash", Text, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    _time("created_at"),
    Index("ix_histories_page", "workspace", "id"),
)

models = Table(
    "models",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("blob", String(64), nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("history", String(40)),  # none where it was imported
    Column("summary", JSON, nullable=False),
    _time("created_at"),
    Column("report", String(64)),  # sha-256 of its FitReport; none where it was imported
    Index("ix_models_page", "workspace", "id"),
)

aliases = Table(
    "aliases",
    metadata,
    Column(
        "workspace",
        String(40),
        ForeignKey("workspaces.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("name", String(80), primary_key=True),
    Column("model", String(40), ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
)

scenarios = Table(
    "scenarios",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("model", String(40)),
    _time("created_at"),
    _time("updated_at"),
    Index("ix_scenarios_page", "workspace", "id"),
)

plans = Table(
    "plans",
    metadata,
    _id(),
    _workspace(),
    Column("name", Text, nullable=False),
    Column("scenario", String(40)),
    Column("model", String(40)),
    Column("question", JSON, nullable=False),  # the scenario's document when it was planned
    Column("document", JSON, nullable=False),
    _time("created_at"),
    Index("ix_plans_page", "workspace", "id"),
)

jobs = Table(
    "jobs",
    metadata,
    _id(),
    _workspace(),
    Column("kind", String(40), nullable=False),
    Column("status", String(20), nullable=False),  # queued running succeeded failed cancelled
    Column("payload", JSON, nullable=False),
    Column("checkpoint", JSON),
    Column("result", JSON),
    Column("problem", JSON),
    Column("attempt", Integer, nullable=False, default=0),
    Column("lost", Integer, nullable=False, default=0),  # attempts lost without progress
    Column("owner", String(80)),
    _time("lease_until", required=False),
    Column("cancel", Boolean, nullable=False, default=False),
    _time("created_at"),
    _time("started_at", required=False),
    _time("finished_at", required=False),
    Index("ix_jobs_waiting", "status", "created_at"),
    Index("ix_jobs_page", "workspace", "id"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("job", String(40), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("data", JSON, nullable=False),
    _time("at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    _workspace(),
    Column("key", String(255), nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", JSON, nullable=False),
    _time("created_at"),
    UniqueConstraint("workspace", "key"),
    Index("ix_idempotency_age", "created_at"),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("workspace", String(40), nullable=False),  # outlives the workspace it speaks of
    Column("actor", String(80), nullable=False),
    Column("action", String(80), nullable=False),
    Column("resource", String(80)),
    Column("detail", JSON, nullable=False),
    _time("at"),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("ix_audit_events_page", "workspace", "seq"),
)
