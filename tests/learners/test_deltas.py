"""What changed, put onto what it stands on, is what a whole snapshot of the same moment holds: bit for bit, always."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints.deltas import opened, write
from checkpoints.journal import tidied
from learners.deriving import LEARNED, OF, derive
from learners.keeping import ARRAYS, DOCUMENT, Arrays
from tests.learners.lessons import forget, lesson, random_batch
from tests.learners.row_lives import NAMES, TERMS, at, fresh, unlike_any

PLAIN: dict[str, Any] = {}


class Line:
    """A learner that writes only what changed, and one that writes everything, at the same moments."""

    def __init__(self, folder: Path, terms: dict[str, Any], name: str = NAMES[0]) -> None:
        self._folder, self._terms, self._name = folder, terms, name
        self.sparing, self.lavish = self._fresh(), self._fresh()
        self._mark: Any = None
        self.chain: list[Path] = []
        self._number = 0

    def _fresh(self) -> Any:
        return fresh(self._terms, self._name)

    def learn(self, number: int, random: np.random.Generator) -> None:
        told = list(random_batch(number, rows=30).examples)
        told += [unlike_any(f"{number}.{n}") for n in range(int(random.integers(4)))]
        told += [forget(f"user{int(random.integers(20))}") for _ in range(int(random.integers(2)))]
        if random.random() < 0.1:
            told.append(lesson("spoilt", weight=float("nan")))
        for learner in (self.sparing, self.lavish):
            learner.learn(at(10 * number, *told))

    def commit(self) -> None:
        self._number += 1
        each, whole = self._folder / str(self._number), self._folder / f"{self._number}.whole"
        sparing, lavish = self.sparing.gather(self._mark), self.lavish.gather(None)
        sparing.write(each, self._number - 1)
        lavish.write(whole, None)
        assert sparing.digest() == lavish.digest() == self.sparing.digest()
        self.chain = [each] if sparing.whole else [*self.chain, each]
        self._mark = sparing.mark
        self.is_equal(whole)

    def is_equal(self, whole: Path) -> None:
        one, other = self._fresh(), self._fresh()
        one.restore(*self.chain)
        other.restore(whole)
        (array, document), (wanted, told) = one._state(), other._state()
        assert document == told
        assert array.keys() == wanted.keys()
        for name, expected in wanted.items():
            assert array[name].dtype == expected.dtype, name
            assert array[name].tobytes() == expected.tobytes(), name
        assert one.digest() == other.digest() == self.lavish.digest()

    def restart(self) -> None:
        """As after a kill: what was learned since the last version is learned again by both."""
        whole = self._folder / f"{self._number}.whole"
        self.sparing, self.lavish = self._fresh(), self._fresh()
        self.sparing.restore(*self.chain)
        self.lavish.restore(whole)
        self._mark = self.sparing.mark()
        self.lavish.mark()

    def compact(self) -> None:
        folder = self._folder / f"{self._number}.compacted"
        folder.mkdir()
        write(folder / ARRAYS, tidied(opened([link / ARRAYS for link in self.chain])[1]))
        shutil.copy(self.chain[-1] / DOCUMENT, folder / DOCUMENT)
        self.chain = [folder]


@pytest.mark.parametrize("seed", range(6))
def test_a_chain_is_the_whole_after_any_schedule(seed: int, tmp_path: Path) -> None:
    """Learning, refused batches, ids that wait, come and go, users who are forgotten, restarts, compaction."""
    random = np.random.default_rng(seed)
    line = Line(tmp_path, [TERMS, PLAIN, {"ttl": 30}][seed % 3])
    line.commit()
    steps = random.choice(["learn", "commit", "restart", "compact"], 24, p=[0.5, 0.3, 0.1, 0.1])
    for number, step in enumerate(steps.tolist()):
        if step == "learn":
            line.learn(number, random)
        elif step == "commit":
            line.commit()
        elif step == "restart":
            line.restart()
        elif not (tmp_path / f"{line._number}.compacted").exists():
            line.compact()
    line.commit()


def test_both_models_write_the_same_changes(tmp_path: Path) -> None:
    lines = [Line(tmp_path / name, TERMS, name) for name in NAMES]
    for line in lines:
        random = np.random.default_rng(1)
        line.commit()
        line.learn(1, random)
        line.commit()
    one, other = (opened([folder / ARRAYS for folder in line.chain])[1] for line in lines)
    assert one.keys() == other.keys()


def test_a_delta_holds_little_more_than_the_rows_that_changed(tmp_path: Path) -> None:
    line, random = Line(tmp_path, PLAIN), np.random.default_rng(3)
    for number in range(12):
        line.learn(number, random)
    line.sparing.learn(at(400, *(unlike_any(f"more.{n}") for n in range(300))))
    mark = line.sparing.gather(None).mark
    line.sparing.learn(at(500, lesson("ana", 3)))
    changed = line.sparing.gather(mark).parts["rows"]
    assert 0 < len(changed.line_C) < 0.25 * changed.length


def test_a_forgotten_text_is_in_no_compacted_version(tmp_path: Path) -> None:
    line = Line(tmp_path, PLAIN)
    line.sparing.learn(at(10, lesson("someone in particular")))
    line.lavish.learn(at(10, lesson("someone in particular")))
    line.commit()
    for learner in (line.sparing, line.lavish):
        learner.learn(at(20, forget("someone in particular")))
    line.commit()
    line.compact()
    assert b"in particular" not in (line.chain[0] / ARRAYS).read_bytes()
    line.restart()
    line.commit()


def test_a_learner_whose_texts_stood_in_the_document_is_restored_and_written_whole_once(tmp_path: Path) -> None:
    learner, again = fresh(), fresh()
    learner.learn(at(10, *random_batch(1).examples))
    _as_before_deltas(tmp_path, *learner._state())
    again.restore(tmp_path)
    assert again.digest() == learner.digest()
    assert again.mark() is None
    assert again.gather(again.mark()).whole


def test_a_mark_of_another_life_is_answered_with_everything(tmp_path: Path) -> None:
    one, other = fresh(), fresh()
    one.learn(at(10, *random_batch(1).examples))
    mark = one.gather(None).mark
    assert not one.gather(mark).whole
    assert other.gather(mark).whole
    one.snapshot(tmp_path)
    one.restore(tmp_path)
    assert one.gather(mark).whole


def test_what_was_gathered_is_untouched_by_what_is_learned_after(tmp_path: Path) -> None:
    learner = fresh(TERMS)
    for number in range(4):
        learner.learn(at(10 * number, *random_batch(number).examples))
    before = learner.digest()
    first = learner.gather(None)
    learner.learn(at(50, *random_batch(5).examples))
    second, after = learner.gather(first.mark), learner.digest()
    learner.learn(at(60, *random_batch(6).examples))
    first.write(tmp_path / "1", None)
    second.write(tmp_path / "2", 1)
    for digest, chain in ((before, ["1"]), (after, ["1", "2"])):
        again = fresh(TERMS)
        again.restore(*(tmp_path / name for name in chain))
        assert again.digest() == digest
    assert (first.digest(), second.digest()) == (before, after)


def _as_before_deltas(folder: Path, arrays: Arrays, document: dict[str, Any]) -> None:

    write(folder / ARRAYS, arrays)
    (folder / DOCUMENT).write_text(json.dumps(document | {"format": 2}))


@pytest.mark.parametrize("terms", [PLAIN, TERMS])
def test_serving_files_derived_from_a_chain_are_those_that_the_learner_exports(
    terms: dict[str, Any], tmp_path: Path
) -> None:
    line, random = Line(tmp_path, terms), np.random.default_rng(5)
    for number in range(9):
        line.learn(number, random)
        if number in (2, 4):
            _commit(line, tmp_path)
    gone = line.sparing._rows.gone_since(0)[0]
    chain = _commit(line, tmp_path)
    line.lavish.export(tmp_path / "exported", version=3)
    derive(chain, tmp_path / "derived", version=3, digest="d")
    names = {path.name for path in (tmp_path / "exported").iterdir()}
    assert names == {path.name for path in (tmp_path / "derived").iterdir()} - {OF}
    for name in names:
        assert (tmp_path / "derived" / name).read_bytes() == (tmp_path / "exported" / name).read_bytes(), name
    assert len(gone) or not terms, "some ids went, and the version tells of them"


def _commit(line: Line, folder: Path) -> list[Path]:
    """Of the sparing one alone; the folders of versions."""
    number = line._number = line._number + 1
    told = line.sparing.gather(line._mark)
    told.write(folder / str(number) / LEARNED, number - 1)
    line._mark = told.mark
    if number < 3:
        line.lavish._rows.touched.forget(line.lavish._rows.touched.mark())
    return [folder / str(n) for n in range(1, number + 1)]
