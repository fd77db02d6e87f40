"""What the OpenAPI allows and forbids, drawn by schemathesis: no 5xx, no status that it lacks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from serve.api import build_api
from serve.graph import Graph
from tests.serving import serve_over

ROUTES = [
    *(("post", f"/v1/{name}") for name in ("posts", "classify", "extract", "link")),
    *(("get", f"/v1/{name}") for name in ("bundle", "limits", "state")),
    *(("get", path) for path in ("/healthz", "/readyz", "/metrics")),
]
MODES = {"post": tuple(GenerationMode), "get": (GenerationMode.POSITIVE,)}
"""What takes no body and no parameter can be asked nothing wrong."""
ANSWERS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
DRAWN = settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def schema(composed: tuple[Graph, Any]) -> Any:
    return openapi.from_asgi("/openapi.json", build_api(serve_over(*composed)))


def test_every_operation_is_drawn_below(schema: Any) -> None:
    told = [found.ok() for found in schema.get_all_operations()]
    assert sorted((each.method, each.path) for each in told) == sorted(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*route, mode) for route in ROUTES for mode in MODES[route[0]]],
)
def test_no_request_breaks_the_service_or_its_contract(
    schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    operation: APIOperation[Any, Any, Any, Any] = schema[path][method]

    @DRAWN
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case: Case[Any] = data.draw(operation.as_strategy(mode))
        assert case.call_and_validate(checks=ANSWERS).status_code < 500

    ask()
