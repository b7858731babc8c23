"""What the guard is told and what it says. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]
Kind = Literal["level", "rank", "lost"]
Verdict = Literal["hold", "return", "accept", "ask"]
Order = Literal["accept", "refuse"]


@dataclass(frozen=True, slots=True)
class Told:
    """A batch: logits that the live model and its shadow gave before learning it, labels, groups.

    Column 0 of `group_BA` is 0 (everyone), each further one holds the group of the row on an axis; numbers are global
    over axes. `ok_B`: the row is finite and its label 0 or 1. `announced_G` and `delivered_G` are clicks since the last
    batch, by group, where a producer counts them.
    """

    logit_B: Doubles
    shadow_B: Doubles | None
    value_B: Doubles
    group_BA: Longs
    ok_B: Bools
    announced_G: Doubles | None = None
    delivered_G: Doubles | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed for a group. Batches are counted from 0: `since` is where the evidence began, `first` the
    batch of the alarm, `clean` the first that may be learned on a return, `seen` how many were held. `factor` is that
    of the odds, `slope` against the usual one; `why` is for an operator to read."""

    verdict: Verdict
    group: int
    kind: Kind
    since: int
    first: int
    clean: int
    seen: int
    factor: float
    slope: float
    auc_live: float
    auc_shadow: float
    why: str


@dataclass(frozen=True, slots=True)
class HeldView:
    """A group that is not learned at present, in plain figures; `proven` is nats for its ranking, `learned_in` the
    batches until a moved level is learned if nobody acts."""

    group: int
    kind: Kind
    since: int
    first: int
    seen: int
    factor: float
    slope: float
    auc_live: float
    auc_shadow: float
    proven: float
    learned_in: int
    order: Order | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Which rows may be learned now, which are held, and what changed."""

    live_B: Bools
    held_B: Bools
    events: tuple[Event, ...]
