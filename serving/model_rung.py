"""The full way of a list: filter, retrieve, rank, value, rerank, by one bundle.

Time is looked at between stages, so that a lower rung can still answer. What candidates are worth is for `scoring.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from serving.answers import Ask, Placed, Stamps, Why
from serving.filling import barred_by
from serving.filtering import Passing
from serving.known import Known
from serving.live import Bundle
from serving.policy import Policy
from serving.pooling import pool_of
from serving.profiles import Profile
from serving.reranking import Chosen, choose
from serving.retrieval import Candidates, Shelf, had_enough, retrieve
from serving.scorer import Asker
from serving.scoring import Scored, score
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
        items = tuple(replace(one, position=ask.shown + one.position) for one in items)
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
    return look(barred=barred) if len(found.item_ids) < ask.n and enough else found


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
    places = []
    for place, one in enumerate(chosen):
        at = replace(one, index=int(pool.index_P[one.index]))
        told = placed(
            scored,
            bundle,
            place,
            at,
            float(pool.value_I[at.index]),
            kept=float(pool.kept_I[at.index]),
            promoted=promoted_P is not None and bool(promoted_P[one.index]),
        )
        places.append(told)
    return tuple(places)


def placed(
    scored: Scored,
    bundle: Bundle,
    position: int,
    chosen: Chosen,
    value: float,
    *,
    kept: float = 1.0,
    promoted: bool = False,
) -> Placed:
    """One place of an answer, with its reasons."""
    at = chosen.index
    predictions = dict(zip(bundle.scorer.labels, scored.probability_IL[at].tolist(), strict=True))
    why = Why(
        predictions,
        float(scored.value_I[at]),
        scored.shown[at],
        scored.weights,
        kept,
        chosen.explored,
        {name: float(added_I[at]) for name, added_I in scored.added.items()},
        promoted,
    )
    found = scored.found
    return Placed(found.item_ids[at], position, value, found.sources[at], chosen.propensity, why)
