"""The view: one line or one page of the same moment, also before anything is known."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from headrace.demo_report import Delays, Quality
from headrace.demo_return import Command, Return
from headrace.demo_tally import Counted, Quantiles
from headrace.demo_view import Moment, course_of, line_of, page_of, sparkline, summary_of
from headrace.world_oracle import Rates

NOTHING = Quantiles(None, None)


def moment(**changes: Any) -> Moment:
    counted = Counted(
        events=12_345, requests=4_000, failed=0, mixed=0, swaps=3, version=4, first_model_at=1,
        latency=Quantiles(7.0, 12.0), rungs={"model": 3_000, "popular": 900}, complaint="",
    )  # fmt: skip
    given: dict[str, Any] = {
        "address": "http://127.0.0.1:8710/docs", "ms": 42_000, "counted": counted, "events_per_second": 280.0,
        "pages_per_second": 92.0, "busy": 0.61, "lag_ms": 1_400, "quality": Quality(0.7312, 0.934, 1.012),
        "delays": Delays(Quantiles(80, 190), Quantiles(4_000, 6_000)), "recent": Rates(0.3, 0.2, 0.1, 0.6),
        "trend": [0.9, 1.2, 1.5], "doing": "learning",
    }  # fmt: skip
    return Moment(**given | changes)


def printed(of: Moment) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(page_of(of))
    console.file.close()
    return console.export_text()


def test_the_page_shows_address_rates_figures_and_delays() -> None:
    text = printed(moment())
    for wanted in (
        "http://127.0.0.1:8710/docs", "12,345", "280/s", "1.4 s", "0.731", "0.934", "1.012", "80 ms / 190 ms",
        "4.0 s / 6.0 s", "headrace", "popular", "random", "oracle", "1.50 x", "model 3,000",
    ):  # fmt: skip
        assert wanted in text


def test_the_line_shows_the_same_in_one_line() -> None:
    line = line_of(moment())
    assert "\n" not in line
    for wanted in ("12,345", "version 4", "0.300", "popular 0.200", "AUC 0.731", "failed 0", "mixed 0"):
        assert wanted in line


def test_before_anything_is_known_dashes_stand_for_figures() -> None:
    empty = moment(quality=Quality(), delays=Delays(NOTHING, NOTHING), busy=None, lag_ms=None, trend=[])
    assert "AUC -" in printed(empty)
    assert "AUC -" in line_of(empty)


def test_a_rising_ratio_rises() -> None:
    assert sparkline([1.0, 2.0, 4.0]).startswith("▂▄█")
    assert sparkline([]) == ""


NOT_YET = Return(None, None)
BACK = Command(at=0, line=30, version=17, until={}, tainted=9)


def test_an_incident_is_told_step_by_step() -> None:
    told = [course_of(phase, None, NOT_YET, "") for phase in ("learning", "bug", "repaired", "back")]
    told += [course_of("back", BACK, Return(400, None), ""), course_of("back", BACK, Return(400, 7_000), "")]
    assert [course.doing for course in told] == [
        "learning", "bug", "bug is over", "rolling back", "rolled back to version 17", "caught up",
    ]  # fmt: skip
    assert "9 versions tainted" in told[4].text
    assert "400 ms" in told[5].text
    assert "7.0 s" in told[5].text


def test_a_command_that_was_refused_says_why() -> None:
    assert course_of("back", None, NOT_YET, "the floor is at noon").text == "refused: the floor is at noon"


def test_page_and_line_show_the_incident_and_are_silent_without_one() -> None:
    for shown in (printed, line_of):
        assert "9 versions tainted" in shown(moment(incident="9 versions tainted"))
        assert "incident" not in shown(moment())


def test_the_summary_ends_with_the_incident() -> None:
    nothing = {"p50": None, "p95": None}
    report: dict[str, Any] = {
        "events": 1, "seconds": 1, "seconds_to_first_slate": None, "auc": None, "ne": None, "calibration": None,
        "versions": 1, "swaps": 1, "requests": 1, "failed_requests": 0, "mixed_answers": 0,
        "ctr": {"headrace": 0.3, "popular": 0.2}, "click_to_slate_ms": nothing, "click_to_weights_ms": nothing,
    }  # fmt: skip
    told = {"ctr_before": 0.3, "ctr_during": 0.2, "ctr_after": 0.31, "masked_events": 7_000, "tainted_versions": 12}
    last = summary_of(report | {"incident": told | {"seconds_to_old_version": 0.4, "seconds_to_caught_up": None}})
    assert "0.200 during" in last
    assert "old version after 0.4 s, caught up after -; 7,000 events masked" in last
    assert "incident" not in summary_of(report)
