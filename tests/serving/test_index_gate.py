"""Each limit of an index by itself, and what a second build would not change."""

from __future__ import annotations

from typing import Any

import pytest

from serving.build_job import Built
from serving.index_gate import Asked, Refusal, refusal
from serving.late_recall import LateRecall

ASKED = Asked(recall=0.9, items=0.5, latency=20.0)


def found(
    *,
    recall: float = 0.95,
    linked: bool = True,
    items: int = 500,
    latency: float = 5.0,
    late: LateRecall | None = None,
) -> Refusal | None:
    return refusal(Built(7, "", recall=recall, linked=linked, items=items, latency=latency, late=late), 1_000, ASKED)


def test_an_index_at_its_limits_is_put_in_place() -> None:
    assert found() is None
    assert found(recall=0.9, latency=20.0) is None
    assert refusal(Built(7, "", recall=1.0, linked=True, items=0), None, ASKED) is None, "there was none before"
    assert found(recall=0.2, linked=False) is None, "without links nothing is searched, all is looked at"


@pytest.mark.parametrize(
    ("bad", "lasting", "word"),
    [
        ({"items": 499}, True, "at least 500"),
        ({"recall": 0.89}, True, "canary recall is 0.890, below 0.9"),
        ({"late": LateRecall(0.7, 0.8, 0.02, 64)}, True, "64 queries of late want the index finds 0.700"),
        ({"latency": 20.1}, False, "takes 20.1 ms"),
    ],
)
def test_beyond_a_limit_it_is_refused(bad: dict[str, Any], lasting: bool, word: str) -> None:
    one = found(**bad)
    assert one is not None
    assert (one.lasting, word in one.why) == (lasting, True)


def test_queries_of_late_have_no_bar_but_the_index_that_serves() -> None:
    """They may be hard: the canary finds nearly all and they do not, in a sound index too."""
    assert found(late=LateRecall(0.3)) is None, "nothing to compare with"
    assert found(late=LateRecall(0.3, 0.3, 0.0, 64)) is None
    assert found(late=LateRecall(0.295, 0.3, 0.0, 64)) is None, "by less than a point"
    assert found(late=LateRecall(0.2, 0.3, 0.1, 3)) is None, "so few queries may say that by chance"
    assert found(late=LateRecall(0.2, 0.3, 0.02, 64)) is not None
    assert found(late=LateRecall(0.2, 0.3, 0.02, 64), linked=False) is None, "without links nothing is missed"
