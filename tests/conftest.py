"""What every test shares: how hypothesis searches on a machine that others use too, and real brokers.

A broker starts when the first test asks for it, and serves the whole session: use topic prefixes of your own, and
start it again after an outage. Without Java or Maven these tests fail with the command that installs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from headrace.broker import Broker
from tests.brokers import SecureBroker, running, running_securely

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
settings.register_profile("drill", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "shared"))


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
