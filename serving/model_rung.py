"""The full way of a list: filter, retrieve, rank, value, rerank, by one bundle.

Each stage gives the version that its own arrays say; they are compared before anything is given back. Time is looked at
between stages, so that a lower rung can still answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

import numpy as np

from serving.answers import Ask, Placed, Stamps, Why
from serving.filling import barred_by
from serving.filtering import Passing
from serving.known import Known
from serving.live import Bundle
from serving.policy import Policy
from serving.pooling import Worth, pool_of
from serving.profiles import Profile
from serving.ranking import Floats, bids_of, predicted, value_of, weights_of
from serving.reranking import Chosen, Foreseen, choose, foreseen
from serving.retrieval import Candidates, Shelf, had_enough, retrieve
from serving.scorer import Asker
from streams.errors import HeadraceError

NEVER = (0, 0)
"""Showings of an item that was never shown, and when."""


class MixedVersions(HeadraceError):
    """Two stages used arrays of different versions."""


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


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with predictions, values by `weights`, and how often each was shown in vain."""

    found: Candidates
    probability_IL: Floats
    value_I: Floats
    shown: list[int]
    stamps: Stamps
    weights: dict[str, float] = field(default_factory=dict)
    added: dict[str, Floats] = field(default_factory=dict)
    """What else is in the values, by its name."""

    @property
    def worth(self) -> Worth:
        """What pools are made of."""
        weight_L = np.array(list(self.weights.values()), np.float32)
        return Worth(self.found, self.value_I, self.probability_IL, weight_L, self.shown)


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


def score(bundle: Bundle, known: Known, asker: Asker, found: Candidates, *, profile: Profile, policy: Policy) -> Scored:
    """Predictions and values of candidates; MixedVersions where the stages' own stamps differ."""
    scorer, row_I = bundle.scorer, found.row_I
    known_IL = scorer.score(asker, row_I[row_I >= 0])
    stamps = Stamps(scorer.tower_version, scorer.ranker_version, bundle.generation.version)
    if stamps.mixed:
        raise MixedVersions(
            f"the towers are of version {stamps.retrieval}, the ranker of {stamps.ranking}, the index of "
            f"{stamps.generation}: a generation's folder was changed. See `headrace versions show {bundle.version}`"
        )
    unknown = [found.item_ids[index] for index in np.flatnonzero(row_I < 0).tolist()]
    probability_IL = predicted(known_IL, row_I, known.view.rates(known.stock.codes(unknown)))
    weight_L = weights_of(scorer.labels, policy.weights)
    seen = profile.seen.copy()
    shown = [seen.get(name, NEVER)[0] for name in found.item_ids] if seen else [0] * len(found.item_ids)
    weights = dict(zip(scorer.labels, weight_L.tolist(), strict=True))
    added = added_to(found, probability_IL, scorer.labels, known, policy)
    value_I: Floats = sum(added.values(), start=value_of(probability_IL, weight_L))
    return Scored(found, probability_IL, value_I, shown, stamps, weights, added)


def added_to(
    found: Candidates, probability_IL: Floats, labels: Sequence[str], known: Known, policy: Policy
) -> dict[str, Floats]:
    """What is in values beside the predicted labels, by its name; nothing that is not asked for is computed."""
    bid, added = policy.bid, dict[str, Floats]()
    codes = known.stock.codes(found.item_ids) if bid.attribute or policy.watch_next else None
    if codes is not None and bid.attribute and bid.label in labels:
        bid_I = known.stock.numbers(bid.attribute, codes)
        added["bid"] = bids_of(bid_I, probability_IL[:, labels.index(bid.label)], bid.weight)
    if codes is not None and policy.watch_next and bid.label in labels:
        chance_I = probability_IL[:, labels.index(bid.label)]
        added["watch_next"] = (policy.watch_next * chance_I * known.view.followed(codes)).astype(np.float32)
    return added


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
