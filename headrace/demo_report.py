"""The demo's result as one flat-keyed object, and whether it is good. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.demo_tally import Counted, Quantiles
from headrace.world_oracle import Rates


@dataclass(frozen=True, slots=True)
class Quality:
    """Progressive figures of the clicks, newest window; None before there are any."""

    auc: float | None = None
    ne: float | None = None
    calibration: float | None = None


@dataclass(frozen=True, slots=True)
class Delays:
    """From a click to the user's next slate, and to the weights behind answers."""

    slate: Quantiles
    weights: Quantiles


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the report is made of. `started_at`, in ms, is when the command began."""

    counted: Counted
    rates: Rates
    quality: Quality
    delays: Delays
    versions: int
    rollbacks: int
    started_at: int
    ended_at: int


def report_of(outcome: Outcome) -> dict[str, Any]:
    """The object that `--json` prints."""
    counted = outcome.counted
    first = counted.first_model_at
    return {
        "events": counted.events,
        "seconds": _seconds(outcome.ended_at - outcome.started_at),
        "seconds_to_first_slate": None if first is None else _seconds(first - outcome.started_at),
        "ctr": {name: round(rate, 4) for name, rate in asdict(outcome.rates).items()},
        **{name: _rounded(value) for name, value in asdict(outcome.quality).items()},
        "click_to_slate_ms": _told(outcome.delays.slate),
        "click_to_weights_ms": _told(outcome.delays.weights),
        "versions": outcome.versions,
        "swaps": counted.swaps,
        "rollbacks": outcome.rollbacks,
        "requests": counted.requests,
        "failed_requests": counted.failed,
        "mixed_answers": counted.mixed,
    }


def faults(report: Mapping[str, Any], *, finished: bool) -> list[str]:
    """Why the exit status must be 1; empty for a good run. A run that was cut short need not have learned anything.

    >>> good = {"ctr": {"headrace": 0.3, "popular": 0.2}, "failed_requests": 0, "mixed_answers": 0}
    >>> good["seconds_to_first_slate"] = 21.5
    >>> faults(good, finished=True), faults(good | {"mixed_answers": 2}, finished=False)
    ([], ['2 answers mixed versions'])
    """
    found = []
    if report["failed_requests"]:
        found.append(f"{report['failed_requests']:,} of {report['requests']:,} requests failed")
    if report["mixed_answers"]:
        found.append(f"{report['mixed_answers']:,} answers mixed versions")
    ctr = report["ctr"]
    if finished and report["seconds_to_first_slate"] is None:
        found.append("no answer came from a model")
    if finished and ctr["headrace"] <= ctr["popular"]:
        found.append(
            f"learned slates don't beat popular ones: {ctr['headrace']} against {ctr['popular']} clicks per view"
        )
    return found


def _seconds(ms: int) -> float:
    return round(ms / 1000, 1)


def _told(measured: Quantiles) -> dict[str, float | None]:
    return {name: None if value is None else round(value) for name, value in asdict(measured).items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
