"""What changed since a mark is all there, however much it is and however often it is asked for."""

from __future__ import annotations

import numpy as np

from learners.tables.touched import Touched


def test_no_number_of_touched_rows_is_too_many() -> None:
    touched = Touched()
    mark = touched.mark()
    for turn in range(3):
        touched.touch(np.random.default_rng(turn).permutation(400_000) * (turn + 1), 1_200_000)
    expected = np.unique(np.concatenate([np.arange(400_000) * (turn + 1) for turn in range(3)]))
    assert np.array_equal(touched.since(mark), expected)


def test_a_push_that_failed_is_asked_for_again() -> None:
    touched = Touched()
    first = touched.mark()
    touched.touch(np.array([4, 2]), 9)
    second = touched.mark()
    touched.touch(np.array([7]), 9)
    touched.bury(np.array([2]), np.array([0]), np.array([22]))
    assert touched.since(second).tolist() == [7]
    assert touched.since(first).tolist() == [4, 7]
    assert [part.tolist() for part in touched.gone_since(first)] == [[0], [22]]
    assert [len(part) for part in touched.gone_since(touched.mark())] == [0, 0]


def test_an_id_that_went_twice_is_named_once_and_in_order() -> None:
    touched = Touched()
    for _ in range(2):
        touched.bury(np.array([5, 6, 7]), np.array([1, 0, 0]), np.array([3, 9, 3]))
        touched.mark()
    assert [part.tolist() for part in touched.gone_since(0)] == [[0, 0, 1], [3, 9, 3]]


def test_what_nobody_will_ask_for_is_forgotten() -> None:
    touched = Touched()
    touched.bury(np.array([1]), np.array([0]), np.array([11]))
    mark = touched.mark()
    touched.bury(np.array([2]), np.array([0]), np.array([22]))
    touched.forget(mark)
    assert touched.gone_since(0)[1].tolist() == [22]


def test_a_loaded_one_says_the_same() -> None:
    touched, other = Touched(), Touched()
    marks = []
    for turn in range(4):
        marks.append(touched.mark())
        touched.touch(np.array([turn, turn + 5]), 10)
        touched.bury(np.array([turn]), np.array([turn]), np.array([turn]))
    other.load(touched.dump())
    for mark in marks:
        assert np.array_equal(other.since(mark), touched.since(mark))
        assert np.array_equal(other.gone_since(mark), touched.gone_since(mark))
    assert other.mark() == touched.mark()
