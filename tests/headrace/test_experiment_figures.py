"""What an experiment has shown so far is read from the log, under today's mask."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.experiment_terms import Ground, Wanted
from headrace.experiments import reading, start
from serving.arm_fold import DAY
from streams.decisions import Decision
from streams.events import Tick
from streams.mask import Entry
from tests.headrace.experiment_ground import ANA, BOLD, HOUR, ground_in, pages, tell


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_in(tmp_path)


def test_figures_are_those_of_the_log(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=1.0, off=0.5), Tick(HOUR))
    one, found, cut = reading("bold", ground, now=HOUR)
    page_ctr = found.figures[0]
    assert (one.name, cut, page_ctr.metric, page_ctr.on) == ("bold", False, "page_ctr", 1.0)
    assert page_ctr.off == pytest.approx(0.5, abs=0.05)
    assert (sum(found.users), sum(found.pages), found.verdict) == (600, 1_200, "better")


def test_masked_pages_are_not_counted(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=1.0, off=0.5), Tick(HOUR))
    ground.decisions.decide(Decision("mask", 2, "ana", "bad", 3, add=(Entry("q", start={0: 0, 1: 0}, t0=0, t1=10**9),)))
    assert reading("bold", ground, now=HOUR)[1].pages == (0, 0)


def test_with_a_horizon_nothing_is_said_before_it_is_over(ground: Ground) -> None:
    start(Wanted("bold", settings=BOLD.settings, share=0.5, metric="page_ctr", horizon=DAY), ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.8, off=0.5), Tick(HOUR))
    early, late = (reading("bold", ground, now=at)[1] for at in (HOUR, DAY + 2_000))
    assert (early.verdict, early.figures[0].low) == ("undecided", None)
    assert late.verdict == "better"


def test_a_horizon_buys_narrower_intervals(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    other = Wanted("once", settings={"serving.epsilon": "0"}, share=0.5, metric="page_ctr", horizon=HOUR)
    start(other, ground, ANA)
    for name in ("bold", "once"):
        tell(ground, *pages(name, share=0.5, on=0.6, off=0.5))
    tell(ground, Tick(2 * HOUR))
    always, once = (reading(name, ground, now=2 * HOUR)[1].figures[0] for name in ("bold", "once"))
    assert (always.high or 0) - (always.low or 0) > 1.3 * ((once.high or 0) - (once.low or 0)) > 0
