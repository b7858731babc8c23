"""One answer per request: the bundle is read once, and the highest rung that can answer does.

model -> cached (the user's last list by a model) -> popular -> latest. What fails on a rung is told in `trouble`, and
the next one answers. No HTTP, no log, no clock here: time and chance come in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Protocol
from zlib import crc32

import numpy as np

from serving.answers import Ask, Placed, Recommendation, Rung, Stamps
from serving.known import Known
from serving.live import Bundle
from serving.model_rung import Deadline, asker_of, by_model, placed, score
from serving.policy import Policy
from serving.reranking import Chosen
from serving.retrieval import Candidates, Shelf, had_enough
from streams.events import Context

CACHED_USERS = 50_000
SHELVES = 6


class Current(Protocol):
    """Who knows what serves now; `serving.live.Live` is the real one."""

    def current(self) -> Bundle | None: ...


class Recommender:
    """What a server answers from. `policy` may be replaced at any moment: the next request reads the new one."""

    def __init__(self, known: Known, live: Current, policy: Policy) -> None:
        self.known = known
        self.live = live
        self.policy = policy
        self._cached: OrderedDict[str, tuple[Stamps, tuple[Placed, ...]]] = OrderedDict()
        self._shelves: OrderedDict[int, tuple[Bundle, Shelf]] = OrderedDict()
        self._served = 0

    def recommend(self, ask: Ask, *, chance: bytes, elapsed: Callable[[], float], keep: bool = True) -> Recommendation:
        """The list for one request. `chance` decides exploration; `elapsed` gives the ms since it came; `keep` whether
        the list may be the next request's cached rung."""
        bundle = self.live.current()
        policy, history_at = self.policy, self.known.profile(ask.user_id).history_at
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
                )
            except Exception as error:  # an answer from a lower rung beats none; the shell counts and tells it
                trouble.append(f"{type(error).__name__}: {error}")
            else:
                if items:
                    if keep:
                        self._keep(ask.user_id, stamps, items)
                    marks = self._marks(ask, bundle, items[0].item_id, chance)
                    return Recommendation(bundle.version, "model", history_at, items, stamps, marks=marks)
        return self._lower(ask, bundle, history_at, tuple(trouble))

    def rank(self, ask: Ask, item_ids: list[str]) -> Recommendation:
        """The given items that may be shown, best first; by click rate where no model can say."""
        bundle = self.live.current()
        open_ids = [name for name in dict.fromkeys(item_ids) if self.known.stock.open_at(name, ask.at)]
        trouble: tuple[str, ...] = ()
        if bundle is not None:
            self._notice(bundle)
            try:
                return self._ranked(ask, bundle, open_ids)
            except Exception as error:  # as above
                trouble = (f"{type(error).__name__}: {error}",)
        rates = self.known.view.rates(self.known.stock.codes(open_ids)).tolist()
        by_rate = sorted(zip(open_ids, rates, strict=True), key=lambda pair: -pair[1])
        items = tuple(Placed(name, n, rate, "given") for n, (name, rate) in enumerate(by_rate))
        return Recommendation(0, "popular", self.known.profile(ask.user_id).history_at, items, None, trouble)

    def _marks(self, ask: Ask, bundle: Bundle, first: str, chance: bytes) -> Context:
        """What the features were, for the share of lists that says so."""
        if crc32(chance) >= self.policy.logged * (1 << 32):
            return {}
        return bundle.scorer.marks(asker_of(ask, self.known.profile(ask.user_id)), first)

    def _ranked(self, ask: Ask, bundle: Bundle, item_ids: list[str]) -> Recommendation:
        profile = self.known.profile(ask.user_id)
        found = Candidates(item_ids, ["given"] * len(item_ids), bundle.scorer.rows_of(item_ids))
        scored = score(bundle, self.known, asker_of(ask, profile), found, profile=profile, policy=self.policy)
        order, values = np.argsort(-scored.value_I, kind="stable").tolist(), scored.value_I.tolist()
        items = tuple(placed(scored, bundle, n, Chosen(index, 1.0), values[index]) for n, index in enumerate(order))
        return Recommendation(bundle.version, "model", profile.history_at, items, scored.stamps)

    def similar(self, item_id: str, n: int, at: int) -> Recommendation | None:
        """Items like one; None where it was never heard of or may not be shown.

        By vectors where the version knows the item, else what was wanted together with it, else what is popular.
        """
        bundle, stock = self.live.current(), self.known.stock
        row = -1 if bundle is None else int(bundle.scorer.rows_of([item_id])[0])
        if not stock.open_at(item_id, at) or (row < 0 and stock.find(item_id) < 0):
            return None
        if bundle is not None and row >= 0:
            self._notice(bundle)
            hide_N = self._shelf(bundle).hidden(at)
            hide_N[row] = 1
            rows, scores = bundle.generation.search(bundle.scorer.item_vectors[row], n, hide_N)
            names = [bundle.scorer.item_ids[row] for row in rows.tolist()]
            stamps = Stamps(bundle.scorer.tower_version, bundle.scorer.tower_version, bundle.generation.version)
            items = self._placed(zip(names, scores.tolist(), strict=True), "similar", n, at)
            return Recommendation(bundle.version, "model", None, items, stamps)
        popular = [name for name in self.known.view.popular if name != item_id]
        near = self.known.near([item_id], 2 * n) or self._rated(popular)
        return Recommendation(0, "popular", None, self._placed(near, "covisited", n, at))

    def _lower(
        self, ask: Ask, bundle: Bundle | None, history_at: int | None, trouble: tuple[str, ...]
    ) -> Recommendation:
        enough = had_enough(self.known.profile(ask.user_id), self.policy.seen, ask.at)
        stamps, kept = self._cached.get(ask.user_id, (None, ()))
        if bundle is not None and stamps is not None and stamps.ranking <= bundle.version:
            again = [(item.item_id, item.score) for item in kept if item.item_id not in enough]
            items = self._filled(ask, "cached", again, enough)
            if any(item.source == "cached" for item in items):
                return Recommendation(stamps.ranking, "cached", history_at, items, stamps, trouble)
        items = self._filled(ask, "popular", [], enough)
        rung: Rung = "popular" if any(item.source == "popular" for item in items) else "latest"
        return Recommendation(0, rung, history_at, items, None, trouble)

    def _filled(
        self, ask: Ask, source: str, first: list[tuple[str, float]], enough: frozenset[str]
    ) -> tuple[Placed, ...]:
        """`first`, then popular, then new items, then those the user had enough of, until there are `n`."""
        view = self.known.view
        shelves = [(source, first), ("popular", self._rated(view.popular)), ("latest", self._rated(view.latest))]
        barred = ask.exclude | ({ask.query_item_id} if ask.query_item_id else set())
        taken: dict[str, tuple[float, str]] = {}
        for tired in (False, True):
            for source, listed in shelves:
                for name, worth in listed:
                    if len(taken) == ask.n:
                        break
                    fits = name not in barred and name not in taken and (tired or name not in enough)
                    if fits and self.known.stock.open_at(name, ask.at):
                        taken[name] = (worth, source)
        return tuple(Placed(name, n, worth, origin) for n, (name, (worth, origin)) in enumerate(taken.items()))

    def _placed(self, scored: Iterable[tuple[str, float]], source: str, n: int, at: int) -> tuple[Placed, ...]:
        shown = [(name, worth) for name, worth in scored if self.known.stock.open_at(name, at)][:n]
        return tuple(Placed(name, place, worth, source) for place, (name, worth) in enumerate(shown))

    def _rated(self, item_ids: Sequence[str]) -> list[tuple[str, float]]:
        rates = self.known.view.rates(self.known.stock.codes(item_ids)).tolist()
        return list(zip(item_ids, rates, strict=True))

    def _shelf(self, bundle: Bundle) -> Shelf:
        held = self._shelves.get(bundle.version)
        if held is None or held[0] is not bundle:
            held = self._shelves[bundle.version] = bundle, Shelf(bundle, self.known.stock)
            while len(self._shelves) > SHELVES:
                self._shelves.popitem(last=False)
        return held[1]

    def _notice(self, bundle: Bundle) -> None:
        if bundle.version < self._served:
            self._cached.clear()  # lists of a version that was taken back must not come again
        self._served = bundle.version

    def _keep(self, user_id: str, stamps: Stamps, items: tuple[Placed, ...]) -> None:
        self._cached[user_id] = stamps, items
        self._cached.move_to_end(user_id)
        if len(self._cached) > CACHED_USERS:
            self._cached.popitem(last=False)
