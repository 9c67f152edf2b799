"""The service as tests meet it: a real server on a free port, a worker, keys of two workspaces."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from api.jobs.worker import Worker
from api.main import application
from api.serving.desk import Desk
from api.settings import Settings
from api.store import keys
from api.store.database import Database, upgrade

SHOP = Path(__file__).resolve().parents[2] / "scenarios" / "shop" / "history.csv"
MODEL = {
    "model": 1,
    "currency": "EUR",
    "channels": [
        {
            "channel": "tv",
            "history_spend_per_period": 300.0,
            "curve": {"family": "hill", "ceiling": 900, "half_saturation": 400, "slope": 1.4},
        },
        {
            "channel": "search",
            "history_spend_per_period": 300.0,
            "curve": {"family": "log", "scale": [90, 100, 110, 120], "rate": 0.02},
        },
    ],
}
SCENARIO = {"name": "Spring", "periods": 10, "budget": 6000.0}
SPLIT = {"tv": 3000.0, "search": 3000.0}
PLAIN: Any = {"timeout": 60, "verify": False}  # plain HTTP: no certificates, slow to read
START_SECONDS = 20.0


@dataclass
class Service:
    """A running service and keys to it."""

    base: str
    desk: Desk
    app: Any
    anyone: httpx.Client  # without a key
    workspaces: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def key(self, *scopes: str, workspace: str = "home", expires_at: int | None = None) -> str:
        """A new key of a workspace, which is made where it is not there."""
        with self.desk.database.write() as connection:
            if workspace not in self.workspaces:
                self.workspaces[workspace] = keys.make_workspace(connection, workspace)
            return keys.make_key(
                connection,
                self.desk.pepper,
                workspace=self.workspaces[workspace],
                name="a test's",
                scopes=scopes or ("admin",),  # type: ignore[arg-type]
                expires_at=expires_at,
            )[1]

    def client(self, *scopes: str, workspace: str = "home", **more: Any) -> httpx.Client:
        """A client that sends such a key."""
        named = (workspace, ",".join(scopes))
        if named not in self.keys:
            self.keys[named] = self.key(*scopes, workspace=workspace)
        headers = {"Authorization": f"Bearer {self.keys[named]}"}
        return httpx.Client(base_url=self.base, headers=headers, **PLAIN, **more)


def opened(settings: Settings) -> Database:
    """The database of settings, its tables made."""
    database = Database(settings.database)
    upgrade(database)
    return database


@contextmanager
def serving(settings: Settings) -> Iterator[Service]:
    """The service under these settings, on a free port, for as long as it is needed."""
    app = application(settings)
    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _until(lambda: server.started or not thread.is_alive())
        port = server.servers[0].sockets[0].getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, **PLAIN) as anyone:
            yield Service(base, app.state.desk, app, anyone)
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def working(settings: Settings, database: Database, count: int = 1) -> Iterator[list[Worker]]:
    """Job workers beside, for as long as they are needed."""
    workers = [Worker(settings, database) for _ in range(count)]
    threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join()


def ended(client: httpx.Client, job: str, seconds: float = 60.0) -> dict[str, Any]:
    """A job once it ended."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(client.get(f"/v1/jobs/{job}").json())
        return found["status"] not in ("queued", "running")

    _until(has_ended, seconds)
    return found


def _until(holds: Any, seconds: float = START_SECONDS) -> None:
    """Wait for something to hold."""
    last = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < last, f"it did not come to be within {seconds:g} s"
        time.sleep(0.01)
