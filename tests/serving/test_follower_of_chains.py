"""A version that holds only what changed is served like a whole one: the same items, vectors, answers, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.manifest import Manifest, TrainerPosition
from learners.deriving import LEARNED
from serving.build import InlineBuilder, Rules
from serving.follower import Followed, follow
from serving.generation import Generation
from serving.generation_files import EXPORT, folder_of
from serving.scorer import Asker, Scorer
from streams.decisions import DecisionLog
from streams.examples import Attributes, Past
from tests.learners.lessons import ITEMS, fact, random_batch
from tests.learners.row_lives import at, fresh
from tests.serving.follower_town import Town, until_idle
from tests.serving.plain_export import say

TERMS: dict[str, Any] = {"spaces": {"item": {"ttl": 25}}}
ASKERS = [
    Asker("1", (), "home", {"hour": 2.0}, 9),
    Asker("user2", (Past(ITEMS[3].item_id, "click", 5),), "feed", {}, 9),
    Asker("nobody", (), "", {}, 9),
]


class Line:
    """A learner whose versions are followed; `sparing` ones hold what changed, the others bring serving files."""

    def __init__(self, folder: Path, *, sparing: bool) -> None:
        self.town, self.learner, self._sparing, self._mark = Town(folder), fresh(TERMS), sparing, None

    def learn(self, number: int) -> None:
        told = [fact(item) for item in ITEMS] if number == 0 else []
        few = [e for e in random_batch(number, rows=40).examples if number < 4 or e.row.item_id in FEW]
        self.learner.learn(at(10 * number, *told, *few))

    def commit(self) -> int:
        store = self.town.store
        version = store.reserve()
        taken = self.learner.gather(self._mark) if self._sparing else None
        base = version - 1 if taken and not taken.whole else None
        digest = taken.digest() if taken else ""
        draft = Manifest(version, version - 1 or None, 0, {0: TrainerPosition()}, digest=digest, base=base)
        if taken is None:
            store.commit(version, lambda folder: self.learner.export(folder / EXPORT, version=version), draft)
        else:
            store.commit(version, lambda folder: taken.write(folder / LEARNED, base), draft)
            self._mark = taken.mark
        say(self.town.decisions, "publish", version)
        return version

    def follow(self) -> list[Followed]:
        town = self.town
        return list(
            until_idle(
                follow(
                    DecisionLog(town.log),
                    store=town.store,
                    generations=town.generations,
                    vectors=town.vectors,
                    builder=InlineBuilder(Scorer.open, Rules(links_from=10)),
                    open_export=Scorer.open,
                    clock=lambda: 0,
                )
            )
        )

    def generation(self, version: int) -> Generation:
        return Generation.open(folder_of(self.town.generations, version))


FEW = {item.item_id for item in ITEMS[:12]}


def test_chains_and_whole_versions_give_the_same_generations(tmp_path: Path) -> None:
    chains, wholes = Line(tmp_path / "chains", sparing=True), Line(tmp_path / "wholes", sparing=False)
    offered: list[int] = []
    for number in range(8):
        for line in (chains, wholes):
            line.learn(number)
        if number % 2 == 0:
            continue
        version = chains.commit()
        assert wholes.commit() == version
        for line in (chains, wholes):
            assert [report.error for report in line.follow()] == ["", ""]
        ours, theirs = (Scorer.open(line.generation(version).export) for line in (chains, wholes))
        assert list(ours.item_ids) == list(theirs.item_ids)
        assert ours.item_vectors.tobytes() == theirs.item_vectors.tobytes()
        assert ours.catalogue == theirs.catalogue
        rows = np.arange(len(ours.item_ids), dtype=np.int32)
        for asker in ASKERS:
            assert ours.user_vector(asker).tobytes() == theirs.user_vector(asker).tobytes()
            assert ours.score(asker, rows).tobytes() == theirs.score(asker, rows).tobytes()
        assert chains.generation(version).items == len(ours.item_ids)
        offered.append(len(ours.item_ids))
    assert [len(chains.town.store.links(n)) for n in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert offered[-1] < offered[0], "items whose rows went are in no index"
    assert not (chains.town.store.folder(4) / EXPORT).exists()
    first, last = (set(Scorer.open(chains.generation(version).export).item_ids) for version in (1, 4))
    for item_id in first - last:
        gone = chains.town.vectors.get(item_id)
        assert gone is not None
        assert gone.vector is None


def test_a_generation_of_versions_that_were_made_anew_is_built_again(tmp_path: Path) -> None:
    before, after = Line(tmp_path / "before", sparing=True), Line(tmp_path / "after", sparing=True)
    before.learn(0)
    after.learn(1)
    before.commit()
    before.follow()
    after.commit()
    before.town.store = after.town.store
    assert any("made anew" in report.error for report in before.follow())


def test_a_version_whose_base_is_damaged_names_the_file_and_is_tried_again(tmp_path: Path) -> None:
    line = Line(tmp_path, sparing=True)
    for number in range(2):
        line.learn(number)
        line.commit()
    path = line.town.store.folder(1) / LEARNED / "learner.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    assert str(path) in line.follow()[0].error


def test_on_a_fresh_disk_an_index_that_lost_its_items_is_held(tmp_path: Path) -> None:
    line = Line(tmp_path, sparing=True)
    line.learn(0)
    told = [Attributes(item.item_id, 9, deleted=True) for item in ITEMS]
    line.learner.learn(at(5, *(fact(item) for item in told)))
    line.commit()
    refused = line.follow()[-1]
    assert "the index has 0 items, the version knows " in refused.error
    line.town.decisions.follow()
    last = line.town.decisions.fold.lines[-1]
    assert (last.kind, last.who, last.version) == ("hold", "follower", 1)
    assert not folder_of(line.town.generations, 1).exists()
    say(line.town.decisions, "promote", 1)
    assert line.follow()[-1].built == 1, "an operator may want it"


def test_a_version_that_has_learned_nothing_is_no_lost_index(tmp_path: Path) -> None:
    line = Line(tmp_path, sparing=True)
    line.commit()
    assert line.follow()[-1].built == 1
