"""The service under load: requests a second, tails, start, memory.

Closed-loop clients in processes of their own speak to a real `romi serve` with two web processes
and one job worker, on the same machine: what they take of it counts against the service.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from api.client import Client
from benchmarks.report import keep
from optimizer import Model
from optimizer.synthetic import national_market

CLIENTS = 4
CHANNELS = 12
DRAWS = 400
SCENARIO = {"periods": 13, "objective": "profit", "caution": 0.5}
SPLIT = {f"c{i}": 14_000.0 * (i + 1) for i in range(CHANNELS)}


@dataclass(frozen=True)
class Service:
    """A running service and the key to it."""

    url: str
    key: str
    process: subprocess.Popen[str]
    seconds_to_ready: float


@contextmanager
def served(processes: int = 2) -> Iterator[Service]:
    """`romi serve` on a free port with a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        place.close()
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port)]
        command += ["--folder", folder, "--processes", str(processes)]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=os.environ | {"ROMI_LOG_LEVEL": "error"}
        )
        assert process.stderr is not None
        process.stderr.readline()
        key = process.stderr.readline().split()[-1]
        threading.Thread(target=process.stderr.read, daemon=True).start()
        url = f"http://127.0.0.1:{port}"
        until_ready(url)
        try:
            yield Service(url, key, process, time.perf_counter() - begun)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def until_ready(url: str) -> None:
    """Wait until the service answers."""
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz").is_success:
                return
        time.sleep(0.02)


def closed_loop(task: tuple[str, str, str, dict[str, Any], float]) -> list[float]:
    """Seconds each request took, one after another for a while."""
    url, key, path, body, seconds = task
    client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    took, until = [], time.perf_counter() + seconds
    while (begun := time.perf_counter()) < until:
        client.post(path, json=body).raise_for_status()
        took.append(time.perf_counter() - begun)
    return took


def loaded(service: Service, path: str, body: dict[str, Any], seconds: float) -> dict[str, float]:
    """Requests a second and the tail of their times under `CLIENTS` closed loops."""
    task = (service.url, service.key, path, body, seconds)
    with mp.get_context("spawn").Pool(CLIENTS) as pool:
        took = np.concatenate(pool.map(closed_loop, [task] * CLIENTS, chunksize=1))
    return {
        "per_second": took.size / seconds,
        "p50_ms": 1e3 * float(np.quantile(took, 0.5)),
        "p99_ms": 1e3 * float(np.quantile(took, 0.99)),
        "requests": took.size,
    }


def twelve_channels() -> Model:
    """Twelve channels with 400 draws each."""
    rng = np.random.default_rng(12)

    def drawn(centre: float, spread: float) -> list[float]:
        return list(centre * np.exp(spread * rng.standard_normal(DRAWS)))

    return Model.from_dict(
        {
            "channels": [
                {
                    "channel": f"c{i}",
                    "history_spend_per_period": 1_000.0 * (i + 1),
                    "curve": {
                        "family": "hill",
                        "ceiling": drawn(5_000.0 * (i + 1), 0.2),
                        "half_saturation": drawn(1_500.0 * (i + 1), 0.2),
                        "slope": drawn(1.2, 0.1),
                    },
                }
                for i in range(CHANNELS)
            ]
        }
    )


def fits_meanwhile(client: Client, stop: threading.Event) -> None:
    """One fit after another until told to stop."""
    history = national_market(7).history
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "history.csv"
        write_history(table, history)
        kept = client.upload(table)
    while not stop.is_set():
        client.fit(kept)


def write_history(table: Path, history: Any) -> None:
    """An aggregate history as a CSV that is recognised without naming columns."""
    names = ",".join(f"{channel}_spend" for channel in history.channels)
    rows = [f"date,revenue,{names}"]
    for place, date in enumerate(history.dates):
        spends = ",".join(f"{amount:.2f}" for amount in history.spend[0, place])
        rows.append(f"{date.date()},{history.revenue[0, place]:.2f},{spends}")
    table.write_text("\n".join(rows), encoding="utf-8")


def memory_mb(process: int) -> dict[int, float]:
    """Resident memory of a process and everything it started."""
    found, waiting = {}, [process]
    while waiting:
        one = waiting.pop()
        with suppress(OSError):
            pages = int(Path(f"/proc/{one}/statm").read_text().split()[1])
            found[one] = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
    return found


def timed(*command: str) -> float:
    """Wall-clock seconds of a command, the best of three."""
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - begun)
    return min(took)


def measured(seconds: float, soak: int) -> Iterator[dict[str, Any]]:
    """Every figure of this benchmark."""
    romi = [sys.executable, "-m", "api.cli"]
    yield {"figure": "romi --help, s", "asked": "<= 0.5", "value": timed(*romi, "--help")}
    own = "scenarios/own_curves/scenario.yaml"
    yield {
        "figure": "romi plan, hand-written, s",
        "asked": "<= 1.5",
        "value": timed(*romi, "plan", own),
    }
    with served() as service, Client(service.url, service.key) as client:
        yield {"figure": "ready, s", "asked": "<= 3", "value": service.seconds_to_ready}
        idle = max(memory_mb(service.process.pid).values())
        yield {"figure": "idle memory, largest process, MB", "asked": "<= 250", "value": idle}
        model = client.bring_in(twelve_channels())
        what_if = {"model": model, "scenario": SCENARIO, "split": SPLIT}
        advice = {"model": model, "scenario": SCENARIO}
        yield from _told(
            "what-if", ">= 400; 10; 50", loaded(service, "/v1/what-ifs", what_if, seconds)
        )
        stop = threading.Event()
        fits = threading.Thread(target=fits_meanwhile, args=(client, stop))
        fits.start()
        beside = loaded(service, "/v1/what-ifs", what_if, seconds)
        stop.set()
        fits.join()
        yield from _told("what-if while fits run", "p99 <= 150", beside)
        found = loaded(service, "/v1/recommendations", advice, seconds)
        yield from _told("recommendation", ">= 50; -; 200", found)
        yield from _soaked(service, what_if, soak)


def _told(what: str, asked: str, found: dict[str, float]) -> Iterator[dict[str, Any]]:
    for name in ("per_second", "p50_ms", "p99_ms"):
        yield {"figure": f"{what}, {name}", "asked": asked, "value": found[name]}


def _soaked(service: Service, body: dict[str, Any], requests: int) -> Iterator[dict[str, Any]]:
    """Memory of the web processes over very many requests."""
    loaded(service, "/v1/what-ifs", body, 5.0)
    before, done = sum(memory_mb(service.process.pid).values()), 0
    while done < requests:
        done += int(loaded(service, "/v1/what-ifs", body, 20.0)["requests"])
    grown = sum(memory_mb(service.process.pid).values()) - before
    yield {"figure": f"memory grown over {done} what-ifs, MB", "asked": "0", "value": grown}


def main() -> None:
    """Print the table and write it beside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--soak", type=int, default=50_000, help="requests")
    chosen = parser.parse_args()
    rows = []
    for row in measured(chosen.seconds, chosen.soak):
        print(f"{row['figure']:45}  asked {row['asked']:16}  {row['value']:10.2f}", flush=True)
        rows.append(row)
    keep("service_load", rows)


if __name__ == "__main__":
    main()
