"""How a trainer runs, what one turn of it did, and the first gate of a version. Plain data and one rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkpoints.manifest import Manifest, Verdict
from learners.evaluation import EXACT
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
    read_frames: int = 256
    exact_rows: int = EXACT
    challenge_every: int = 0
    """Of so many rows challengers see one; 0: there are none."""
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
    committed: Manifest | None = None
    skew: dict[str, float] | None = None
    """By feature, the share of compared slates that served something else than was learned."""
    skew_gap: dict[str, float] | None = None
    """By number, how far apart the two were on average."""
    retrieval: dict[str, float] | None = None
    """Faded, as of the version: recall of retrieval on the next click, and why lists would have missed it."""
    published: bool = False
    guard: dict[str, Any] | None = None
    """What the guard holds, and what the batch changed."""
    masked: int = 0
    """Entries that the guard added to the mask."""
    ended: bool = False


def gate(rows_learned: int, *, finite: bool) -> tuple[Verdict, str]:
    """The first gate of a version.

    >>> gate(5, finite=True), gate(0, finite=True)
    (('pass', 'finite, 5 rows learned'), ('fail', 'no row was learned'))
    """
    if not finite:
        return "fail", "every score since the last version was not finite"
    if not rows_learned:
        return "fail", "no row was learned"
    return "pass", f"finite, {rows_learned:,} rows learned"
