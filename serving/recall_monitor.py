"""What the index that serves finds of what is there, measured all the time: queries of late, searched and scanned.

One query a second at most, and never more than a fiftieth of one core: a scan of many items is made the more seldom.
The interpreter lock is free meanwhile. It changes nothing: whether links are built anew is for the builder's rules.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import numpy as np

from serving.live import Bundle, Live
from serving.stock import Stock

EVERY = 1_000
"""Milliseconds between two checks."""

SHARE = 0.02
"""Of one core, at most."""

LOOKED, KEPT, LEAST = 1_024, 100, 20
"""Items that are asked for their availability; checks that the mean is of; checks before it is called low."""

FALL = 0.02
"""Below the recall of the build by so much, something is wrong."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One check. `recall` is the mean of late, of this generation's; `graph_age` the ms since its links were built,
    `cosine` how alike the vectors still are to those; `scanned` the ms of processor that the check took."""

    idle: bool
    generation: int | None = None
    recall: float | None = None
    graph_age: int | None = None
    delta_rows: int | None = None
    hidden_share: float | None = None
    cosine: float | None = None
    scanned: float | None = None
    trouble: str = ""


def monitor(live: Live, stock: Stock, *, clock: Callable[[], int], k: int = 100, seed: int = 0) -> Iterator[Checked]:
    """One report a turn, for ever; idle until the next check is due."""
    random, found, due = Random(seed), deque[float](maxlen=KEPT), 0
    measured: Bundle | None = None
    while True:
        bundle, now = live.current(), clock()
        if bundle is None or now < due:
            yield Checked(True)
            continue
        if bundle is not measured:
            measured, found = bundle, deque(maxlen=KEPT)
        start = time.thread_time()
        found.append(_found(bundle, k, random))
        hidden = hidden_share(bundle, stock, now, random)
        taken = 1_000 * (time.thread_time() - start)
        due = now + max(EVERY, int(taken / SHARE))
        yield _told(bundle, float(np.mean(found)), len(found), now, hidden, taken)


def hidden_share(bundle: Bundle, stock: Stock, at: int, random: Random) -> float:
    """About which share of the items of a version may not be shown."""
    item_ids = bundle.scorer.item_ids
    looked = [item_ids[random.randrange(len(item_ids))] for _ in range(LOOKED)] if item_ids else []
    return sum(not stock.open_at(item_id, at) for item_id in looked) / max(1, len(looked))


def _found(bundle: Bundle, k: int, random: Random) -> float:
    """The share of the nearest items that a search finds, of a query of late or one of the canary's."""
    generation = bundle.generation
    queries = list(generation.asked) or list(generation.canary.query_QD[:100])
    if not queries:
        return 1.0
    query_D = queries[random.randrange(len(queries))]
    wanted = generation.exact(query_D, k)[0]
    rows = generation.searcher.search(query_D, k)[0]
    return len(np.intersect1d(rows, wanted)) / max(1, len(wanted))


def _told(bundle: Bundle, recall: float, checks: int, now: int, hidden: float, taken: float) -> Checked:
    generation, trouble = bundle.generation, ""
    built = generation.about.recall_built
    if checks >= LEAST and recall < built - FALL:
        trouble = (
            f"generation {generation.version} finds {recall:.3f} of what is there, {built:.3f} when its links were"
            " built; `headrace rollback` goes to a version before"
        )
    return Checked(
        idle=False,
        generation=generation.version,
        recall=round(recall, 5),
        graph_age=now - built_at(bundle),
        delta_rows=generation.searcher.delta.now.rows,
        hidden_share=round(hidden, 5),
        cosine=generation.about.cosine,
        scanned=round(taken, 3),
        trouble=trouble,
    )


def built_at(bundle: Bundle) -> int:
    """When the links were written, in ms; a file that generations share keeps the time of the first."""
    try:
        return int(os.stat(bundle.generation.folder / "links.npy").st_mtime * 1_000)
    except OSError:  # it was removed while it serves
        return int(time.time() * 1_000)
