"""A check-up: everything the service needs, one sign after another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from api.jobs.child import Child, Limits
from api.serving.desk import Desk
from api.serving.operators import audit_verdict, check_secret
from api.settings import Settings
from api.store.backup import named_blobs
from api.store.blobs import BlobError
from api.store.failures import StoreError, told_failures

LEAST_FREE_MB = 500
PROBE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing looked at."""

    well: bool
    words: str


def check_up(settings: Settings) -> Iterator[Sign]:
    """Look at the folder, database, keys, files, audit log, job engine and solver."""
    try:
        desk = Desk.opened(settings)
    except StoreError as wrong:
        yield Sign(False, str(wrong))
        return
    try:
        for look in (_disk, _database, _keys, _files, _audit, _child, _solver):
            yield _looked(look, desk)
    finally:
        desk.close()


def _looked(look: Callable[[Desk], Sign], desk: Desk) -> Sign:
    try:
        with told_failures():
            return look(desk)
    except StoreError as wrong:
        return Sign(False, str(wrong))
    except Exception as wrong:
        return Sign(False, f"{type(wrong).__name__}: {wrong}")


def _disk(desk: Desk) -> Sign:
    free = shutil.disk_usage(desk.settings.folder).free >> 20
    words = f"{free:,} MB free in {desk.settings.folder}"
    return Sign(free >= LEAST_FREE_MB, words + ("" if free >= LEAST_FREE_MB else "; make room"))


def _database(desk: Desk) -> Sign:
    desk.database.ping()
    desk.database.check_pages()
    if desk.database.is_sqlite:
        return Sign(True, "SQLite answers, its file is whole and its tables are up to date")
    return Sign(True, "PostgreSQL answers and its tables are up to date")


def _keys(desk: Desk) -> Sign:
    check_secret(desk)
    return Sign(True, "the secret is the one the keys were made under")


def _files(desk: Desk) -> Sign:
    names = named_blobs(desk.database)
    for name in names:
        try:
            desk.blobs.get(name)
        except BlobError as wrong:
            return Sign(False, str(wrong))
    return Sign(True, f"{len(names)} files of histories and models are whole")


def _audit(desk: Desk) -> Sign:
    words, whole = audit_verdict(desk)
    return Sign(whole, words)


def _child(desk: Desk) -> Sign:
    child = Child(Path(desk.settings.folder), Limits(desk.settings.job_memory_mb, PROBE_SECONDS))
    try:
        ended = child.run("probe", {})
    finally:
        child.stop()
    return Sign(ended.how == "done", f"a job's process starts and answers: {ended.how}")


def _solver(_: Desk) -> Sign:
    import optimizer

    curve = {"family": "log", "scale": 100.0, "rate": 0.1}
    channels = [
        {"channel": name, "history_spend_per_period": 5.0, "curve": curve} for name in ("a", "b")
    ]
    model = optimizer.Model.from_dict({"channels": channels})
    bounds = {name: {"min": 0, "max": 10} for name in ("a", "b")}
    scenario = optimizer.Scenario.from_dict({"periods": 1, "budget": 10, "channels": bounds})
    answer = optimizer.plan(model, scenario)
    return Sign(answer.split == {"a": 5.0, "b": 5.0}, f"a small plan is right: {answer.split}")
