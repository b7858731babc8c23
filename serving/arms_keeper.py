"""The loop that keeps what is tried up with the decisions, beside the bundle that serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from serving.arms import Arms
from serving.live import BundleKeeper, Kept


def keep_arms(keeper: BundleKeeper, arms: Arms) -> Iterator[Kept]:
    """One report a turn, for ever: 1. the keeper's own turn; 2. where experiments or bundles are others now, requests
    choose among those; what can't be served is told once."""
    before: tuple[object, ...] = ()
    while True:
        kept = keeper.turn()
        running = keeper.running()
        now = (*running, *sorted(keeper.experiments.overlay().items()), *kept.warm)
        if now != before:
            troubles = arms.tries(running, keeper.experiments.overlay(), keeper.warm)
            before = now
            kept = replace(kept, trouble="; ".join(filter(None, (kept.trouble, *troubles))))
        yield kept
