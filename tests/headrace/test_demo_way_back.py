"""The demo's operator, over a deployment without processes: one line, given once, and what is counted of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.demo_incident import APP, Incident
from headrace.demo_settings import demo_settings
from headrace.demo_stage import Stage
from headrace.demo_tally import STAGES, Tally
from headrace.demo_way_back import WayBack
from headrace.deployment import decision_log, open_logs, version_store
from headrace.options import now
from headrace.settings import Settings
from streams.decisions import Decision
from streams.events import Interaction
from streams.frames import EventFrame, encode_frame
from tests.headrace import deployments


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Three versions over ten frames, one a second: 4 to 6 hold bad clicks, one of them twice; version 3 caused 8."""
    settings = demo_settings(tmp_path)
    apps, versions = dict.fromkeys((4, 5, 6), APP), {8: 3}
    with open_logs(settings) as logs:
        events = logs.open("events", settings.partitions)
        for n in range(10):
            app, version = apps.get(n, "1.0"), versions.get(n)
            name = "e4" if n == 5 else f"e{n}"
            click = Interaction(name, n * 1_000, "ana", "click", "tea", model_version=version, app_version=app)
            events.append(0, [encode_frame(EventFrame((click,)))], at=n * 1_000)
    with decision_log(settings) as decisions:
        for seen, upto in enumerate((3, 6, 9)):
            made = deployments.commit(version_store(settings), upto=upto)
            decisions.decide(Decision("publish", 1, "trainer", "passed", seen, version=made.version, input=made.input))
    return settings


def at_its_end() -> Incident:
    incident = Incident(100, seed=1)
    for events, at in ((40, 6_000), (55, 6_500), (60, 9_000)):
        incident.turn(events, at)
    return incident


def answer(tally: Tally, version: int) -> None:
    stamps = dict.fromkeys(STAGES, version)
    tally.answered({"version": version, "rung": "model", "stamps": stamps}, ms=1.0, at=now())


def test_nothing_is_done_before_it_is_due(settings: Settings) -> None:
    incident = Incident(100, seed=1)
    incident.turn(59, now=9_000)
    way_back = WayBack(incident, settings, Tally())
    assert way_back.look().doing == "bug is over"
    figures = way_back.figures(Stage(seed=1, started_at=0))
    assert (figures.masked_events, figures.tainted_versions, figures.back.to_old_version) == (0, 0, None)


def test_one_line_rolls_back_and_masks_the_bad_app_and_what_came_of_it(settings: Settings) -> None:
    way_back = WayBack(at_its_end(), settings, Tally())
    for _ in range(3):
        way_back.look()
    figures = way_back.figures(Stage(seed=1, started_at=0))
    with decision_log(settings) as decisions:
        (line,) = decisions.follow()[3:]
    assert (line.kind, line.version) == ("rollback", 1)
    assert line.until is not None
    assert (figures.masked_events, figures.tainted_versions) == (3, 2)


def test_the_way_back_ends_with_a_version_that_has_caught_up(settings: Settings) -> None:
    tally = Tally()
    way_back, stage = WayBack(at_its_end(), settings, tally), Stage(seed=1, started_at=0)
    way_back.look()
    way_back.figures(stage)
    answer(tally, 1)
    assert way_back.look().doing == "rolled back to version 1"
    with decision_log(settings) as decisions:
        for version, upto in ((4, 9), (5, 10)):
            decisions.decide(Decision("publish", 3, "trainer", "passed", 4, version=version, input={0: upto}))
    answer(tally, 4)
    assert way_back.look().doing == "rolled back to version 1"
    answer(tally, 5)
    assert way_back.look().doing == "caught up"
    assert way_back.figures(stage).back.to_caught_up is not None


def test_a_refused_command_is_told(tmp_path: Path) -> None:
    way_back = WayBack(at_its_end(), deployments.of(tmp_path), Tally())
    way_back.look()
    way_back.figures(Stage(seed=1, started_at=0))
    assert way_back.look().text.startswith("refused: ")
