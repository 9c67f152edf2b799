"""The kinds of work a job can be; each runs in a child process and returns plain data.

A task reads what it needs from immutable files and returns rows to be written; the database is
written by the worker that holds the job, in one transaction with the job's end.
"""

from __future__ import annotations

import csv
import json
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.jobs.bounds import check_file, check_history
from api.store.blobs import Blobs

if TYPE_CHECKING:
    from optimizer import Finding, FitReport, History, LiftTest, Model

PROGRESS_STEP = 0.01  # share done between two events
PROBE_STEP_SECONDS = 0.02


class CancelledError(BaseException):
    """The work was asked to stop; not an Exception, so that nothing on the way mistakes it."""


@dataclass
class Context:
    """What a task has besides its payload."""

    folder: Path
    send: Callable[[tuple[Any, ...]], None]
    cancelled: threading.Event
    checkpoint: Any = None
    _told: float = 0.0

    @property
    def blobs(self) -> Blobs:
        """Where immutable files are."""
        return Blobs(self.folder)

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Tell an event; stops here if the work was cancelled."""
        self.check()
        self.send(("event", kind, data))

    def progress(self, share: float) -> None:
        """Tell the share done, if it moved enough to be worth telling."""
        self.check()
        if share - self._told >= PROGRESS_STEP or share >= 1.0 > self._told:
            self._told = share
            self.send(("event", "progress", {"share": round(share, 4)}))

    def keep(self, checkpoint: Any) -> None:
        """Have what is done so far kept, for another attempt to go on from."""
        self.check()
        self.checkpoint = checkpoint
        self.send(("checkpoint", checkpoint))

    def check(self) -> None:
        """Stop here if the work was cancelled."""
        if self.cancelled.is_set():
            raise CancelledError


def run_task(kind: str, payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Do a piece of work of a known kind."""
    return TASKS[kind](payload, context)


def read_upload(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Parse uploaded files into a history; payload: files [{name, path}], layout, columns,
    currency, keep (whether to keep it or to look only)."""
    from optimizer import history_to_parquet, parse_history

    history = parse_history(
        _sources(payload),
        layout=payload.get("layout"),
        columns=payload.get("columns"),
        currency=payload.get("currency"),
    )
    check_history(history)
    row = {
        "content_hash": history.content_hash,
        "summary": summary_of(history),
        "findings": [finding_as_data(finding) for finding in history.findings],
    }
    if payload["keep"]:
        row["blob"] = context.blobs.put(history_to_parquet(history))
    return row


def look_into(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Look at uploaded files that may be no history yet; payload: files, layouts (one a file)."""
    from optimizer import peek_tables

    del context
    peeked = peek_tables(_sources(payload), layouts=payload.get("layouts"))
    return {"files": [asdict(one) for one in peeked]}


def _sources(payload: dict[str, Any]) -> list[tuple[str, bytes]]:
    """The uploaded files by name, none of them more than may be read."""
    sources = [(file["name"], Path(file["path"]).read_bytes()) for file in payload["files"]]
    for name, data in sources:
        check_file(name, data)
    return sources


def read_tests(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Parse an uploaded table of lift tests; payload: file {name, path}, history (blob)."""
    from optimizer import history_of_parquet, lift_test_record, parse_lift_tests

    ((name, data),) = _sources({"files": [payload["file"]]})
    history = history_of_parquet(context.blobs.get(payload["history"]))
    return {"rows": [lift_test_record(test) for test in parse_lift_tests(name, data, history)]}


def fit_model(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Fit curves; payload: history (blob), options (of `fit`), lift_tests (rows), name."""
    from optimizer import fit, history_of_parquet

    history = history_of_parquet(context.blobs.get(payload["history"]))
    tests = _lift_tests(payload["lift_tests"], history, context)
    reports: list[FitReport] = []
    model = fit(
        history,
        lift_tests=tests,
        progress=context.progress,
        report=reports.append,
        **payload["options"],
    )
    report = json.dumps(reports[0].to_dict(), separators=(",", ":")).encode()
    return keep_model(model, context.blobs) | {"report": context.blobs.put(report)}


def _lift_tests(
    rows: list[dict[str, Any]], history: History, context: Context
) -> tuple[LiftTest, ...]:
    """Rows of tests read as a table of them is, with the same checks and the same findings."""
    from optimizer import read_lift_tests

    if not rows:
        return ()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with tempfile.TemporaryDirectory(dir=context.folder) as folder:
        table = Path(folder) / "lift_tests.csv"
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        return read_lift_tests(table, history)


def run_scenarios(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Plan scenarios one after another; payload: model (blob), scenarios (documents)."""
    import optimizer
    from optimizer import Scenario, model_of_bytes

    model = model_of_bytes(context.blobs.get(payload["model"]))
    done = list(context.checkpoint or [])
    scenarios = payload["scenarios"]
    for document in scenarios[len(done) :]:
        done.append(optimizer.plan(model, Scenario.from_dict(document)).to_dict())
        context.progress(len(done) / len(scenarios))
        if len(done) < len(scenarios):
            context.keep(done)
    return {"plans": done}


def probe(payload: dict[str, Any], context: Context) -> dict[str, Any]:
    """Do nothing for a while, in steps that are kept: shows that jobs run (`romi doctor`)."""
    begun, steps = time.monotonic(), int(context.checkpoint or 0)
    count = int(payload.get("steps", 1))
    for step in range(steps, count):
        until = begun + (step + 1 - steps) * payload.get("seconds", 0.0) / count
        while (left := until - time.monotonic()) > 0:
            context.check()
            time.sleep(min(left, PROBE_STEP_SECONDS))
        if step + 1 < count:
            context.keep(step + 1)
    return {"steps": count}


def keep_model(model: Model, blobs: Blobs) -> dict[str, Any]:
    """A model kept as a file; the columns of its row."""
    from optimizer import model_to_bytes

    return {
        "blob": blobs.put(model_to_bytes(model)),
        "content_hash": model.content_hash,
        "summary": {
            "currency": model.currency,
            "period": model.period,
            "channels": list(model.names),
            "markets": sorted({cell.market for cell in model.channels if cell.market}),
            "draws": model.n_draws,
            "fitted": model.fit is not None,
        },
    }


def summary_of(history: History) -> dict[str, Any]:
    """A history in a few figures."""
    return {
        "layout": history.layout,
        "spacing": history.spacing.value,
        "currency": history.currency,
        "periods": len(history.dates),
        "first_date": str(history.dates[0].date()),
        "last_date": str(history.dates[-1].date()),
        "channels": list(history.channels),
        "markets": [market for market in history.markets if market is not None],
        "controls": [control.name for control in history.controls],
        "spend": float(history.spend.sum()),
        "revenue": float(history.revenue.sum()),
    }


def finding_as_data(finding: Finding) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "row": finding.row,
        "column": finding.column,
        "file": finding.file,
    }


TASKS: dict[str, Callable[[dict[str, Any], Context], dict[str, Any]]] = {
    "upload": read_upload,
    "peek": look_into,
    "lift_tests": read_tests,
    "fit": fit_model,
    "runs": run_scenarios,
    "probe": probe,
}
