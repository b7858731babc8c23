"""A version judged on slates that were logged: what served foresees itself, and another policy is told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.poison_run import settings_for
from benchmarks.poison_site import Clock, Site
from headrace.demo_stage import Stage
from headrace.deployment import fold_rules_of
from headrace.experiment_terms import ExperimentError, Ground, ground_of
from headrace.off_policy import Question, judged
from headrace.process_terms import policy_of
from headrace.world import World
from serving.answers import Ask
from streams.log import MemoryLogs

START, STEP, PER_STEP = 1_790_000_000_000, 500, 12
LEARNING, SERVED = 24, 14


class Town:
    """People of a small world and a site in this process that leaves every second place to chance."""

    def __init__(self, var: Path) -> None:
        self.clock = Clock(START)
        settings = settings_for(var, guard=False)
        serving = settings.serving.model_copy(update={"epsilon": 0.5})
        trainer = settings.trainer.model_copy(update={"commit": LEARNING * STEP})
        self.settings = settings.model_copy(update={"serving": serving, "trainer": trainer})
        self.site = Site(self.settings, self.clock, seed=1)
        world = World(1, started_at=START, users=60, items=30)
        self._stage = Stage(seed=1, started_at=START, world=world)
        self.served: list[int] = []

    def live(self, steps: int, pages: int) -> None:
        """So many steps, with pages in each."""
        for _ in range(steps):
            self.clock.now += STEP
            self.site.post([posting.event for posting in self._stage.due(self.clock.now)])
            self.site.turn()
            for _ in range(pages):
                page = self._stage.ask(self.clock.now)
                answer = self.site.answer(Ask(page.user_id, 4, self.clock.now, surface=page.surface))
                self._stage.show(page, answer, self.clock.now, events=len(self.served))
                self.served.append(answer["version"])

    def ground(self) -> Ground:
        events = self.site.logs.open("events", self.settings.partitions)
        return ground_of(self.settings, self.site.decided(), events, self.site.store)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One version answers all pages of the second part."""
    town = Town(tmp_path_factory.mktemp("site"))
    while not town.served or not town.served[-1]:
        town.live(1, PER_STEP)
    town.live(SERVED, PER_STEP)
    yield town
    town.site.close()


def ask(town: Town, version: int = 0, **settings: str) -> dict[str, Any]:
    asked = Question(version or town.served[-1], {f"serving.{name}": value for name, value in settings.items()})
    return judged(asked, town.ground(), fold_rules_of(town.settings), policy_of(town.settings))


def test_what_served_foresees_its_own_slates(town: Town) -> None:
    assert len(set(town.served[-SERVED * PER_STEP :])) == 1
    told = ask(town)
    assert told["pages"] >= SERVED * PER_STEP
    assert told["effective"] > 0.9 * told["pages"]
    assert told["ips"]["value"] == pytest.approx(told["logged"]["value"], rel=0.1)
    assert told["ips"]["low"] < told["logged"]["value"] < told["ips"]["high"]


def test_settings_that_leave_less_to_chance_are_told_apart_and_are_less_sure(town: Town) -> None:
    told = ask(town, epsilon="0.05")
    assert told["settings"] == {"serving.epsilon": "0.05"}
    assert told["effective"] < 0.5 * told["pages"]
    assert told["snips"]["value"] != ask(town)["snips"]["value"]
    assert told["snips"]["low"] is None


def test_other_lists_by_caps_bids_and_chance_are_judged(town: Town) -> None:
    plain = ask(town)
    settings = {"caps.category": "1", "exploration": "thompson", "boldness": "2"}
    told = judged(
        Question(town.served[-1], {f"serving.{name}": text for name, text in settings.items()}),
        town.ground(), fold_rules_of(town.settings), policy_of(town.settings),
    )  # fmt: skip
    assert told["settings"] == {f"serving.{name}": text for name, text in settings.items()}
    assert told["snips"]["value"] != plain["snips"]["value"]


def test_a_question_without_an_answer_is_refused(town: Town) -> None:
    with pytest.raises(ExperimentError, match="like is not learned; labels are click, buy"):
        judged(Question(1, label="like"), town.ground(), fold_rules_of(town.settings), policy_of(town.settings))
    with pytest.raises(ExperimentError, match="can't be tried"):
        ask(town, port="9")
    with pytest.raises(ExperimentError, match=r"serving\.exploration can't be 'wild': Input should be 'epsilon' or"):
        ask(town, exploration="wild")


def test_without_slates_behind_the_version_nothing_is_judged(town: Town) -> None:
    silent = replace(town.ground(), events=MemoryLogs().open("events", town.settings.partitions))
    with pytest.raises(ExperimentError, match="has learned from all there is"):
        judged(Question(1), silent, fold_rules_of(town.settings), policy_of(town.settings))
