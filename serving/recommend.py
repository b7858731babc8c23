"""One answer per request: the bundle is read once, and the highest rung that can answer does.

model -> cached (the user's last list by a model) -> popular -> latest. What fails on a rung is told in `trouble`, and
the next one answers. No HTTP, no log, no clock here: time and chance come in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Protocol
from zlib import crc32

import numpy as np

from serving.answers import Ask, Placed, Recommendation, Rung, Stamps
from serving.candidates import Candidates
from serving.filling import Rated, barred_by, filled, may_show, rated
from serving.filter_terms import Filter
from serving.filtering import Passing
from serving.known import Known
from serving.live import Bundle
from serving.model_rung import Deadline, asker_of, by_model, placed, profile_of
from serving.policy import Policy
from serving.reranking import Chosen
from serving.retrieval import had_enough
from serving.scoring import score
from serving.shelf import Shelf
from streams.events import Context

CACHED_USERS = 50_000
SHELVES = 6
CLOSE = 4
"""Of so many times as many items like one a user gets those that they would rather have."""


def asked_of(policy: Policy, ask: Ask) -> Policy:
    """The operator's policy, with what a request asks for itself.

    >>> asked_of(Policy(epsilon=0.1), Ask("ana", 1, at=9, diversity=0.5)).diversity
    0.5
    """
    asked = {"diversity": ask.diversity, "epsilon": ask.epsilon, "deadline": ask.deadline}
    changes: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return replace(policy, **changes) if changes else policy


class Current(Protocol):
    """Who knows what serves now; `serving.live.Live` is the real one."""

    def current(self) -> Bundle | None: ...


class Recommender:
    """What a server answers from. `policy` may be replaced at any moment: the next request reads the new one."""

    def __init__(self, known: Known, live: Current, policy: Policy) -> None:
        self.known = known
        self.live = live
        self.policy = policy
        self._cached: OrderedDict[str, tuple[int, Stamps, tuple[Placed, ...]]] = OrderedDict()
        self._shelves: OrderedDict[int, tuple[Bundle, Shelf]] = OrderedDict()
        self._served, self._taken_back = 0, 0

    def recommend(self, ask: Ask, *, chance: bytes, elapsed: Callable[[], float], keep: bool = True) -> Recommendation:
        """The list for one request. `chance` decides exploration; `elapsed` gives the ms since it came; `keep` whether
        the list may be the next request's cached rung. Raises BadFilter where the filter names what no item has."""
        return self._filtered(ask, lambda one: self._recommend(one, chance=chance, elapsed=elapsed, keep=keep))

    def rank(self, ask: Ask, item_ids: list[str]) -> Recommendation:
        """The given items that may be shown, best first; by click rate where no model can say. Raises BadFilter."""
        return self._filtered(ask, lambda one: self._rank(one, item_ids))

    def similar(
        self,
        item_id: str,
        n: int,
        at: int,
        wanted: Filter | None = None,
        strict: bool = True,
        exclude: frozenset[str] = frozenset(),
        user_id: str = "",
    ) -> Recommendation | None:
        """Items like one; None where it was never heard of or may not be shown. Raises BadFilter.

        By vectors where the version knows the item, else what was wanted together with it, then what is popular. For a
        user the nearest few times as many are put in the order of what they are worth to them.
        """
        bundle, stock = self.live.current(), self.known.stock
        row = -1 if bundle is None else int(bundle.scorer.rows_of([item_id])[0])
        if not stock.open_at(item_id, at) or (row < 0 and stock.find(item_id) < 0):
            return None
        ask = Ask(user_id, n, at, query_item_id=item_id, filter=wanted, strict=strict, exclude=exclude)
        if bundle is not None and row >= 0:
            self._notice(bundle)
            return self._filtered(ask, lambda one: self._near(one, bundle, row))
        return self._filtered(ask, lambda one: self._along(one, item_id))

    def _filtered(self, ask: Ask, answer: Callable[[Ask], Recommendation]) -> Recommendation:
        """An answer that says whether it was filtered; one that nothing passed is not, where the request allows it."""
        given = answer(ask)
        if ask.filter is None:
            return given
        if given.items or ask.strict:
            return replace(given, filtered="kept")
        return replace(answer(replace(ask, filter=None)), filtered="dropped")

    def _recommend(self, ask: Ask, *, chance: bytes, elapsed: Callable[[], float], keep: bool) -> Recommendation:
        bundle = self.live.current()
        policy, history_at = asked_of(self.policy, ask), profile_of(ask, self.known).history_at
        passing = self._passing(ask)
        trouble: list[str] = []
        if bundle is not None:
            self._notice(bundle)
            try:
                items, stamps = by_model(
                    ask,
                    bundle,
                    self.known,
                    self._shelf(bundle),
                    policy=policy,
                    random=Random(chance),
                    deadline=Deadline(elapsed, policy.deadline),
                    passing=passing,
                )
            except Exception as error:  # an answer from a lower rung beats none; the shell counts and tells it
                trouble.append(f"{type(error).__name__}: {error}")
            else:
                if items:
                    if keep and passing is None and not ask.shown:  # a part of what there is would be a poor next list
                        self._keep(ask.user_id, stamps, items)
                    marks = self._marks(ask, bundle, items[0].item_id, chance)
                    return Recommendation(bundle.version, "model", history_at, items, stamps, marks=marks)
        return self._lower(ask, bundle, history_at, tuple(trouble), passing)

    def _rank(self, ask: Ask, item_ids: list[str]) -> Recommendation:
        bundle, passing = self.live.current(), self._passing(ask)
        names = dict.fromkeys(item_ids)
        open_ids = [name for name in names if name not in ask.exclude and may_show(self.known, name, ask.at, passing)]
        trouble: tuple[str, ...] = ()
        if bundle is not None:
            self._notice(bundle)
            try:
                return self._ranked(ask, bundle, open_ids)
            except Exception as error:  # as above
                trouble = (f"{type(error).__name__}: {error}",)
        by_rate = sorted(rated(self.known, open_ids), key=lambda pair: -pair[1])
        items = tuple(Placed(name, n, rate, "given") for n, (name, rate) in enumerate(by_rate))
        return Recommendation(0, "popular", profile_of(ask, self.known).history_at, items, None, trouble)

    def _marks(self, ask: Ask, bundle: Bundle, first: str, chance: bytes) -> Context:
        """What the features were, for the share of lists that says so."""
        if crc32(chance) >= self.policy.logged * (1 << 32):
            return {}
        return bundle.scorer.marks(asker_of(ask, profile_of(ask, self.known)), first)

    def _ranked(self, ask: Ask, bundle: Bundle, item_ids: list[str]) -> Recommendation:
        profile = profile_of(ask, self.known)
        found = Candidates.given(item_ids, "given", bundle)
        scored = score(bundle, self.known, asker_of(ask, profile), found, profile=profile, policy=self.policy)
        order_I = np.argsort(-scored.value_I, kind="stable")
        chosen = [Chosen(index, 1.0) for index in order_I.tolist()]
        items = placed(scored, bundle, chosen, scored.value_I[order_I].tolist())
        return Recommendation(bundle.version, "model", profile.history_at, items, scored.stamps)

    def _near(self, ask: Ask, bundle: Bundle, row: int) -> Recommendation:
        """The items whose vectors are nearest to a row's; what the version does not know comes last."""
        hide_N = self._shelf(bundle).hidden(ask.at, self._passing(ask))
        barred = bundle.scorer.rows_of(list(barred_by(ask)))
        hide_N[barred[barred >= 0]] = 1
        count = CLOSE * ask.n if ask.user_id else ask.n
        rows, scores = bundle.generation.search(bundle.scorer.item_vectors[row], count, hide_N)
        names = [bundle.scorer.item_ids[row] for row in rows.tolist()]
        if ask.user_id:
            return self._near_to(ask, bundle, names)
        stamps = Stamps(bundle.scorer.tower_version, bundle.scorer.tower_version, bundle.generation.version)
        near = list(zip(names, scores.tolist(), strict=True))
        return Recommendation(bundle.version, "model", None, self._placed(near, "similar", ask), stamps)

    def _near_to(self, ask: Ask, bundle: Bundle, names: list[str]) -> Recommendation:
        """Items that are near each other as one user would have them; what they had enough of comes last."""
        profile = profile_of(ask, self.known)
        found = Candidates.given(names, "similar", bundle)
        scored = score(bundle, self.known, asker_of(ask, profile), found, profile=profile, policy=self.policy)
        order = np.argsort(-scored.value_I, kind="stable").tolist()
        liked = [(names[index], float(scored.value_I[index])) for index in order]
        enough = had_enough(profile, self.policy.seen, ask.at)
        items = self._placed(liked, "similar", ask, enough)
        return Recommendation(bundle.version, "model", profile.history_at, items, scored.stamps)

    def _along(self, ask: Ask, item_id: str) -> Recommendation:
        """What was wanted together with an item, then what is popular."""
        near = self.known.near([item_id], 2 * ask.n)
        return Recommendation(0, "popular", None, self._placed(near, "covisited", ask))

    def _placed(self, near: Rated, source: str, ask: Ask, enough: frozenset[str] = frozenset()) -> tuple[Placed, ...]:
        return filled(ask, self.known, source, near, enough=enough, passing=self._passing(ask))

    def _lower(
        self,
        ask: Ask,
        bundle: Bundle | None,
        history_at: int | None,
        trouble: tuple[str, ...],
        passing: Passing | None,
    ) -> Recommendation:
        enough = had_enough(profile_of(ask, self.known), self.policy.seen, ask.at) | ask.done
        fill = partial(filled, ask, self.known, enough=enough, passing=passing)
        taken_back, stamps, kept = self._cached.get(ask.user_id, (0, None, ()))
        if bundle is not None and stamps is not None and taken_back == self._taken_back:
            again = [(item.item_id, item.score) for item in kept if item.item_id not in enough]
            items = fill("cached", again)
            if any(item.source == "cached" for item in items):
                return Recommendation(stamps.ranking, "cached", history_at, items, stamps, trouble)
        items = fill("popular", [])
        rung: Rung = "popular" if any(item.source == "popular" for item in items) else "latest"
        return Recommendation(0, rung, history_at, items, None, trouble)

    def _passing(self, ask: Ask) -> Passing | None:
        return None if ask.filter is None else self.known.stock.passing(ask.filter)

    def make_ready(self, bundle: Bundle) -> None:
        """Look up the items of a version that may serve soon: of a million that is a second which no request has."""
        self._shelf(bundle)

    def _shelf(self, bundle: Bundle) -> Shelf:
        held = self._shelves.get(bundle.version)
        if held is None or held[0] is not bundle:
            before = next((shelf for _, shelf in reversed(self._shelves.values())), None)
            held = self._shelves[bundle.version] = bundle, Shelf(bundle, self.known.stock, before)
            while len(self._shelves) > SHELVES:
                self._shelves.popitem(last=False)
        return held[1]

    def _notice(self, bundle: Bundle) -> None:
        if bundle.version < self._served:
            self._taken_back += 1  # lists of such a version must not come again; to forget all takes too long
        self._served = bundle.version

    def _keep(self, user_id: str, stamps: Stamps, items: tuple[Placed, ...]) -> None:
        self._cached[user_id] = self._taken_back, stamps, items
        self._cached.move_to_end(user_id)
        if len(self._cached) > CACHED_USERS:
            self._cached.popitem(last=False)
