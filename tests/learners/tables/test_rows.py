"""The rows of a learner: the same however the input is cut, interrupted or taken back; new ids never inherit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.tables.kinds import Kind, Limits
from learners.tables.rows import Arrays, Longs, Rows
from learners.tables.table import Table

KINDS = [Kind(ttl_ms=60), Kind(count=3, ttl_ms=90), Kind(chance=0.4)]
LIMITS = Limits(cap=300, low=0.8, half_life_ms=25, forget_ms=40)


def made(limits: Limits = LIMITS) -> tuple[Rows, Table]:
    table = Table(width=4, state=1, scale=[0.1] * 4)
    return Rows(KINDS, kind_of_space=[0, 1, 2], limits=limits, tables=[(table, 1.0)]), table


def stream(seed: int, batches: int) -> Iterator[tuple[Longs, Longs, int]]:
    draw = np.random.default_rng(seed)
    for at in range(1, batches + 1):
        size = int(draw.integers(1, 60))
        fresh = draw.integers(0, 2, size) * draw.integers(0, 1 << 40, size)
        yield draw.integers(0, 3, size), draw.integers(-20, 100, size) + fresh, 3 * at


def step(rows: Rows, table: Table, batch: tuple[Longs, Longs, int]) -> list[int]:
    """Score, learn, expire; what was read, then what went."""
    space_N, key_N, at = batch
    row_N = rows.admit_and_add(space_N, key_N, at)
    read_N = rows.read(row_N, space_N)
    distinct = torch.from_numpy(np.unique(read_N))
    table.weight[distinct] += 0.01 * at
    table.state[distinct] += 1.0
    rows.used(row_N, at)
    rows.settle()
    if at % 9 == 0:
        rows.touched.mark()
    return [*read_N.tolist(), *rows.expire(at).row_M.tolist()]


def bytes_of(rows: Rows, table: Table) -> dict[str, bytes]:
    tables: Arrays = {"weight": table.weight.numpy(), "state": table.state.numpy()}
    return {name: array.tobytes() for name, array in (rows.dump() | tables).items()}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 60))
def test_interrupted_anywhere_it_goes_on_as_if_it_had_not_been(seed: int, cut: int) -> None:
    (rows, table), (other, other_table) = made(), made()
    for number, batch in enumerate(stream(seed, 60)):
        if number == cut:
            other, other_table = made()
            other_table.load(table.weight.clone(), table.state.clone())
            other.load(rows.dump())
        said = step(rows, table, batch)
        if number >= cut:
            assert step(other, other_table, batch) == said
    if cut < 60:
        assert bytes_of(rows, table) == bytes_of(other, other_table)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_a_batch_that_was_taken_back_leaves_no_trace(seed: int) -> None:
    (rows, table), (other, other_table) = made(), made()
    wild = list(stream(seed + 1, 50))
    for number, batch in enumerate(stream(seed, 50)):
        for extra in wild[number : number + number % 3]:
            other.admit_and_add(*extra)
        other.withdraw()
        assert step(rows, table, batch) == step(other, other_table, batch)
    assert {name: array.tolist() for name, array in rows.dump().items()} == {
        name: array.tolist() for name, array in other.dump().items()
    }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 90), min_size=1, max_size=9))
def test_rows_counts_and_uses_are_the_same_however_the_input_is_cut(seed: int, cuts: list[int]) -> None:
    batches = list(stream(seed, 40))
    space_N, key_N = (np.concatenate([batch[part] for batch in batches]) for part in (0, 1))
    at_N = np.concatenate([np.full(len(batch[0]), batch[2]) for batch in batches])
    found = []
    for sizes in ([len(at_N)], cuts):
        rows, _ = made(Limits(forget_ms=40))
        start, turn, parts = 0, 0, list[int]()
        while start < len(at_N):
            part = slice(start, start + sizes[turn % len(sizes)])
            row_N = rows.admit_and_add(space_N[part], key_N[part], at_N[part])
            rows.used(row_N, at_N[part])
            rows.settle()
            parts += row_N.tolist()
            start, turn = part.stop, turn + 1
        found.append(
            (parts, rows.ids.spaces.tolist(), rows.ids.keys.tolist(), rows.expiry.dump(len(rows))["last"].tolist())
        )
    assert found[0] == found[1]


def test_a_reused_row_starts_anew() -> None:
    table = Table(width=8, state=2, scale=[0.1] * 8)
    rows = Rows([Kind(ttl_ms=10)], kind_of_space=[0], tables=[(table, 0.5)])
    one = np.zeros(1, np.int64)
    first = rows.admit_and_add(one, np.array([7, 8]), 1)
    rows.used(first, 1)
    rows.settle()
    start = table.weight.clone()
    table.weight[:], table.state[:], table.ints[:, -2:] = 9.0, 9.0, 9
    rows.used(first[1:], 20)
    gone = rows.expire(20)
    assert (gone.row_M.tolist(), gone.key_M.tolist()) == ([1], [7])
    assert rows.admit_and_add(one, np.array([99]), 21).tolist() == [1]
    assert torch.equal(table.weight[1], start[1])
    assert table.state[1].tolist() == [0.5, 0.5]
    assert not table.ints[1, -2:].any()
    assert table.weight[2].tolist() == [9.0] * 8


def test_ids_that_went_are_told_until_they_come_back() -> None:
    rows = Rows([Kind(ttl_ms=10)], kind_of_space=[0])
    one, mark = np.zeros(1, np.int64), rows.touched.mark()
    rows.used(rows.admit_and_add(one, np.array([7, 8, 9]), 1), 1)
    rows.settle()
    rows.expire(50)
    assert rows.gone_since(mark)[1].tolist() == [7, 8, 9]
    rows.admit_and_add(one, np.array([8]), 51)
    rows.settle()
    assert rows.gone_since(mark)[1].tolist() == [7, 9]
    assert rows.touched.since(mark).tolist() == rows.find(one, np.array([8])).tolist()


def test_refused_ids_read_the_fallback_of_their_kind_and_finding_makes_nothing() -> None:
    rows = Rows([Kind(count=2), Kind(count=2)], kind_of_space=[0, 0, 1])
    space_N, key_N = np.array([0, 1, 2]), np.array([5, 5, 5])
    assert rows.read(rows.find(space_N, key_N), space_N).tolist() == [0, 0, 1]
    assert rows.read(rows.admit_and_add(space_N, key_N, 1), space_N).tolist() == [0, 0, 1]
    assert (len(rows), rows.admission.waiting) == (2, 3)
    assert rows.admit_and_add(space_N, key_N, 1).tolist() == [2, 3, 4]
    assert rows.alive == 3


def test_a_row_that_was_never_used_lives_from_when_it_was_made() -> None:
    rows = Rows([Kind(ttl_ms=10)], kind_of_space=[0])
    rows.admit_and_add(np.zeros(1, np.int64), np.array([7]), 1000)
    rows.settle()
    assert not len(rows.expire(1010).row_M)
    assert len(rows.expire(1011).row_M) == 1


def test_the_cap_holds_after_every_batch_and_memory_is_used_again() -> None:
    rows = Rows([Kind()], kind_of_space=[0], limits=Limits(cap=5000, half_life_ms=50))
    often = np.arange(1000)
    for batch in range(200):
        keys = np.concatenate([often, 10_000 + 400 * batch + np.arange(400)])
        rows.used(rows.admit_and_add(np.zeros(1, np.int64), keys, batch + 1), batch + 1)
        rows.settle()
        rows.expire(batch + 1)
        assert rows.alive <= 5000
    assert len(rows) <= 5000 + 400 + 1
    assert (rows.find(np.zeros(1, np.int64), often) >= 0).all()


def test_what_is_provisional_is_neither_dumped_nor_removed() -> None:
    rows = Rows([Kind()], kind_of_space=[0])
    rows.admit_and_add(np.array([0]), np.array([5]), 1)
    with pytest.raises(ValueError, match="1 rows are provisional"):
        rows.dump()
    with pytest.raises(ValueError, match="1 rows are provisional"):
        rows.remove(np.array([1]))
    with pytest.raises(ValueError, match="of space 3, there are 1"):
        rows.admit_and_add(np.array([3]), np.array([5]), 1)
    with pytest.raises(ValueError, match="of kind 2, there are 1"):
        Rows([Kind()], kind_of_space=[2])
