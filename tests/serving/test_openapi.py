"""Every documented route, asked with what its document allows and with what it does not: no failure of the server, and
no answer that the document does not tell of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.gorse_town import Town, gorse_town
from tests.worlds import bundle_of

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with gorse_town(tmp_path_factory.mktemp("openapi")) as town:
        town.live.bundle = bundle_of(7)
        yield town


@pytest.fixture(scope="module")
def document(town: Town) -> Any:
    return schemathesis.openapi.from_url(f"{town.url}/openapi.json")


@pytest.mark.timeout(600)
def test_no_request_brings_the_server_down_or_is_answered_as_nobody_told(document: Any) -> None:
    asked = 0
    for found in document.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=12, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(checks=CHECKS)

        ask()
    assert asked > 200
