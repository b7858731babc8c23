"""Dead letters: what could not be taken, with the reason and the original bytes. Nothing here tries again.

A letter's number is its offset in the topic.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from streams.errors import LogError
from streams.log import Log

TOPIC = "dead-letters"
PARTITIONS = 1


class DeadLetter(Struct, frozen=True, array_like=True):
    """`field` and `reason` say what is wrong; `origin` where it came from: "gateway", or a record of a raw topic."""

    at: int
    reason: str
    field: str
    origin: str
    data: bytes


def origin_of(topic: str, partition: int, offset: int) -> str:
    """The origin of a letter that was a record of a raw topic.

    >>> origin_of("interactions", 2, 17)
    'interactions[2]@17'
    """
    return f"{topic}[{partition}]@{offset}"


class DeadLetters:
    """The dead-letters topic.

    >>> from streams.log import MemoryLog
    >>> letters = DeadLetters(MemoryLog(TOPIC, PARTITIONS))
    >>> letters.bury([DeadLetter(5, "is missing", "user_id", "gateway", b'{"type": "click"}')])
    >>> [(n, letter.field) for n, letter in letters.list()]
    [(0, 'user_id')]
    >>> letters.show(0).data
    b'{"type": "click"}'
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Append letters, in one append."""
        if letters:
            self._log.append(0, [_encode(letter) for letter in letters], at=letters[-1].at)

    def list(self, *, since: int = 0, limit: int = 1000) -> Sequence[tuple[int, DeadLetter]]:
        """At most `limit` letters from number `since` on, with their numbers."""
        return [(record.offset, _decode(record.value)) for record in self._log.read(0, since, limit)]

    def show(self, number: int) -> DeadLetter:
        """One letter; LogError where there is none with this number."""
        found = self.list(since=number, limit=1)
        if not found or found[0][0] != number:
            kept = f"{self._log.begin(0)} to {self._log.end(0) - 1}" if self._log.end(0) else "none"
            raise LogError(f"no dead letter has number {number}; there are: {kept}. See `headrace dead-letters list`")
        return found[0][1]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeadLetter).decode
