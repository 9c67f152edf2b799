"""What a service acknowledged, and whether all of it is still there and nothing is there twice."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import Connection, func, select

from api.jobs.queue import ENDED
from api.store import audit
from api.store.database import Database
from api.store.tables import job_events, jobs, models, plans, scenarios

SCENARIO = {"name": "Spring", "periods": 13, "budget": 1_500_000}
MOST_WAITING = 8  # jobs
PAUSE_SECONDS = 0.05
TABLES = {"job": jobs, "scn": scenarios}  # how an answer's name begins -> where it is kept


@dataclass(frozen=True)
class Acknowledged:
    """A request that was answered: what it was, and what the answer named."""

    key: str
    path: str
    body: dict[str, Any]
    named: str


@dataclass
class Ledger:
    """A client that asks one thing after another, each again under its key until it is answered."""

    base: str
    api_key: str
    history: str
    model: str
    rng: random.Random
    rows: list[Acknowledged] = field(default_factory=list)
    again: int = 0  # requests sent more than once
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Ask, until told to stop."""
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have the last request answered, and stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def named(self, of: str) -> list[str]:
        """What the answers named so far: `job` or `scn`."""
        return [row.named for row in list(self.rows) if row.named.startswith(of + "_")]

    def sent_again(self, client: httpx.Client, row: Acknowledged) -> str:
        """What the same request under the same key names."""
        return _named(self._post(client, row.key, row.path, row.body))

    def client(self) -> httpx.Client:
        """A client with the key."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Prefer": "respond-async"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=30)

    def _ask(self) -> None:
        number, client = 0, self.client()
        while not self._stopping.is_set():
            number += 1
            path, body = self._question(client)
            key = f"request-{number}"
            answer = self._post(client, key, path, body)
            self.rows.append(Acknowledged(key, path, body, _named(answer)))
            time.sleep(PAUSE_SECONDS)
        client.close()

    def _question(self, client: httpx.Client) -> tuple[str, dict[str, Any]]:
        waiting = self._waiting(client)
        made = self.named("scn")
        choices = ["scenario"] if waiting >= MOST_WAITING else ["fit", "fit", "run"]
        kind = self.rng.choice(choices) if made else "scenario"
        if kind == "fit":
            seed = self.rng.randrange(1000)
            return "/v1/models", {"history": self.history, "seed": seed, "draws": 100}
        if kind == "run":
            return f"/v1/scenarios/{self.rng.choice(made)}/runs", {"model": self.model}
        return "/v1/scenarios", {"scenario": SCENARIO}

    def _waiting(self, client: httpx.Client) -> int:
        try:
            page = client.get("/v1/jobs", params={"limit": 20}).json()
        except httpx.TransportError:
            return MOST_WAITING
        return sum(job["status"] not in ENDED for job in page.get("items", []))

    def _post(
        self, client: httpx.Client, key: str, path: str, body: dict[str, Any]
    ) -> httpx.Response:
        """Send until it is answered; what was cut off is sent again under its key."""
        while True:
            try:
                answer = client.post(path, json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                self.again += 1
            else:
                if answer.is_success:
                    return answer
                if answer.status_code not in (409, 503):
                    raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
            time.sleep(PAUSE_SECONDS)


def _named(answer: httpx.Response) -> str:
    said = answer.json()
    named: str = said.get("job") or said["id"]
    return named


def faults(database: Database, ledger: Ledger, *, at_rest: bool = False) -> list[str]:
    """What is wrong with the store, held against what was acknowledged; at rest: all must be over.

    Requests go on meanwhile, and the store is seen at one moment: what was acknowledged before that
    moment must be there, and one request may be stored that was not yet acknowledged after it.
    """
    before = {kind: ledger.named(kind) for kind in TABLES}
    with database.read() as connection:
        kept = {kind: _kept(connection, kind) for kind in TABLES}
        after = {kind: ledger.named(kind) for kind in TABLES}
        return [
            *(fault for kind in TABLES for fault in _lost(kind, before[kind], kept[kind])),
            *_unasked(kept, after, spare=0 if at_rest else 1),
            *_wrong_endings(connection, at_rest),
            *_wrong_products(connection),
            *_broken_chain(connection),
        ]


def _kept(connection: Connection, kind: str) -> set[str]:
    return set(connection.execute(select(TABLES[kind].c.id)).scalars())


def _lost(kind: str, acknowledged: list[str], kept: set[str]) -> list[str]:
    found = [f"{one} was acknowledged and is gone" for one in set(acknowledged) - kept]
    if len(acknowledged) != len(set(acknowledged)):
        found.append(f"two requests named one {kind}")
    return found


def _unasked(kept: dict[str, set[str]], after: dict[str, list[str]], spare: int) -> list[str]:
    return [
        f"{len(kept[kind])} of {table.name} for {len(after[kind])} requests"
        for kind, table in TABLES.items()
        if len(kept[kind]) > len(after[kind]) + spare
    ]


def _wrong_endings(connection: Connection, at_rest: bool) -> list[str]:
    found = []
    told: dict[str, list[tuple[int, str]]] = {}
    query = select(job_events).order_by(job_events.c.job, job_events.c.seq)
    for event in connection.execute(query).mappings():
        told.setdefault(event["job"], []).append((event["seq"], event["kind"]))
    for row in connection.execute(select(jobs.c.id, jobs.c.status, jobs.c.problem)).all():
        events = told.get(row.id, [])
        endings = [kind for _, kind in events if kind in ENDED]
        if [seq for seq, _ in events] != list(range(1, len(events) + 1)):
            found.append(f"{row.id} has gaps in its events")
        if endings != ([row.status] if row.status in ENDED else []):
            found.append(f"{row.id} is {row.status} and ended {endings}")
        if row.status in ("failed", "cancelled") or (at_rest and row.status not in ENDED):
            why = (row.problem or {}).get("detail", "")
            found.append(f"{row.id} is {row.status} {why}".rstrip())
    return found


def _wrong_products(connection: Connection) -> list[str]:
    """Every ended job made what it says, and nothing else was made."""
    done = connection.execute(
        select(jobs.c.kind, jobs.c.result).where(jobs.c.status == "succeeded")
    ).all()
    said_models = sorted(row.result["model"] for row in done if row.kind == "fit")
    said_plans = sorted(one for row in done if row.kind == "runs" for one in row.result["plans"])
    fitted = select(models.c.id).where(models.c.history.is_not(None))
    kept_models = sorted(connection.execute(fitted).scalars())
    kept_plans = sorted(connection.execute(select(plans.c.id)).scalars())
    return [
        f"the jobs made {len(said)} {name} and {len(kept)} are kept"
        for name, said, kept in (
            ("models", said_models, kept_models),
            ("plans", said_plans, kept_plans),
        )
        if said != kept
    ]


def _broken_chain(connection: Connection) -> list[str]:
    broken = audit.verify(connection).broken_at
    rows = connection.execute(select(func.count()).select_from(scenarios)).scalar_one()
    deeds = connection.execute(
        select(func.count())
        .select_from(audit.audit_events)
        .where(audit.audit_events.c.action == "scenario.create")
    ).scalar_one()
    found = [f"the audit log breaks at {broken}"] if broken is not None else []
    return found + ([f"{deeds} audit rows for {rows} scenarios"] if deeds != rows else [])
