"""How a trainer runs, and what one turn of it did. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkpoints.manifest import Manifest
from learners.evaluation import EXACT
from learners.gate import Limits
from learners.learner import Learned
from streams.positions import Positions


@dataclass(frozen=True, slots=True)
class Plan:
    """How a trainer runs. The first four and `config`, the digest of every setting of the fold, shape what is learned.

    A commit is due after `commit_ms` by the clock, or after `commit_batches` where that is not 0.
    """

    partitions: int = 4
    bucket_ms: int = 1000
    batch_size: int = 1024
    config: str = ""
    commit_ms: int = 2000
    commit_batches: int = 0
    read_frames: int = 64
    exact_rows: int = EXACT
    chain: int = 0
    """How many versions a version may stand on, itself among them; 0: each is whole, and brings its serving files."""
    challenge_every: int = 0
    """Of so many rows challengers see one; 0: there are none."""
    largest_copy: int = 0
    """Bytes of a model of which frozen copies ride along too; 0: of none."""
    gate: Limits | None = None
    """What a version has to hold before it serves; None: that it learned something, and is finite."""
    publish: bool = True
    until_end: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What one turn did. `restored` is the version gone back to (0: nothing learned), None where none was. `refused`
    is how many of the rows stood in a batch that was not finite: nothing of it is in a weight or a figure."""

    idle: bool
    rows: int
    examples: int
    steps: int
    watermark: int
    input: Positions
    reached: Positions
    learned: Learned | None = None
    refused: int = 0
    restored: int | None = None
    damaged: tuple[str, ...] = ()
    """What was wrong with versions that would have been gone back to rather than that one."""
    committed: Manifest | None = None
    skew: dict[str, float] | None = None
    """By feature, the share of compared slates that served something else than was learned."""
    skew_gap: dict[str, float] | None = None
    """By number, how far apart the two were on average."""
    retrieval: dict[str, float] | None = None
    """Faded, as of the version: recall of retrieval on the next click, and why lists would have missed it."""
    challengers: dict[str, Any] | None = None
    """As of the version: who foresees better, and alarms of slow drift."""
    challenger: dict[str, dict[str, float]] | None = None
    """The numbers of it."""
    drift_alarms: int | None = None
    """How many alarms of slow drift there were until then."""
    alarms: tuple[str, ...] = ()
    """Those of this batch: which error moved, and where to."""
    published: bool = False
    warning: str = ""
    """Why a version could not be written."""
    guard: dict[str, Any] | None = None
    """What the guard holds, and what the batch changed."""
    masked: int = 0
    """Entries that the guard added to the mask."""
    rehearsed: dict[str, float] | None = None
    """As of the version: sums over the rows that were compared with the version that serves."""
    held: str = ""
    """Why a version that was committed does not serve."""
    ended: bool = False
