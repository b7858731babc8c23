"""The joiner over events at hand: no log, no disk, no clock. For backtests and tests.

Events come in the order in which they arrived; ticks stand where they would in a log that is fully read, so rows do
not depend on `frame_events`. At the end, time runs on until everything is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streams.events import Event, Item, Tick, key_of
from streams.examples import ExampleFrame
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.positions import partition_of
from streams.rules import Rules


class _Partition:
    """One partition's events waiting for their frame."""

    def __init__(self, number: int, rules: Rules, partitions: int) -> None:
        self.number = number
        self.events: list[Event] = []
        self._state = JoinState(MemoryStore())
        self._joiner = Joiner(rules, self._state, partition=number, partitions=partitions)
        self._config = rules.digest()
        self._offset = 0

    def flush(self) -> Iterator[tuple[int, ExampleFrame]]:
        given = self._joiner.feed(self._offset, self.events)
        if given is not None:
            yield self.number, given.frame("", self._offset, self._config)
        self._state.commit()
        self.events = []
        self._offset += 1


def replay(
    arrivals: Iterable[tuple[int, Event]],
    rules: Rules,
    *,
    partitions: int = 4,
    frame_events: int = 100,
    tick_ms: int = 10_000,
) -> Iterator[tuple[int, ExampleFrame]]:
    """(partition, frame of examples) for (received_at, event) pairs whose received_at never falls.

    >>> from streams.events import Interaction
    >>> from streams.rules import Label
    >>> rules = Rules((Label("click", event="click", window=5_000),), grace=0, out_of_orderness=0)
    >>> click = Interaction("c1", 7, "ana", "click", item_id="tea")
    >>> [(p, row.kind) for p, frame in replay([(7, click)], rules, partitions=2) for row in frame.rows]
    [(0, 'organic')]
    """
    shares = [_Partition(p, rules, partitions) for p in range(partitions)]
    ticked = now = 0
    for now, event in arrivals:
        if now - ticked >= tick_ms:
            ticked = now
            for share in shares:
                share.events.append(Tick(now))
        home = [shares[partition_of(key_of(event), partitions)]]
        for share in shares if isinstance(event, Item) else home:
            share.events.append(event)
        for share in shares:
            if len(share.events) >= frame_events:
                yield from share.flush()
    for share in shares:
        share.events.append(Tick(now + rules.out_of_orderness + rules.lifespan + 1))
        yield from share.flush()
