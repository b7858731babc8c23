"""Seven faults, each let into the loop: contained before it serves. And a true step, which moves nobody."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints.automatic import Terms as WatchTerms
from checkpoints.automatic import Watcher
from checkpoints.errors import DamagedVersion
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from checkpoints.vectors import MemoryVectors
from headrace.live_figures import Bounds, Figures
from headrace.watching import Watched, Watching
from learners.errors import OtherSettings
from learners.guard.rules import GuardRules
from learners.guard_terms import Terms
from learners.guarded_learner import GuardedLearner
from learners.learner import Learner
from learners.named_learners import make_learner
from learners.two_stage_learner import TwoStageLearner
from serving.build import InlineBuilder, Rules
from serving.follower import follow
from serving.generation_files import versions_in
from serving.index_gate import Asked
from streams.decisions import DecisionLog
from streams.log import MemoryLog
from tests.learners.gated_town import Town, flipped, fresh, lost, measures
from tests.serving.plain_export import PlainScorer, commit, crowd, names, say


def guarded() -> Learner:
    return GuardedLearner(fresh, Terms(rules=GuardRules(hold=8, ask=64, warm=3, warm_clicks=100)))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.play(1_200)
    return town


def test_weights_that_are_no_number_never_serve(town: Town) -> None:
    live = town.registry.live
    _weights(town)[:100] = np.nan
    (*_, broken) = town.play(200)
    assert (broken.verdict, town.registry.live) == ("fail", live)
    assert "not finite" in broken.reason
    assert town.registry.standing(broken.version) == "held"


def test_weights_that_a_feature_blew_up_never_serve(town: Town) -> None:
    live = town.registry.live
    _weights(town)[:] *= 30
    (held, *_) = town.play(200)
    assert (held.verdict, town.registry.live) == ("fail", live)
    assert measures(held)["norms"]["verdict"] == "fail"
    assert held.sound  # learning may go on from it: it is what the log gives


@pytest.mark.parametrize("fault", [flipped, lost])
def test_labels_that_are_turned_or_lost_are_in_no_version(fault: Callable[..., Any], tmp_path: Path) -> None:
    town = Town(tmp_path, guarded)
    town.play(1_200)
    learned = town.live.rows_learned
    town.play(150, fault)
    assert town.live.rows_learned - learned <= 400  # a batch at most, before it is seen


def test_a_torn_file_is_passed_over_for_the_version_before(town: Town) -> None:
    newest = town.store.manifests()[-1]
    file = next(path for path in sorted(town.store.open(newest.version).rglob("*.safetensors")))
    file.write_bytes(file.read_bytes()[:-100])
    store = VersionStore(town.store.root)
    with pytest.raises(DamagedVersion):
        store.chain(newest.version)
    found = store.first_openable([newest, store.manifest(newest.version - 1)])
    assert found is not None
    assert found.manifest.version == newest.version - 1


def test_a_model_of_another_schema_is_refused_before_it_learns(tmp_path: Path) -> None:
    Town(tmp_path).play(300)
    other = partial(make_learner, labels=("click", "buy"), context=(), seed=5)
    with pytest.raises((OtherSettings, ValueError), match="settings"):
        Town(tmp_path, other).play(10)


def test_an_empty_index_is_held_and_the_one_before_serves_on(tmp_path: Path) -> None:
    log, store = MemoryLog("decisions", 1), VersionStore(tmp_path / "versions")
    decisions, vec_ID = DecisionLog(log), crowd(300)
    following = _following(tmp_path, log, store)
    for ids in (names(300), []):
        say(decisions, "publish", commit(store, ids, vec_ID[: len(ids)]))
        list(islice(following, 6))
    decisions.follow()
    registry = Registry.of(decisions.fold)
    assert (registry.live, registry.standing(2), versions_in(tmp_path / "generations")) == (1, "held", [1])
    assert decisions.fold.lines[-1].why == "the index has 0 items, the one before has 300: at least 150"


def test_a_true_step_rolls_nothing_back(tmp_path: Path) -> None:
    town = Town(tmp_path)
    watching, said = _watched(town)
    for step, pages in ((1.0, 12), (1.6, 12), (0.6, 12)):
        chance = town.world.chance
        town.world.chance = lambda user, items, by=step, of=chance: np.minimum(by * of(user, items), 0.95)  # type: ignore[method-assign,misc]
        for _ in range(pages):
            town.play(60)
            said.append(watching())
        town.world.chance = chance  # type: ignore[method-assign]
    assert [one.rolled_back for one in said if one and one.rolled_back] == []
    assert town.registry.live == max(town.registry.published)
    assert {m.verdict for m in town.store.manifests()[1:]} <= {"pass", "inconclusive"}


def _watched(town: Town) -> tuple[Callable[[], Watched | None], list[Watched | None]]:
    """A watcher of every metric of the model, with a look at each call."""
    terms, metrics = WatchTerms(windows=4, bad=2, bake=0), ("clicks", "ne", "calibration", "guard")

    def heard() -> tuple[dict[str, Any], dict[str, Any]]:
        return {"rehearsed": next((turn.rehearsed for turn in reversed(town.turns) if turn.rehearsed), {})}, {}

    decisions = DecisionLog(town.logs.open("decisions", 1))
    figures = Figures(metrics, Bounds(windows=terms.windows))
    watching = Watching(town.store, decisions, heard, watcher=Watcher(terms), figures=figures, every=1)

    return lambda: watching.look(town.clock()), []


def _weights(town: Town) -> Any:
    assert isinstance(town.live, TwoStageLearner)
    return next(iter(town.live._model.dense["rank"].values()))


def _following(root: Path, log: MemoryLog, store: VersionStore) -> Any:
    builder = InlineBuilder(PlainScorer.open, Rules(links_from=10_000))
    turns: Any = follow(
        DecisionLog(log), store=store, generations=root / "generations", vectors=MemoryVectors(), builder=builder,
        open_export=PlainScorer.open, clock=lambda: 0, asked=Asked(latency=10_000),
    )  # fmt: skip
    return turns
