"""The HTTP side over a real socket: health, failures, documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import LogError
from tests.serving.deployment import Deployment
from tests.worlds import bundle_of


def test_readiness_waits_for_the_folds_and_for_what_was_published(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    with server.served() as client:
        assert client.get("/healthz") == (200, {"status": "ok"})
        assert client.get("/readyz")[0] == 503
        server.fold()
        assert client.get("/readyz") == (200, {"status": "ready"})
        server.known.published = True
        status, problem = client.get("/readyz")
        assert (status, problem["detail"]) == (503, "a version was published, but none is loaded yet")
        server.live.bundle = bundle_of(4)
        assert client.get("/readyz")[0] == 200
        assert client.get("/v1/version")[1] == {
            "version": 4,
            "swaps": 1,
            "caught_up": True,
            "positions": {"0": 0, "1": 0},
        }


@pytest.mark.parametrize(("error", "status"), [(LogError("disk full"), 503), (RuntimeError("a fault of ours"), 500)])
def test_a_list_that_is_not_in_the_log_is_not_answered(tmp_path: Path, error: Exception, status: int) -> None:
    def append(*_: object, at: int) -> int:
        raise error

    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(1)
    server.logs.open("slates", 2).append = append  # type: ignore[method-assign]
    with server.served() as client:
        assert client.post("/v1/recommend", {"user_id": "u0"})[0] == status
        assert client.content_type == "application/problem+json"
        client.close()
        assert 'outcome="failed",route="recommend"} 1.0' in client.get("/metrics")[1]


def test_the_routes_are_documented(tmp_path: Path) -> None:
    with Deployment(tmp_path).served() as client:
        _, document = client.get("/openapi.json")
        assert "swagger" in client.get("/docs")[1]
    body = document["paths"]["/v1/recommend"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["n"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}
    assert {"/v1/rank", "/v1/items/{item_id}/similar", "/v1/version", "/v1/events", "/readyz"} <= set(document["paths"])
