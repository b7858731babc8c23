"""What a version is to hold of a learner, taken out of it at one moment, so that the learner may go on while it is
hashed and written: only what changed since a mark, or everything.

The contract, and how it is kept for learners that know no marks: they are written aside at once, whole.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from learners.learner import Learner


class Taken(Protocol):
    """What was taken out of a learner for one version."""

    @property
    def mark(self) -> Any:
        """The moment: what the next one asks with, once this one is committed."""
        ...

    @property
    def whole(self) -> bool:
        """Whether it stands on no other version."""
        ...

    def digest(self) -> str:
        """Of everything that was learned, as of the moment."""
        ...

    def write(self, folder: Path, base: int | None) -> None:
        """Write it; `base` is the version that `since` was the mark of."""
        ...


@runtime_checkable
class Weighs(Protocol):
    """`Taken` that can be looked at before it is written."""

    def weights(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """The arrays that changed, by name, as they will be written."""
        ...


@runtime_checkable
class Bulky(Protocol):
    """A learner that knows how large it is."""

    @property
    def bulk(self) -> int:
        """About how many bytes a snapshot has at least, found out at once."""
        ...


@runtime_checkable
class Deltas(Protocol):
    """A learner that can tell what changed, and become what a chain of that makes."""

    def mark(self) -> Any | None:
        """This moment, where it is what the newest of the restored folders holds; None: write the next one whole."""
        ...

    def ahead(self, since: Any | None) -> Callable[[], bool] | None:
        """Where `gather` would give everything: what copies a little of it ahead at each call, and says whether little
        is left; what changes meanwhile is copied again. None: it takes little time anyway."""
        ...

    def gather(self, since: Any | None) -> Taken:
        """What changed since a mark, or everything; copied. Where a mark is not known (any more), everything."""
        ...

    def restore(self, *folders: Path) -> None:
        """Become what was written last, given all that it stands on, the whole one first."""
        ...


def gathered(learner: Learner, since: Any | None) -> Taken:
    """What changed of a learner since a mark; everything, where it can't tell."""
    return learner.gather(since) if isinstance(learner, Deltas) else _Copied.of(learner)


def ahead_of(learner: Learner, since: Any | None) -> Callable[[], bool] | None:
    """What copies ahead, where that is needed, and the learner can."""
    return learner.ahead(since) if isinstance(learner, Deltas) else None


def all_ahead(steps: Iterable[Callable[[], bool] | None]) -> Callable[[], bool] | None:
    """All of these at each call; whether little is left of each."""
    there = [step for step in steps if step is not None]

    def go_on() -> bool:
        told = [step() for step in there]
        return all(told)

    return go_on if there else None


def mark_of(learner: Learner) -> Any | None:
    """This moment, where the next version of a learner can stand on what it was restored from."""
    return learner.mark() if isinstance(learner, Deltas) else None


def restore(learner: Learner, folders: Sequence[Path]) -> None:
    """Have a learner become what the last of a chain's folders holds."""
    learner.restore(*(folders if isinstance(learner, Deltas) else folders[-1:]))


@dataclass(frozen=True, slots=True)
class _Copied:
    """`Taken` of a learner that writes itself whole: written aside at once, and moved when it is asked for."""

    told: str
    aside: Aside
    mark: None = None
    whole: bool = True

    @classmethod
    def of(cls, learner: Learner) -> _Copied:
        aside = Aside()
        learner.snapshot(aside.folder)
        return cls(learner.digest(), aside)

    def digest(self) -> str:
        return self.told

    def write(self, folder: Path, base: int | None) -> None:
        shutil.copytree(self.aside.folder, folder, dirs_exist_ok=True)


class Aside:
    """A folder that goes with whoever holds it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="headrace-"))
        weakref.finalize(self, shutil.rmtree, self.folder, True)
