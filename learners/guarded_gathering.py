"""What a version holds of a guarded learner: the live one, the guard's state, a folder for each shadow.

Live learner and shadows are told apart by who they are, not by their place: a shadow that became the live one is
written whole, since what it stands on is not what the live learner stood on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.gathering import Taken, Weighs, ahead_of, all_ahead, gathered
from learners.learner import Learner
from learners.waiting_rows import PLACES

STATE, SHADOW = "guard.npz", "shadow-"
State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class GuardMark:
    """A moment of a guarded learner: of whom, and which moment of theirs."""

    live: tuple[Learner, Any]
    shadows: Mapping[int, tuple[Learner, Any]]


@dataclass(frozen=True, slots=True)
class GuardTaken:
    """`Taken` of a guarded learner."""

    mark: GuardMark
    live: Taken
    state: State
    shadows: Mapping[int, Taken]

    @property
    def whole(self) -> bool:
        return self.live.whole

    def digest(self) -> str:
        return digest_of(self.live.digest(), self.state, [shadow.digest() for shadow in self.shadows.values()])

    def weights(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Those of the learner that serves."""
        if isinstance(self.live, Weighs):
            yield from self.live.weights()

    def write(self, folder: Path, base: int | None) -> None:
        self.live.write(folder, base)
        np.savez(folder / STATE, allow_pickle=False, **self.state)
        for group, shadow in self.shadows.items():
            shadow.write(folder / f"{SHADOW}{group}", None if shadow.whole else base)


def take(live: Learner, shadows: Mapping[int, Learner], state: State, since: GuardMark | None) -> GuardTaken:
    """What changed of each since a mark; everything, where the live learner can't tell."""
    told = gathered(live, _of(live, since.live if since else None))
    before = {} if told.whole or since is None else since.shadows
    others = {group: gathered(one, _of(one, before.get(group))) for group, one in shadows.items()}
    marks = {group: (one, others[group].mark) for group, one in shadows.items()}
    return GuardTaken(GuardMark((live, told.mark), marks), told, {n: a.copy() for n, a in state.items()}, others)


def ahead(live: Learner, shadows: Mapping[int, Learner], since: GuardMark | None) -> Callable[[], bool] | None:
    """What copies ahead of those of which `take` would give everything."""
    first = ahead_of(live, _of(live, since.live if since else None))
    before = {} if first is not None or since is None else since.shadows
    others = [ahead_of(one, _of(one, before.get(group))) for group, one in shadows.items()]
    return all_ahead((first, *others))


def folders_of(group: int, folders: Sequence[Path]) -> list[Path]:
    """Those of a shadow, in a chain."""
    return [folder / f"{SHADOW}{group}" for folder in folders if (folder / f"{SHADOW}{group}").exists()]


def digest_of(live: str, state: State, shadows: Sequence[str]) -> str:
    """sha256 over the digests of learners and the guard's state."""
    hashed = hashlib.sha256(live.encode())
    for name, array in sorted(state.items()):
        if not name.endswith(PLACES):
            hashed.update(f"{name}{array.shape}{array.dtype}".encode() + array.tobytes())
    for shadow in shadows:
        hashed.update(shadow.encode())
    return hashed.hexdigest()


def _of(learner: Learner, before: tuple[Learner, Any] | None) -> Any | None:
    return before[1] if before is not None and before[0] is learner else None
