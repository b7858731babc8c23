"""The same rows in batches of 256 and 4,096 get the verdict that they get in batches of 1,024."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from learners.guard.guard import Guard
from learners.guard.rules import GuardRules
from learners.guard.words import Doubles, Event, Longs, Told

GROUPS, START, FAULT, AFTER = 5, 81_920, 20_480, 20_480
SIZES = (256, 1024, 4096)
Random = np.random.Generator

FAULTS: dict[str, Callable[[Doubles, Random], Doubles]] = {
    "flips": lambda y, _random: 1 - y,
    "some_flips": lambda y, random: np.where(random.random(len(y)) < 0.3, 1 - y, y),
    "ones": lambda y, _random: np.ones_like(y),
    "zeros": lambda y, _random: np.zeros_like(y),
    "shuffled": lambda y, random: random.permutation(y),
    "lost": lambda y, random: y * (random.random(len(y)) < 0.5),
}

CASES = [(fault, group) for fault in FAULTS for group in (0, 2) if (fault, group) != ("lost", 2)]
"""Half of the clicks of a slice is a weak fault: chance moves its alarm by some batches, and may end a hold early."""


def rules(size: int) -> GuardRules:
    """Patience is counted in batches: as many rows of any size."""
    return GuardRules(warm=15, hold=32 * 1024 // size, ask=256 * 1024 // size)


@dataclass(frozen=True, slots=True)
class Rows:
    """A stream whose predictions are right: logits, labels, groups."""

    x_N: Doubles
    y_N: Doubles
    group_NA: Longs

    def judged(self, size: int) -> list[tuple[int, Event]]:
        """Events of a guard that gets the rows in batches of `size`, with the row at which each batch ends."""
        guard, told = Guard(GROUPS, rules(size)), list[tuple[int, Event]]()
        for first in range(0, len(self.x_N), size):
            part = slice(first, first + size)
            whole_B = np.ones(len(self.x_N[part]), np.bool_)
            judged = guard.judge(Told(self.x_N[part], None, self.y_N[part], self.group_NA[part], whole_B))
            told += [(first + size, event) for event in judged.events]
        assert guard.held == ()
        return told


def rows(fault: str | None = None, *, group: int = 0, level: float = 0.0, seed: int = 0, after: int = AFTER) -> Rows:
    """The fault takes the rows from START on, FAULT of them; a level that moved stays."""
    random, count = np.random.default_rng(seed), START + FAULT + after
    x_N = random.normal(-2.3, 1.2, count)
    late_N = np.arange(count) >= START
    y_N = (random.random(count) < 1 / (1 + np.exp(-x_N - level * late_N))).astype(np.float64)
    slice_NA = np.array([1, 3]) + random.choice(2, (count, 2), p=(0.7, 0.3))
    group_NA = np.concatenate([np.zeros((count, 1), np.int64), slice_NA], axis=1)
    if fault is not None:
        hit_N = late_N & (np.arange(count) < START + FAULT) & (group_NA == group).any(axis=1)
        y_N[hit_N] = FAULTS[fault](y_N[hit_N], random)
    return Rows(x_N, y_N, group_NA)


def _up(row: int, size: int) -> int:
    return -(-row // size) * size


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", SIZES)
def test_a_clean_stream_is_not_held(size: int, seed: int) -> None:
    assert rows(seed=seed).judged(size) == []


@pytest.mark.parametrize("size", [256, 4096])
@pytest.mark.parametrize(("fault", "group"), CASES)
def test_a_fault_is_held_at_the_same_rows_up_to_a_batch(fault: str, group: int, size: int) -> None:
    told = rows(fault, group=group)
    (usual, held), *_ = told.judged(1024)
    (found, other), *_ = told.judged(size)
    assert (held.verdict, other.verdict, held.group, other.group) == ("hold", "hold", group, group)
    assert START < found <= _up(usual, size) + (size if group else 0)
    assert found >= usual - max(1024, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("fault", "group"), CASES)
def test_it_returns_with_a_few_batches_and_nothing_spoilt_is_learned(fault: str, group: int, size: int) -> None:
    events = rows(fault, group=group).judged(size)
    assert [(event.verdict, event.group) for _row, event in events] == [("hold", group), ("return", group)]
    ended, event = events[1]
    assert ended <= START + FAULT + max(4 * size, 6 * 1024)
    assert event.clean * size >= START + FAULT


@pytest.mark.parametrize("size", SIZES)
def test_a_level_that_stays_is_learned_after_as_many_rows(size: int) -> None:
    events = rows(level=0.7, after=FAULT + 8192).judged(size)
    assert [event.verdict for _row, event in events] == ["hold", "accept"]
    assert events[0][0] <= START + max(4096, size)
    assert abs(events[1][0] - events[0][0] - 32 * 1024) <= size
