"""What came of it: the rows in force after all blows beside those of an undisturbed fold of the very same events.

The reader rule is written here once more, in a few lines of its own (no mask ever holds here), so that a fault of ours
can't excuse itself. `twin` is a log in a folder that has the same events at the same offsets, and a joiner's first
and only pass over them.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import msgspec

from benchmarks.chaos_crew import write_settings
from headrace.deployment import open_logs, version_store
from headrace.settings import Settings
from streams.events import Tick
from streams.examples import ExampleFrame, Row, decode
from streams.frames import decode_frame
from streams.log import Log, Record


class CommandFailed(Exception):
    """A command of ours ended with another status than 0."""


ONCE = ("label", "correction", "organic")
PATIENCE_S = 900.0


@dataclass(slots=True)
class Found:
    """The examples of one log. `rows` are those in force, `decided` counts decisions that must be unique."""

    rows: Counter[bytes] = field(default_factory=Counter)
    decided: Counter[tuple[object, ...]] = field(default_factory=Counter)
    frames: int = 0
    repeats: int = 0
    conflicting: int = 0

    @classmethod
    def of(cls, log: Log) -> Found:
        found = cls()
        for partition in range(log.partitions):
            found._read(log, partition)
        return found

    def _read(self, log: Log, partition: int) -> None:
        seen: dict[tuple[str, int], bytes] = {}
        last = -1
        for record in records_of(log, partition):
            frame, content = decode(record.value), hashlib.sha256(record.value).digest()
            known = seen.setdefault((frame.lineage, frame.input), content)
            self.conflicting += known != content
            self.repeats += frame.input <= last
            if frame.input > last:
                last = frame.input
                self._take(partition, frame)

    def _take(self, partition: int, frame: ExampleFrame) -> None:
        self.frames += 1
        for row in frame.rows:
            self.rows[_content(partition, row, frame)] += 1
            self.decided[partition, "sequence", row.sequence] += 1
            if row.kind in ONCE:
                self.decided.update((partition, row.kind, row.example, label) for label in row.labels)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rows of the undisturbed fold that are missing, and rows it does not have; decisions that stand twice; frames of
    one identity with other bytes; events that producers were told are safe, and that are in no frame."""

    rows: int
    lost: int
    foreign: int
    double: int
    conflicting: int
    events_lost: int
    repeats: int
    digest_equal: bool
    learned_equal: bool


def verdict(live: Settings, twin: Settings, acknowledged: Collection[str]) -> Verdict:
    """Both must have come to the end of their events."""
    with open_logs(live) as logs:
        found, known = Found.of(logs.open("examples", live.partitions)), ids_in(logs.open("events", live.partitions))
    with open_logs(twin) as logs:
        wanted = Found.of(logs.open("examples", twin.partitions))
    return Verdict(
        rows=wanted.rows.total(),
        lost=(wanted.rows - found.rows).total(),
        foreign=(found.rows - wanted.rows).total(),
        double=sum(times - 1 for times in found.decided.values()),
        conflicting=found.conflicting,
        events_lost=len(set(acknowledged) - known),
        repeats=found.repeats,
        digest_equal=digest_of_examples(live) == headrace(twin, "log", "digest", "examples"),
        learned_equal=newest_digest(live) == newest_digest(twin),
    )


def copied(live: Settings, twin: Settings) -> None:
    """The events, byte by byte, where the offsets are the same."""
    with open_logs(live) as source, open_logs(twin) as target:
        events, copy = source.open("events", live.partitions), target.open("events", twin.partitions)
        for partition in range(events.partitions):
            for record in records_of(events, partition):
                end = copy.append(partition, [record.value], record.at)
                if end != record.offset + 1:
                    raise SystemExit(f"events[{partition}] has a gap before {record.offset:,}: it is the sequencer's")


def headrace(settings: Settings, *words: str) -> str:
    """Run a command; what it printed."""
    command = [sys.executable, "-m", "headrace", *words, "--settings", str(write_settings(settings))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    if done.returncode:
        raise CommandFailed(f"headrace {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def digest_of_examples(settings: Settings) -> str:
    """What the command prints, or why it can't."""
    try:
        return headrace(settings, "log", "digest", "examples")
    except CommandFailed as failed:
        return str(failed)


def newest_digest(settings: Settings) -> str:
    """Of what was learned."""
    return str(version_store(settings).manifests()[-1].digest)


def ids_in(log: Log) -> set[str]:
    """The id of every event in the frames of a log."""
    return {
        event.event_id
        for partition in range(log.partitions)
        for record in records_of(log, partition)
        for event in decode_frame(record.value).events
        if not isinstance(event, Tick)
    }


def records_of(log: Log, partition: int) -> Iterator[Record]:
    """All there are."""
    offset = log.begin(partition)
    while records := log.read(partition, offset):
        offset = records[-1].offset + 1
        yield from records


def _content(partition: int, row: Row, frame: ExampleFrame) -> bytes:
    """A row with what it points to."""
    shot = frame.shots[row.shot] if row.shot >= 0 else None
    attributes = frame.attributes[row.attributes] if row.attributes >= 0 else None
    return _bytes((partition, msgspec.structs.replace(row, shot=-1, attributes=-1), shot, attributes))


_bytes = msgspec.msgpack.Encoder(order="deterministic").encode
