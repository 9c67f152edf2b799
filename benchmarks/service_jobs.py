"""How fast jobs are put in and done, and what the engine of many fits costs.

`python -m benchmarks.service_jobs [--jobs 2000] [--tasks 2000]` prints, on SQLite and, where one
answers, on PostgreSQL: runs enqueued a second by what a POST does (resource, job, audit row and
answer in one transaction), trivial jobs a second by one worker, and, once, the time 2,000 tasks
of 50 ms take on two workers beside the time they would take without an engine.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog

from api.jobs import queue
from api.jobs.worker import Worker
from api.serving import jobs as serving_jobs
from api.serving.desk import Desk
from api.serving.once import Deed, store_once
from api.settings import Settings
from api.store import keys
from api.store.database import upgrade
from api.store.keys import Caller
from benchmarks.service_databases import own_database, why_not
from optimizer.workers import spread

TASK_SECONDS = 0.05
WORKERS = 2


@contextmanager
def desks() -> Iterator[dict[str, Desk]]:
    """An empty desk on each database there is."""
    with ExitStack() as stack:
        addresses: dict[str, str | None] = {"SQLite": None}
        reason = why_not()
        if reason is None:
            addresses["PostgreSQL"] = stack.enter_context(own_database())
        else:
            print(f"PostgreSQL skipped: {reason}")
        made = {}
        for name, address in addresses.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            stated = {"folder": folder, "database_url": address, "_env_file": None}
            desk = Desk.of(Settings(**stated))
            stack.callback(desk.close)
            upgrade(desk.database)
            made[name] = desk
        yield made


def enqueue(desk: Desk, caller: Caller, count: int) -> float:
    """Seconds to enqueue so many jobs one after another, each as its POST does."""
    begun = time.perf_counter()
    for number in range(count):
        deed = Deed(caller, "scenario.run", f"key-{number}", str(number).encode())

        def make(connection):
            kept = serving_jobs.queued(connection, caller, "probe", {"steps": 1})
            return kept.body["job"], kept

        store_once(desk, deed, make)
    return time.perf_counter() - begun


def work(desk: Desk, count: int) -> float:
    """Seconds one worker needs for so many waiting jobs, its child being there already."""
    worker = Worker(desk.settings, desk.database)
    worker.child.run("probe", {})
    begun = time.perf_counter()
    done = worker.run(count)
    seconds = time.perf_counter() - begun
    assert done == count
    with desk.database.write() as connection:
        assert queue.claim(connection, "nobody", 1.0) is None
    return seconds


def nap(_: int) -> None:
    """A task that costs time and nothing else."""
    time.sleep(TASK_SECONDS)


def overhead(tasks: int) -> float:
    """Share of time lost to the engine of many fits, its workers being there already."""
    list(spread(nap, range(2 * WORKERS), workers=WORKERS))
    begun = time.perf_counter()
    count = sum(1 for _ in spread(nap, range(tasks), workers=WORKERS))
    assert count == tasks
    return (time.perf_counter() - begun) / (tasks * TASK_SECONDS / WORKERS) - 1


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--tasks", type=int, default=2000)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with desks() as made:
        for name, desk in made.items():
            with desk.database.write() as connection:
                workspace = keys.make_workspace(connection, "benchmark")
            caller = Caller("key_benchmark", workspace, frozenset(keys.SCOPES))
            put = enqueue(desk, caller, asked.jobs)
            done = work(desk, asked.jobs)
            print(
                f"{name}: {asked.jobs / put:,.0f} jobs enqueued/s, "
                f"{asked.jobs / done:,.0f} trivial jobs done/s by one worker"
            )
    lost = overhead(asked.tasks)
    print(f"{asked.tasks:,} tasks of {1000 * TASK_SECONDS:.0f} ms on {WORKERS} workers: "
          f"{lost:.1%} overhead of the engine")  # fmt: skip


if __name__ == "__main__":
    main()
