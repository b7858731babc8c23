"""From a published version to an index that servers can map.

The follower owns `var/follow` (the newest vectors) and `var/generations`; nobody else writes there. It decides nothing
about which version serves, and it never waits for its builder: a version that was gone back to comes first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from checkpoints.errors import VersionError
from checkpoints.files import sync_folder
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from checkpoints.vectors import Held, Vectors, changes
from serving.build_job import Builder, Built, Export, Job
from serving.generation import Generation
from serving.generation_files import DamagedGeneration, folder_of, versions_in
from serving.held_back import hold, is_wished, items_beside
from serving.index_gate import PATIENCE, Asked, Refusal, refusal
from serving.retries import Retries
from serving.standing import outpaced, spare, wanted
from serving.version_export import export_of, is_of_version
from streams.decisions import DecisionLog
from streams.experiments import Experiments


@dataclass(frozen=True, slots=True)
class Followed:
    """One turn. `built` is 1 where a generation was put in place; `recall` is its canary's; an `error` names its cause
    and is tried again later."""

    idle: bool
    version: int | None = None
    built: int = 0
    rows_written: int = 0
    recall: float | None = None
    reused: bool | None = None
    linked: bool | None = None
    tail: int | None = None
    seconds: float | None = None
    error: str = ""


def follow(
    decisions: DecisionLog,
    *,
    store: VersionStore,
    generations: Path,
    vectors: Vectors,
    builder: Builder,
    open_export: Callable[[Path], Export],
    clock: Callable[[], int],
    keep: int = 5,
    asked: Asked | None = None,
) -> Iterator[Followed]:
    """A generation for each version that serves or will, one report a turn, until closed.

    1. read the decisions; 2. open the version's chain, its digests verified, and derive its serving files where it
    holds none; 3. write its changed vectors and tombstones; 4. have the child build aside; 5. look at what it finds,
    and hold the version where that is too little; 6. rename into place; 7. remove what nothing needs.

    A death between any two leaves the old generations and a folder aside, which the next start removes.
    """
    generations.mkdir(parents=True, exist_ok=True)
    for left in generations.glob(".*"):
        shutil.rmtree(left, ignore_errors=True)
    builder.start()
    places = Places(store, generations, vectors, open_export)
    follower = _Follower(decisions, places, builder, clock, keep, asked or Asked())
    try:
        while True:
            yield follower.turn()
    finally:
        builder.close()


@dataclass(frozen=True, slots=True)
class Places:
    """Where versions come from and where their vectors and generations go."""

    store: VersionStore
    generations: Path
    vectors: Vectors
    open_export: Callable[[Path], Export]


@dataclass(slots=True)
class _Task:
    """A version that is under way."""

    version: int
    since: int
    rows_written: int


@dataclass(slots=True)
class _Follower:
    decisions: DecisionLog
    places: Places
    builder: Builder
    clock: Callable[[], int]
    keep: int
    asked: Asked
    registry: Registry = field(default_factory=Registry)
    experiments: Experiments = field(default_factory=Experiments)
    fallback: int | None = None
    _live: int | None = None
    _task: _Task | None = None
    _held: Held | None = None
    _retries: Retries = field(default_factory=Retries)
    _checked: set[int] = field(default_factory=set)

    def turn(self) -> Followed:
        self._read()
        have = set(versions_in(self.places.generations))
        if self._task is not None:
            return self._wait(self._task, have)
        if (damage := self._look_at(have)) is not None:
            return damage
        resting = self._retries.resting(self.clock())
        published = [one for one in self.registry.published if one not in self.registry.held]
        version = wanted(self.registry.live, published, have | resting, self.experiments.needed(self.decisions.fold))
        if version is None:
            return self._tidy(have)
        try:
            self._task = self._begin(version, have)
        except (VersionError, OSError, ValueError) as error:
            return self._failed(version, str(error))
        return Followed(idle=False, version=version, rows_written=self._task.rows_written)

    def _read(self) -> None:
        self.decisions.follow()
        self.registry.follow(self.decisions.fold)
        self.experiments.follow(self.decisions.fold)
        if self.registry.live != self._live:
            self.fallback, self._live = self._live, self.registry.live

    def _begin(self, version: int, have: set[int]) -> _Task:
        since, places = self.clock(), self.places
        export = export_of(places.store, version, places.generations)
        written = self._write(version, places.open_export(export))
        aside = places.generations / f".{version:08d}"
        shutil.rmtree(aside, ignore_errors=True)
        parent = places.store.manifest(version).parent
        previous = parent if parent in have else max(have, default=None)
        self.builder.begin(
            Job(
                version=version,
                export=str(export),
                aside=str(aside),
                parent=parent,
                previous=None if previous is None else str(folder_of(places.generations, previous)),
            )
        )
        return _Task(version, since, written)

    def _write(self, version: int, export: Export) -> int:
        if export.tower_version != version:
            raise ValueError(f"the vectors of version {version} say they are of {export.tower_version}; commit it anew")
        vectors = self.places.vectors
        if vectors.version == version and self._held is None:
            return 0
        held = self._held or Held.of(vectors)
        found = changes(held, export.item_ids, export.item_vectors)
        changed = [export.item_ids[row] for row in found.row_C]
        vectors.write(version, changed, np.asarray(export.item_vectors[found.row_C]), found.gone)
        self._held = Held(export.item_ids, export.item_vectors)
        return len(changed) + len(found.gone)

    def _wait(self, task: _Task, have: set[int]) -> Followed:
        if outpaced(task.version, self.registry.live, have):
            self.builder.abandon()
            self._task = None
            return Followed(idle=False, version=task.version, error="dropped: an older version is live again")
        built = self.builder.poll()
        if built is None:
            return Followed(idle=True)
        self._task = None
        if built.error:
            return self._failed(task.version, built.error)
        refused = refusal(built, items_beside(self.places.generations, task.version), self.asked)
        if refused and not is_wished(task.version, self.decisions.fold):
            return self._refused(task.version, refused)
        return self._place(task, built)

    def _refused(self, version: int, refused: Refusal) -> Followed:
        """Not put in place, and held where trying again would change nothing."""
        told = self._failed(version, refused.why)
        if refused.lasting or self._retries.times(version) >= PATIENCE:
            hold(self.decisions, self.places.store.manifest(version), refused.why, at=self.clock())
        return told

    def _place(self, task: _Task, built: Built) -> Followed:
        generations = self.places.generations
        Path(built.aside).rename(folder_of(generations, task.version))
        sync_folder(generations)
        self._checked.add(task.version)
        self._retries.forget(task.version)
        self._tidy(set(versions_in(generations)))
        return Followed(
            idle=False,
            version=task.version,
            built=1,
            recall=built.recall,
            reused=built.reused,
            linked=built.linked,
            tail=built.tail,
            seconds=(self.clock() - task.since) / 1000,
        )

    def _look_at(self, have: set[int]) -> Followed | None:
        """Before a generation of an earlier life is relied on, it is opened once; a damaged one is built anew."""
        live = self.registry.live
        if live is None or live not in have or live in self._checked:
            return None
        self._checked.add(live)
        folder = folder_of(self.places.generations, live)
        try:
            found = Generation.open(folder)
            if is_of_version(self.places.store, found):
                return None
            cause = f"generation {folder} holds other files than version {live}: the versions were made anew"
        except DamagedGeneration as error:
            cause = str(error)
        self._remove(live)
        return Followed(idle=False, version=live, error=cause)

    def _tidy(self, have: set[int]) -> Followed:
        tried = self.experiments.needed(self.decisions.fold)
        for version in spare(have, self.registry.live, self.fallback, self.keep, tried):
            self._remove(version)
        return Followed(idle=True)

    def _remove(self, version: int) -> None:
        """Out of sight in one step, then gone: no server finds half a folder."""
        gone = self.places.generations / f".gone-{version:08d}"
        shutil.rmtree(gone, ignore_errors=True)
        folder_of(self.places.generations, version).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        self._checked.discard(version)

    def _failed(self, version: int, error: str) -> Followed:
        self._retries.failed(version, self.clock())
        return Followed(idle=False, version=version, error=error)
