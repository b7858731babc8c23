"""The id map is exact, whatever the ids; rows start as their number says."""

from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.tables.id_map import IdMap
from learners.tables.table import Table, start_values

LEAST, MOST = -(2**63), 2**63 - 1


def add(ids: IdMap, pairs: list[tuple[int, int]]) -> list[int]:
    both = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return ids.add(both[:, 0], both[:, 1]).tolist()


def find(ids: IdMap, pairs: list[tuple[int, int]]) -> list[int]:
    both = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return ids.find(both[:, 0], both[:, 1]).tolist()


def plain(pairs: list[tuple[int, int]], known: dict[tuple[int, int], int], fallbacks: int) -> list[int]:
    return [known.setdefault(pair, fallbacks + len(known)) for pair in pairs]


ADVERSARIES = {
    "powers of two": [(0, 1 << k) for k in range(63)] + [(0, i << 40) for i in range(2000)],
    "multiples of 2^32 in two spaces": [(s, i << 32) for i in range(-1000, 1000) for s in (0, 1)],
    "extremes": [(s, k) for k in (LEAST, LEAST + 1, -1, 0, 1, MOST - 1, MOST) for s in range(4)],
    "a run": [(2, i) for i in range(-3000, 3000)],
}


@pytest.mark.parametrize("pairs", ADVERSARIES.values(), ids=ADVERSARIES.keys())
@pytest.mark.parametrize("vectorised", [False, True])
def test_rows_are_exact_and_numbered_by_first_appearance(pairs: list[tuple[int, int]], vectorised: bool) -> None:
    random.Random(3).shuffle(pairs)
    ids, known = IdMap(spaces=4, vectorised=vectorised), dict[tuple[int, int], int]()
    for start in range(0, len(pairs), 700):
        part = pairs[start : start + 700] + pairs[: start // 2]
        assert add(ids, part) == plain(part, known, 4)
    assert find(ids, pairs) == [known[pair] for pair in pairs]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(LEAST, MOST) | st.integers(-4, 4)), max_size=40)))
def test_any_ids_in_any_batches_give_the_rows_of_a_dictionary(batches: list[list[tuple[int, int]]]) -> None:
    for ids in (IdMap(spaces=2), IdMap(spaces=2, vectorised=True)):
        known = dict[tuple[int, int], int]()
        for part in batches:
            assert add(ids, part) == plain(part, known, 2)
        assert len(ids) == 2 + len(known)


def test_a_lookup_creates_nothing() -> None:
    ids = IdMap(spaces=1)
    add(ids, [(0, 5)])
    assert find(ids, [(0, 6), (1, 5), (0, 5)]) == [-1, -1, 1]
    assert len(ids) == 2


def test_an_unknown_id_reads_the_fallback_of_its_space() -> None:
    ids = IdMap(spaces=3)
    space = torch.tensor([4, 5, 2])
    row = ids.find(space, torch.tensor([7, 7, 7]))
    assert ids.or_fallback(row, space).tolist() == [2, 2, 1]


def test_a_forgotten_id_leaves_a_hole_and_comes_back_as_another_row() -> None:
    ids = IdMap(spaces=0)
    add(ids, [(0, 1), (0, 2), (0, 3)])
    assert ids.forget(0, 2) == 1
    assert find(ids, [(0, 1), (0, 2), (0, 3)]) == [0, -1, 2]
    assert add(ids, [(0, 2)]) == [3]
    assert ids.forget(0, 99) == -1


def test_a_map_loaded_from_its_ids_is_the_same_map() -> None:
    ids, other = IdMap(spaces=2), IdMap(spaces=2)
    add(ids, [(i % 3, i * i) for i in range(500)])
    ids.forget(0, 9)
    other.load(ids.spaces, ids.keys)
    pairs = [(i % 3, i * i) for i in range(500)]
    assert find(other, pairs) == find(ids, pairs)
    assert add(other, [(9, 9)]) == add(ids, [(9, 9)])


def test_a_row_starts_the_same_whenever_it_was_made() -> None:
    at_once, in_steps = (Table(width=6, state=1, scale=[0.1] * 6) for _ in range(2))
    at_once.grow(500, 1.0)
    for size in (1, 2, 70, 500):
        in_steps.grow(size, 1.0)
    assert torch.equal(at_once.weight[:500], in_steps.weight[:500])
    assert at_once.weight[:500].abs().max() <= 0.1
    assert abs(float(start_values(torch.arange(4000), 8).mean())) < 0.01


def test_a_reset_row_starts_again() -> None:
    table = Table(width=4, state=2, scale=[1.0] * 4)
    table.grow(10, 1.0)
    before = table.weight.clone()
    table.weight[3], table.state[3] = 7.0, 9.0
    table.reset(torch.tensor([3]), 1.0)
    assert torch.equal(table.weight, before)
    assert table.state[3].tolist() == [1.0, 1.0]
