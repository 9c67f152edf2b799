"""Requests made up from the OpenAPI document, right ones and wrong ones, and how they are answered.

`python -m benchmarks.service_schema [--examples 250]` runs schemathesis against a server of its
own and prints how many cases there were, how many answers were 5xx and how many did not match
what the document says (both to be 0).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.serving.desk import Desk
from api.serving.operators import issue_key
from api.settings import Settings
from api.store.database import upgrade
from benchmarks.service_processes import Group, free_port, ready, until

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
PHASES = "examples,coverage,fuzzing"
STREAM = "/v1/jobs/{job_id}/events"  # may go on as long as a job does
CURVE = {"family": "log", "scale": 100.0, "rate": 0.02}


@dataclass(frozen=True)
class Outcome:
    """What came of the cases."""

    cases: int
    broken: int  # answered 5xx
    mismatches: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.cases:,} cases, {self.broken} answered 5xx, "
            f"{len(self.mismatches)} not as the document says"
        )


def run(examples: int, seed: int = 1, phases: str = PHASES) -> Outcome:
    """So many made-up requests for each operation, against a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(folder=folder, port=free_port(), _env_file=None)  # type: ignore[call-arg]
        desk = Desk.of(settings)
        upgrade(desk.database)
        key = issue_key(desk, "schema", ("admin",), "home", None)
        desk.close()
        server = Group(("serve",), settings, folder / "server.log")
        server.start()
        base = f"http://127.0.0.1:{settings.port}"
        try:
            until(lambda: ready(base))
            _prepare(base, key)
            events = folder / "events.ndjson"
            return _asked((base, key), events, examples, seed, phases)
        finally:
            server.stop()


def _prepare(base: str, key: str) -> None:
    """A model that `current` means, so that questions can be answered."""
    channels = [
        {"channel": name, "history_spend_per_period": 300.0, "curve": CURVE}
        for name in ("tv", "search")
    ]
    body = {"model": {"channels": channels}, "make_current": True}
    headers = {"Authorization": f"Bearer {key}"}
    httpx.post(f"{base}/v1/models/import", json=body, headers=headers).raise_for_status()


def _asked(server: tuple[str, str], events: Path, examples: int, seed: int, phases: str) -> Outcome:
    base, key = server
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{base}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}"),
        *("--checks", ",".join(CHECKS), "--phases", phases, "--seed", str(seed)),
        *("--max-examples", str(examples), "--continue-on-failure", "--no-color"),
        *("--suppress-health-check", "all", "--generation-database", "none"),
        *("--warnings", "off", "--report-ndjson-path", str(events)),
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if not events.exists():
        raise RuntimeError(told.stdout + told.stderr)
    return _counted(events)


def _counted(events: Path) -> Outcome:
    """Cases and failures of schemathesis' own record of the run."""
    cases, broken = 0, 0
    wrong: set[str] = set()
    with events.open(encoding="utf-8") as lines:
        for line in lines:
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder") or {}
            cases += len(recorder.get("cases", {}))
            for one in recorder.get("interactions", {}).values():
                broken += (one.get("response") or {}).get("status_code", 0) >= 500
            wrong |= set(_mismatches(recorder))
    return Outcome(cases, broken, tuple(sorted(wrong)))


def _mismatches(recorder: dict[str, Any]) -> Iterator[str]:
    for identity, checks in recorder.get("checks", {}).items():
        for check in checks:
            if check["status"] == "failure":
                told = json.dumps(check.get("failure_info"))[:300]
                asked = json.dumps(recorder["cases"][identity].get("value"))[:300]
                yield f"{recorder['label']}: {check['name']}: {told} for {asked}"


def main() -> None:
    """Print the figure; exit 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=250, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    outcome = run(asked.examples, asked.seed)
    print(outcome)
    for mismatch in outcome.mismatches:
        print(mismatch)
    sys.exit(bool(outcome.broken or outcome.mismatches))


if __name__ == "__main__":
    main()
