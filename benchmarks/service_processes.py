"""The service as processes of their own, each the head of a process group that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from api.settings import Settings
from api.supervise import environment

START_SECONDS = 60.0


def free_port() -> int:
    """A port nobody listens on, given to no other as long as this process lives.

    A socket bound to it that never listens stays open: it keeps the port from whoever asks the
    system for any, and not from a server, which shares it.
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    port: int = place.getsockname()[1]
    place.detach()
    return port


def until(holds: Callable[[], bool], seconds: float = START_SECONDS, pause: float = 0.02) -> float:
    """Wait for something to hold; the seconds it took."""
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > seconds:
            raise TimeoutError(f"it did not come to be within {seconds:g} s")
        time.sleep(pause)
    return time.monotonic() - begun


@dataclass
class Group:
    """One of romi's commands, and all that it starts."""

    command: tuple[str, ...]
    settings: Settings
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, as the head of a group."""
        more = {"ROMI_LEASE_SECONDS": str(self.settings.lease_seconds), "ROMI_WORKERS": "0"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", *self.command],
                env={**environment(self.settings), **more},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9 of the whole group."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def pause(self, paused: bool) -> None:
        """Hold the whole group where it is, or let it go on."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP if paused else signal.SIGCONT)

    def stop(self) -> None:
        """End it in order, at last by force."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def pid(self) -> int:
        """The head's process id."""
        assert self._process is not None
        return self._process.pid


def ready(base: str) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(f"{base}/readyz", timeout=5, verify=False).is_success
    except httpx.TransportError:
        return False
