"""Rows do not know by how many workers they were made, nor when these read what."""

from __future__ import annotations

from random import Random

import pytest

from streams.given import resolved
from tests.streams.join_runs import fed
from tests.streams.join_workers import Workers
from tests.streams.messy_logs import EVERY, any_rules, messy_log, shares


@pytest.mark.parametrize("seed", range(24))
def test_workers_that_take_over_from_each_other_give_the_rows_of_one(seed: int) -> None:
    random = Random(seed)
    rules = EVERY if seed % 3 == 0 else any_rules(random)
    partitions = random.choice((1, 2, 4))
    events = shares(messy_log(random, 40, busy=seed % 2 == 0), partitions)
    wanted = [resolved(fed([one], rules, partition=p, partitions=partitions)[0]) for p, one in enumerate(events)]
    workers = Workers(events, rules, random)
    for _ in range(60):
        for step, one_in in ((workers.grow, 2), (lambda: workers.take_over(3), 4), (workers.work, 1)):
            if random.randrange(one_in) == 0:
                step()
    workers.end()
    assert workers.rows() == wanted
    assert workers.takeovers > 5
