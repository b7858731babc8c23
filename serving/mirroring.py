"""Answers that nobody gets: what an experiment would have said, measured and thrown away.

It runs in a thread after the real answer has left; one at a time on each server, and those that come meanwhile are let
go, so that a slow candidate can't take the server with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from serving.answers import Ask, Recommendation
from serving.arms import Mirror
from serving.serving_counts import ServingCounts


def mirrored(mirrors: Sequence[Mirror], ask: Ask, given: Recommendation, chance: bytes, counts: ServingCounts) -> None:
    """Answer once more by each experiment, and count; nothing is kept, logged or raised."""
    for mirror in mirrors:
        if not mirror.lock.acquire(blocking=False):
            counts.mirrored(mirror.name, "dropped")
            continue
        try:
            _measure(mirror, ask, given, chance, counts)
        finally:
            mirror.lock.release()


def common(left: Recommendation, right: Recommendation) -> float:
    """The share of the longer list's items that both lists have.

    >>> from serving.answers import Placed
    >>> of = lambda names: Recommendation(1, "model", None, tuple(Placed(name, 0, 1.0, "") for name in names))
    >>> common(of("ab"), of("bc"))
    0.5
    """
    one, other = ({item.item_id for item in given.items} for given in (left, right))
    return len(one & other) / max(len(one), len(other), 1)


def _measure(mirror: Mirror, ask: Ask, given: Recommendation, chance: bytes, counts: ServingCounts) -> None:
    started = perf_counter()
    try:
        beside = mirror.recommender.recommend(
            ask, chance=chance, elapsed=lambda: 1_000 * (perf_counter() - started), keep=False
        )
    except Exception:  # a candidate's failure is what is measured
        counts.mirrored(mirror.name, "failed")
        return
    if beside.rung != "model":
        counts.mirrored(mirror.name, "failed")
        return
    counts.mirrored(mirror.name, "answers", perf_counter() - started, common(given, beside))
