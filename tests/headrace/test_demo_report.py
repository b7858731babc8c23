"""The report: its keys, and what makes the exit status 1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.demo_report import Delays, IncidentFigures, Outcome, Quality, faults, report_of
from headrace.demo_return import Return
from headrace.demo_tally import Counted, Quantiles
from headrace.world_oracle import Rates

KEYS = [
    "events", "seconds", "seconds_to_first_slate", "ctr", "auc", "ne", "calibration", "click_to_slate_ms",
    "click_to_weights_ms", "versions", "swaps", "rollbacks", "requests", "failed_requests", "mixed_answers",
]  # fmt: skip


def counted(**changes: Any) -> Counted:
    given: dict[str, Any] = {
        "events": 20_000, "requests": 9_000, "failed": 0, "mixed": 0, "swaps": 28, "version": 31,
        "first_model_at": 31_500, "latency": Quantiles(6.0, 11.0), "rungs": {"model": 8_000}, "complaint": "",
    }  # fmt: skip
    return Counted(**given | changes)


def outcome(**changes: Any) -> Outcome:
    given: dict[str, Any] = {
        "counted": counted(),
        "rates": Rates(headrace=0.31, popular=0.2, random=0.13, oracle=0.63),
        "quality": Quality(0.74, 0.91, 1.01),
        "delays": Delays(Quantiles(81.4, 210.0), Quantiles(4_100, 6_200)),
        "versions": 31,
        "rollbacks": 0,
        "started_at": 10_000,
        "ended_at": 99_900,
    }
    return Outcome(**given | changes)


def incident(*, before: float = 0.3, after: float = 0.295, **changes: Any) -> IncidentFigures:
    rates = tuple(Rates(rate, 0.2, 0.1, 0.6) for rate in (before, 0.22, after))
    given: dict[str, Any] = {"rates": rates, "masked_events": 7_000, "tainted_versions": 12, "back": Return(412, 9_876)}
    return IncidentFigures(**given | changes)


def good(**changes: Any) -> dict[str, Any]:
    return report_of(outcome(**changes))


def test_the_report_has_exactly_its_keys_in_their_order() -> None:
    report = good()
    assert list(report) == KEYS
    assert list(report["ctr"]) == ["headrace", "popular", "random", "oracle"]
    assert report["click_to_slate_ms"] == {"p50": 81, "p95": 210}
    assert (report["seconds"], report["seconds_to_first_slate"]) == (89.9, 21.5)


def test_the_report_is_json_also_when_nothing_was_measured() -> None:
    empty = Quantiles(None, None)
    report = good(counted=counted(first_model_at=None), quality=Quality(), delays=Delays(empty, empty))
    assert json.loads(json.dumps(report)) == report
    assert report["seconds_to_first_slate"] is None
    assert report["click_to_weights_ms"] == {"p50": None, "p95": None}


def test_a_good_run_has_no_fault() -> None:
    assert faults(good(), finished=True) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"rates": Rates(headrace=0.2, popular=0.2, random=0.1, oracle=0.6)}, "popular"),
        ({"counted": counted(failed=1)}, "failed"),
        ({"counted": counted(mixed=1)}, "mixed"),
        ({"counted": counted(first_model_at=None)}, "model"),
    ],
)
def test_a_run_is_bad_for_each_of_four_reasons(changes: dict[str, Any], word: str) -> None:
    (fault,) = faults(good(**changes), finished=True)
    assert word in fault


def test_a_run_that_was_cut_short_need_not_have_learned() -> None:
    behind = Rates(headrace=0.1, popular=0.2, random=0.1, oracle=0.6)
    assert faults(good(rates=behind, counted=counted(first_model_at=None)), finished=False) == []


@pytest.mark.parametrize("changes", [{"failed": 2}, {"mixed": 2}])
def test_failures_and_mixed_answers_count_however_short_the_run(changes: dict[str, int]) -> None:
    assert faults(good(counted=counted(**changes)), finished=False)


def test_an_incident_adds_its_figures_and_its_keys_alone() -> None:
    report = good(incident=incident())
    assert list(report) == [*KEYS, "incident"]
    assert report["incident"] == {
        "masked_events": 7_000, "tainted_versions": 12, "ctr_before": 0.3, "ctr_during": 0.22, "ctr_after": 0.295,
        "seconds_to_old_version": 0.41, "seconds_to_caught_up": 9.88,
        "of_oracle": {"before": 0.5, "during": 0.3667, "after": 0.4917},
    }  # fmt: skip
    assert faults(report, finished=True) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"masked_events": 0}, ["masked none"]),
        ({"after": 0.28}, ["0.28 clicks", "0.3 before", "97%", "0.4667 and 0.5"]),
        ({"back": Return(1_240, 9_000)}, ["1.24 s", "after 1.0 s none may"]),
        ({"back": Return(None, 9_000)}, ["no answer carried"]),
        ({"back": Return(300, None)}, ["caught up"]),
    ],
)
def test_an_incident_is_bad_for_each_of_five_reasons(changes: dict[str, Any], words: list[str]) -> None:
    (fault,) = faults(good(incident=incident(**changes)), finished=True)
    assert all(word in fault for word in words)


def test_an_incident_that_was_cut_short_need_not_have_come_back() -> None:
    cut = incident(masked_events=0, after=0.0, back=Return(None, None))
    report = good(incident=cut)
    assert faults(report, finished=False) == []
    assert json.loads(json.dumps(report)) == report
