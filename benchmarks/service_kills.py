"""kill -9 of the service's process groups, again and again, and what is left of its promises.

`python -m benchmarks.service_kills [--kills 200] [--lease 1.5]` runs, on SQLite and, where one
answers, on PostgreSQL, a server and a worker as process groups under a client that asks without
pause. A group (or both) is killed at a random moment and started again; only kills while a job
runs count. After every kill the store is held against the model of what was acknowledged:
nothing is lost, every job ends exactly once, an idempotent POST made one resource. It prints the
faults found (to be 0) and the seconds from a kill until the job it hit was taken up again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import select

from api.jobs.queue import ENDED, MOST_LOST
from api.serving.desk import Desk
from api.serving.operators import issue_key
from api.settings import Settings
from api.store.clock import now
from api.store.database import Database, upgrade
from api.store.tables import job_events, jobs
from benchmarks.service_databases import own_database, why_not
from benchmarks.service_ledger import Ledger, faults
from benchmarks.service_processes import Group, free_port, ready, until

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "scenarios" / "shop" / "history.csv"
LEASE = 1.5  # seconds; the shipped one is 15
PAUSES = (0.05, 0.8)  # seconds a job may run before the kill
DRAIN_SECONDS = 240.0


@dataclass
class Outcome:
    """What came of the kills."""

    database: str
    kills: int = 0
    requests: int = 0
    sent_again: int = 0
    faults: list[str] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)  # seconds

    def __str__(self) -> str:
        worst = max(self.resumed, default=float("nan"))
        return (
            f"{self.database}: {self.kills} kills in a running job, {self.requests} requests "
            f"acknowledged ({self.sent_again} sent again), {len(self.faults)} faults, "
            f"{len(self.resumed)} jobs taken up again after {worst:.1f} s at most"
        )


@dataclass
class Stand:
    """A server and a worker, each a process group, and their database."""

    settings: Settings
    server: Group
    worker: Group
    database: Database
    ledger: Ledger

    @property
    def base(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.settings.port}"

    def running(self) -> list[tuple[str, int]]:
        """Jobs and attempts that a worker holds at this moment."""
        live = (jobs.c.status == "running") & (jobs.c.lease_until > now())
        query = select(jobs.c.id, jobs.c.attempt).where(live)
        with self.database.read() as connection:
            return [(row.id, row.attempt) for row in connection.execute(query)]

    def to_be_hit(self) -> list[tuple[str, int]]:
        """What a kill would hit, the worker being held still.

        Nothing, where that would be a job's last attempt: it would end as lost, as it should.
        """
        last = (jobs.c.status == "running") & (jobs.c.lost >= MOST_LOST - 1)
        with self.database.read() as connection:
            if connection.execute(select(jobs.c.id).where(last)).first() is not None:
                return []
        return self.running()


@contextmanager
def stand(folder: Path, address: str | None, lease: float, seed: int) -> Iterator[Stand]:
    """A service with a fitted model, ready to be killed."""
    settings = Settings(
        folder=folder,
        database_url=address,
        port=free_port(),
        lease_seconds=lease,
        _env_file=None,  # type: ignore[call-arg]
    )
    desk = Desk.of(settings)
    upgrade(desk.database)
    key = issue_key(desk, "kills", ("admin",), "home", None)
    server = Group(("serve",), settings, folder / "server.log")
    worker = Group(("worker",), settings, folder / "worker.log")
    base = f"http://127.0.0.1:{settings.port}"
    server.start()
    worker.start()
    try:
        until(lambda: ready(base))
        history, model = _prepared(base, key)
        ledger = Ledger(base, key, history, model, random.Random(seed))
        yield Stand(settings, server, worker, desk.database, ledger)
    finally:
        worker.stop()
        server.stop()
        desk.close()


def _prepared(base: str, key: str) -> tuple[str, str]:
    """A history, and a model that is imported so that all fitted ones are the ledger's."""
    curve = {"family": "log", "scale": 5e4, "rate": 1e-4}
    channels = [
        {"channel": name, "history_spend_per_period": 2e4, "curve": curve} for name in "abcdef"
    ]
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
        files = {"file": ("shop.csv", SHOP.read_bytes())}
        body = {"model": {"channels": channels}}
        uploaded = client.post("/v1/histories", files=files)
        imported = client.post("/v1/models/import", json=body)
    return uploaded.json()["id"], imported.json()["id"]


def attack(what: Stand, kills: int, seed: int) -> Outcome:
    """Kill so many times while a job runs; what was found wrong, after each and at the end."""
    rng = random.Random(seed)
    outcome = Outcome("SQLite" if what.database.is_sqlite else "PostgreSQL")
    both = (what.worker, what.server)
    targeted = [(what.worker,)] * 5 + [(what.server,), both]
    hit: dict[tuple[str, int], int] = {}  # job and attempt -> when its worker was killed
    what.ledger.start()
    while outcome.kills < kills:
        until(lambda: bool(what.running()))
        time.sleep(rng.uniform(*PAUSES))
        targets = rng.choice(targeted)
        what.worker.pause(True)
        before = what.to_be_hit()
        if not before:
            what.worker.pause(False)
            continue
        for group in targets:
            group.kill()
        if what.worker not in targets:
            what.worker.pause(False)
        caught = [one for one in before if one in what.running()]
        if what.worker in targets:
            hit |= dict.fromkeys(caught, now())
        outcome.kills += bool(caught)
        outcome.faults += faults(what.database, what.ledger)
        for group in targets:
            group.start()
    what.ledger.stop()
    outcome.faults += _at_rest(what)
    outcome.requests, outcome.sent_again = len(what.ledger.rows), what.ledger.again
    for one, at in hit.items():
        again = _taken_up(what.database, *one)
        if again is None:
            outcome.faults.append(f"{one[0]} was not taken up after attempt {one[1]}")
        else:
            outcome.resumed.append((again - at) / 1000)
    return outcome


def _at_rest(what: Stand) -> list[str]:
    """What is wrong once every job has ended, and when requests come again."""

    def over() -> bool:
        with what.database.read() as connection:
            waiting = select(jobs.c.id).where(jobs.c.status.not_in(ENDED)).limit(1)
            return connection.execute(waiting).first() is None

    until(over, DRAIN_SECONDS)
    found = faults(what.database, what.ledger, at_rest=True)
    with what.ledger.client() as client:
        for row in what.ledger.rows[::5]:
            named = what.ledger.sent_again(client, row)
            if named != row.named:
                found.append(f"{row.key} named {row.named}, and {named} when sent again")
    return found + faults(what.database, what.ledger, at_rest=True)


def _taken_up(database: Database, job: str, attempt: int) -> int | None:
    """When the attempt after this one began; None where there was none."""
    with database.read() as connection:
        started = select(job_events.c.at, job_events.c.data).where(
            (job_events.c.job == job) & (job_events.c.kind == "started")
        )
        times = {row.data["attempt"]: row.at for row in connection.execute(started)}
    return times.get(attempt + 1)


def run(kind: str, kills: int, lease: float, seed: int = 1) -> Outcome:
    """The kills on one kind of database, made for them."""
    place = own_database() if kind == "postgresql" else nullcontext(None)
    with (
        tempfile.TemporaryDirectory() as folder,
        place as address,
        stand(Path(folder), address, lease, seed) as what,
    ):
        return attack(what, kills, seed)


def main() -> None:
    """Print the figures; exit 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="on both databases together")
    parser.add_argument("--lease", type=float, default=LEASE)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    kinds = ["sqlite", "postgresql"]
    reason = why_not()
    if reason is not None:
        print(f"PostgreSQL skipped: {reason}")
        kinds = ["sqlite"]
    found = []
    for kind in kinds:
        outcome = run(kind, asked.kills // len(kinds), asked.lease, asked.seed)
        print(outcome, flush=True)
        found += outcome.faults
    for fault in dict.fromkeys(found):
        print(fault)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
