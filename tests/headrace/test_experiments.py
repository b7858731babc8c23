"""What an operator does about experiments: starting, pausing, promoting, aborting."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from checkpoints.errors import NoSuchVersion, VersionError
from checkpoints.registry import Registry
from headrace.experiment_terms import ExperimentError, Ground, NoSuchExperiment, Wanted
from headrace.experiments import find, move, rows, start
from headrace.settings import Serving
from streams.decisions import Decision
from streams.events import Tick
from streams.mask import Entry
from streams.rules import Label, Rules
from tests.headrace import deployments
from tests.headrace.experiment_ground import ANA, BOLD, ground_in, tell


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_in(tmp_path)


def test_a_start_is_one_line_that_says_all_of_it(ground: Ground) -> None:
    tell(ground, Tick(5))
    n = start(BOLD, ground, ANA)
    line = ground.decisions.fold.lines[n or 0]
    assert (line.kind, line.who, line.start, line.version) == ("experiment", "ana", {0: 1, 1: 1}, None)
    assert line.trial is not None
    assert (line.trial.settings, line.trial.share, line.trial.metric) == ({"serving.diversity": "0.2"}, 0.5, "page_ctr")


def test_trying_to_start_writes_nothing(ground: Ground) -> None:
    before = ground.decisions.fold.position
    assert start(BOLD, ground, ANA, dry_run=True) is None
    assert ground.decisions.fold.position == before


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted("bold", settings=BOLD.settings, share=0.5), "needs a metric"),
        (Wanted("bold", settings=BOLD.settings, share=0.5, metric="mood"), "page_ctr, click_rate"),
        (Wanted("bold", share=0.5, metric="page_ctr"), "nothing is tried"),
        (Wanted("bold", settings=BOLD.settings, metric="page_ctr"), "the share is None"),
        (Wanted("bold", settings=BOLD.settings, share=1.0, metric="page_ctr"), "below 1"),
        (Wanted("bold", settings=BOLD.settings, share=0.5, metric="page_ctr", abort_below=0.1), "relative difference"),
        (Wanted("..", settings=BOLD.settings, share=0.5, metric="page_ctr"), "a letter or a digit first"),
        (
            Wanted("bold", settings={"serving.mood": "2"}, share=0.5, metric="page_ctr"),
            r"serving\.mood can't be tried; what",
        ),
        (Wanted("two words", settings=BOLD.settings, share=0.5, metric="page_ctr"), "is no name"),
        (Wanted("bold", settings={"serving.diversity": "2"}, share=0.5, metric="page_ctr"), "less than or equal to 1"),
        (Wanted("bold", settings={"serving.port": "2"}, share=0.5, metric="page_ctr"), "can't be tried"),
        (Wanted("bold", settings={"serving.weights.buy": "2"}, share=0.5, metric="page_ctr"), "labels are click, like"),
        (Wanted("bold", 3, share=0.5, metric="page_ctr"), "serves everybody already"),
    ],
)
def test_what_can_not_be_served_or_stopped_is_refused_and_nothing_is_written(
    ground: Ground, wanted: Wanted, told: str
) -> None:
    before = ground.decisions.fold.position
    with pytest.raises(ExperimentError, match=told):
        start(wanted, ground, ANA)
    assert ground.decisions.fold.position == before


def test_a_version_that_is_absent_failed_tainted_or_taken_back_is_refused(ground: Ground) -> None:
    def wanted(version: int) -> Wanted:
        return Wanted("new", version, share=0.5, metric="page_ctr")

    with pytest.raises(NoSuchVersion):
        start(wanted(9), ground, ANA)
    deployments.commit(ground.store, verdict="fail")
    with pytest.raises(VersionError, match="failed its gate"):
        start(wanted(4), ground, ANA)
    ground.decisions.decide(Decision("rollback", 2, "ana", "odd", 3, version=1, input={0: 10}))
    with pytest.raises(ExperimentError, match="was taken back"):
        start(wanted(2), ground, ANA)
    ground.decisions.decide(Decision("mask", 2, "ana", "bad", 3, add=(Entry("q", start={0: 5}),)))
    with pytest.raises(ExperimentError, match="masked since"):
        start(wanted(2), ground, ANA)


def test_a_server_that_can_not_hold_one_more_version_warm_has_none_tried(ground: Ground) -> None:
    deployments.commit(ground.store)
    small = Ground(ground.decisions, ground.events, ground.store, Serving(), ("click",), keep=2)
    with pytest.raises(ExperimentError, match=r"keep 2 versions warm .* and 3 would be needed"):
        start(Wanted("new", 4, share=0.5, metric="page_ctr"), small, ANA)
    assert start(Wanted("new", 4, share=0.5, metric="page_ctr"), ground, ANA) is not None


def test_two_experiments_never_try_the_same_thing(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    with pytest.raises(ExperimentError, match=r"bold tries serving\.diversity already"):
        start(Wanted("shy", settings={"serving.diversity": "0"}, share=0.5, metric="page_ctr"), ground, ANA)
    assert start(Wanted("shy", settings={"serving.epsilon": "0"}, share=0.5, metric="page_ctr"), ground, ANA)


def test_one_weight_is_tried_beside_all_the_others_as_they_are(ground: Ground) -> None:
    start(Wanted("buy", settings={"serving.weights.like": "3"}, share=0.5, metric="page_ctr"), ground, ANA)
    assert find("buy", ground.decisions).trial.settings == {
        "serving.weights.click": "1.0",
        "serving.weights.like": "3.0",
    }


def test_a_paused_one_goes_on_by_its_name_alone_and_as_nothing_else(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    move("bold", "pause", ground, ANA)
    with pytest.raises(ExperimentError, match="can't change any more"):
        start(BOLD, ground, ANA)
    start(Wanted("bold"), ground, ANA)
    assert find("bold", ground.decisions).state == "running"


def test_promoting_a_version_is_the_ordinary_line_and_its_own(ground: Ground) -> None:
    deployments.commit(ground.store)
    start(Wanted("new", 4, share=0.5, metric="page_ctr"), ground, ANA)
    assert Registry.of(ground.decisions.fold).live == 3
    move("new", "promote", ground, ANA)
    assert [line.kind for line in ground.decisions.fold.lines[-2:]] == ["promote", "experiment"]
    assert Registry.of(ground.decisions.fold).live == 4
    assert find("new", ground.decisions).state == "promoted"


def test_what_is_over_does_not_come_back(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    move("bold", "abort", ground, ANA)
    actions: tuple[Literal["pause", "promote", "abort"], ...] = ("pause", "promote", "abort")
    for action in actions:
        with pytest.raises(ExperimentError, match="bold is aborted"):
            move("bold", action, ground, ANA)
    with pytest.raises(ExperimentError, match="drawn from only once"):
        start(BOLD, ground, ANA)
    with pytest.raises(NoSuchExperiment, match="there are: bold"):
        move("shy", "abort", ground, ANA)


def test_a_tainted_version_is_not_served_any_more_and_the_list_says_so(ground: Ground) -> None:
    deployments.commit(ground.store)
    start(Wanted("new", 4, share=0.5, metric="page_ctr"), ground, ANA)
    assert [row["served"] for row in rows(ground.decisions)] == [True]
    ground.decisions.decide(Decision("mask", 2, "ana", "bad", 3, add=(Entry("q", start={0: 5}),)))
    assert [(row["state"], row["served"]) for row in rows(ground.decisions)] == [("running", False)]


def test_a_setting_may_be_named_without_its_group(ground: Ground) -> None:
    start(Wanted("shy", settings={"epsilon": "1", "seen.showings": "3"}, share=0.5, metric="page_ctr"), ground, ANA)
    assert find("shy", ground.decisions).trial.settings == {"serving.epsilon": "1.0", "serving.seen.showings": "3"}


def test_labels_are_those_that_the_log_is_joined_with(ground: Ground) -> None:
    rules = Rules((Label("shared", event="share", window=5_000),), grace=500, out_of_orderness=1_000)
    ground.decisions.decide(Decision("configure", 1, "up", "new", 3, settings={"join": rules.text}))
    weighed = Wanted("bold", settings={"serving.weights.click": "2"}, share=0.5, metric="page_ctr")
    with pytest.raises(ExperimentError, match="labels are shared"):
        start(weighed, ground, ANA)
