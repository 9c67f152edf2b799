"""Write the JSON Schemas of the documents: `python -m docs.schemas`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optimizer import (
    Comparison,
    Customers,
    Experiments,
    FitReport,
    Frontier,
    Model,
    Plan,
    RiskFrontier,
    Scenario,
    Sensitivity,
)

FOLDER = Path(__file__).parent
LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}


def schemas() -> dict[str, dict[str, Any]]:
    """File name -> schema; a scenario's and a model's as read, the others' as written."""
    return {
        "scenario.schema.json": _described(Scenario.model_json_schema()),
        "model.schema.json": _described(Model.model_json_schema()),
        "plan.schema.json": _described(Plan.model_json_schema(mode="serialization")),
        "customers.schema.json": _described(Customers.model_json_schema(mode="serialization")),
        "comparison.schema.json": _described(Comparison.model_json_schema(mode="serialization")),
        "frontier.schema.json": _described(Frontier.model_json_schema(mode="serialization")),
        "risk_frontier.schema.json": _described(
            RiskFrontier.model_json_schema(mode="serialization")
        ),
        "experiments.schema.json": _described(Experiments.model_json_schema(mode="serialization")),
        "fit_report.schema.json": _described(FitReport.model_json_schema(mode="serialization")),
        "sensitivity.schema.json": _described(Sensitivity.model_json_schema(mode="serialization")),
    }


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_in_its_words(schema)}


def _in_its_words(node: Any) -> Any:
    """A schema with limits under JSON Schema's names; pydantic leaves some under its own."""
    if isinstance(node, list):
        return [_in_its_words(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {LIMITS.get(key, key): _in_its_words(value) for key, value in node.items()}


def text(schema: dict[str, Any]) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every schema into this folder."""
    for name, schema in schemas().items():
        (FOLDER / name).write_text(text(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
