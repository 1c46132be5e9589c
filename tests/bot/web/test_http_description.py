"""GET /openapi.json."""

from __future__ import annotations

from typing import Any

import pytest

from bot.web.models import AskReply, AskRequest
from tests.doubles.server import RunningServer


@pytest.fixture(scope="module")
def description(server: RunningServer) -> dict[str, Any]:
    described: dict[str, Any] = server.http.get("/openapi.json").json()
    return described


def test_every_route_of_the_contract_is_described(description: dict[str, Any]) -> None:
    assert {(path, method) for path, methods in description["paths"].items() for method in methods} == {
        ("/v1/ask", "post"),
        ("/v1/answers/{answer_id}/rating", "post"),
        ("/v1/diagnose", "post"),
        ("/v1/alerts/alertmanager", "post"),
        ("/v1/alerts/pagerduty", "post"),
        ("/v1/entries", "get"),
        ("/v1/entries/{entry_id}", "get"),
        ("/healthz", "get"),
        ("/metrics", "get"),
        ("/readyz", "get"),
    }


def test_every_error_is_described_as_a_problem(description: dict[str, Any]) -> None:
    for methods in description["paths"].values():
        for operation in methods.values():
            errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert errors
            for answer in errors.values():
                assert answer["content"] == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }


def test_the_errors_of_a_question_are_all_named(description: dict[str, Any]) -> None:
    responses = description["paths"]["/v1/ask"]["post"]["responses"]

    assert set(responses) == {"200", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503"}


def test_the_examples_of_a_question_are_ones_the_server_takes(
    server: RunningServer, description: dict[str, Any]
) -> None:
    examples = description["components"]["schemas"]["AskRequest"]["examples"]

    assert len(examples) >= 2
    for example in examples:
        AskRequest.model_validate(example)
        assert server.http.post("/v1/ask", json=example).status_code == 200


def test_the_examples_of_replies_have_their_form(server: RunningServer, description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]

    (reply,) = schemas["AskReply"]["examples"]
    assert AskReply.model_validate(reply).model_dump(mode="json") == reply
    (problem,) = schemas["Problem"]["examples"]
    refused = server.http.post("/v1/ask", json={}, headers={"X-Request-Id": problem["request_id"]})
    assert refused.json() == problem


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            here = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return here.union(*map(references, node.values()))
        return set().union(*map(references, node)) if isinstance(node, list) else set()

    schemas = description["components"]["schemas"]
    assert references(description) <= {f"#/components/schemas/{name}" for name in schemas}
    assert "HTTPValidationError" not in schemas
