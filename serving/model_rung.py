"""The full way of a list: filter, retrieve, rank, value, rerank, by one bundle.

Each stage gives the version that its own arrays say; they are compared before anything is given back. Time is looked at
between stages, so that a lower rung can still answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from serving.answers import Ask, Placed, Stamps, Why
from serving.known import Known
from serving.live import Bundle
from serving.policy import Policy
from serving.profiles import Profile
from serving.ranking import Floats, predicted, value_of, weights_of
from serving.reranking import Chosen, choose, demoted, likeness
from serving.retrieval import Candidates, Shelf, had_enough, retrieve
from serving.scorer import Asker
from streams.errors import HeadraceError

POOL = 60
"""How many of the best are considered for each other's company, beside new items."""


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
    """Candidates with predictions, values, and how often each was shown in vain."""

    found: Candidates
    probability_IL: Floats
    value_I: Floats
    shown: list[int]
    stamps: Stamps


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
    ask: Ask, bundle: Bundle, known: Known, shelf: Shelf, *, policy: Policy, random: Random, deadline: Deadline
) -> tuple[tuple[Placed, ...], Stamps]:
    """The places of a list, and who made them. Raises DeadlinePassed or MixedVersions.

    1. bar what is excluded and what the user had enough of, retrieve; too few: let the latter back; 2. score;
    3. compare the stamps; 4. demote, diversify, explore.
    """
    profile = known.profile(ask.user_id)
    asker = asker_of(ask, profile)
    barred = ask.exclude | ({ask.query_item_id} if ask.query_item_id else set())
    enough = had_enough(profile, policy.seen, ask.at)
    found = retrieve(bundle, known, shelf, asker, barred=barred | enough, quotas=policy.quotas, least=ask.n)
    if len(found.item_ids) < ask.n and enough:
        found = retrieve(bundle, known, shelf, asker, barred=barred, quotas=policy.quotas, least=ask.n)
    deadline.check("retrieval")
    scored = score(bundle, known, asker, found, profile=profile, policy=policy)
    deadline.check("ranking")
    return rerank(scored, bundle, known, count=ask.n, policy=policy, random=random), scored.stamps


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
    value_I = value_of(probability_IL, weights_of(scorer.labels, policy.weights))
    seen = profile.seen.copy()
    return Scored(found, probability_IL, value_I, [seen.get(name, (0, 0))[0] for name in found.item_ids], stamps)


def rerank(
    scored: Scored, bundle: Bundle, known: Known, *, count: int, policy: Policy, random: Random
) -> tuple[Placed, ...]:
    """The places, from the best candidates and the new ones."""
    value_I = demoted(scored.value_I, scored.shown, policy.fatigue)
    pool = _pool(value_I, scored.found.sources, max(POOL, 2 * count))
    like_PP = _likeness(scored.found, pool, bundle, known)
    chosen = choose(value_I[pool], like_PP, count, diversity=policy.diversity, epsilon=policy.epsilon, random=random)
    return tuple(
        placed(scored, bundle, place, Chosen(int(pool[one.index]), one.propensity), float(value_I[pool[one.index]]))
        for place, one in enumerate(chosen)
    )


def placed(scored: Scored, bundle: Bundle, position: int, chosen: Chosen, value: float) -> Placed:
    """One place of an answer, with its reasons."""
    at = chosen.index
    predictions = dict(zip(bundle.scorer.labels, scored.probability_IL[at].tolist(), strict=True))
    why = Why(predictions, float(scored.value_I[at]), scored.shown[at])
    found = scored.found
    return Placed(found.item_ids[at], position, value, found.sources[at], chosen.propensity, why)


def _pool(value_I: Floats, sources: list[str], size: int) -> NDArray[np.int64]:
    best = np.argsort(-value_I, kind="stable")
    taken = best[:size].tolist()
    # new items need views before they can be ranked well: chance may choose any of them
    new = [index for index in best[size:].tolist() if sources[index] == "fresh"]
    return np.array(taken + new, np.int64)


def _likeness(found: Candidates, pool: NDArray[np.int64], bundle: Bundle, known: Known) -> Floats:
    row_P = found.row_I[pool]
    has_P = row_P >= 0
    vector_PD = np.where(has_P[:, None], bundle.scorer.item_vectors[np.where(has_P, row_P, 0)], np.float32(0))
    categories = known.stock.categories([found.item_ids[index] for index in pool.tolist()])
    return likeness(vector_PD, categories, has_P)
