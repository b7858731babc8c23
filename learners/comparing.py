"""Which rows of a batch bear marks of serving, and what learning read where they say something. Changes nothing but
the figures."""

from __future__ import annotations

import numpy as np

from learners.counters import Counters
from learners.layout import Layout
from learners.learner import Ints
from learners.skew import FLAG, ITEM_RATE, MARK, USER_RATE, Skew


def compare(skew: Skew, place: Layout, found_N: Ints, counters: Counters) -> None:
    """Compare a batch that is about to be counted: fields of its askers, and the rates of its users and first items,
    each once, at the row that decides the first label."""
    f = place.features
    marked_S = np.array([FLAG in shot.context for shot in f.shot_S], np.bool_)
    if not marked_S.any():
        return
    at_R = np.flatnonzero(f.first_R & (f.position_R == 0) & marked_S[f.shot_R])
    for row, shot in zip(at_R.tolist(), f.shot_R[at_R].tolist(), strict=True):
        context = f.shot_S[shot].context
        skew.see_asker(f.columns, shot, context)
        for name, at in ((ITEM_RATE, place.item_R[row]), (USER_RATE, place.user_R[row])):
            served = context.get(f"{MARK}{name}")
            if served is not None:
                found = found_N[[at]] if at >= 0 else np.array([-1])
                skew.see(name, served, float(counters.stats(found)[0, 0]), number=True)
