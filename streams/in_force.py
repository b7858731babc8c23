"""Which frames of examples hold: the rule by which every reader of `examples` keeps or drops a frame.

A topic of examples also holds dead frames: of masks that no longer hold, of joiners that rewound, of zombies. The
reader needs no word from the joiner to tell them apart: it computes the lineage that each input offset has under its
own decisions. Nothing here reads a log or learns.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right

from streams.decisions import Decisions
from streams.errors import FramesDiffer, FramesLost
from streams.examples import ExampleFrame, encode
from streams.mask import Masking

REMEMBERED = 4096
"""How many accepted frames, the newest ones, are compared with their repeats."""


class InForce:
    """The reader rule of one partition; after `last`, the input of the last frame that was accepted (-1 for none).

    Under decisions that change the mask a reader makes a new one at its positions: what was skipped may hold now.

    >>> rule = InForce(0, Decisions())
    >>> first = ExampleFrame("", input=3, prev=-1, watermark=10, config="c")
    >>> rule.accept(0, first), rule.accept(1, first), rule.last
    (True, False, 3)
    >>> rule.accept(2, ExampleFrame("", input=9, prev=5, watermark=20, config="c"))
    Traceback (most recent call last):
    streams.errors.FramesLost: examples[0] at offset 2: input 9 follows input 5, but the last frame accepted was 3. \
A frame was lost between the two. Check the retention of `examples`, then start again from an earlier version.
    """

    def __init__(self, partition: int, decisions: Decisions, *, last: int = -1) -> None:
        self.partition = partition
        self.last = last
        self._decisions = decisions
        self._seen: dict[int, bytes] = {}
        self._mask: Masking | None = None
        self._edges: list[int] = []
        self._lineages: list[str] = []

    def accept(self, offset: int, frame: ExampleFrame, data: bytes | None = None) -> bool:
        """Whether the frame at this offset of `examples` is the next in force. `data`: its bytes, where at hand."""
        if frame.lineage != self.lineage(frame.input):
            return False
        content = hashlib.blake2b(encode(frame) if data is None else data, digest_size=16).digest()
        if frame.input <= self.last:
            self._same(offset, frame, content)
            return False
        if frame.prev != self.last:
            raise FramesLost(
                f"examples[{self.partition}] at offset {offset:,}: input {frame.input:,} follows input {frame.prev:,}, "
                f"but the last frame accepted was {self.last:,}. A frame was lost between the two. "
                "Check the retention of `examples`, then start again from an earlier version."
            )
        self.last = frame.input
        self._seen[frame.input] = content
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True

    def lineage(self, input_offset: int) -> str:
        """The lineage in force at an offset of `events`: constant between two edges of the mask, so kept by edge."""
        mask = self._decisions.masking()
        if mask is not self._mask:
            self._mask = mask
            self._edges = sorted({edge[0] for edge in mask.edges(self.partition)})
            self._lineages = [mask.lineage(self.partition, edge) for edge in self._edges]
        reached = bisect_right(self._edges, input_offset)
        return self._lineages[reached - 1] if reached else ""

    def _same(self, offset: int, frame: ExampleFrame, content: bytes) -> None:
        if self._seen.get(frame.input, content) != content:
            raise FramesDiffer(
                f"examples[{self.partition}] at offset {offset:,}: input {frame.input:,} of lineage "
                f"{frame.lineage or 'none'!r} came before with other bytes. Two versions of code or settings write one "
                "log. Stop one of them, then compare `headrace log digest examples` of a replay."
            )
