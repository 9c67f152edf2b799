"""The OpenAPI document: frozen, complete, and kept to."""

from __future__ import annotations

import json

import pytest

from api.main import application
from api.settings import Settings
from benchmarks import service_schema
from docs.openapi import PLACE, document, text
from optimizer import Model, Scenario
from tests.service.holdings import operations

FEWEST_SHORT, FEWEST = 300, 10_000  # cases
DOCUMENT = document()
OPERATIONS = operations(application(Settings(_env_file=None)))


def described(operation):
    return DOCUMENT["paths"][operation.path][operation.method.lower()]


def resolved(schema):
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def test_the_document_in_docs_is_the_services_own():
    assert PLACE.read_text(encoding="utf-8") == text(), "run `python -m docs.openapi`"


def test_it_is_openapi_3_1_and_names_no_machine():
    assert DOCUMENT["openapi"].startswith("3.1")
    assert "/tmp" not in text()


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_operation_is_described_with_its_errors(operation):
    said = described(operation)
    assert said["summary"]
    assert said["description"].endswith(".")
    if not operation.path.startswith("/v1/"):
        return
    expected = {"401", "403", "413", "422", "429", "503"}
    expected |= {"404"} if "_id}" in operation.path else set()
    expected |= {"400"} if "requestBody" in said else set()
    keyed = [one["name"].lower() for one in said.get("parameters", [])]
    expected |= {"409"} if "idempotency-key" in keyed else set()
    assert expected <= said["responses"].keys()
    for status, answer in said["responses"].items():
        if status >= "400":
            assert answer["content"].keys() == {"application/problem+json"}
            assert resolved(answer["content"]["application/problem+json"]["schema"])["properties"]


def bodies():
    for operation in OPERATIONS:
        content = described(operation).get("requestBody", {}).get("content", {})
        if "application/json" in content:
            yield pytest.param(content["application/json"]["schema"], id=str(operation))


@pytest.mark.parametrize("schema", list(bodies()))
def test_every_body_has_an_example_that_is_right(schema):
    body = resolved(schema)
    (example,) = body["examples"]
    assert set(body.get("required", [])) <= example.keys() <= body["properties"].keys()
    if "scenario" in example:
        Scenario.from_dict(example["scenario"])
    if isinstance(example.get("model"), dict):
        Model.from_dict(example["model"])


def test_every_field_of_a_body_is_bounded_against_strange_keys():
    for param in bodies():
        assert resolved(param.values[0])["additionalProperties"] is False


def test_the_document_is_served_as_it_is_frozen(service):
    with service.client() as client:
        assert client.get("/openapi.json").json() == json.loads(PLACE.read_text(encoding="utf-8"))


def assert_kept(outcome, fewest):
    assert outcome.mismatches == ()
    assert outcome.broken == 0
    assert outcome.cases >= fewest


def test_made_up_requests_are_answered_as_the_document_says():
    assert_kept(service_schema.run(10, seed=3, phases="examples,fuzzing"), FEWEST_SHORT)


@pytest.mark.slow
def test_many_made_up_requests_are_answered_as_the_document_says():
    assert_kept(service_schema.run(250, seed=4), FEWEST)
