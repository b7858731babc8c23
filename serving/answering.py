"""From a question to an answer that may leave: who answers, the list, the slate in the log, the counts.

Every door asks here, so that what is logged is the same whichever was used. No HTTP here, and no decision about what is
recommended.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

from serving.answers import Ask, Recommendation, slate_of
from serving.arms import Arms
from serving.mirroring import mirrored
from serving.recommend import Recommender
from serving.serving_counts import ServingCounts
from serving.slate_log import SlateWriter
from streams.request_ids import mint


@dataclass(frozen=True, slots=True)
class Answered:
    """What may leave. `after` is to be called once it has left."""

    request_id: str
    given: Recommendation
    after: Callable[[], None] | None = None


class Answering:
    """The way of every list. `chance` gives 8 random bytes per request, `clock` the time in ms."""

    def __init__(
        self,
        recommender: Recommender,
        slates: SlateWriter,
        *,
        clock: Callable[[], int],
        chance: Callable[[], bytes] = lambda: os.urandom(8),
        counts: ServingCounts | None = None,
        arms: Arms | None = None,
    ) -> None:
        self.recommender = recommender
        self.arms = arms or Arms(recommender)
        self.counts = counts or ServingCounts()
        self.clock = clock
        self._slates = slates
        self._chance = chance

    def close(self) -> None:
        """Let go of the thread that writes slates."""
        self._slates.close()

    async def recommended(self, ask: Ask, *, dry_run: bool, started: float, skip: int = 0) -> Answered:
        """The best items for a user, without the first `skip`. Raises BadFilter, LogError."""
        chance, way = self._chance(), self.arms.way(ask.user_id)
        given = way.recommender.recommend(
            ask, chance=chance, elapsed=lambda: 1_000 * (perf_counter() - started), keep=not dry_run
        )
        given = replace(given, items=given.items[skip:]) if skip else given
        took = 1_000 * (perf_counter() - started)
        request_id = await self._kept(ask, given, chance, way.arms, took, dry_run)
        mirrors = partial(mirrored, way.mirrors, ask, given, chance, self.counts)
        return Answered(request_id, given, mirrors if way.mirrors and not dry_run else None)

    async def ranked(self, ask: Ask, item_ids: list[str], *, dry_run: bool, started: float) -> Answered:
        """The given items, best first. Raises BadFilter, LogError."""
        way = self.arms.way(ask.user_id)
        given = way.recommender.rank(ask, item_ids)
        took = 1_000 * (perf_counter() - started)
        return Answered(await self._kept(ask, given, self._chance(), way.arms, took, dry_run), given)

    def notice(self) -> None:
        """Count the version that serves."""
        bundle = self.recommender.live.current()
        self.counts.serving(0 if bundle is None else bundle.version)

    async def _kept(
        self, ask: Ask, given: Recommendation, chance: bytes, arms: dict[str, str], took: float, dry_run: bool
    ) -> str:
        """1. mint the id, with the version that made the list; 2. the slate is in the log; 3. the id may leave."""
        request_id = mint(self.clock(), given.version, chance)
        self.counts.gave(given)
        self.notice()
        if given.items and not dry_run:
            await self._slates.write(slate_of(ask, given, request_id, arms=arms, took=took))
        return request_id
