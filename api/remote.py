"""A command's question put to a service: it keeps the history, fits it and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.client import Client
from api.services import (
    Advance,
    Question,
    Tell,
    read_model,
    read_scenario,
    tell_nobody,
    with_customers,
)
from optimizer import (
    Frontier,
    Plan,
    RiskFrontier,
    Scenario,
    lift_test_record,
    read_lift_tests,
)


@dataclass(frozen=True)
class RemoteQuestion(Question):
    """A scenario with a model that a service keeps."""

    client: Client
    kept: str  # the model's id there

    def plan(self) -> Plan:
        """The best split."""
        return self.client.plan(self.scenario, self.kept)

    def what_if(self, split: Mapping[str, Any]) -> Plan:
        """What a split would bring."""
        return self.client.what_if(self.scenario, split, self.kept)

    def frontier(self, **span: Any) -> Frontier:
        """The best plan of every budget of a span."""
        return self.client.frontier(self.scenario, self.kept, **span)

    def risk_frontier(self, **span: Any) -> RiskFrontier:
        """Plans of less and less risk."""
        return self.client.risk_frontier(self.scenario, self.kept, **span)


def ask_service(  # noqa: PLR0913  (a client beside what `read_question` takes)
    client: Client,
    path: Path,
    model: Path | None = None,
    *,
    progress: Tell = tell_nobody,
    advance: Advance = tell_nobody,
    warn: Tell = tell_nobody,
) -> RemoteQuestion:
    """As `api.services.read_question`, the fit and the answers the service's.

    A scenario that names neither history nor model is put to the workspace's `current` model.
    """
    scenario = with_customers(read_scenario(path), path.parent)
    if model is not None and (scenario.model or scenario.history):
        warn(f"--model {model} is used; what the scenario names is not read.")
    named = model or (scenario.model and path.parent / scenario.model)
    if named:
        curves = read_model(Path(named))
        return RemoteQuestion(scenario, curves, client, client.bring_in(curves, name=path.stem))
    kept = "current"
    if scenario.history is not None:
        progress("Sending the history; the service fits curves to it ...")
        kept = _fitted(client, scenario, path, advance)
    return RemoteQuestion(scenario, client.model(kept), client, kept)


def _fitted(client: Client, scenario: Scenario, path: Path, advance: Advance) -> str:
    """A scenario's history kept and fitted by the service; the model's id."""
    source: dict[str, Any] = scenario.to_dict()["history"]
    files = source.get("files") or [source["file"]]
    columns = source.get("columns")
    if columns is not None and any(name in columns for name in files):
        columns = [columns.get(name) for name in files]
    history = client.upload(
        *(path.parent / name for name in files),
        name=path.stem,
        layout=source.get("layout"),
        columns=columns,
        currency=scenario.currency,
    )
    return client.fit(
        history,
        name=path.stem,
        options=scenario.to_dict().get("fit") or {},
        lift_tests=_rows(source.get("lift_tests"), path.parent),
        seed=scenario.seed,
        progress=advance,
    )


def _rows(name: str | None, folder: Path) -> list[dict[str, str]]:
    """A table of lift tests, CSV, XLSX or Parquet, as rows a service takes."""
    if name is None:
        return []
    records = (lift_test_record(test) for test in read_lift_tests(folder / name))
    return [{key: str(value) for key, value in record.items()} for record in records]
