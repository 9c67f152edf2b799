"""What `romi serve` runs: the web processes, and job workers that are started again if they end."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from api.errors import ExitCode, ServiceError
from api.settings import Settings

if TYPE_CHECKING:
    from api.jobs.worker import Worker

STOP_SECONDS = 10.0  # a worker has to give its job back
BACK_OFF = (0.5, 30.0)  # seconds before a worker is started again: first, and at most
STEADY_SECONDS = 60.0  # a worker that lived so long starts over at the first
WATCH_SECONDS = 0.2

log = structlog.get_logger("romi.serve")


def environment(settings: Settings) -> dict[str, str]:
    """The environment that gives other processes these settings."""
    stated = {
        "FOLDER": str(settings.folder),
        "DATABASE_URL": settings.database_url,
        "AUTH": "1" if settings.auth else "0",
        "HOST": settings.host,
        "PORT": str(settings.port),
    }
    own = {f"ROMI_{name}": value for name, value in stated.items() if value is not None}
    return {**os.environ, **own}


@dataclass
class Workers:
    """Job workers as processes of their own, kept running."""

    settings: Settings
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Start as many as the settings ask for."""
        for _ in range(self.settings.workers):
            thread = threading.Thread(target=self._keep_one, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Have each give its job back, and end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _keep_one(self) -> None:
        pause = BACK_OFF[0]
        while not self._stopping.is_set():
            begun = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "worker", "--parent", str(os.getpid())],
                env=environment(self.settings),
            )
            self._wait(process)
            if self._stopping.is_set():
                return
            lived = time.monotonic() - begun
            pause = BACK_OFF[0] if lived > STEADY_SECONDS else min(2 * pause, BACK_OFF[1])
            log.warning("worker_ended", code=process.returncode, again_in=pause)
            self._stopping.wait(pause)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        while process.poll() is None:
            if self._stopping.wait(WATCH_SECONDS):
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


class PortError(ServiceError):
    """There is no listening where the settings say."""

    exit_code = ExitCode.REMOTE


def check_port(host: str, port: int) -> None:
    """Refuse an address where nothing can listen, before anything is started or said.

    Raises
    ------
    PortError
        The port is taken, or not this host's, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as wrong:
        taken = wrong.errno == errno.EADDRINUSE
        why = "another program, perhaps `romi serve`, does" if taken else wrong.strerror
        raise PortError(
            f"romi cannot listen on {host}:{port} ({why}). Name another with --host and --port."
        ) from wrong


def serve(settings: Settings, greet: Callable[[], None]) -> None:
    """Serve until told to stop, greeting once there is an answer; jobs that run are given back."""
    os.environ.update(environment(settings))  # the web processes read their settings there
    workers = Workers(settings)
    signal.signal(signal.SIGTERM, _leave)
    workers.start()
    threading.Thread(target=_once_answered, args=(settings, greet), daemon=True).start()
    try:
        _listen(settings)
    finally:
        workers.stop()


def _once_answered(settings: Settings, greet: Callable[[], None]) -> None:
    """Greet as soon as a web process takes connections, which it does once it is ready."""
    while not _listens(settings):
        time.sleep(WATCH_SECONDS)
    greet()


def _listens(settings: Settings) -> bool:
    try:
        socket.create_connection((settings.host, settings.port), STOP_SECONDS).close()
    except OSError:
        return False
    return True


def _listen(settings: Settings) -> None:
    """Run the web processes on one socket.

    The socket sends at once what it is given: web processes inherit it from a parent that made it
    without naming TCP, asyncio then leaves Nagle's algorithm on, and every answer waits 40 ms.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    config = uvicorn.Config(
        "api.main:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.processes,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=int(STOP_SECONDS),
    )
    place = config.bind_socket()
    place.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if settings.processes > 1:
        Multiprocess(config, sockets=[place]).run()
    else:
        uvicorn.Server(config).run(sockets=[place])


def work(settings: Settings, parent: int | None = None) -> None:
    """Run one worker until told to stop, or until the process that started it is gone."""
    from api.jobs.worker import Worker
    from api.store.database import Database, upgrade
    from api.store.failures import told_failures

    with told_failures():
        database = Database(settings.database)
        upgrade(database)
    worker = Worker(settings, database)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent, worker), daemon=True).start()
    worker.run()
    database.close()


def _end_with(parent: int, worker: Worker) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    worker.stop()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
