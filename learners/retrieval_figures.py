"""Progressive figures of retrieval: where the next click stood among all items, and why a list would have missed it.

Ranking everything costs what thousands of rows cost, so clicks of stretches of the stream are taken: in each about
`SPAN` rows, and the next one so far on that all of it is a hundredth of the learning. Where a stretch lies and which
clicks of it are taken follows from counts of rows and from example ids, never from a clock or from how batches were
cut (unless these are so small, or clicks so many, that a bound holds). Of a label's clicks, those with a weight and
organic ones. What was `judged` says why; `shares` are of it. Learns nothing, and asks nobody by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from learners.learner import Doubles, Ints
from learners.ordering import Batch, Example
from learners.sought import FATES, SEEN, Served, Sought, retriever_of

SPAN = 1024
"""Rows of a stretch."""

SHARE = 0.01
"""How much of the learning this may cost."""

PASSES, CLICKS, JUDGED = 3, 128, 32
"""Of one stretch at most: batches, clicks, and clicks that are ranked too."""

JUDGED_OF = 8
"""One click of so many is ranked too, by its id."""

ITEM, COMPARED, RANKED = 0.07, 0.0005, 0.3
"""What it costs to read an item, to compare it with a click, to rank it for one: in rows learned, as measured."""

NEAR, FAR = 10, 100
SUMS = 5 + len(FATES)
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """Clicks that were taken of a batch, the judged ones first, and what was said of them."""

    sought: Sought
    judged: int


class RetrievalFigures:
    """Whole, faded and since the mark: a line each of clicks, those found by 10, 100 and all candidates, reciprocal
    ranks, and fates of the judged ones.

    >>> figures = RetrievalFigures("click")
    >>> figures.add(9, Look(Sought(np.array([2.0, 50.0, np.inf]), np.array([0, 2, 3]), 80), judged=3))
    >>> told = figures.report()
    >>> told["sampled"], round(told["recall@10"], 3), told["mrr@10"] * 6, told["missed"]["ranked_low"]
    (3, 0.333, 1.0, 1)
    """

    kept = ("sums", "at")
    """Names of what `state` gives."""

    def __init__(self, label: str, *, served: Served | None = None, fade: float = 0.999) -> None:
        self._label, self._fade = label, fade
        self._served = served or Served()
        self._sums = np.zeros((3, SUMS))
        self._row, self._start, self._passes, self._clicks, self._judged, self._items = 0, 0, 0, 0, 0, 0

    def look(self, learner: object, batch: Batch) -> Look | None:
        """What a learner says of a batch's clicks that it has neither scored nor learned; None where none are taken."""
        retriever = retriever_of(learner)
        if retriever is None:
            return None
        least, most = max(0, self._start - self._row), self._start + SPAN - self._row
        if least >= min(most, len(batch.examples)) or self._passes == PASSES:
            return None
        hashed = [(crc32(e.row.example.encode()), e) for e in batch.examples[least:most] if self._counts(e)]
        hashed.sort(key=lambda one: (one[0] % JUDGED_OF != 0, one[0], one[1].row.example))
        taken = hashed[: CLICKS - self._clicks]
        if not taken:
            return None
        judged = min(sum(number % JUDGED_OF == 0 for number, _ in taken), JUDGED - self._judged)
        clicks = Batch(tuple(example for _, example in taken), 0)
        return Look(retriever.sought(clicks, self._served, judged), judged)

    def add(self, rows: int, look: Look | None) -> None:
        """So many rows were learned, and this was said of them before."""
        self._row += rows
        if look is not None:
            self._passes += 1
            self._clicks += len(look.sought.rank_P)
            self._judged += look.judged
            self._items = look.sought.items
            self._count(look)
        while self._row >= self._start + SPAN:
            # not all the same way apart: a stream has its own beat
            self._start += max(SPAN, self._cost()) + crc32(self._start.to_bytes(8, "big")) % SPAN
            self._passes = self._clicks = self._judged = 0

    def mark(self) -> None:
        """From here on `since` counts."""
        self._sums[1] = 0

    def report(self) -> dict[str, Any]:
        """All of them, the whole's at the top; empty where no click was taken."""
        if not self._sums[0, 0]:
            return {}
        whole, since, faded = (self._told(line) for line in self._sums.tolist())
        about = {"items": self._items, "candidates": self._served.candidates, "slate": self._served.slate}
        return whole | about | {"faded": faded, "since": since}

    def state(self) -> Arrays:
        """Everything, as plain arrays."""
        at = (self._row, self._start, self._passes, self._clicks, self._judged, self._items)
        return {"sums": self._sums.copy(), "at": np.array(at, np.int64)}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self._sums = arrays["sums"].copy()
        self._row, self._start, self._passes, self._clicks, self._judged, self._items = arrays["at"].tolist()

    def _counts(self, example: Example) -> bool:
        row = example.row
        asked = row.kind in ("label", "organic") and row.weight > 0 and example.shot is not None
        return asked and row.labels.get(self._label, 0.0) > 0

    def _cost(self) -> int:
        """Rows from the start of a stretch to that of the next, as its clicks were many: what it cost, over the share
        that it may."""
        if not self._clicks:
            return SPAN
        ranked = RANKED * min(self._served.candidates, self._items)
        return int(
            (PASSES * ITEM * self._items + self._clicks * COMPARED * self._items + self._judged * ranked) / SHARE
        )

    def _count(self, look: Look) -> None:
        line_PK = lines_of(look.sought.rank_P, look.sought.fate_P, look.judged, self._served.candidates)
        fade_P = self._fade ** np.arange(len(line_PK), dtype=np.float64)[::-1]
        self._sums[:2] += line_PK.sum(axis=0)
        self._sums[2] = self._sums[2] * self._fade ** len(line_PK) + (fade_P[:, None] * line_PK).sum(axis=0)

    def _told(self, line: list[float]) -> dict[str, Any]:
        clicks, near, far, found, reciprocal, *fates = line
        names, judged = (f"recall@{NEAR}", f"recall@{FAR}", f"recall@{self._served.candidates}"), sum(fates)
        told: dict[str, Any] = {"sampled": _whole(clicks)}
        told |= {name: hits / clicks if clicks else None for name, hits in zip(names, (near, far, found), strict=True)}
        told |= {f"mrr@{NEAR}": reciprocal / clicks if clicks else None, "judged": _whole(judged)}
        counts = dict(zip(FATES, fates, strict=True))
        missed = {name: _whole(count) for name, count in counts.items() if name != "shown"}
        filtered = sum(fates[SEEN:])
        shares = {"shown": fates[0], "not_retrieved": fates[1], "ranked_low": fates[2], "filtered": filtered}
        return told | {
            "missed": missed | {"filtered": _whole(filtered)},
            "shares": {name: count / judged if judged else None for name, count in shares.items()},
        }


def lines_of(rank_P: Doubles, fate_P: Ints, judged: int, candidates: int) -> Doubles:
    """What each click adds to the sums. Recall at k counts ranks of at most k; the reciprocal rank is 0 beyond 10.

    >>> lines_of(np.array([1.0, 11.0]), np.array([0, 2]), 1, 200)[:, :6].tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]]
    """
    line_PK = np.zeros((len(rank_P), SUMS))
    line_PK[:, 0] = 1
    for column, most in enumerate((NEAR, FAR, candidates), 1):
        line_PK[:, column] = rank_P <= most
    line_PK[:, 4] = np.where(rank_P <= NEAR, 1 / rank_P, 0.0)
    line_PK[np.arange(judged), 5 + fate_P[:judged]] = 1
    return line_PK


def told_in(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float] | None:
    """The faded figures among those of a version, flat, for gauges; None where there are none.

    >>> told_in({"click": {"retrieval": {"faded": {"recall@10": 0.5, "judged": 0, "shares": {"filtered": 0.25}}}}})
    {'recall@10': 0.5, 'judged': 0, 'filtered': 0.25}
    >>> told_in({"click": {"auc": 0.5}}) is None
    True
    """
    for label in metrics.values():
        if found := label.get("retrieval"):
            faded = found["faded"]
            flat = {**faded, **faded["shares"]}
            return {name: value for name, value in flat.items() if isinstance(value, int | float)}
    return None


def _whole(count: float) -> float:
    return int(count) if count == int(count) else count
