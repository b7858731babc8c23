"""How a version and a policy would have filled a slate that another one showed, for off-policy estimates.

The same stages as of a request, but nothing is drawn: each place of the slate is asked for its chance.
"""

from __future__ import annotations

from collections.abc import Sequence

from serving.answers import Ask
from serving.known import Known
from serving.live import Bundle
from serving.model_rung import asker_of, considered, profile_of, seed_of
from serving.policy import Policy
from serving.pooling import pool_of
from serving.reranking import Foreseen, foreseen
from serving.scoring import score
from serving.shelf import Shelf


def foreseen_slate(
    ask: Ask, bundle: Bundle, known: Known, shelf: Shelf, shown: Sequence[str], *, policy: Policy, label: str
) -> tuple[list[Foreseen], list[float]]:
    """How this version and policy would have filled a slate that was shown, place by place, and the chance of `label`
    that it gives to each item shown; 0 for what it would not have considered."""
    profile = profile_of(ask, known)
    asker = asker_of(ask, profile)
    found = considered(ask, asker, bundle, known, shelf, policy=policy)
    scored = score(bundle, known, asker, found, profile=profile, policy=policy)
    pool = pool_of(scored.worth, bundle, known, count=ask.n, policy=policy, seed=seed_of(ask))
    place_of = {found.item_ids[index]: place for place, index in enumerate(pool.index_P.tolist())}
    places = [place_of.get(name, -1) for name in shown]
    worth_P = scored.probability_IL[pool.index_P, bundle.scorer.labels.index(label)]
    told = foreseen(
        pool.value,
        pool.like_PP,
        places,
        worth_P,
        diversity=policy.diversity,
        epsilon=policy.epsilon,
        limits=pool.limits,
        drawn_DI=pool.drawn_DP,
    )
    return told, [float(worth_P[place]) if place >= 0 else 0.0 for place in places]
