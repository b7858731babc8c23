"""Serving files that were brought from version to version are those that are worked out anew: byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints.errors import DamagedVersion
from learners.deriving import LEARNED, Deriver, Step
from learners.keeping import ARRAYS
from tests.learners.lessons import forget, random_batch
from tests.learners.row_lives import TERMS, at, fresh, unlike_any

SHORT: dict[str, Any] = {"ttl": 30}


class Versions:
    """A learner and the chains of all its versions; the deriver that follows them is compared with a new one."""

    def __init__(self, folder: Path, terms: dict[str, Any]) -> None:
        self.folder, self.learner, self._terms = folder, fresh(terms), terms
        self.chains: list[list[Step]] = []
        self.deriver = Deriver()
        self._mark: Any = None
        self._number = 0
        self.brought = 0

    def learn(self, random: np.random.Generator) -> None:
        self._number += 1
        told = list(random_batch(self._number, rows=20).examples)
        told += [unlike_any(f"{self._number}.{n}") for n in range(int(random.integers(3)))]
        told += [forget(f"user{int(random.integers(20))}") for _ in range(int(random.integers(2)))]
        self.learner.learn(at(10 * self._number, *told))

    def commit(self) -> None:
        taken, number = self.learner.gather(self._mark), len(self.chains) + 1
        folder = self.folder / f"{self._number}.{number}"
        taken.write(folder / LEARNED, number - 1)
        step = Step(str(folder), taken.digest())
        self.chains.append([step] if taken.whole else [*self.chains[-1], step])
        self._mark = taken.mark

    def begin_anew(self) -> None:
        """As where the store was lost: the same numbers, other versions."""
        self.learner, self._mark, self.chains = fresh(self._terms), None, []

    def restart(self) -> None:
        self.learner = fresh(self._terms)
        if self.chains:
            self.learner.restore(*(Path(step.folder) / LEARNED for step in self.chains[-1]))
            self._mark = self.learner.mark()

    def is_equal(self, chain: list[Step]) -> None:
        mine, anew = (self.folder / name / str(self._number) for name in ("mine", "anew"))
        self.brought += self.deriver.derive(chain, mine, version=7)
        assert not Deriver().derive(chain, anew, version=7)
        names = {path.name for path in anew.iterdir()}
        assert names == {path.name for path in mine.iterdir()}
        for name in names:
            assert (mine / name).read_bytes() == (anew / name).read_bytes(), name


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_derived_before_the_files_are_those_of_a_new_deriver(seed: int, tmp_path: Path) -> None:
    """Gaps of several versions, jumps back, restarts, ids that come and go, users who are forgotten, lost stores."""
    random = np.random.default_rng(seed)
    versions = Versions(tmp_path, [TERMS, {}, SHORT][seed % 3])
    steps = random.choice(
        ["learn", "commit", "derive", "back", "restart", "anew"], 60, p=[0.4, 0.25, 0.2, 0.07, 0.06, 0.02]
    )
    for step in [*steps.tolist(), "learn", "commit", "derive", "learn", "commit", "derive"]:
        if step == "learn":
            versions.learn(random)
        elif step == "commit":
            versions.commit()
        elif step == "restart":
            versions.restart()
        elif step == "anew":
            versions.begin_anew()
        elif versions.chains:
            back = int(random.integers(len(versions.chains))) if step == "back" else -1
            versions.is_equal(versions.chains[back])
    assert versions.brought, "nothing was brought along"


def test_a_damaged_file_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    versions, random = Versions(tmp_path, TERMS), np.random.default_rng(1)
    for _ in range(3):
        versions.learn(random)
        versions.commit()
    versions.is_equal(versions.chains[0])
    path = Path(versions.chains[2][1].folder) / LEARNED / ARRAYS
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(DamagedVersion, match=ARRAYS):
        versions.deriver.derive(versions.chains[2], tmp_path / "none", version=7)
    path.write_bytes(whole)
    versions.is_equal(versions.chains[2])
    assert versions.brought == 0


def test_a_model_that_is_too_large_is_not_held(tmp_path: Path) -> None:
    versions, random = Versions(tmp_path, {}), np.random.default_rng(2)
    versions.deriver = Deriver(most=1 << 10)
    for _ in range(2):
        versions.learn(random)
        versions.commit()
        versions.is_equal(versions.chains[-1])
    assert (versions.brought, versions.deriver.held) == (0, "")
