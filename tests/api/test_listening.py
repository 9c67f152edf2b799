"""romi serve where nothing can listen."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from api.errors import ExitCode
from api.supervise import PortError, check_port
from benchmarks.service_processes import free_port

PATIENCE = 60.0  # seconds until a server that says nothing is ended


def test_a_taken_port_is_refused_in_a_sentence() -> None:
    port = free_port()
    check_port("127.0.0.1", port)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(PortError, match=rf"127.0.0.1:{port} .*another program.*--port") as said,
    ):
        check_port("127.0.0.1", port)
    assert said.value.exit_code == ExitCode.REMOTE


def test_an_address_of_another_host_is_refused() -> None:
    with pytest.raises(PortError, match=r"192\.0\.2\.1:8321"):
        check_port("192.0.2.1", 8321)


def test_what_is_said_to_serve_answers(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port), "--workers", "0"]
    command += ["--folder", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        silent = threading.Timer(PATIENCE, server.kill)
        silent.start()
        try:
            assert server.stderr.readline().startswith("romi serves on")
            answer = httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5)
            assert answer.is_success
            assert any("/enter?link=" in line for line in server.stderr)
        finally:
            silent.cancel()
            server.terminate()
