"""What the demo saw: requests, answers, versions, latencies. Counts only; threads call it under one lock of its own."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STAGES = ("retrieval", "ranking", "generation")


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Median and 95 %; None where nothing was measured."""

    p50: float | None
    p95: float | None


def quantiles(values: Iterable[float]) -> Quantiles:
    """The nearest ranks, so that each is a value that occurred.

    >>> quantiles(range(1, 101))
    Quantiles(p50=50, p95=95)
    """
    ranked = sorted(values)
    if not ranked:
        return Quantiles(None, None)
    return Quantiles(*(ranked[max(0, -(-len(ranked) * share // 100) - 1)] for share in (50, 95)))


def is_mixed(answer: Mapping[str, Any]) -> bool:
    """Whether the stages of one answer used arrays of different versions, or of another than it claims.

    A stage that used no arrays stamps 0; by a model's own rungs every stage must have used some.

    >>> is_mixed({"version": 3, "rung": "model", "stamps": {"retrieval": 3, "ranking": 3, "generation": 2}})
    True
    >>> is_mixed({"version": 0, "rung": "popular", "stamps": {"retrieval": 0, "ranking": 0, "generation": 0}})
    False
    """
    version = answer["version"]
    right = (version,) if answer["rung"] in ("model", "cached") else (0, version)
    return any(answer["stamps"].get(stage) not in right for stage in STAGES)


@dataclass(frozen=True, slots=True)
class Counted:
    """The tally at one moment."""

    events: int
    requests: int
    failed: int
    mixed: int
    swaps: int
    version: int
    first_model_at: int | None
    latency: Quantiles
    rungs: Mapping[str, int]
    complaint: str


class Tally:
    """Adds up what threads report; `counted` is one consistent look.

    >>> tally = Tally()
    >>> stamps = dict.fromkeys(STAGES, 2)
    >>> tally.answered({"version": 2, "rung": "model", "stamps": stamps}, ms=4.0, at=70)
    >>> counted = tally.counted()
    >>> counted.requests, counted.version, counted.first_model_at, counted.mixed, tally.first_answers()
    (1, 2, 70, 0, {2: 70})
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._rungs: Counter[str] = Counter()
        self._first_answers: dict[int, int] = {}
        self._last_answers: dict[int, int] = {}
        self._version = 0
        self._first_model_at: int | None = None
        self._latencies: deque[float] = deque(maxlen=200)
        self._complaint = ""

    def answered(self, answer: Mapping[str, Any], *, ms: float, at: int) -> None:
        """A good answer to a request for a slate."""
        version, rung = int(answer["version"]), str(answer["rung"])
        with self._lock:
            self._counts["requests"] += 1
            self._rungs[rung] += 1
            self._latencies.append(ms)
            if is_mixed(answer):
                self._counts["mixed"] += 1
                self._complaint = f"answer {answer.get('request_id')} of version {version} says {answer['stamps']}"
            if version >= 1:
                self._last_answers[version] = max(at, self._last_answers.get(version, at))
            if version >= 1 and rung == "model":
                self._version = version
                self._first_answers.setdefault(version, at)
                self._first_model_at = at if self._first_model_at is None else self._first_model_at

    def took(self, kinds: Sequence[str]) -> None:
        """Events of these types are in the log."""
        with self._lock:
            self._events.update(kinds)

    def posted(self) -> None:
        """A request that asked for no slate was answered as it should be."""
        with self._lock:
            self._counts["requests"] += 1

    def failed(self, complaint: str) -> None:
        """A request was not answered, or not with what was asked for."""
        with self._lock:
            self._counts["requests"] += 1
            self._counts["failed"] += 1
            self._complaint = complaint

    def first_answers(self) -> dict[int, int]:
        """For each version that answered, when it did so first."""
        with self._lock:
            return dict(self._first_answers)

    def last_answers(self) -> dict[int, int]:
        """For each version that answered on any rung, when it did so last. Answers without a model carry none."""
        with self._lock:
            return dict(self._last_answers)

    def counted(self) -> Counted:
        """Everything as of now; `complaint` is what went wrong last."""
        with self._lock:
            return Counted(
                events=self._events.total(),
                requests=self._counts["requests"],
                failed=self._counts["failed"],
                mixed=self._counts["mixed"],
                swaps=len(self._first_answers),
                version=self._version,
                first_model_at=self._first_model_at,
                latency=quantiles(self._latencies),
                rungs=dict(self._rungs),
                complaint=self._complaint,
            )
