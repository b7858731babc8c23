"""What answers a request: one version's scorer and generation as one bundle, swapped by one assignment.

A request asks `Live.current()` once and uses nothing else. `BundleKeeper` follows the decisions and the generations,
opens and warms a bundle aside, then swaps; it never builds, and what is damaged never serves.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from checkpoints.registry import Registry
from serving.generation import Generation
from serving.generation_files import folder_of, versions_in
from serving.standing import serving
from streams.decisions import DecisionLog
from streams.errors import HeadraceError
from streams.experiments import Experiment, Experiments

if TYPE_CHECKING:
    from serving.scorer import Scorer


class MixedBundle(HeadraceError):
    """A scorer and a generation of different versions."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Bundle:
    """What one request is answered with. Raises MixedBundle unless every part's own stamp says the same version."""

    version: int
    scorer: Scorer
    generation: Generation
    new_ids: list[str] = field(default_factory=list)
    """Items that came since, by their rows behind those of the version; it only grows (`newcomers.py`)."""

    def __post_init__(self) -> None:
        scorer, generation = self.scorer, self.generation
        stamps = {
            "ranker": scorer.ranker_version,
            "towers": scorer.tower_version,
            "scorer": scorer.version,
            "generation": generation.version,
        }
        if set(stamps.values()) != {self.version}:
            raise MixedBundle(
                f"a bundle of version {self.version} was given {stamps}; "
                "a generation was put together by hand: remove its folder, and the follower builds it anew"
            )
        if len(scorer.item_ids) != generation.items:
            raise MixedBundle(
                f"version {self.version} scores {len(scorer.item_ids):,} items, its generation holds "
                f"{generation.items:,}; remove its folder, and the follower builds it anew"
            )


class Live:
    """The bundle of now. One writer swaps, any number of readers ask; both are one assignment.

    >>> Live().current() is None
    True
    """

    def __init__(self) -> None:
        self._current: Bundle | None = None

    def current(self) -> Bundle | None:
        """Read it once a request."""
        return self._current

    def swap(self, bundle: Bundle) -> None:
        self._current = bundle


@dataclass(frozen=True, slots=True)
class Kept:
    """One turn. `version` answers now; `opened` and `swapped` count; `trouble` is what could not be served, once."""

    idle: bool
    version: int | None = None
    live: int | None = None
    opened: int = 0
    swapped: int = 0
    warm: tuple[int, ...] = ()
    trouble: str = ""


class BundleKeeper:
    """Keeps `live` at the version that the decisions name, as soon as its generation stands; the last few stay warm.

    Promised: a swap to a version that is warm opens nothing; a bundle is opened, checked and warmed before it is
    swapped; a folder that can't be opened is told of once and tried again when it was replaced. Not promised: that the
    live version answers at once where the follower has not built it. Call `turn` from one thread.
    """

    def __init__(
        self,
        decisions: DecisionLog,
        generations: Path,
        live: Live,
        *,
        open_scorer: Callable[[Path], Scorer],
        warm: Callable[[Bundle], None] | None = None,
        keep: int = 5,
    ) -> None:
        self._decisions = decisions
        self._generations = generations
        self._live = live
        self._open_scorer = open_scorer
        self._warm_more = warm
        self._keep = keep
        self._registry = Registry()
        self.experiments = Experiments()
        self._warm: OrderedDict[int, Bundle] = OrderedDict()
        self._refused: dict[int, tuple[int, int]] = {}

    def turn(self) -> Kept:
        """1. read the decisions; 2. choose; 3. open and warm aside, unless it is warm; 4. swap; 5. let old ones go."""
        self._decisions.follow()
        self._registry.follow(self._decisions.fold)
        self.experiments.follow(self._decisions.fold)
        current = self._live.current()
        standing = None if current is None else current.version
        told, ready = self._registry, self._ready()
        able = ready - told.rolled_back  # on the way up again, none that was taken back may answer
        chosen = serving(
            told.live, standing, ready, able.intersection(told.published) if told.live not in ready else ()
        )
        if chosen is None or chosen == standing:
            return self._beside(ready)
        opened = chosen not in self._warm
        try:
            bundle = self._open(chosen) if opened else self._warm[chosen]
        except Exception as error:  # whatever is wrong with one version, the one that serves goes on
            self._refused[chosen] = self._identity(chosen)
            return self._told(idle=False, trouble=f"version {chosen} is not served: {error}")
        self._live.swap(bundle)
        self._remember(bundle)
        return self._told(idle=False, opened=int(opened), swapped=1)

    def running(self) -> list[Experiment]:
        """The experiments that may answer: none whose version was taken back or is tainted."""
        running = self.experiments.running()
        fold, back = self._decisions.fold, self._registry.rolled_back
        return [one for one in running if one.version not in back and one.untainted(fold)]

    def warm(self, version: int) -> Bundle | None:
        """The bundle of a version that is ready to answer."""
        return self._warm.get(version)

    def _beside(self, ready: set[int]) -> Kept:
        """Open what experiments need, one a turn; nothing is swapped for it."""
        missing = (self._tried() & ready) - self._warm.keys() - self._registry.rolled_back
        if not missing:
            return self._told(idle=True)
        version = min(missing)
        try:
            self._remember(self._open(version))
        except Exception as error:  # as in `turn`
            self._refused[version] = self._identity(version)
            return self._told(idle=False, trouble=f"version {version} is not tried: {error}")
        return self._told(idle=False, opened=1)

    def _tried(self) -> frozenset[int]:
        return self.experiments.needed(self._decisions.fold)

    def _ready(self) -> set[int]:
        """Versions that can be swapped to, as far as it is known before they are opened."""
        there = versions_in(self._generations)
        refused = {v for v in there if v in self._refused and self._refused[v] == self._identity(v)}
        return set(there) - refused | self._warm.keys()

    def _open(self, version: int) -> Bundle:
        generation = Generation.open(folder_of(self._generations, version))
        bundle = Bundle(version, self._open_scorer(generation.export), generation)
        current = self._live.current()
        generation.warm(() if current is None else tuple(current.generation.asked))
        if self._warm_more is not None:
            self._warm_more(bundle)
        return bundle

    def _remember(self, bundle: Bundle) -> None:
        self._warm[bundle.version] = bundle
        self._warm.move_to_end(bundle.version)
        current = self._live.current()
        staying = {bundle.version, *self._tried()} | ({current.version} if current is not None else set())
        for version in [version for version in self._warm if version not in staying]:
            if len(self._warm) <= self._keep:
                break
            del self._warm[version]
        self._refused.pop(bundle.version, None)

    def _identity(self, version: int) -> tuple[int, int]:
        """Something else once the folder was replaced."""
        try:
            found = os.stat(folder_of(self._generations, version))
        except OSError:
            return -1, -1
        return found.st_ino, found.st_mtime_ns

    def _told(self, *, idle: bool, opened: int = 0, swapped: int = 0, trouble: str = "") -> Kept:
        current = self._live.current()
        return Kept(
            idle=idle,
            version=None if current is None else current.version,
            live=self._registry.live,
            opened=opened,
            swapped=swapped,
            warm=tuple(self._warm),
            trouble=trouble,
        )
