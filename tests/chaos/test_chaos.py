"""Whatever is killed, lost, repeated or decided in whatever order, what comes out is the single pass."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.chaos.scheduler import Shape
from tests.chaos.told_runs import counted

WANTED = os.environ.get("HEADRACE_CHAOS_SEED")

ROUGH = Shape(lines=20, kill=0.03, zombie=0.01, retain=0.1, commits=(1, 2))
SPARSE = Shape(visits=12, chunk=2, lines=20, commits=(1, 2))

LEAST = {
    "kills": 10,
    "lost disks": 1.5,
    "zombies": 3,
    "lines": 7,
    "lines to lift": 0.5,
    "lines to close": 0.2,
    "lines to narrow": 0.2,
    "lines to widen": 0.2,
    "lines to roll_back": 0.5,
    "lines of labels": 0.5,
    "void lines": 0.02,
    "rewinds": 9,
    "restores": 4,
    "fold rewinds": 3,
    "versions": 6,
    "valid versions": 4,
    "floors": 0.5,
    "versions taken away": 1,
    "records taken away": 10,
}
"""How often each must have happened per run, or the runs prove nothing."""


def enough(counts: Counter[str]) -> None:
    print(dict(sorted(counts.items())))
    scarce = {what: counts[what] for what, least in LEAST.items() if counts[what] < least * counts["runs"]}
    assert not scarce, f"too little happened in {counts['runs']} runs: {scarce}"


@pytest.mark.skipif(WANTED is not None, reason="one seed is wanted")
def test_thirty_runs_end_as_the_single_pass() -> None:
    enough(counted(range(20), Shape()) + counted(range(20, 30), ROUGH))


@pytest.mark.drill
@pytest.mark.skipif(WANTED is not None, reason="one seed is wanted")
@pytest.mark.parametrize("shape", [Shape(), ROUGH, SPARSE], ids=["usual", "rough", "sparse"])
def test_five_hundred_runs_end_as_the_single_pass(shape: Shape) -> None:
    enough(counted(range(1000, 1167), shape))


if WANTED is not None:

    @pytest.mark.parametrize("shape", [Shape(), ROUGH, SPARSE], ids=["usual", "rough", "sparse"])
    def test_the_wanted_seed_ends_as_the_single_pass(shape: Shape) -> None:
        counted([int(WANTED or 0)], shape)
