"""The OpenAPI document says what the studio does, and the studio does what it says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from ghostnote.studio.api import create_app
from ghostnote.studio.gate import API
from ghostnote.studio.schemas import ProblemDetails

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
EXAMPLES = 12


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}openapi.json").json()
    return found


def test_it_is_openapi_and_complete(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    verbs = {path.removeprefix(API) for path in document["paths"]}
    assert verbs == {
        "sample", "vary", "interpolate", "blend", "place", "reconstruct", "humanize", "tap",
        "infill", "continue", "attribute", "score", "models", "map", "kit", "read", "midi", "wav",
        "health",
    }  # fmt: skip


def test_every_verb_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/ProblemDetails"}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["description"]
            statuses = set(operation["responses"])
            assert {"200", "401", "403", "421", "500"} <= statuses
            if path.removeprefix(API) not in {"models", "kit", "health"}:
                assert {"400", "408", "413", "422", "429", "503", "504"} <= statuses
            for status, response in operation["responses"].items():
                assert response["description"]
                if status != "200":
                    assert response["content"] == {"application/problem+json": {"schema": problem}}
                if status in {"429", "503", "504"}:
                    assert "Retry-After" in response["headers"]
    assert document["components"]["schemas"]["ProblemDetails"] == ProblemDetails.model_json_schema()


def test_every_number_is_bounded_in_what_is_asked(document: dict[str, Any]) -> None:
    """And every list and text, so that nobody can ask for more than is meant."""
    asked = [
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    schemas = document["components"]["schemas"]
    seen: set[str] = set()

    def visit(schema: Any) -> None:
        if isinstance(schema, list):
            for part in schema:
                visit(part)
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                visit(schemas[name])
        kind = schema.get("type")
        if kind in {"number", "integer"}:
            assert {"minimum", "exclusiveMinimum"} & set(schema), schema
            assert {"maximum", "exclusiveMaximum"} & set(schema), schema
        elif kind == "array":
            assert "maxItems" in schema, schema
        elif kind == "string":
            assert {"maxLength", "enum", "const"} & set(schema), schema
        elif kind == "object" and "properties" in schema:
            assert schema["additionalProperties"] is False
        for key, part in schema.items():
            if key not in {"examples", "default", "enum"}:
                visit(part)

    visit([{"$ref": name} for name in asked])
    assert {"Groove", "Sample", "Keep"} <= seen


@schemathesis.serializer("audio/midi")
def bytes_as_they_are(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def loaded(address: str) -> Any:
    return schemathesis.openapi.from_url(f"{address}{API[1:]}openapi.json")


ROUTES = sorted(
    (method.upper(), path)
    for path, methods in create_app().openapi()["paths"].items()
    for method in methods
)


@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_what_comes_back_is_what_the_document_says(
    loaded: Any, method: str, path: str, good: bool
) -> None:
    """To requests that fit the schema, and to such as do not."""
    operation = loaded[path][method]
    mode = GenerationMode.POSITIVE if good else GenerationMode.NEGATIVE
    if not good and path.removeprefix(API) in {"models", "kit", "health", "read"}:
        return  # nothing that they are given can be wrong

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=60)

    check()
