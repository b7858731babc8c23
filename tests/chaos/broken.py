"""The rules of the way back, each with a switch that turns it off.

A switch patches real classes or functions for the time of a run; what it leaves out is what the rule is for. It patches
nothing that the reference is made with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

import learners.ordering as ordering
import streams.partition_joiner as joining
from streams.examples import ExampleFrame
from streams.given import Given
from streams.in_force import InForce
from streams.join_disk import Snapshot
from streams.join_keys import OUTBOX, after_prefix
from streams.join_standing import floor_of
from streams.joiner import Joiner
from streams.log import Log
from streams.mask import Edge, Entry, Masking, Shut
from streams.partition_joiner import PartitionJoiner

Switch = Callable[[pytest.MonkeyPatch], None]


def lineage_counts_rewinds(patch: pytest.MonkeyPatch) -> None:
    def counted(self: InForce, input_offset: int) -> str:
        decisions, p = self._decisions, self.partition
        masks = [decisions.masking(n) for n in range(decisions.position + 1)]
        changes = [left.edges(p) ^ right.edges(p) for left, right in pairwise(masks)]
        return str(
            max((n for n, edges in enumerate(changes, 1) if any(e[0] <= input_offset for e in edges)), default=0)
        )

    patch.setattr(InForce, "lineage", counted)


def newest_mask_stamped_on_all_frames(patch: pytest.MonkeyPatch) -> None:
    class Newest(InForce):
        def lineage(self, input_offset: int) -> str:
            return super().lineage(1 << 60)

    patch.setattr(joining, "InForce", Newest)


def floor_kept_over_a_decision(patch: pytest.MonkeyPatch) -> None:
    kept = dict[int, tuple[InForce, int]]()

    def first(examples: Log, rule: InForce) -> int:
        return kept.setdefault(id(rule), (rule, floor_of(examples, rule)))[1]

    patch.setattr(joining, "floor_of", first)


def snapshots_not_tested(patch: pytest.MonkeyPatch) -> None:
    def all_of_them(self: PartitionJoiner, begin: int) -> list[Snapshot | None]:
        found = [one for one in self._disk.snapshots() if one.next >= begin]
        return [*sorted(found, reverse=True), *([None] if begin == 0 else [])]

    patch.setattr(PartitionJoiner, "_bases", all_of_them)


def snapshot_with_a_full_outbox(patch: pytest.MonkeyPatch) -> None:
    """A snapshot that leaves the machine before its frames do, and without them."""
    send = PartitionJoiner._send

    def early(self: PartitionJoiner) -> Iterator[joining.Effect]:
        if self._outbox:
            standing, disk = self._stands(), self._disk
            snapshot = Snapshot(standing.next, standing.decisions, standing.config)
            disk.snapshot(snapshot)
            aside = disk._aside[snapshot]  # type: ignore[attr-defined]
            aside.write([(OUTBOX, after_prefix(OUTBOX))], [])
            yield "saved"
        yield from send(self)

    patch.setattr(PartitionJoiner, "_send", early)


def any_lineage_accepted(patch: pytest.MonkeyPatch) -> None:
    class Trusting(InForce):
        def accept(self, offset: int, frame: ExampleFrame, data: bytes | None = None) -> bool:
            fresh = frame.input > self.last
            self.last = max(self.last, frame.input)
            return fresh

    patch.setattr(ordering, "InForce", Trusting)


def repeats_accepted(patch: pytest.MonkeyPatch) -> None:
    class Forgetful(InForce):
        def accept(self, offset: int, frame: ExampleFrame, data: bytes | None = None) -> bool:
            self.last = frame.input
            return frame.lineage == self.lineage(frame.input)

    patch.setattr(ordering, "InForce", Forgetful)


def edges_of_each_entry_alone(patch: pytest.MonkeyPatch) -> None:
    """Entries that begin alike are not taken together."""

    def alone(self: Masking, partition: int) -> frozenset[Edge]:
        return frozenset(edge for entry in self.entries for edge in entry.edges(partition))

    patch.setattr(Masking, "edges", alone)


def items_left_out_of_edges(patch: pytest.MonkeyPatch) -> None:
    """Where an entry begins does not say whether it hides items."""
    span = Entry.span

    def plain(self: Entry, partition: int) -> tuple[Edge, int | None, int | None]:
        begin, stop, _ = span(self, partition)
        opened = replace(self, id="", start={}, stop=None, t1=None)
        return (begin[0], repr(opened).encode()), stop, self.t1

    patch.setattr(Entry, "span", plain)


def labels_left_out_of_edges(patch: pytest.MonkeyPatch) -> None:
    """Where an entry begins does not say whether it hides events or keeps labels shut."""
    span = Entry.span
    patch.setattr(Entry, "span", lambda self, p: span(replace(self, labels=UNSET), p))


def shut_labels_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The joiner is not told which labels stay shut."""

    class Deaf(Joiner):
        def feed(self, offset: int, events: Any, aside: Any = (), shut: Shut | None = None) -> Given | None:
            return super().feed(offset, events, aside)

    patch.setattr(joining, "Joiner", Deaf)
