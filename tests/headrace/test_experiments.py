"""What an operator does about experiments, and what is done without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from checkpoints.errors import NoSuchVersion, VersionError
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.deployment import open_logs
from headrace.experiment_terms import ExperimentError, Ground, NoSuchExperiment, Wanted
from headrace.experiment_watch import EVERY, Watch
from headrace.experiments import find, move, reading, rows, start
from headrace.operations import Operator
from headrace.settings import Serving
from serving.arm_fold import DAY
from streams.decisions import Decision, DecisionLog
from streams.events import Event, Impression, Interaction, Shown, Slate, Tick
from streams.experiments import Experiments, Trial, arm_of
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry
from streams.positions import partition_of
from tests.headrace import deployments
from tests.headrace.command_line import Headrace, runner

ANA = Operator("ana", "try", 1_000)
BOLD = Wanted("bold", settings={"serving.diversity": ".2"}, share=0.5, metric="page_ctr")
HOUR = 3_600_000


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    """Versions 1 to 3, of which 3 serves."""
    logs, store = MemoryLogs(), VersionStore(tmp_path / "versions")
    decisions = DecisionLog(logs.open("decisions", 1))
    for n in range(3):
        made = deployments.commit(store, verdict="pass")
        decisions.decide(Decision("publish", 1, "trainer", "passed", n, version=made.version, input=made.input))
    return Ground(decisions, logs.open("events", 2), store, Serving(), ("click", "like"), keep=4)


def pages(name: str, *, share: float, on: float, off: float, users: int = 600, seed: int = 3) -> Iterator[Event]:
    """Two pages a user, within an hour; arms click at their own rates."""
    random, trial, items = Random(seed), Trial(name, "start", share=share), (Shown("tea", 0),)
    for n in range(2 * users):
        user, ts, request = f"u{n % users}", 1_000 + n, f"r{n}"
        arm = arm_of(trial, user)
        yield Slate(f"s{n}", ts, user, request, items, arms={name: arm}, took=3.0)
        yield Impression(f"i{n}", ts, user, request, items)
        if random.random() < (on if arm == "on" else off):
            yield Interaction(f"c{n}", ts + 1, user, "click", item_id="tea", request_id=request)


def tell(ground: Ground, *events: Event) -> None:
    shares: list[list[Event]] = [[], []]
    for event in events:
        homes = (0, 1) if isinstance(event, Tick) else (partition_of(event.user_id, 2),)  # type: ignore[union-attr]
        for home in homes:
            shares[home].append(event)
    for partition, share in enumerate(shares):
        for first in range(0, len(share), 50):
            ground.events.append(partition, [encode_frame(EventFrame(tuple(share[first : first + 50])))], at=1)


# ---- starting -------------------------------------------------------------------------------------------------------


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


# ---- pausing, promoting, aborting -----------------------------------------------------------------------------------


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


# ---- reading --------------------------------------------------------------------------------------------------------


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


# ---- the watch ------------------------------------------------------------------------------------------------------


def watched(ground: Ground, turns: int = 60) -> list[str]:
    now = iter(range(HOUR, HOUR + EVERY * (turns + 1), EVERY))
    watch = Watch(ground.decisions, ground.events, clock=lambda: next(now), who="watch")
    return [name for _ in range(turns) for name in watch.turn().stopped]


def test_what_is_surely_worse_is_aborted_by_itself_once(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.1, off=0.5), Tick(HOUR))
    assert watched(ground) == ["bold"]
    line = ground.decisions.fold.lines[-1]
    assert (line.who, line.trial and line.trial.action) == ("watch", "abort")
    assert "page_ctr -" in line.why
    assert watched(ground) == []


def test_lost_clicks_of_what_is_tried_abort_it(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.0, off=0.3), Tick(HOUR))
    assert watched(ground) == ["bold"]


def test_what_is_as_good_goes_on(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.4, off=0.4), Tick(HOUR))
    assert watched(ground) == []


def test_users_that_are_split_unevenly_pause_it(ground: Ground) -> None:
    """Half of those who get what is tried are never logged."""
    start(BOLD, ground, ANA)
    events = pages("bold", share=0.5, on=0.4, off=0.4)
    kept = (e for e in events if not (isinstance(e, Slate) and e.arms["bold"] == "on" and int(e.user_id[1:]) % 2))
    tell(ground, *kept, Tick(HOUR))
    assert watched(ground) == ["bold"]
    assert find("bold", ground.decisions).state == "paused"
    assert reading("bold", ground, now=HOUR)[1].verdict == "uneven"


def test_two_servers_that_watch_write_one_line(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.1, off=0.5), Tick(HOUR))
    watches = [Watch(ground.decisions, ground.events, clock=lambda: HOUR, who=f"w{n}") for n in range(2)]
    stopped = [name for _ in range(60) for watch in watches for name in watch.turn().stopped]
    assert stopped == ["bold"]
    assert len(Experiments.of(ground.decisions.fold).named["bold"].lines) == 2


def test_who_finds_it_stopped_in_the_last_moment_writes_nothing(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.1, off=0.5), Tick(HOUR))
    watch, running = Watch(ground.decisions, ground.events, clock=lambda: -1, who="w"), find("bold", ground.decisions)
    for _ in range(60):
        watch.turn()
    move("bold", "abort", ground, ANA)
    assert watch._judged(running, HOUR) is None
    assert len(find("bold", ground.decisions).lines) == 2


# ---- the commands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    deployments.published(deployments.of(tmp_path / "var"), versions=2)
    return runner(tmp_path, monkeypatch, capsys)


def test_the_whole_life_of_an_experiment_on_the_command_line(headrace: Headrace, tmp_path: Path) -> None:
    words = ("--set", "serving.diversity=.2", "--share", ".5", "--metric", "page_ctr", "--why", "try")
    status, out, err = headrace("experiment", "start", "bold", *words)
    assert (status, err) == (0, "")
    assert "bold runs (decision 2)" in out
    with open_logs(deployments.of(tmp_path / "var")) as logs:
        log = logs.open("events", 4)
        for p in range(4):
            events = [e for e in pages("bold", share=0.5, on=0.6, off=0.3) if partition_of(e.user_id, 4) == p]  # type: ignore[union-attr]
            log.append(p, [encode_frame(EventFrame((*events, Tick(HOUR))))], at=1)
    (row,) = json.loads(headrace("experiment", "list", "--json")[1])
    assert (row["name"], row["state"], row["served"]) == ("bold", "running", True)
    assert "serving.diversity=0.2" in headrace("experiment", "list")[1]
    told = json.loads(headrace("experiment", "show", "bold", "--json")[1])
    assert (told["verdict"], told["figures"][0]["metric"], sum(told["users"])) == ("better", "page_ctr", 600)
    out = headrace("experiment", "show", "bold")[1]
    assert "page_ctr" in out
    assert "running; better" in out
    assert json.loads(headrace("experiment", "pause", "bold", "--why", "x", "--json")[1])["line"] == 3
    assert headrace("experiment", "start", "bold", "--why", "on")[0] == 0
    out = headrace("experiment", "promote", "bold", "--why", "better")[1]
    assert "diversity = 0.2" in out
    assert headrace("experiment", "abort", "bold", "--why", "no")[0] == 0
    assert [row["kind"] for row in json.loads(headrace("decisions", "--json")[1])][2:] == ["experiment"] * 5


def test_a_start_without_a_metric_is_one_paragraph(headrace: Headrace) -> None:
    status, _, err = headrace(
        "experiment", "start", "bold", "--set", "serving.diversity=.2", "--share", ".5", "--why", "x"
    )
    assert (status, "needs a metric that stops it, and none is named" in err.replace("\n", " ")) == (1, True)


def test_a_horizon_is_said_loudly(headrace: Headrace) -> None:
    words = ("--set", "serving.diversity=.2", "--share", ".5", "--metric", "page_ctr", "--horizon", "7d", "--why", "x")
    assert "read ONCE, 7d from now" in headrace("experiment", "start", "bold", *words)[1]
