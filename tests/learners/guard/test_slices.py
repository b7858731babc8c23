"""Slices get numbers by what was seen, and keep them."""

from __future__ import annotations

import pytest

from learners.guard.slices import Slices


def test_a_name_below_its_share_is_other_until_it_grows() -> None:
    slices = Slices(("app",))
    first = slices.groups([["a"] * 1990 + ["b"] * 10])
    assert slices.name(int(first[-1, 1])) == ("app", "other")
    later = slices.groups([["b"] * 500])
    assert slices.name(int(later[-1, 1])) == ("app", "b")
    assert slices.name(int(slices.groups([["a"]])[0, 1])) == ("app", "a")


def test_names_beyond_the_most_are_other() -> None:
    slices = Slices(("app", "surface"), most=2)
    group_BA = slices.groups([["a", "b", "c"] * 500, ["x"] * 1500])
    assert [slices.name(int(group)) for group in group_BA[2]] == [("all", "all"), ("app", "other"), ("surface", "x")]
    assert group_BA.max() < slices.most_groups


def test_a_restart_gives_the_same_numbers() -> None:
    slices, other = Slices(("app",)), Slices(("app",))
    slices.groups([["a"] * 900 + ["b"] * 300])
    other.load(slices.state())
    names = [["c"] * 100 + ["b", "a"] * 60_000]
    assert (slices.groups(names) == other.groups(names)).all()
    assert (slices.state()["slices"] == other.state()["slices"]).all()


def test_other_axes_are_refused() -> None:
    with pytest.raises(ValueError, match="same axes"):
        Slices(("app",)).load(Slices(("surface",)).state())
