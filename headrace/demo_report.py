"""The demo's result as one flat-keyed object, and whether it is good. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.demo_return import Return
from headrace.demo_tally import Counted, Quantiles
from headrace.world_oracle import Rates

OLD_VERSION_WITHIN = 1.0
"""Seconds after the command in which answers may still carry another version."""
AS_BEFORE = 0.97
"""Part of the click rate before the bug that must be there again after the way back."""


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
class IncidentFigures:
    """What became of an incident. `rates` are those before the bug, during it, and after the way `back`."""

    rates: tuple[Rates, Rates, Rates]
    masked_events: int
    tainted_versions: int
    back: Return


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
    incident: IncidentFigures | None = None


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
    } | ({} if outcome.incident is None else {"incident": incident_told(outcome.incident)})


def incident_told(figures: IncidentFigures) -> dict[str, Any]:
    """The incident's part of the report. `of_oracle`: the rates as parts of the oracle's in the same stretch, which
    leaves out that everyone's interest rises and falls."""
    before, during, after = (round(rates.headrace, 4) for rates in figures.rates)
    of_oracle = [round(rates.headrace / max(rates.oracle, 1e-9), 4) for rates in figures.rates]
    return {
        "masked_events": figures.masked_events,
        "tainted_versions": figures.tainted_versions,
        "ctr_before": before,
        "ctr_during": during,
        "ctr_after": after,
        "seconds_to_old_version": _to_the_hundredth(figures.back.to_old_version),
        "seconds_to_caught_up": _to_the_hundredth(figures.back.to_caught_up),
        "of_oracle": dict(zip(("before", "during", "after"), of_oracle, strict=True)),
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
    if finished and "incident" in report:
        found += _incident_faults(report["incident"])
    return found


def _incident_faults(told: Mapping[str, Any]) -> list[str]:
    """What an incident left to be wished for.

    >>> good = {"masked_events": 9, "ctr_before": 0.3, "ctr_after": 0.295, "seconds_to_old_version": 0.4}
    >>> good["seconds_to_caught_up"] = 20.5
    >>> _incident_faults(good), _incident_faults(good | {"masked_events": 0})
    ([], ['the rollback masked none of the events'])
    """
    old, caught_up, before, after = (
        told[name] for name in ("seconds_to_old_version", "seconds_to_caught_up", "ctr_before", "ctr_after")
    )
    found = [] if told["masked_events"] else ["the rollback masked none of the events"]
    if old is None:
        found.append("no answer carried the version that the rollback went back to")
    elif old > OLD_VERSION_WITHIN:
        found.append(
            f"an answer carried another version than the old one {old} s after the command, with the replay not done; "
            f"after {OLD_VERSION_WITHIN} s none may"
        )
    if caught_up is None:
        found.append("no version caught up with the log before the end")
    if after < AS_BEFORE * before:
        shares = told["of_oracle"]
        found.append(
            f"{after} clicks per view after the way back, {before} before the bug: less than {AS_BEFORE:.0%} of it "
            f"(as parts of the oracle's: {shares['after']} and {shares['before']})"
        )
    return found


def _to_the_hundredth(ms: int | None) -> float | None:
    return None if ms is None else round(ms / 1000, 2)


def _seconds(ms: int) -> float:
    return round(ms / 1000, 1)


def _told(measured: Quantiles) -> dict[str, float | None]:
    return {name: None if value is None else round(value) for name, value in asdict(measured).items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
