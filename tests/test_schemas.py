"""The JSON Schemas in docs/ are those of the documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from docs.schemas import FOLDER, schemas, text


@pytest.mark.parametrize("name", schemas())
def test_a_schema_in_docs_is_the_documents_own(name: str) -> None:
    stored = (FOLDER / name).read_text(encoding="utf-8")
    assert stored == text(schemas()[name]), "run `python -m docs.schemas`"


def _inside(node: Any) -> Iterator[dict[str, Any]]:
    """Every object within a schema, itself first."""
    if isinstance(node, dict):
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _inside(part)


@pytest.mark.parametrize("name", schemas())
def test_limits_stand_under_json_schemas_own_names(name: str) -> None:
    assert not [node for node in _inside(schemas()[name]) if node.keys() & {"ge", "gt", "le", "lt"}]


def test_an_editor_refuses_a_budget_below_zero() -> None:
    budget = schemas()["scenario.schema.json"]["properties"]["budget"]
    of_numbers = [option for option in budget["anyOf"] if option.get("type") == "number"]
    assert [option["minimum"] for option in of_numbers] == [0]


def test_every_key_of_a_scenario_is_described() -> None:
    schema = schemas()["scenario.schema.json"]
    parts = {"Scenario": schema, **schema["$defs"]}
    described = {
        f"{part}.{key}": node.get("description", "")
        for part, content in parts.items()
        for key, node in content["properties"].items()
    }
    assert [place for place, text in described.items() if not text] == []
