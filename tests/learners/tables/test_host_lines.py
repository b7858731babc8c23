"""Rows as lines in numpy are the rows of a table."""

from __future__ import annotations

import numpy as np

from learners.tables.host_lines import LAST_STAMP, HostLines
from learners.tables.table import Table

SCALE = np.array([0.1] * 8 + [0.0], np.float32)


def rows(many: int = 5) -> HostLines:
    made = HostLines(SCALE, (1.0, 0.5))
    made.grow(many)
    return made


def test_they_start_as_those_of_a_table_do() -> None:
    table = Table(width=9, state=2, scale=SCALE.tolist())
    table.grow(5, 1.0)
    assert np.array_equal(rows().weight, table.weight.numpy())
    assert (rows().state == np.array([1.0, 0.5], np.float32)).all()


def test_a_row_that_is_reset_starts_anew_and_others_stay() -> None:
    changed, fresh = rows(), rows()
    changed.weight[:], changed.state[:] = 7, 9
    changed.reset(np.array([1, 4]))
    assert np.array_equal(changed.weight[[1, 4]], fresh.weight[[1, 4]])
    assert np.array_equal(changed.state[[1, 4]], fresh.state[[1, 4]])
    assert (changed.weight[[0, 2, 3]] == 7).all()


def test_growing_keeps_what_is_there() -> None:
    grown = rows(3)
    grown.weight[:] = 7
    grown.grow(6)
    assert (grown.weight[:3] == 7).all()
    assert np.array_equal(grown.weight[3:], rows(6).weight[3:])


def test_what_was_loaded_is_there_and_grows_on() -> None:
    told = rows()
    told.load(np.ones((2, 9), np.float32), np.full((2, 2), 3, np.float32))
    told.grow(4)
    assert (told.weight[:2] == 1).all()
    assert (told.state[:2] == 3).all()
    assert np.array_equal(told.weight[2:], rows(4).weight[2:])


def test_stamps_begin_anew_before_they_run_out() -> None:
    made = rows()
    made.ints[2, -1] = made.stamped()
    made._stamp = LAST_STAMP - 1
    assert made.stamped() == LAST_STAMP
    made.ints[3, -1] = LAST_STAMP
    assert made.stamped() == 1
    assert not made.ints[:, -1].any()
