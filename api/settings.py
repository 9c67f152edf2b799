"""What an operator sets: by ROMI_* environment variables, or a .env file beside the process."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _usual_folder() -> Path:
    """Where an operator who states nothing has romi's data."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "romi"


LogLevel = Annotated[
    Literal["debug", "info", "warning", "error", "critical"],
    BeforeValidator(lambda given: given.lower() if isinstance(given, str) else given),
]


class Settings(BaseSettings):
    """One process's settings; every field is a ROMI_* variable of the same name."""

    model_config = SettingsConfigDict(
        env_prefix="ROMI_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    folder: Path = Field(
        default_factory=_usual_folder, description="histories, models and the SQLite database"
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy address; absent = romi.sqlite in the folder"
    )
    secret: SecretStr | None = Field(
        default=None, description="keys the hashes of API keys; absent = made once in the folder"
    )
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: Annotated[int, Field(ge=0, le=65535)] = 8321
    processes: Annotated[int, Field(ge=1, le=64, description="web processes")] = 1
    workers: Annotated[int, Field(ge=0, le=64, description="job workers beside them")] = 1
    auth: bool = Field(default=True, description="off only on loopback")
    lease_seconds: Annotated[float, Field(ge=0.5, le=3600)] = 15.0
    job_memory_mb: Annotated[int, Field(ge=256)] = 4096
    job_seconds: Annotated[float, Field(gt=0, description="longest run of one job")] = 3600.0
    parse_memory_mb: Annotated[int, Field(ge=256)] = 1024
    parse_seconds: Annotated[float, Field(gt=0)] = 30.0
    upload_mb: Annotated[int, Field(ge=1, le=1024)] = 50
    requests_per_minute: Annotated[int, Field(ge=1, description="of one key")] = 60_000
    models_in_memory: Annotated[int, Field(ge=1)] = 32
    cluster: str | None = Field(default=None, description="address of a Dask scheduler")
    log_level: LogLevel = "info"

    @model_validator(mode="after")
    def _open_only_at_home(self) -> Self:
        if not self.auth and self.host not in LOOPBACK:
            raise ValueError(
                f"a service without keys may listen on 127.0.0.1 only, not on {self.host}; "
                "take --no-auth out, or listen on loopback"
            )
        return self

    @cached_property
    def database(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite:///{self.folder.resolve() / 'romi.sqlite'}"

    @property
    def beat_seconds(self) -> float:
        """How often a worker renews its lease."""
        return self.lease_seconds / 3
