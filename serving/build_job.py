"""What is asked of a builder of generations and what it answers: the contract between the follower and its child.

Both are one line of JSON. A builder makes a whole, sealed folder aside; putting it in place is the follower's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from learners.deriving import Step
from serving.late_recall import LateRecall


class Export(Protocol):
    """What an index needs of a version's serving export; `serving.scorer.Scorer` is the real one.

    `tower_version` is read from the file that holds the vectors.
    """

    tower_version: int

    @property
    def item_ids(self) -> Sequence[str]: ...

    @property
    def item_vectors(self) -> NDArray[np.float32]: ...


class Job(Struct, frozen=True):
    """`export` is the folder of a version's serving files, `aside` the folder to make, `previous` the generation whose
    links may be kept.

    Where the version holds no serving files, they are derived into `export` first: from `steps`, which begin with the
    version that a builder derived last, where it still holds that one, else from `chain`.
    """

    version: int
    export: str
    aside: str
    parent: int | None = None
    previous: str | None = None
    chain: tuple[Step, ...] = ()
    steps: tuple[Step, ...] = ()


class Built(Struct, frozen=True):
    """How it went. `recall` is that of the canary, `late` what is found of queries of late, None where nobody asked;
    `latency` the ms that a search of the canary takes at the median; `known` is how many items the version knows,
    those that it does not offer among them; an `error` says why there is no folder.

    `linked` is false where every search of the generation is an exact scan.
    """

    version: int
    aside: str
    recall: float = 0.0
    cosine: float = 1.0
    reused: bool = False
    linked: bool = False
    tail: int = 0
    error: str = ""
    items: int = 0
    latency: float = 0.0
    known: int = 0
    late: LateRecall | None = None


class Builder(Protocol):
    """Builds one generation at a time.

    Promised: `begin` does not wait for the work, `poll` gives its end once, also where the builder died under it (an
    error), and never waits; after `abandon` nothing is under way. Not promised: that an abandoned folder is gone.
    """

    def start(self) -> None:
        """Begin with what takes time before the first job; may be left out."""
        ...

    def begin(self, job: Job) -> None: ...

    def poll(self) -> Built | None: ...

    def abandon(self) -> None: ...

    def close(self) -> None: ...
