"""Who is in which arm, and what the lines of the decisions make of an experiment."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from streams.decisions import Decision, DecisionLog
from streams.events import Event, Impression, Interaction, Shown, Slate
from streams.examples import encode
from streams.experiments import Action, Experiments, Trial, arm_of, drawn
from streams.log import MemoryLog
from streams.mask import Entry
from streams.replay import replay
from streams.rules import Label, Rules

BOLD = Trial("bold", "start", {"serving.diversity": "0.2"}, share=0.3, metric="page_ctr")


def log_of(*actions: Action, trial: Trial = BOLD) -> DecisionLog:
    decisions = DecisionLog(MemoryLog("decisions", 1))
    for n, action in enumerate(actions):
        line = trial if action == "start" and not n else Trial(trial.name, action)
        decisions.decide(Decision("experiment", 10 * n, "ana", "try", n, start={0: 5}, trial=line))
    return decisions


def test_a_user_has_the_same_arm_in_every_process() -> None:
    code = "from streams.experiments import *; t = Trial('bold', 'start', share=.3); "
    code += "print([arm_of(t, f'u{n}') for n in range(50)])"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, text=True, env={"PYTHONHASHSEED": s}
        ).stdout
        for s in ("1", "2")
    }
    assert told == {f"{[arm_of(BOLD, f'u{n}') for n in range(50)]}\n"}


def test_a_larger_share_keeps_who_was_in_the_smaller_one() -> None:
    few, many = Trial("bold", "start", share=0.1), Trial("bold", "start", share=0.4)
    users = [f"u{n}" for n in range(2_000)]
    assert {u for u in users if arm_of(few, u) == "on"} < {u for u in users if arm_of(many, u) == "on"}


def test_two_experiments_draw_without_regard_to_each_other() -> None:
    users = [f"u{n}" for n in range(8_000)]
    both = sum(drawn("bold", u) < 0.5 and drawn("shy", u) < 0.5 for u in users)
    assert 0.23 < both / len(users) < 0.27


def test_users_are_drawn_evenly_whatever_their_names_are_like() -> None:
    tenths = [0] * 10
    for n in range(20_000):
        tenths[int(10 * drawn("bold", f"{n:08d}"))] += 1
    assert all(1_800 < count < 2_200 for count in tenths)


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        (("start",), "running"),
        (("start", "pause"), "paused"),
        (("start", "pause", "start"), "running"),
        (("start", "promote"), "promoted"),
        (("start", "pause", "promote"), "promoted"),
        (("start", "promote", "abort"), "aborted"),
        (("start", "abort", "promote"), "aborted"),
        (("start", "abort", "start"), "aborted"),
    ],
)
def test_what_lines_make_of_an_experiment(actions: tuple[Action, ...], state: str) -> None:
    one = Experiments.of(log_of(*actions).fold).named["bold"]
    assert (one.state, one.trial, one.begin) == (state, BOLD, {0: 5})


def test_the_end_of_what_never_began_changes_nothing() -> None:
    assert Experiments.of(log_of("abort", "promote").fold).named == {}


def test_the_fold_is_the_same_line_by_line_as_at_once() -> None:
    decisions, slow = DecisionLog(MemoryLog("decisions", 1)), Experiments()
    for n, trial in enumerate((BOLD, Trial("bold", "pause"), Trial("bold", "start"), Trial("bold", "abort"))):
        decisions.decide(Decision("experiment", n, "ana", "try", n, trial=trial))
        slow.follow(decisions.fold)
    assert slow == Experiments.of(decisions.fold)


def test_settings_that_were_promoted_stand_until_they_are_aborted_and_the_newest_wins() -> None:
    decisions = log_of("start", "promote")
    other = Trial("shy", "start", {"serving.diversity": "0.1"}, share=0.5, metric="page_ctr")
    for n, trial in enumerate((other, Trial("shy", "promote"))):
        decisions.decide(Decision("experiment", 50 + n, "ana", "try", 2 + n, trial=trial))
    assert Experiments.of(decisions.fold).overlay() == {"serving.diversity": "0.1"}
    decisions.decide(Decision("experiment", 60, "ana", "worse", 4, trial=Trial("shy", "abort")))
    assert Experiments.of(decisions.fold).overlay() == {"serving.diversity": "0.2"}


def test_a_version_that_was_tainted_meanwhile_is_needed_no_more() -> None:
    decisions = DecisionLog(MemoryLog("decisions", 1))
    trial = Trial("new", "start", share=0.1, metric="page_ctr")
    decisions.decide(Decision("experiment", 1, "ana", "try", 0, version=4, input={0: 9}, trial=trial))
    assert Experiments.of(decisions.fold).needed(decisions.fold) == {4}
    decisions.decide(Decision("mask", 2, "ana", "bad", 1, add=(Entry("q", start={0: 3}),)))
    found = Experiments.of(decisions.fold)
    assert (found.needed(decisions.fold), found.named["new"].untainted(decisions.fold)) == (frozenset(), False)


def test_a_start_whose_version_is_tainted_already_is_passed_over() -> None:
    decisions = DecisionLog(MemoryLog("decisions", 1))
    decisions.decide(Decision("mask", 1, "ana", "bad", 0, add=(Entry("q", start={0: 3}),)))
    trial = Trial("new", "start", share=0.1, metric="page_ctr")
    decisions.decide(Decision("experiment", 2, "ana", "try", 0, version=4, mask_position=0, input={0: 9}, trial=trial))
    assert Experiments.of(decisions.fold).named == {}


def test_examples_are_the_same_bytes_whoever_is_in_which_arm() -> None:
    rules = Rules((Label("click", event="click", window=5_000),), grace=0, out_of_orderness=0)
    shown = (Shown("tea", 0, 0.5, 1.0),)

    def rows(**said: Any) -> list[bytes]:
        events: list[Event] = [
            Slate("s", 1, "ana", "r", shown, **said),
            Impression("i", 2, "ana", "r", shown),
            Interaction("c", 3, "ana", "click", item_id="tea", request_id="r"),
        ]
        return [encode(frame) for _, frame in replay([(event.ts, event) for event in events], rules, partitions=1)]

    assert rows(arms={"bold": "on"}, took=3.5) == rows()
    assert rows()
