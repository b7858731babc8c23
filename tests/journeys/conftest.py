"""One `up` for the tests of a file: every process, a tiny world of people before it, and a record of every answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.town import Town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Running processes, and people who go on asking while the tests of a file run; beside others they slow both."""
    with Town.founded(tmp_path_factory.mktemp("town") / "var") as town:
        yield town
