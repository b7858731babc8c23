"""The id map is exact, whatever the ids, wherever it lives, and whatever is taken back."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.tables.host_ids import HostIds
from learners.tables.id_map import IdMap
from learners.tables.mixing import mixed

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


@pytest.mark.parametrize("vectorised", [False, True])
def test_freed_rows_are_given_out_again_the_oldest_first(vectorised: bool) -> None:
    ids = IdMap(spaces=0, vectorised=vectorised)
    add(ids, [(0, 1), (0, 2), (0, 3), (0, 4)])
    assert ids.forget(0, 3) == 2
    assert ids.forget(0, 1) == 0
    assert find(ids, [(0, 1), (0, 2), (0, 3)]) == [-1, 1, -1]
    assert add(ids, [(0, 5), (0, 1), (0, 6)]) == [2, 0, 4]
    assert ids.forget(0, 99) == -1


@pytest.mark.parametrize("vectorised", [False, True])
def test_a_row_that_is_no_ids_is_not_removed(vectorised: bool) -> None:
    ids = IdMap(spaces=1, vectorised=vectorised)
    row_N = ids.add(torch.tensor([0, 0]), torch.tensor([5, 6]))
    ids.remove(row_N[:1])
    for rows in ([0], [1], [2, 2]):
        with pytest.raises(ValueError, match="row"):
            ids.remove(torch.tensor(rows))
    assert find(ids, [(0, 5), (0, 6)]) == [-1, 2]


@pytest.mark.parametrize("vectorised", [False, True])
def test_a_space_below_zero_is_refused_and_nothing_is_made(vectorised: bool) -> None:
    ids = IdMap(spaces=1, vectorised=vectorised)
    with pytest.raises(ValueError, match="spaces go from 0"):
        add(ids, [(0, 5), (-1, 0)])
    assert len(ids) == 1


class Oracle:
    """The map as a dictionary and a queue."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int], int] = {}
        self.free: list[int] = []
        self.size = 0

    def add(self, pairs: list[tuple[int, int]]) -> list[int]:
        return [self.rows[pair] if pair in self.rows else self._made(pair) for pair in pairs]

    def remove(self, rows: list[int]) -> None:
        self.rows = {pair: row for pair, row in self.rows.items() if row not in set(rows)}
        self.free += rows

    def _made(self, pair: tuple[int, int]) -> int:
        if not self.free:
            self.size += 1
        self.rows[pair] = self.free.pop(0) if self.free else self.size - 1
        return self.rows[pair]


PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(-9, 9) | st.integers(LEAST, MOST)), max_size=30)
ACTS = st.lists(st.tuples(st.sampled_from(["add", "add", "settle", "withdraw", "remove", "load"]), PAIRS), max_size=25)


@settings(max_examples=80, deadline=None)
@given(ACTS)
def test_adding_removing_and_taking_back_in_any_order_give_the_rows_of_a_queue(
    acts: list[tuple[str, list[tuple[int, int]]]],
) -> None:
    for ids in (IdMap(spaces=0), IdMap(spaces=0, vectorised=True)):
        oracle, settled = Oracle(), Oracle()
        for act, pairs in acts:
            if act == "add":
                assert add(ids, pairs) == oracle.add(pairs)
            elif act == "remove":
                rows = sorted({oracle.rows[pair] for pair in pairs if pair in oracle.rows}, key=lambda row: row % 5)
                of_row = {row: pair for pair, row in oracle.rows.items()}
                space_M, key_M = ids.remove(torch.tensor(rows, dtype=torch.int64))
                assert list(zip(space_M.tolist(), key_M.tolist(), strict=True)) == [of_row[row] for row in rows]
                oracle.remove(rows)
            elif act == "withdraw":
                ids.withdraw()
                oracle = copy.deepcopy(settled)
            elif act == "load":
                spaces, keys = ids.spaces.clone(), ids.keys.clone()
                ids.load(spaces, keys)
            else:
                ids.settle()
            if act in ("remove", "settle", "load"):
                settled = copy.deepcopy(oracle)
            assert (len(ids), ids.free) == (oracle.size, len(oracle.free))
            assert find(ids, list(oracle.rows)) == list(oracle.rows.values())


def test_host_and_device_write_the_same_bytes() -> None:
    both = IdMap(spaces=2), IdMap(spaces=2, vectorised=True)
    for ids in both:
        row_N = ids.add(torch.arange(900) % 3, torch.arange(900) ** 3)
        ids.remove(row_N[5:400:3].flip(0))
        ids.remove(row_N[6:60:3])
        ids.remove(row_N[700:720])
        ids.add(torch.tensor([1] * 140), torch.arange(140))
    assert torch.equal(both[0].spaces, both[1].spaces)
    assert torch.equal(both[0].keys, both[1].keys)


def test_a_map_finds_everything_while_its_ids_move_to_a_larger_house() -> None:
    ids, known = HostIds(fallbacks=0), 20_000
    one, key_N = np.zeros(1, np.int64), np.random.default_rng(1).permutation(200_000) << 20
    row_N, moving = ids.add(one, key_N[:known]), 0
    while known < 150_000:
        row_N = np.concatenate([row_N, ids.add(one, key_N[known : known + 500])])
        known += 500
        moving += ids.moving
        looked = np.random.default_rng(known).integers(0, known, 300)
        assert (ids.find(one, key_N[looked]) == row_N[looked]).all()
        if known % 7 == 0:
            ids.settle()
            ids.remove(row_N[known - 40 : known])
            assert (ids.find(one, key_N[known - 40 : known]) == -1).all()
            row_N[known - 40 :] = ids.add(one, key_N[known - 40 : known])
        if known % 11 == 0:
            ids.settle()
            ids.add(one, -1 - np.arange(3000))
            ids.withdraw()
    assert moving > 20
    assert (ids.find(one, key_N[:known]) == row_N).all()


def test_ids_that_step_by_powers_of_two_are_spread_evenly() -> None:
    for step in (1, 2**8, 2**16, 2**32, 2**47):
        bits = mixed(torch.zeros(1, dtype=torch.int64), torch.arange(1 << 16) * step)
        for share in ((bits >> 58) & 63, bits & 63):
            assert torch.bincount(share, minlength=64).max() <= 1.2 * (1 << 16) / 64


def test_spaces_are_read_round_and_round() -> None:
    ids = HostIds(fallbacks=0)
    assert ids.add(np.array([0, 1]), np.array([7, 7, 7, 8])).tolist() == [0, 1, 0, 2]
    assert ids.find(np.array([1]), np.array([7, 8])).tolist() == [1, 2]
    with pytest.raises(ValueError, match="rounds of 2"):
        ids.find(np.array([0, 1]), np.array([7]))


def test_holes_that_do_not_hang_together_are_refused() -> None:
    with pytest.raises(ValueError, match="hang together"):
        HostIds(fallbacks=0).load(np.array([-2, -2]), np.array([-1, -1]))
    with pytest.raises(ValueError, match="hang together"):
        IdMap(spaces=0, vectorised=True).load(torch.tensor([-2, -2]), torch.tensor([-1, -1]))


def test_a_map_loaded_from_its_ids_is_the_same_map() -> None:
    ids, other = IdMap(spaces=2), IdMap(spaces=2)
    add(ids, [(i % 3, i * i) for i in range(500)])
    ids.forget(0, 9)
    other.load(ids.spaces, ids.keys)
    pairs = [(i % 3, i * i) for i in range(500)]
    assert find(other, pairs) == find(ids, pairs)
    assert add(other, [(9, 9)]) == add(ids, [(9, 9)])
