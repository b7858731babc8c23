"""A version before the gate: what holds it, what lets it pass, and that looking changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from checkpoints.errors import VersionError
from headrace.operations import Operator, promote
from learners.gate import Limits, judge, measured, said
from learners.gate_measures import Compared, Served, all_of
from learners.learner import Learner
from learners.live_copies import CANARY, Copy, Stage
from learners.ordering import Batch, Example
from learners.paired_figures import Figure
from learners.resuming import newest_valid
from streams.decisions import DecisionLog
from streams.examples import Row
from tests.learners.gated_town import PLAN, Town, measures
from tests.learners.gated_town import fresh as fresh_model
from tests.learners.joined_log import COME_AND_GO, fresh, joined, logs_of, trainer_of

ANA = Operator("ana", "it is better", 9)
SEED = np.random.default_rng(5)


def rows(
    n: int = 2_000, *, worse: float = 0.0, shift: float = 0.0, young: bool = False, turned: bool = False
) -> Compared:
    """A model and the live version over rows of one truth; the model's logits are blurred by `worse`, moved by
    `shift`."""
    truth_N = SEED.normal(-1.5, 1.2, n)
    came_N = SEED.random(n) < 1 / (1 + np.exp(-truth_N))
    live_N = truth_N + SEED.normal(0, 0.3, n)
    own_N = (-3.0 - live_N if turned else live_N) + SEED.normal(0, 0.05 + worse, n) + shift
    own_N, live_N = (1 / (1 + np.exp(-one_N)) for one_N in (own_N, live_N))
    return Compared(own_N, came_N, live_N, own_N[-200:], live_N[-200:], served=Served(1, 1, 1, young=young))


def names(compared: Compared, verdict: str) -> set[str]:
    return {one.name for one in all_of(compared, Limits()) if one.verdict == verdict}


def test_a_model_as_good_as_the_live_one_passes() -> None:
    told = all_of(rows(20_000), Limits())
    assert judge(told, first=False)[0] == "pass"


def test_each_measure_fails_what_it_is_for() -> None:
    assert {"ne", "auc"} <= names(rows(8_000, worse=2.0), "fail")
    assert "calibration" in names(rows(8_000, shift=1.5), "fail")
    assert "order" in names(rows(8_000, turned=True), "fail")
    broken = replace(rows(), canary_C=np.array([0.1, np.nan]))
    assert [(one.name, one.verdict) for one in all_of(broken, Limits())] == [("canary", "fail")]


def test_a_step_of_the_world_that_the_live_version_foresees_worse_passes() -> None:
    stepped = rows(8_000)
    came_N = SEED.random(8_000) < np.minimum(1.8 * stepped.p_N, 1)
    moved_N = np.minimum(1.5 * stepped.p_N, 0.99)
    told = all_of(replace(stepped, p_N=moved_N, came_N=came_N, canary_C=moved_N[-200:]), Limits(calibration=0.1))
    assert judge(told, first=False)[0] == "pass"


def test_few_rows_hold_nothing_and_a_near_limit_holds_only_where_something_serves() -> None:
    assert judge(all_of(rows(90, worse=2.0), Limits()), first=False)[0] == "pass"
    near = [measured("ne", Figure(0.04, 0.01, 0.07, 900), 0.02, least=400)]
    assert [judge(near, first=first)[0] for first in (True, False)] == ["pass", "inconclusive"]
    assert judge([said("finite", "none", fine=False)], first=True)[0] == "fail"


def test_a_young_live_version_is_no_measure_of_order() -> None:
    assert "order" in names(rows(8_000, turned=True, young=True), "inconclusive")


def test_looking_changes_nothing_that_was_learned(tmp_path: Path) -> None:
    def learner() -> Learner:
        return fresh(COME_AND_GO)

    digests = []
    for limits in (None, Limits(every=1, rows=100)):
        plan = replace(PLAN, partitions=3, bucket_ms=500, batch_size=64, commit_batches=2, gate=limits, until_end=True)
        trainer = trainer_of(logs_of(joined()), tmp_path / str(limits is None), plan, learner)
        while not trainer.turn().ended:
            pass
        assert trainer._state is not None
        digests.append(trainer._state.learner.digest())
        if (rehearsal := trainer._state.rehearsal) is not None:
            assert (rehearsal.out, bool(rehearsal.told())) == ({}, True)
    assert digests[0] == digests[1]


def test_a_held_version_is_a_line_is_not_published_and_serves_when_an_operator_says_so(tmp_path: Path) -> None:
    town = Town(tmp_path, plan=replace(PLAN, gate=Limits(every=1, rows=100, young=0, auc=-0.9, ne=-9)))
    first, *held = town.play(600)
    registry, decisions = town.registry, DecisionLog(town.logs.open("decisions", 1))
    assert (first.verdict, registry.live in registry.held) == ("pass", False)
    newest = next(m for m in reversed(held) if m.verdict == "fail")
    assert (registry.standing(newest.version), newest.version in registry.published) == ("held", False)
    assert measures(newest)["auc"]["limit"] == -0.9
    decisions.follow()
    (line,) = [line for line in decisions.fold.lines if line.kind == "hold" and line.version == newest.version]
    assert "auc" in line.why
    with pytest.raises(VersionError, match="publish N --anyway"):
        promote(newest.version, town.store, decisions, ANA)
    promote(newest.version, town.store, decisions, ANA, anyway=True)
    assert town.registry.live == newest.version


def test_a_trainer_goes_on_from_a_version_that_failed_by_its_figures_alone(tmp_path: Path) -> None:
    plan = replace(PLAN, gate=Limits(every=1, rows=100, young=0, auc=-0.9, ne=-9))
    town = Town(tmp_path, plan=plan)
    versions = town.play(600)
    assert versions[-1].verdict == "fail"
    fold = DecisionLog(town.logs.open("decisions", 1))
    fold.follow()
    found = newest_valid(town.store, fold.fold, partitions=1, configs={""})
    assert found is not None
    assert found.manifest.version == versions[-1].version


def test_a_copy_says_at_once_what_it_thinks_of_the_canary_and_foresees_only_what_comes(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.play(400)
    assert town.trainer._state is not None
    rehearsal = town.trainer._state.rehearsal
    assert rehearsal is not None
    rehearsal._copies.all, live = [], town.registry.live
    assert live is not None
    rehearsal.opened(Copy(live, fresh_model(), Stage(), 0))
    told = rehearsal.compared(town.live, live, Stage())()
    assert told.live_N is None
    assert told.canary_live_C is not None
    assert (len(told.canary_live_C), told.served.canary) == (CANARY, live)
    town.play(100)
    seen = rehearsal.compared(town.live, live, Stage())().live_N
    assert seen is not None
    assert len(seen) == rehearsal._copies.all[0].rows > 0


def test_what_is_forgotten_is_in_no_row_that_waits(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.play(700)
    assert town.trainer._state is not None
    rehearsal = town.trainer._state.rehearsal
    assert rehearsal is not None
    user = next(one.example.shot.user_id for one in rehearsal._seen if one.example.shot)
    rehearsal.see(gone := Batch((Example(Row(9, 9, "forget", user), None, None, 0),), 9), town.live.score(gone))
    assert all(one.example.shot is None or one.example.shot.user_id != user for one in rehearsal._seen)
    copy = rehearsal._copies.newest
    assert copy is not None
    assert len(copy.told) <= len(rehearsal._seen)
