"""A full file and any deltas on it give what a full file of the end would hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoints.deltas import Arrays, changed, delta, gone, is_delta, merged, opened, read, write
from checkpoints.errors import DamagedVersion

CHANGES = st.lists(
    st.tuples(st.lists(st.integers(0, 60), max_size=8), st.integers(-12, 12), st.sampled_from("rwn-")), max_size=6
)


def stepped(now: Arrays, base: int, told: tuple[list[int], int, str], fill: float) -> tuple[Arrays, Arrays]:
    """The arrays after a change, and the delta that says it."""
    rows, growth, kind = told
    after = {name: array.copy() for name, array in now.items()}
    if kind == "n":
        after.pop("t", None)
        return after, delta(base, gone("t"))
    if kind == "-":
        return after, delta(base)
    was = len(now["t"]) if "t" in now else None
    length = max((was or 5) + growth, 0)
    table = np.full((length, 3), fill, np.float32)
    kept = min(length, was or 0)
    table[:kept] = now["t"][:kept] if "t" in now else 0
    touched = np.array([row for row in rows if row < length], np.int64)
    table[touched] = fill + touched[:, None]
    after["t"] = table
    part = {"t": table} if kind == "w" or was is None else changed("t", table, touched, was)
    return after, delta(base, part, {"dense": np.array([fill])})


@given(st.integers(0, 60), CHANGES)
@settings(max_examples=150, deadline=None)
def test_a_full_one_and_its_deltas_are_the_last_one(rows: int, changes: list[tuple[list[int], int, str]]) -> None:
    base: Arrays = {"t": np.arange(3 * rows, dtype=np.float32).reshape(rows, 3), "never": np.array(4)}
    now, deltas = {name: array.copy() for name, array in base.items()}, []
    for n, told in enumerate(changes):
        after, part = stepped(now, n, told, 100.0 * (n + 1))
        now = after | ({"dense": part["dense"]} if "dense" in part else {})
        deltas.append(part)
    found = merged(base, *deltas)
    assert found.keys() == now.keys()
    for name, array in now.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_a_delta_is_about_as_long_as_what_changed() -> None:
    table = np.zeros((1_000, 32), np.float32)
    part = changed("t", table, np.arange(50), 990)
    assert sum(array.nbytes for array in part.values()) == 60 * (32 * 4 + 8) + 8
    assert changed("t", table, np.arange(760), 1_000).keys() == {"t"}, "a whole array, where most of it changed"


def test_what_was_handed_over_no_longer_changes() -> None:
    table = np.zeros(8)
    few, most = changed("t", table, np.array([1]), 8), changed("t", table, np.arange(8), 8)
    table[:] = 7
    assert few["t@values"].tolist() == [0.0]
    assert most["t"].tolist() == [0.0] * 8


def files(folder: Path) -> list[Path]:
    paths = [folder / f"{n}.safetensors" for n in range(3)]
    write(paths[0], {"t": np.arange(4), "b": np.ones((), np.int8)}, {"version": "7"})
    write(paths[1], delta(7, changed("t", np.array([0, 9, 2, 3]), np.array([1]), 4)), {"version": "8"})
    write(paths[2], delta(8, changed("t", np.array([0, 9, 2, 3, 5]), np.empty(0, np.int64), 4)), {"version": "9"})
    return paths


def test_files_are_opened_from_the_newest_whole_one_on(tmp_path: Path) -> None:
    paths = files(tmp_path)
    metadata, arrays = opened(paths)
    assert (metadata, arrays["t"].tolist(), int(arrays["b"])) == ({"version": "9"}, [0, 9, 2, 3, 5], 1)
    assert opened(paths[:1])[1]["t"].tolist() == [0, 1, 2, 3]
    write(paths[1], {"t": np.array([1, 1, 1, 1])})
    paths[0].unlink()
    assert opened(paths)[1]["t"].tolist() == [1, 1, 1, 1, 5]


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    assert [one.read_bytes() for one in files(tmp_path / "one")] == [
        two.read_bytes() for two in files(tmp_path / "two")
    ]


def test_a_delta_alone_says_what_it_stands_on(tmp_path: Path) -> None:
    paths = files(tmp_path)
    assert is_delta(read(paths[1])[1])
    with pytest.raises(DamagedVersion, match="stands on version 7"):
        opened(paths[1:])


@pytest.mark.parametrize("cut", [0, 5, 40, -1])
def test_a_torn_file_is_no_arrays(tmp_path: Path, cut: int) -> None:
    path = files(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DamagedVersion, match=r"0\.safetensors"):
        opened([path])


@pytest.mark.parametrize(
    "harm",
    [
        {"t@rows": np.array([3, 1])},
        {"t@rows": np.array([1, 9])},
        {"t@rows": np.array([-1, 1])},
        {"t@values": np.zeros((2, 2))},
        {"t@values": np.zeros(2, np.float32)},
        {"t@values": np.zeros(3)},
        {"t@length": np.array(6)},
        {"t@length": np.array(1)},
    ],
)
def test_rows_that_do_not_fit_what_they_stand_on_are_refused(harm: Arrays) -> None:
    part = {"t@rows": np.array([1, 3]), "t@values": np.zeros(2), "t@length": np.array(4)}
    assert merged({"t": np.ones(4)}, delta(1, part))["t"].tolist() == [1, 0, 1, 0]
    with pytest.raises(DamagedVersion, match="stand on another version"):
        merged({"t": np.ones(4)}, delta(1, part | harm))
    with pytest.raises(DamagedVersion, match="no such array"):
        merged({}, delta(1, part))
