"""The lines that a guard has written: what it accepted, which is only to be read, and what it gave up on, as masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from learners.refusing import Refuses, acceptances, refusal
from streams.decisions import DecisionLog


def decided(
    learner: Refuses, decisions: DecisionLog | None, partitions: Sequence[int], clock: Callable[[], int]
) -> int:
    """Write down what a guard accepted and gave up on, where there is a place for it; the guard forgets it by that. How
    many entries the mask got."""
    (returned, learner.returned), (accepted, learner.accepted) = (learner.returned, []), (learner.accepted, [])
    if decisions is None:
        return 0
    for told in acceptances(accepted, decisions.fold.lines, at=clock(), seen=decisions.fold.position):
        decisions.decide(told)
    if not returned:
        return 0
    line = refusal(returned, partitions, at=clock(), seen=decisions.fold.position)
    return len(line.add) if decisions.decide(line)[1] else 0
