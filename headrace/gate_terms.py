"""What the gate's two halves are told: the trainer's of a version, the follower's of its index."""

from __future__ import annotations

from headrace.settings import Settings
from learners.gate import Limits
from serving.index_gate import Asked


def limits_of(settings: Settings) -> Limits | None:
    """What a version has to hold; None where it is not measured."""
    told = settings.gate
    if not told.on:
        return None
    return Limits(
        every=told.every,
        rows=told.rows,
        young=told.young,
        calibration=told.calibration,
        ne=told.ne,
        auc=told.auc,
        shift=told.shift,
        order=told.order,
        growth=told.growth,
    )


def asked_of(settings: Settings) -> Asked:
    """What an index has to hold."""
    return Asked(recall=settings.gate.recall, items=settings.gate.items, latency=settings.gate.latency)
