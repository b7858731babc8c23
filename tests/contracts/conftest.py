"""One log of each kind: where to write, and where to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.log import Log
from tests.contracts.kinds_of_log import KINDS, Pair, Reopened, logs_of


@pytest.fixture(params=KINDS)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    if request.param == "reopened":
        log: Log = Reopened(tmp_path)
        yield log, log
        return
    made = logs_of(request.param, tmp_path, lambda: request.getfixturevalue("broker"))
    opened = [logs.open("events", 3) for logs in made]
    yield opened[0], opened[-1]
    for logs in made:
        logs.close()
        logs.close()
