"""Dead letters taken again, after a reader was upgraded or a letter was mended: the same checks as at the first time.

An event keeps its own `ts`, and one without `ts` the time at which it came, so that what is late by now is judged as
late. Which letters, and whether to try at all, is for the operator (`headrace dead-letters replay`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from streams.dead_letters import REPLAY, DeadLetter, DeadLetters, root_of
from streams.errors import BadEvent
from streams.events import Impression, Interaction, Sent, Slate, Tick
from streams.frames import decode_event, encode_event
from streams.intake import MAX_EVENT_BYTES, ORIGIN, Intake
from streams.request_ids import version_of
from streams.wire import read


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one letter; `field` and `reason` are empty where its event was taken."""

    number: int
    event_id: str = ""
    field: str = ""
    reason: str = ""

    @property
    def taken(self) -> bool:
        return not self.reason


def mended(data: bytes, changes: Mapping[str, Any]) -> bytes:
    """A JSON event with other fields; None takes a field out. Raises BadEvent.

    >>> mended(b'{"type": "clik", "v": 9, "user_id": "ana"}', {"type": "click", "v": None})
    b'{"type":"click","user_id":"ana"}'
    """
    try:
        fields = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent("event", f"is not a JSON object, so no field of it can be set: {error}") from error
    return msgspec.json.encode({name: value for name, value in (fields | dict(changes)).items() if value is not None})


def event_in(letter: DeadLetter, *, max_bytes: int = MAX_EVENT_BYTES) -> Sent:
    """The event of a letter, as gateway and sequencer would take it now. Raises BadEvent.

    >>> event_in(DeadLetter(7, "", "", "gateway", b'{"type": "like", "user_id": "ana", "item_id": "tea"}')).ts
    7
    """
    if len(letter.data) > max_bytes:
        raise BadEvent("event", f"has {len(letter.data):,} bytes; at most {max_bytes:,} are taken")
    foreign = letter.origin == ORIGIN or letter.data.lstrip()[:1] in (b"{", b"")
    event = read(letter.data, received_at=letter.at).event if foreign else _own(letter.data)
    told = event.request_id if isinstance(event, Slate | Impression | Interaction) else None
    version = None if told is None else version_of(told)
    if version is not None and getattr(event, "model_version", None) not in (None, version):
        raise BadEvent("model_version", f"is not {version}, the version that answered {told}")
    try:
        encode_event(event)
    except (OverflowError, UnicodeEncodeError) as error:
        raise BadEvent("event", f"can't be stored: {error}") from error
    return event


class Again:
    """Takes letters again, a batch at a time.

    >>> from streams.log import MemoryLogs
    >>> logs = MemoryLogs()
    >>> letters = DeadLetters(logs.open("dead-letters", 1))
    >>> intake = Intake(logs, partitions=1, clock=lambda: 9)
    >>> intake.take([b'{"type": "clik", "user_id": "ana", "item_id": "tea"}'])[0].field
    'type'
    >>> again = Again(letters, intake, clock=lambda: 9)
    >>> [tried.taken for tried in again.take(letters.list(), {"type": "click"})]
    [True]
    """

    def __init__(
        self, letters: DeadLetters, intake: Intake, *, clock: Callable[[], int], max_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        self._letters, self._intake, self._clock, self._max_bytes = letters, intake, clock, max_bytes

    def take(
        self,
        batch: Sequence[tuple[int, DeadLetter]],
        changes: Mapping[str, Any] | None = None,
        *,
        dry_run: bool = False,
    ) -> list[Tried]:
        """Try a batch of letters; one outcome each, in order.

        1. Each event is checked, with the changes made to it. 2. The good ones are appended to their raw topics. 3. In
        one append: those are taken, the others buried again. Who dies between 2 and 3 takes the same events twice, and
        every fold drops the second by its id: an event without one has that of its content.
        """
        tried: list[Tried] = []
        events: list[Sent] = []
        taken: list[int] = []
        failed: list[DeadLetter] = []
        for number, letter in batch:
            data = letter.data
            try:
                data = mended(data, changes) if changes else data
                event = event_in(msgspec.structs.replace(letter, data=data), max_bytes=self._max_bytes)
                events.append(event)
                taken.append(root_of(number, letter))
                tried.append(Tried(number, event.event_id))
            except BadEvent as bad:
                tried.append(Tried(number, field=bad.field, reason=bad.reason))
                first = root_of(number, letter)
                failed.append(DeadLetter(letter.at, bad.reason, bad.field, REPLAY, data, first=first))
        if not dry_run:
            if events:
                self._intake.append(*events)
            self._letters.settle(taken, failed, at=self._clock())
        return tried


def _own(data: bytes) -> Sent:
    try:
        event = decode_event(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent("record", f"is no event: {error}") from error
    if isinstance(event, Tick):
        raise BadEvent("type", "is Tick, which only the sequencer writes")
    return event
