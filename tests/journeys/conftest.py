"""One `up` for the whole session: every process, a tiny world of people before it, and a record of every answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.town import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Running processes, and people who go on asking until the session ends."""
    with Town.founded(tmp_path_factory.mktemp("town") / "var") as town:
        yield town
