"""What the chaos runs over: a recorded log of three partitions, as sequencers leave it behind.

Built on the messy logs: late events, repeats, orphans, clicks before impressions, deletes of users. Added here are
producers, model versions, clocks that run ahead, a stretch in which one partition is quiet, and item copies that each
partition gets in another order. All times are whole seconds, so that no rise of a watermark goes untold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from msgspec.structs import replace

from streams.events import Event, Impression, Interaction, Item, Slate, Tick, User, key_of
from streams.frames import EventFrame, encode_frame
from streams.mask import Masking, Shut
from streams.positions import partition_of
from tests.streams.messy_logs import S, messy_log

PARTITIONS = 3
AHEAD = 2 * S
QUIET = (110 * S, 190 * S)
"""In this time nobody does anything in the partition that is quiet."""

Arrival = tuple[int, Event]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One frame: record time, events, and the bytes that stand in the log."""

    at: int
    events: tuple[Event, ...]
    data: bytes


class World:
    """The whole log of one seed; a run lets it grow frame by frame.

    `visits` says how much happens, `chunk` how many events a frame holds at most.
    """

    def __init__(self, seed: int, *, visits: int, chunk: int) -> None:
        random = Random(f"world {seed}")
        arrivals = [_dressed(random, *arrival) for arrival in messy_log(random, visits)]
        quiet = random.randrange(PARTITIONS)
        self.frames: list[list[Recorded]] = []
        for p in range(PARTITIONS):
            mine = sorted(_share(random, arrivals, p, quiet=p == quiet), key=lambda arrival: arrival[0])
            self.frames.append(list(_recorded(random, mine, chunk)))

    def left(self, partition: int, masking: Masking) -> list[Event]:
        """The events that are not masked, in order: the log without what the mask hides."""
        return [
            event
            for offset, frame in enumerate(self.frames[partition])
            for event in masking.visible(partition, offset, frame.events)
        ]

    def shut(self, partition: int, masking: Masking) -> Shut:
        """The labels that those events must not open."""
        found: dict[int, frozenset[str]] = {}
        for offset, frame in enumerate(self.frames[partition]):
            found |= masking.shut(partition, offset, frame.events)
        return found


def _dressed(random: Random, at: int, event: Event) -> Arrival:
    """The same event with its producer and model version, from a clock that may run ahead."""
    if isinstance(event, Tick | Item | User):
        return at, event
    request = int((event.request_id or event.event_id.split(".")[0])[1:])
    dressed = replace(event, producer=("web", "phone")[request % 2], model_version=request % 5 or None)
    return at - random.choice((0, 0, 0, AHEAD)), dressed


def _share(random: Random, arrivals: list[Arrival], partition: int, *, quiet: bool) -> Iterator[Arrival]:
    """What comes to one partition: its users, every tick, every item a little earlier or later than elsewhere."""
    for at, event in arrivals:
        if isinstance(event, Tick):
            yield at, event
        elif isinstance(event, Item):
            yield at + random.randrange(6) * S, event
        elif partition_of(key_of(event), PARTITIONS) == partition and not (quiet and _in_quiet(at, event)):
            yield at, event


def _in_quiet(at: int, event: Event) -> bool:
    return QUIET[0] <= at < QUIET[1] and isinstance(event, Slate | Impression | Interaction)


def _recorded(random: Random, arrivals: list[Arrival], chunk: int) -> Iterator[Recorded]:
    while arrivals:
        taken, arrivals = arrivals[: (size := random.randrange(1, chunk + 1))], arrivals[size:]
        events = tuple(event for _, event in taken)
        yield Recorded(taken[-1][0], events, encode_frame(EventFrame(events)))
