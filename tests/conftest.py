"""What every test shares: how hypothesis searches beside others, where folders lie, who goes first, and real brokers.

A broker starts when the first test asks for it, and serves the whole session: use topic prefixes of your own, and
start it again after an outage. Without Java or Maven these tests fail with the command that installs them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from headrace.broker import Broker
from tests.brokers import SecureBroker, running, running_securely

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
settings.register_profile("drill", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shared"))

MEMORY, ROOM = Path("/dev/shm"), 4 << 30
HERE = Path(__file__).parent
TOWNS = HERE / "journeys"
BROKERS = {"broker", "secure_broker"}


def pytest_configure() -> None:
    """Folders lie in memory where there is room: what is tested is when files are synced, not how long a disk takes."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for processes come first and doctests last, so that all workers end together."""
    with_broker = {item.path for item in items if BROKERS & set(getattr(item, "fixturenames", ()))}

    def turn(item: pytest.Item) -> int:
        if TOWNS in item.path.parents:
            return 0
        if HERE not in item.path.parents:
            return 3
        return 1 if item.path in with_broker or item.path.parent.name == "chaos" else 2

    items.sort(key=turn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files stay whole and keep their order, and one worker has all the towns: side by side they would starve."""
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class ByFile(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "journeys" if file.startswith("tests/journeys/") else file

    config.option.loadscopereorder = False
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A real Kafka on a free port; `broker.url("mine")` is its log with topics named `mine.events`."""
    with running(Broker(tmp_path_factory.mktemp("broker"), port=0, tied=True)) as broker:
        yield broker


@pytest.fixture(scope="session")
def secure_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A real Kafka with TLS, one door for SCRAM passwords and one for certificates."""
    with running_securely(tmp_path_factory.mktemp("secure")) as broker:
        yield broker
