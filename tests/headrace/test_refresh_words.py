"""The words of `--refresh`, and what is said of those that mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.refresh_words import BadRefresh, compared
from learners.refreshing import DAY_MS, HOUR_MS


def test_cadences_go_from_the_oldest_copies_to_the_freshest_each_once() -> None:
    told = compared(["online, 1h", "never", "60m,1d"], "12h")
    assert told is not None
    assert [(one.name, one.period_ms) for one in told.refreshes] == [
        ("never", None), ("1d", DAY_MS), ("1h", HOUR_MS), ("online", 0),
    ]  # fmt: skip
    assert told.first_ms == DAY_MS // 2


def test_nothing_asked_is_nothing_compared() -> None:
    assert compared([], "1d") is None


@pytest.mark.parametrize("word", ["daily", "0h", "", "5", "-1h"])
def test_a_word_that_is_no_cadence_is_refused_with_those_there_are(word: str) -> None:
    with pytest.raises(BadRefresh, match=f"'{word}' is none of never, online or a duration such as 1d, 1h"):
        compared(["1d," + word], "1d")


def test_a_first_stretch_that_is_no_duration_is_refused() -> None:
    with pytest.raises(BadRefresh, match="--refresh-after 'soon' is no duration"):
        compared(["1h"], "soon")


def test_a_drawing_of_nothing_is_refused() -> None:
    with pytest.raises(BadRefresh, match="--refresh 1d,1h,online"):
        compared([], "1d", Path("x.svg"))
