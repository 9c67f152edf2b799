"""One task over many items: in this process, in others beside it, or on a Dask cluster.

The same loop for all of them: a few items more than there are workers are out at a time, so
memory does not grow with the number of items, and whatever ends next is handed over next. A
worker that dies takes nothing with it: what it held is done again, one item at a time, and only
an item that ends its worker when alone is given up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from threading import Event, Thread
from typing import Any, Protocol, TypeVar

from optimizer.errors import ClusterError

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items out at a time per worker: one being done, one waiting for it.
OUT_PER_WORKER = 2

#: Libraries that would start threads of their own in every worker.
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "NUMBA")
}

#: Seconds an address has to answer, and then a worker to be there.
ANSWER_SECONDS = 15


#: Seconds between two looks of a process for the one that started it.
PARENT_SECONDS = 2.0


class Lost:
    """The result of an item that ended every worker it was given to."""


LOST = Lost()


def spread(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int | None = None,
    cluster: str | None = None,
) -> Generator[tuple[Item, Result | Lost]]:
    """Every item with its result, once, in the order in which they end.

    Parameters
    ----------
    task : callable
        Of one item; importable by its name, as other processes must find it. What it raises
        ends the run.
    items : iterable
        Taken one at a time, as workers become free.
    workers : int, optional
        Processes; 1 stays in this one. Absent: one per processor.
    cluster : str, optional
        Address of a Dask scheduler, whose workers are used instead.

    Yields
    ------
    (item, result)
        The result LOST where the item ended its worker again and again.

    Raises
    ------
    ClusterError
        The cluster does not answer, has no workers or cannot run this.
    """
    if cluster is not None:
        return _together(_Cluster(cluster), task, items)
    count = workers or _processors()
    if count == 1:
        return ((item, task(item)) for item in items)
    return _together(_Processes(count), task, items)


class _Pool(Protocol):
    """Workers that take items and promise results."""

    width: int  # items that may be out at a time

    def submit(self, task: Callable[[Any], Any], item: Any) -> Any:
        """The promise of a result."""

    def ended(self, promises: Collection[Any]) -> Collection[Any]:
        """Those that ended, at least one; waits for it."""

    def result(self, promise: Any) -> Any:
        """What a promise came to; LOST where its worker died."""

    def close(self) -> None:
        """Let the workers go."""


def _together(
    pool: _Pool, task: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[tuple[Item, Result | Lost]]:
    """The results of a pool, with what dead workers held done again."""
    out: dict[Any, Item] = {}
    try:
        for item in items:
            out[pool.submit(task, item)] = item
            if len(out) >= pool.width:
                yield from _ended(pool, task, out)
        while out:
            yield from _ended(pool, task, out)
    finally:
        for promise in out:  # of a run that was broken off
            promise.cancel()
        pool.close()


def _ended(
    pool: _Pool, task: Callable[[Item], Result], out: dict[Any, Item]
) -> Iterator[tuple[Item, Result | Lost]]:
    """The results that are there, at least one; what they were promised for is out no more."""
    died = []
    for promise in list(pool.ended(out)):
        item, result = out.pop(promise), pool.result(promise)
        if result is LOST:
            died.append(item)
        else:
            yield item, result
    for item in died:  # alone, so that only the one that kills its worker is given up
        promise = pool.submit(task, item)
        pool.ended([promise])
        yield item, pool.result(promise)


def _processors() -> int:
    """Processors this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


class _Processes:
    """Processes beside this one, by joblib's loky."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.width = OUT_PER_WORKER * count + 1

    def submit(self, task: Callable[[Any], Any], item: Any) -> Any:
        from concurrent.futures import BrokenExecutor

        try:
            return self._executor_now().submit(task, item)
        except BrokenExecutor:  # a worker died since; the executor made anew has all of its own
            return self._executor_now().submit(task, item)

    def _executor_now(self) -> Any:
        from joblib.externals.loky import get_reusable_executor

        return get_reusable_executor(
            max_workers=self._count,
            env=ONE_THREAD,
            initializer=_end_with,
            initargs=(os.getpid(),),
        )

    def ended(self, promises: Collection[Any]) -> Collection[Any]:
        from concurrent.futures import FIRST_COMPLETED, wait

        return wait(promises, return_when=FIRST_COMPLETED).done

    def result(self, promise: Any) -> Any:
        from concurrent.futures import BrokenExecutor

        try:
            return promise.result()
        except BrokenExecutor:
            return LOST

    def close(self) -> None:
        """Nothing: joblib keeps the processes for the next run, and ends idle ones itself."""


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone.

    A worker whose parent was killed may wait for ever, in a pipe that nobody reads any more.
    """
    never = Event()

    def watch() -> None:
        while os.getppid() == parent:
            never.wait(PARENT_SECONDS)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


class _Cluster:
    """The workers of a Dask cluster, which does again by itself what a dead worker held."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _connected(address)
        threads = sum(self._client.nthreads().values())
        self.width = max(64, OUT_PER_WORKER * threads)  # clusters grow; items are small

    def submit(self, task: Callable[[Any], Any], item: Any) -> Any:
        return self._client.submit(task, item, pure=False)

    def ended(self, promises: Collection[Any]) -> Collection[Any]:
        from distributed import wait

        try:
            with self._client.as_current():  # wait asks the current client
                return list(wait(list(promises), return_when="FIRST_COMPLETED").done)
        except Exception as wrong:
            raise self._broke(wrong) from wrong

    def result(self, promise: Any) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            return promise.result()
        except KilledWorker:
            return LOST
        except Exception as wrong:
            raise self._broke(wrong) from wrong

    def _broke(self, wrong: BaseException) -> ClusterError:
        brief = " ".join(str(wrong).split())[:160] or "it stopped"
        return ClusterError(
            f"The Dask cluster at {self._address} failed ({type(wrong).__name__}: {brief}). "
            "See that its scheduler runs and that its workers have the same romi, then run this "
            "again; what is done need not be done twice."
        )

    def close(self) -> None:
        self._client.close()


def _connected(address: str) -> Any:
    """A client of the scheduler at an address that has workers."""
    try:
        from distributed import Client
    except ImportError as wrong:
        raise ClusterError(
            f"Dask is not installed, but its address is set to {address}. "
            "Install romi[cluster], or unset the address."
        ) from wrong
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as wrong:  # a TimeoutError is an OSError
        raise ClusterError(
            f"No Dask scheduler answers at {address}. Start one there, or correct the address."
        ) from wrong
    try:
        client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    except Exception as wrong:
        client.close()
        raise ClusterError(
            f"The Dask scheduler at {address} has no workers. Start some: `dask worker {address}`."
        ) from wrong
    return client
