"""What the index that serves finds of what is there, measured all the time: queries searched and scanned.

Two recalls, never mixed. The canary's queries stand near items, so a fall of it is of the index; queries of late stand
where people are, and say what answers miss. One query a second at most, and never more than a fiftieth of one core: a
scan of many items is made the more seldom. The interpreter lock is free meanwhile. It changes nothing: whether links
are built anew is for the builder's rules, to which the queries of late are left (`late_queries.py`).
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from random import Random

import numpy as np

from serving import late_queries
from serving.generation import Generation
from serving.graph import Floats
from serving.live import Bundle, Live
from serving.stock import Stock

EVERY, LEFT_EVERY = 1_000, 10_000
"""Milliseconds between two checks, and between two times that queries are left for the builder."""

SHARE = 0.02
"""Of one core, at most."""

LOOKED, KEPT, LEAST = 1_024, 100, 20
"""Items that are asked for their availability; checks that a mean is of; checks before it is called low."""

FALL, MARGIN = 0.02, 3.3
"""Below the recall of the build by so much, and by so many standard errors more, something is wrong."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check. `late_recall` is the mean of queries of late, `canary_recall` of the canary's, None where none was
    looked at yet; both of this generation. `graph_age` is the ms since its links were built, `cosine` how alike the
    vectors still are to those; `scanned` the ms of processor that the check took."""

    idle: bool
    generation: int | None = None
    late_recall: float | None = None
    canary_recall: float | None = None
    graph_age: int | None = None
    delta_rows: int | None = None
    hidden_share: float | None = None
    cosine: float | None = None
    scanned: float | None = None
    trouble: str = ""


def monitor(live: Live, stock: Stock, *, clock: Callable[[], int], k: int = 100, seed: int = 0) -> Iterator[Checked]:
    """One report a turn, for ever; idle until the next check is due."""
    random, due, leave_at = Random(seed), 0, 0
    checks: _Checks | None = None
    while True:
        bundle, now = live.current(), clock()
        if bundle is None or now < due:
            yield Checked(True)
            continue
        if checks is None or checks.bundle is not bundle:
            checks = _Checks(bundle, k, random)
        if now >= leave_at:
            leave_at = now + LEFT_EVERY
            _leave(bundle.generation)
        start = time.thread_time()
        checks.check()
        hidden = hidden_share(bundle, stock, now, random)
        taken = 1_000 * (time.thread_time() - start)
        due = now + max(EVERY, int(taken / SHARE))
        yield _told(checks, now, hidden, taken)


def hidden_share(bundle: Bundle, stock: Stock, at: int, random: Random) -> float:
    """About which share of the items of a version may not be shown."""
    item_ids = bundle.scorer.item_ids
    looked = [item_ids[random.randrange(len(item_ids))] for _ in range(LOOKED)] if item_ids else []
    return sum(not stock.open_at(item_id, at) for item_id in looked) / max(1, len(looked))


class Mean:
    """The last checks of one kind, beside what was found as of the build (None where nobody knows)."""

    def __init__(self, built: float | None) -> None:
        self.built = built
        self._found = deque[float](maxlen=KEPT)

    def add(self, found: float) -> None:
        self._found.append(found)

    @property
    def recall(self) -> float | None:
        return round(float(np.mean(self._found)), 5) if self._found else None

    def fell(self) -> bool:
        """Whether it is low for certain: some queries are harder than others."""
        if self.built is None or len(self._found) < LEAST:
            return False
        error = float(np.std(self._found)) / len(self._found) ** 0.5
        return bool(float(np.mean(self._found)) + MARGIN * error < self.built - FALL)


@dataclass(slots=True)
class _Checks:
    """Those of one bundle, of queries of late and of the canary by turns."""

    bundle: Bundle
    k: int
    random: Random
    late: Mean = field(init=False)
    canary: Mean = field(init=False)
    _turns: Iterator[bool] = field(default_factory=lambda: cycle((True, False)))

    def __post_init__(self) -> None:
        about = self.bundle.generation.about
        self.late, self.canary = Mean(about.late), Mean(about.recall_built)

    def check(self) -> None:
        """Search one query and scan for the same; where nobody asked, it is the canary's every time."""
        generation = self.bundle.generation
        asked = list(generation.asked) if next(self._turns) else []
        queries = asked or list(generation.canary.query_QD)
        if queries:
            query_D = queries[self.random.randrange(len(queries))]
            (self.late if asked else self.canary).add(_found(generation, query_D, self.k))

    def trouble(self) -> str:
        for mean, of in ((self.canary, "near its items (canary)"), (self.late, "for queries of late")):
            if mean.fell():
                return (
                    f"generation {self.bundle.version} finds {mean.recall:.3f} of what is there {of}, {mean.built:.3f}"
                    " when it was built; `headrace rollback` goes to a version before"
                )
        return ""


def _found(generation: Generation, query_D: Floats, k: int) -> float:
    """The share of the nearest items that a search finds."""
    wanted = generation.exact(query_D, k)[0]
    rows = generation.searcher.search(query_D, k)[0]
    return len(np.intersect1d(rows, wanted)) / max(1, len(wanted))


def _leave(generation: Generation) -> None:
    """Leave the queries of late where the next index is measured by them."""
    asked = [query_D for query_D in list(generation.asked) if query_D.shape == (generation.about.dim,)]
    with suppress(OSError):  # a place that can't be written to: the canary alone measures then
        if asked:
            late_queries.leave(generation.folder.parent, generation.version, asked)


def _told(checks: _Checks, now: int, hidden: float, taken: float) -> Checked:
    bundle = checks.bundle
    generation = bundle.generation
    return Checked(
        idle=False,
        generation=generation.version,
        late_recall=checks.late.recall,
        canary_recall=checks.canary.recall,
        graph_age=now - built_at(bundle),
        delta_rows=generation.searcher.delta.now.rows,
        hidden_share=round(hidden, 5),
        cosine=generation.about.cosine,
        scanned=round(taken, 3),
        trouble=checks.trouble(),
    )


def built_at(bundle: Bundle) -> int:
    """When the links were written, in ms; a file that generations share keeps the time of the first."""
    try:
        return int(os.stat(bundle.generation.folder / "links.npy").st_mtime * 1_000)
    except OSError:  # it was removed while it serves
        return int(time.time() * 1_000)
