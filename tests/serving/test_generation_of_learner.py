"""The whole way of a version: what the learner exports, what the follower makes of it, what a server opens."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from checkpoints.manifest import Manifest, TrainerPosition
from serving.build import InlineBuilder, Rules
from serving.follower import follow
from serving.generation import Generation
from serving.generation_files import folder_of
from serving.live import BundleKeeper, Live
from serving.scorer import Asker, Scorer
from streams.decisions import DecisionLog
from tests.learners.lessons import ITEMS, batch, fact, random_batch
from tests.serving.follower_town import Town, until_idle
from tests.serving.plain_export import say

named_learners = pytest.importorskip("learners.named_learners")


def test_a_learned_version_is_served_with_one_stamp_everywhere(tmp_path: Path) -> None:
    town = Town(tmp_path)
    learner = named_learners.make_learner("two_tower_deepfm", labels=("click", "long"), seed=1)
    for n, lesson in enumerate([batch(*map(fact, ITEMS)), *map(random_batch, range(3))]):
        learner.score(lesson)
        learner.learn(lesson)
        if n == 0:
            continue
        version = town.store.reserve()
        draft = Manifest(version=version, parent=None, decisions=0, positions={0: TrainerPosition()})
        town.store.commit(version, lambda folder, v=version: learner.export(folder / "serving", version=v), draft)
        say(town.decisions, "publish", version)
        with closing(
            follow(
                DecisionLog(town.log),
                store=town.store,
                generations=town.generations,
                vectors=town.vectors,
                builder=InlineBuilder(Scorer.open, Rules(links_from=10)),
                open_export=Scorer.open,
                clock=lambda: 0,
            )
        ) as reports:
            assert [report.error for report in until_idle(reports)] == ["", ""]
    live = Live()
    assert BundleKeeper(DecisionLog(town.log), town.generations, live, open_scorer=Scorer.open).turn().version == 3
    bundle = live.current()
    assert bundle is not None
    asker = Asker("ana", (), "home", {}, 9)
    rows, scores = bundle.generation.search(bundle.scorer.user_vector(asker), 5)
    wanted = np.sort(bundle.scorer.item_vectors @ bundle.scorer.user_vector(asker))[::-1][:5]
    np.testing.assert_allclose(scores, wanted, atol=1e-5)
    assert bundle.scorer.score(asker, rows).shape == (5, 2)
    assert Generation.open(folder_of(town.generations, 3)).items == len(ITEMS)
