"""Many markets: seconds, memory and sameness of a thousand fits, and what kills do to them.

Run ``python -m benchmarks.many [--series 1000] [--workers 2]``. A CSV of small attributed series
(4 channels x 104 weeks) is read once and fitted into a folder; time and memory are noted on the
way. Part of it is fitted again in one process and on a Dask cluster, one of whose workers is
killed, and by a run that is killed and resumed; all must be the same to 1e-9.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.report import keep, print_table
from optimizer import Model, fit_many, open_archive, read_series
from optimizer.history import Spacing
from optimizer.synthetic import attributed_market

CHANNELS, WEEKS = 4, 104
FIRST_SEED = 6_000_000  # of this benchmark alone
MOST_SECONDS = 240.0  # for a thousand series
SAME = 1e-9
CHECKED = 40  # series fitted again in other ways
STOPS = (0.25, 0.5, 0.75, 1.0)
ROUGHLY_FLAT = 1.1  # growth of memory, and of time a series, from the first stop to the last


def rows(number: int) -> pd.DataFrame:
    """The rows of one market."""
    market = attributed_market(
        FIRST_SEED + number, n_channels=CHANNELS, n_periods=WEEKS, spacing=Spacing.WEEK
    )
    history = market.history
    return pd.DataFrame(
        {
            "market": f"market {number}",
            "date": np.repeat(history.dates.strftime("%Y-%m-%d").to_numpy(), CHANNELS),
            "channel": np.tile(history.channels, WEEKS),
            "spend": history.spend[0].ravel().round(2),
            "revenue": history.revenue[0].ravel().round(2),
        }
    )


def write_table(path: Path, count: int) -> None:
    """The table, written market by market."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            rows(number).to_csv(file, index=False, header=number == 0)


def megabytes(process: int | str, what: str = "VmHWM") -> float:
    """Memory of a process by the kernel: the most so far, or VmRSS, what it is now."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(what)), 0.0)


def children() -> list[str]:
    """The processes that this one has started."""
    own = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [child for path in own for child in path.read_text().split()]


def processor_seconds() -> float:
    """Of this process and of those it has started, the waiting for a processor not counted."""
    ticks = 0
    for process in (str(os.getpid()), *children()):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
        except FileNotFoundError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Watch:
    """Time and memory at some shares of a run."""

    begun: float = field(default_factory=time.perf_counter)
    used: float = field(default_factory=processor_seconds)
    stops: list[dict[str, float]] = field(default_factory=list)

    def progress(self, share: float) -> None:
        """Note it where the next stop is reached."""
        if len(self.stops) < len(STOPS) and share >= STOPS[len(self.stops)] - 1e-9:
            self.stops.append(
                {
                    "seconds": time.perf_counter() - self.begun,
                    "processor, s": processor_seconds() - self.used,
                    "parent now, MB": megabytes("self", "VmRSS"),
                    "parent peak, MB": megabytes("self"),
                    "worker peak, MB": max(map(megabytes, children()), default=0.0),
                }
            )


def thousand(table: Path, folder: Path, count: int, workers: int) -> list[dict[str, float]]:
    """The whole table fitted into a folder; what was noted on the way."""
    started = time.perf_counter()
    series = read_series(table, "market")
    reading = time.perf_counter() - started
    watch = Watch()
    with open_archive(folder, writes=True) as archive:
        fits = fit_many(series, workers=workers, archive=archive, progress=watch.progress)
    assert len(fits.models) == count, fits.failed
    shown, before = [], 0.0
    for share, stop in zip(STOPS, watch.stops, strict=True):
        spent = stop["processor, s"] - before
        stop["processor, ms a series"] = 1e3 * spent / (count / len(STOPS))
        before = stop["processor, s"]
        shown.append([f"{share * count:,.0f}", *(f"{value:,.0f}" for value in stop.values())])
    head = ["series", *watch.stops[0]]
    title = f"{count:,} series, {workers} processes; the table was read in {reading:.1f} s"
    print_table(title, head, shown)
    return watch.stops


def numbers(model: Model) -> np.ndarray:
    """Every draw of every curve."""
    curves = [entry.curve.model_dump(exclude={"family"}) for entry in model.channels]
    return np.concatenate([np.ravel(part) for curve in curves for part in curve.values()])


def furthest(found: Mapping[Any, Model], wanted: Mapping[Any, Model]) -> float:
    """The largest relative difference of any number; infinite where a series is missing."""
    if set(found) != set(wanted):
        return np.inf
    return max(
        float(np.max(np.abs(numbers(found[key]) / numbers(wanted[key]) - 1.0))) for key in wanted
    )


def on_dask(table: Path) -> tuple[Mapping[Any, Model], int]:
    """Fits on a cluster, a worker killed when a quarter is done; how many came back."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as cluster:
        killed: list[int] = []
        told: list[float] = []

        def progress(share: float) -> None:
            told.append(share)
            if share >= 0.25 and not killed:
                victim = next(iter(cluster.workers.values())).process.pid
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

        series = read_series(table, "market")
        fits = fit_many(series, cluster=cluster.scheduler_address, progress=progress)
        assert killed
        return fits.models, len(told)


def killed_and_resumed(table: Path, folder: Path, workers: int) -> int:
    """A run killed with SIGKILL when a third is done, and resumed; lines of its journal."""
    command = [sys.executable, "-m", "benchmarks.many", "--into", str(folder)]
    command += ["--table", str(table), "--workers", str(workers)]
    journal = folder / "series.jsonl"
    run = subprocess.Popen(command)
    while run.poll() is None and (
        not journal.exists() or journal.read_bytes().count(b"\n") < CHECKED // 3
    ):
        time.sleep(0.01)
    assert run.poll() is None, "the run ended before it was killed"
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    subprocess.run(command, check=True)
    return journal.read_bytes().count(b"\n")


def line(words: str, held: bool) -> str:
    return f"{'held' if held else 'MISSED':8}{words}"


def sameness(folder: Path, count: int, workers: int) -> dict[str, float]:
    """The largest difference between ways to fit the same series, each told as it is found."""
    table = folder / "some.csv"
    write_table(table, count)
    alone = fit_many(read_series(table, "market"), workers=1).models
    beside = fit_many(read_series(table, "market"), workers=workers).models
    clustered, entered = on_dask(table)
    lines = killed_and_resumed(table, folder / "killed", workers)
    with open_archive(folder / "killed") as archive:
        found = {
            "processes against one": furthest(beside, alone),
            "Dask, a worker killed, against one": furthest(clustered, alone),
            "killed and resumed against one": furthest(archive, alone),
        }
    for words, worst in found.items():
        print(line(f"{words}: largest difference {worst:.0e}, at most 1e-9", worst <= SAME))
    print(line(f"Dask: {entered} results of {count} series after a kill", entered == count))
    print(line(f"killed and resumed: {lines} fits of {count} series", lines == count))
    return found


def verdicts(stops: list[dict[str, float]], count: int) -> None:
    """The figures asked for, each as held or missed."""
    seconds, used = (stops[-1][what] * 1000 / count for what in ("seconds", "processor, s"))
    words = f"{seconds:.0f} s for 1,000 series, at most {MOST_SECONDS:.0f}"
    print(line(f"{words} (processor {used:.0f} s)", seconds <= MOST_SECONDS))
    for what in ("parent peak, MB", "worker peak, MB", "processor, ms a series"):
        growth = stops[-1][what] / stops[0][what]
        words = f"{what}: {stops[0][what]:,.0f} at first, {stops[-1][what]:,.0f} at last"
        print(line(words, growth <= ROUGHLY_FLAT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.into:
        with open_archive(asked.into, writes=True) as archive:
            series = read_series(asked.table, "market")
            fit_many(series, workers=asked.workers, archive=archive)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "table.csv", asked.series)
        stops = thousand(folder / "table.csv", folder / "models", asked.series, asked.workers)
        verdicts(stops, asked.series)
        found = sameness(folder, min(CHECKED, asked.series), asked.workers)
    keep("many", {"series": asked.series, "stops": stops, "differences": found})


if __name__ == "__main__":
    main()
