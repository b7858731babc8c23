"""From rules to other rules over what a server knows of one partition.

A function of what is known and of both rules alone, done before the first frame that the new rules judge. Catalogue,
users, pairs and sums are carried over: sums that fade otherwise from here on keep what they weigh now, and bounds that
were made smaller take hold at the next event of a user or an item, as in the joiner; with another window in which items
follow, what was counted in the old one fades away. Time never goes back, and what the old rules had forgotten never
matters again. Nothing here feeds a fold.
"""

from __future__ import annotations

import numpy as np

from serving.covisitation import Covisitation
from serving.decay import Decay
from serving.feedback import Feedbacks
from serving.fold_rules import FoldRules
from serving.following import Following
from serving.part import Part
from serving.popularity import Popularity
from serving.profiles import Profiles


def change_over(part: Part, rules: FoldRules) -> None:
    """Let `part` go on with other rules.

    >>> part = Part(0, 1, FoldRules(history=9))
    >>> change_over(part, FoldRules(history=3)); part.rules.history
    3
    """
    old, at = part.rules, part.newest
    profiles = Profiles(history=rules.history, history_of=rules.history_of, seen=rules.seen)
    profiles.users = part.profiles.users
    part.profiles = profiles
    part.popularity = _popularity(part.popularity, old, rules, at)
    part.covisitation = _covisitation(part.covisitation, old, rules, at)
    feedback = Feedbacks(rules.feedback)
    for user_id, row in part.feedback.told() if rules.feedback else ():
        feedback.take(user_id, row)
    part.feedback = feedback
    part.following = _following(part.following, old, rules, at)
    part.judge_by(rules)


def _popularity(standing: Popularity, old: FoldRules, new: FoldRules, at: int) -> Popularity:
    item_ids, slow_origin, fast_origin, told = standing.told()
    slow, slow_origin = _regrown(old.slow_half_life, slow_origin, new.slow_half_life, at)
    fast, fast_origin = _regrown(old.fast_half_life, fast_origin, new.fast_half_life, at)
    sums = np.frombuffer(told, np.float64).reshape(-1, 4) * np.array([slow, slow, fast, fast])
    popularity = Popularity(slow=new.slow_half_life, fast=new.fast_half_life)
    popularity.take(list(item_ids), slow_origin, fast_origin, sums.tobytes())
    return popularity


def _covisitation(standing: Covisitation, old: FoldRules, new: FoldRules, at: int) -> Covisitation:
    factor, origin = _regrown(old.covisit_half_life, standing.origin, new.covisit_half_life, at)
    pairs = standing.pairs
    if factor != 1.0:
        pairs = {one: {other: weight * factor for other, weight in near.items()} for one, near in pairs.items()}
    covisitation = Covisitation(
        half_life=new.covisit_half_life,
        window=new.covisit_window,
        clicks=new.covisit_clicks,
        keep=new.covisit_keep,
    )
    covisitation.take(pairs, origin)
    return covisitation


def _following(standing: Following, old: FoldRules, new: FoldRules, at: int) -> Following:
    following = Following(half_life=new.covisit_half_life, window=new.follow_window)
    if new.follow_window:
        item_ids, origin, told = standing.told()
        factor, origin = _regrown(old.covisit_half_life, origin, new.covisit_half_life, at)
        following.take(list(item_ids), origin, (np.frombuffer(told, np.float64) * factor).tobytes())
    return following


def _regrown(old: int, origin: int, new: int, at: int) -> tuple[float, int]:
    """What sums must be multiplied by to weigh at `at` what they did, and the origin that they grow from then.

    >>> _regrown(100, 0, 100, at=300), _regrown(100, 0, 50, at=300)
    ((1.0, 0), (8.0, 0))
    """
    if old == new:
        return 1.0, origin
    fresh = Decay(new)
    fresh.advance(at)
    return Decay(old, origin).now(at) * fresh.weight(at), fresh.origin
