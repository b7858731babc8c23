"""Processes, disks and the broker die at random: every label still comes out once. `benchmarks/chaos.py` has the rules.

The short form has one of everything that the long one has more of.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos import Plan, broken, chaos
from headrace.broker import Broker

SHORT = Plan(kills=3, wiped=1, rebalances=1, outage_s=2, pages=15, seed=4)


@pytest.mark.timeout(600)
def test_whoever_dies_every_label_is_decided_once_and_nothing_is_lost(broker: Broker, tmp_path: Path) -> None:
    figures = chaos(SHORT, broker, tmp_path)
    assert broken(figures) == []
    assert (figures["kills"], figures["wiped"], figures["rebalances"]) == (3, 1, 1)


@pytest.mark.drill
@pytest.mark.timeout(3_600)
def test_a_hundred_deaths_thirty_lost_disks_and_two_minutes_without_a_broker(broker: Broker, tmp_path: Path) -> None:
    figures = chaos(Plan(), broker, tmp_path)
    assert broken(figures) == []
