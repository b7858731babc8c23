"""The full way of a list: filter, retrieve, rank, value, rerank, by one bundle.

Time is looked at between stages, so that a lower rung can still answer. What candidates are worth is for `scoring.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from random import Random

import msgspec
import numpy as np

from serving.answers import Ask, Placed, Stamps, Why
from serving.candidates import Candidates
from serving.filling import barred_by
from serving.filtering import Passing
from serving.known import Known
from serving.live import Bundle
from serving.policy import Policy
from serving.pooling import pool_of
from serving.profiles import Profile
from serving.reranking import Chosen, choose
from serving.retrieval import had_enough, retrieve
from serving.scorer import Asker
from serving.scoring import Scored, score
from serving.shelf import Shelf
from streams.errors import HeadraceError


class DeadlinePassed(HeadraceError):
    """A stage ended after the request's deadline."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """`elapsed` gives ms since the request came."""

    elapsed: Callable[[], float]
    limit: float

    def check(self, stage: str) -> None:
        spent = self.elapsed()
        if spent > self.limit:
            raise DeadlinePassed(f"after {stage} {spent:.1f} ms were spent, of {self.limit:g}")


def profile_of(ask: Ask, known: Known) -> Profile:
    """What is known of who asks, with what the request tells of their session."""
    profile = known.profile(ask.user_id)
    return profile.then(ask.history) if ask.history else profile


def seed_of(ask: Ask) -> str:
    """What chance derives from that an estimate must be able to repeat: a slate says who asked and when."""
    return f"{ask.user_id} {ask.at}"


def asker_of(ask: Ask, profile: Profile) -> Asker:
    """What the version needs to know of who asks."""
    return Asker(
        ask.user_id,
        profile.until(ask.at),
        ask.surface,
        profile.circumstances | ask.context,
        ask.at,
        query_item_id=ask.query_item_id,
        query_text=ask.query_text,
    )


def by_model(
    ask: Ask,
    bundle: Bundle,
    known: Known,
    shelf: Shelf,
    *,
    policy: Policy,
    random: Random,
    deadline: Deadline,
    passing: Passing | None = None,
) -> tuple[tuple[Placed, ...], Stamps]:
    """The places of a list, and who made them. Raises DeadlinePassed or MixedVersions.

    1. bar what is excluded and what the user had enough of, retrieve; too few: let the latter back; 2. score;
    3. compare the stamps; 4. demote, diversify, explore.
    """
    profile = profile_of(ask, known)
    asker = asker_of(ask, profile)
    found = considered(ask, asker, bundle, known, shelf, policy=policy, passing=passing)
    deadline.check("retrieval")
    scored = score(bundle, known, asker, found, profile=profile, policy=policy)
    deadline.check("ranking")
    items = rerank(scored, bundle, known, count=ask.n, policy=policy, random=random, seed=seed_of(ask))
    if ask.shown:
        items = tuple(msgspec.structs.replace(one, position=ask.shown + one.position) for one in items)
    return items, scored.stamps


def considered(
    ask: Ask,
    asker: Asker,
    bundle: Bundle,
    known: Known,
    shelf: Shelf,
    *,
    policy: Policy,
    passing: Passing | None = None,
) -> Candidates:
    """The candidates of a request; what the user had enough of is among them only where too few are left without."""
    barred = barred_by(ask)
    enough = had_enough(profile_of(ask, known), policy.seen, ask.at) | ask.done
    look = partial(
        retrieve,
        bundle,
        known,
        shelf,
        asker,
        quotas=policy.quotas,
        least=ask.n,
        passing=passing,
        promoted=policy.promotion.wanted,
    )
    found = look(barred=barred | enough)
    return look(barred=barred) if len(found) < ask.n and enough else found


def rerank(
    scored: Scored, bundle: Bundle, known: Known, *, count: int, policy: Policy, random: Random, seed: str = ""
) -> tuple[Placed, ...]:
    """The places, from the best candidates, the promoted and the new ones."""
    pool = pool_of(scored.worth, bundle, known, count=count, policy=policy, seed=seed)
    chosen = choose(
        pool.value,
        pool.like_PP,
        count,
        diversity=policy.diversity,
        epsilon=policy.epsilon,
        random=random,
        limits=pool.limits,
        drawn_DI=pool.drawn_DP,
    )
    promoted_P = pool.limits.promoted_I
    index_K = pool.index_P[[one.index for one in chosen]]
    return placed(
        scored,
        bundle,
        [Chosen(index, one.propensity, one.explored) for one, index in zip(chosen, index_K.tolist(), strict=True)],
        pool.value_I[index_K].tolist(),
        kept=pool.kept_I[index_K].tolist(),
        promoted=[promoted_P is not None and bool(promoted_P[one.index]) for one in chosen],
    )


def placed(
    scored: Scored,
    bundle: Bundle,
    chosen: Sequence[Chosen],
    values: Sequence[float],
    *,
    kept: Iterable[float] = repeat(1.0),
    promoted: Iterable[bool] = repeat(False),
) -> tuple[Placed, ...]:
    """The places of an answer, with their reasons; `values` are those by which they were put in order."""
    found, labels = scored.found, bundle.scorer.labels
    at_K = np.array([one.index for one in chosen], np.int64)
    chance_KL, worth_K = scored.probability_IL[at_K].tolist(), scored.value_I[at_K].tolist()
    added = {name: added_I[at_K].tolist() for name, added_I in scored.added.items()}
    told = zip(chosen, values, chance_KL, worth_K, kept, promoted, strict=False)
    places = []
    for position, (one, value, chance_L, worth, left, is_promoted) in enumerate(told):
        why = Why(
            dict(zip(labels, chance_L, strict=True)),
            worth,
            scored.shown[one.index],
            scored.weights,
            left,
            one.explored,
            {name: added_K[position] for name, added_K in added.items()},
            is_promoted,
        )
        source = found.source(one.index)
        places.append(Placed(found.item_id(one.index), position, value, source, one.propensity, why))
    return tuple(places)
