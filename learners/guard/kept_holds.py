"""Holds as arrays and back, so that a restart in the middle of one changes nothing."""

from __future__ import annotations

import numpy as np

from learners.guard.evidence import Blame
from learners.guard.holds import Hold
from learners.guard.words import Doubles, Kind, Order
from learners.keeping import Arrays

KINDS: tuple[Kind, ...] = ("level", "rank", "lost")
ORDERS: tuple[Order | None, ...] = (None, "accept", "refuse")


def dumped(holds: list[Hold]) -> Arrays:
    """All of them, in their order."""
    arrays: Arrays = {"holds": np.array([_figures(hold) for hold in holds], np.float64)}
    for at, hold in enumerate(holds):
        arrays[f"hold{at}.window"] = np.concatenate([np.zeros((3, 0)), *hold.window], axis=1)
        arrays[f"hold{at}.rows"] = np.array([part.shape[1] for part in hold.window], np.int64)
        arrays[f"hold{at}.gains"] = np.array(hold.gains, np.float64).reshape(-1, 3)
    return arrays


def loaded(arrays: Arrays) -> list[Hold]:
    """What `dumped` gave."""
    return [_hold(figures, arrays, f"hold{at}.") for at, figures in enumerate(arrays["holds"])]


def _figures(hold: Hold) -> list[float]:
    blame = hold.blame
    return [
        blame.group, KINDS.index(blame.kind), blame.since, blame.step, hold.first, hold.against, hold.shown,
        hold.proven, hold.seen, hold.asked, hold.missing, ORDERS.index(hold.order), hold.clean, *hold.fit_P,
        *hold.nats_W, *hold.run_W, *hold.clean_W, *hold.before_W,
    ]  # fmt: skip


def _hold(figures: Doubles, arrays: Arrays, name: str) -> Hold:
    group, kind, since, step, first, against, shown, proven, seen, asked, missing, order, clean, *pairs = (
        figures.tolist()
    )
    fit, nats, run, clean_w, before = (np.array(pairs[at : at + 2]) for at in range(0, 10, 2))
    cuts = np.cumsum(arrays[name + "rows"])[:-1]
    window = [part.copy() for part in np.split(arrays[name + "window"], cuts, axis=1)] if len(cuts) + 1 else []
    gains = [(float(a), float(b), float(c)) for a, b, c in arrays[name + "gains"]]
    blame = Blame(int(group), KINDS[int(kind)], int(since), step)
    return Hold(
        blame, int(first), fit, window, gains, nats, run, clean_w, before, against, shown, proven, int(seen),
        bool(asked), bool(missing), ORDERS[int(order)], int(clean),
    )  # fmt: skip
