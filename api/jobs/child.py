"""A child process that does one piece of work at a time, and can be killed at any moment.

The parent speaks over a pipe: ``("run", kind, payload, checkpoint)``, ``("cancel",)``. The child
answers with ``("event", kind, data)``, ``("checkpoint", data)`` and, once, ``("done", result)``,
``("failed", problem)`` or ``("cancelled",)``. It is kept between pieces of work, because starting
an interpreter takes longer than most of them, and dies with its parent.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

from api.jobs.tasks import CancelledError, Context, run_task
from api.problems import problem, problem_of

GRACE_SECONDS = 2.0  # between being asked to stop and being stopped
TERM_SECONDS = 0.3  # between being told to stop and being killed
CHECKS_SECONDS = 0.05

SURROUNDINGS = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own reserves a GB, which would count as taken
}

Hear = Callable[[str, Any], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one piece of work may take."""

    memory_mb: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """How a piece of work ended."""

    how: str  # done, failed, cancelled
    result: Any = None


@dataclass
class Child:
    """A process of our own, started when it is first needed."""

    folder: Path
    limits: Limits
    _process: Any = field(default=None, init=False)
    _pipe: Any = field(default=None, init=False)

    def run(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        checkpoint: Any = None,
        hear: Hear = lambda _kind, _data: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Ended:
        """Do one piece of work; events are told to `hear` as they come.

        Parameters
        ----------
        cancelled : callable
            Asked every twentieth of a second; once true, the child is asked to stop, and made to
            after `GRACE_SECONDS`.
        """
        self._start()
        self._say(("run", kind, payload, checkpoint))
        deadline, asked = time.monotonic() + self.limits.seconds, None
        while True:
            if self._pipe.poll(CHECKS_SECONDS):
                try:
                    how, *rest = self._pipe.recv()
                except (EOFError, OSError):
                    return self._died(asked is not None)
                if how in ("done", "failed", "cancelled"):
                    return Ended(how, *rest)
                hear(rest[0] if how == "event" else how, rest[-1])
            if asked is None and cancelled():
                asked = time.monotonic()
                self._say(("cancel",))
            if asked is not None and time.monotonic() - asked > GRACE_SECONDS:
                self.stop()
                return Ended("cancelled")
            if time.monotonic() > deadline:
                self.stop()
                return Ended("failed", _too_long(self.limits.seconds))

    @property
    def pid(self) -> int | None:
        """The process's id; None where there is none."""
        return None if self._process is None else self._process.pid

    def stop(self) -> None:
        """End the process: told first, then killed."""
        process, self._process = self._process, None
        if process is None:
            return
        self._pipe.close()
        process.terminate()
        process.join(TERM_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()

    def _say(self, message: tuple[Any, ...]) -> None:
        """Tell the child; one that has died is found out at the next look."""
        with suppress(OSError):
            self._pipe.send(message)

    def _start(self) -> None:
        if self._process is not None and self._process.is_alive():
            return
        self.stop()
        context = mp.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self.folder, self.limits.memory_mb)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        with _bare_main():
            self._process.start()
        theirs.close()

    def _died(self, asked: bool) -> Ended:
        process = self._process
        process.join(1.0)
        code = process.exitcode
        self.stop()
        if asked:
            return Ended("cancelled")
        return Ended("failed", _killed(code))


@contextmanager
def _bare_main() -> Iterator[None]:
    """Keep a spawned child from importing the parent's main module: it needs nothing of it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _too_long(seconds: float) -> dict[str, Any]:
    return problem(
        422,
        "too_slow",
        f"This took longer than {seconds:g} seconds and was stopped. Send less at once, "
        "or raise the limit in the settings.",
    )


def _killed(code: int | None) -> dict[str, Any]:
    return problem(
        422,
        "stopped_by_system",
        f"The process doing this was stopped by the system (exit {code}), mostly for want of "
        "memory. Send less at once, or raise the limit in the settings.",
    )


def _serve(pipe: Connection, folder: Path, memory_mb: int) -> None:
    """The child's life: one piece of work after another until the pipe closes."""
    os.environ |= SURROUNDINGS
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
    inbox = _Inbox(pipe)
    while (order := inbox.next()) is not None:
        _, kind, payload, checkpoint = order
        context = Context(folder, inbox.send, inbox.cancelled, checkpoint)
        try:
            answer: tuple[Any, ...] = ("done", run_task(kind, payload, context))
        except CancelledError:
            answer = ("cancelled",)
        except BaseException as error:
            answer = ("failed", problem_of(error))
            if answer[1]["status"] >= 500:
                traceback.print_exception(error)  # ours: on stderr, beside the logs
        inbox.send(answer)


class _Inbox:
    """What the parent says, read as it comes so that a cancel is seen in the midst of work."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.cancelled = pipe, threading.Event()
        self._orders: list[Any] = []
        self._changed, self._sending = threading.Condition(), threading.Lock()
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, message: tuple[Any, ...]) -> None:
        with self._sending:
            self.pipe.send(message)

    def next(self) -> Any:
        """The next piece of work; None when the parent is gone."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._orders))
            return self._orders.pop(0)

    def _listen(self) -> None:
        while True:
            try:
                message = self.pipe.recv()
            except (EOFError, OSError):
                os._exit(0)  # the parent is gone: whatever is being done is nobody's
            if message[0] == "cancel":
                self.cancelled.set()
                continue
            self.cancelled.clear()
            with self._changed:
                self._orders.append(message)
                self._changed.notify()
