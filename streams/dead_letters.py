"""Dead letters: what could not be taken, with the reason and the original bytes, and which of them were taken since.

A letter's number is its offset in the topic. The topic is the only memory: that letters were taken later is a record in
it, and one that fails again is buried again with the number of the first. Nothing here tries again
(`letters_again.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import msgspec
from msgspec import Struct

from streams.errors import LogError
from streams.log import Log

TOPIC = "dead-letters"
PARTITIONS = 1
REPLAY = "replay"

Standing = Literal["open", "taken", "replaced"]


class DeadLetter(Struct, frozen=True, array_like=True):
    """`at` is when the event came, `field` and `reason` say what is wrong; `origin` where it came from: "gateway", a
    record of a raw topic, or "replay", and then `first` is the number of the letter that it was at first.

    With `taken` it is no letter, but the record that the letters with these first numbers are taken.
    """

    at: int
    reason: str
    field: str
    origin: str
    data: bytes
    first: int | None = None
    taken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant: parts of their texts, and since when (ms) they came.

    >>> Wanted(field="user").matches(DeadLetter(5, "is missing", "user_id", "gateway", b""))
    True
    """

    reason: str = ""
    field: str = ""
    origin: str = ""
    since: int = 0

    def matches(self, letter: DeadLetter) -> bool:
        texts = self.reason in letter.reason and self.field in letter.field and self.origin in letter.origin
        return texts and letter.at >= self.since


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
    >>> letters.settle([0], [], at=9); [standing for _, _, standing in letters.standing()]
    ['taken']
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Append letters, in one append."""
        if letters:
            self._log.append(0, [_encode(letter) for letter in letters], at=letters[-1].at)

    def settle(self, taken: Sequence[int], again: Sequence[DeadLetter], *, at: int) -> None:
        """Append, in one append, what became of a replay: the first numbers of those that were taken, and those that
        failed again."""
        records = [*again, DeadLetter(at, "", "", REPLAY, b"", taken=tuple(taken))] if taken else list(again)
        if records:
            self._log.append(0, [_encode(record) for record in records], at=at)

    def list(self, *, since: int = 0, limit: int = 1000) -> Sequence[tuple[int, DeadLetter]]:
        """At most `limit` letters from number `since` on, with their numbers."""
        return list(islice(self.each(since), limit))

    def each(self, since: int = 0) -> Iterator[tuple[int, DeadLetter]]:
        """The letters from number `since` on that were there when it was called first."""
        return (found for found in self._records(since) if not found[1].taken)

    def standing(self, wanted: Wanted | None = None) -> Iterator[tuple[int, DeadLetter, Standing]]:
        """The letters that are meant, oldest first, each with what became of it. Reads the topic twice."""
        last = self._last()
        for n, letter in self.each():
            if wanted is None or wanted.matches(letter):
                newest = last.get(root_of(n, letter), -1)
                yield n, letter, "open" if newest == n else "taken" if newest < 0 else "replaced"

    def show(self, number: int) -> DeadLetter:
        """One letter; LogError where there is none with this number."""
        found = self.list(since=number, limit=1)
        if not found or found[0][0] != number:
            kept = f"{self._log.begin(0)} to {self._log.end(0) - 1}" if self._log.end(0) else "none"
            raise LogError(f"no dead letter has number {number}; there are: {kept}. See `headrace dead-letters list`")
        return found[0][1]

    def _last(self) -> dict[int, int]:
        """By first number the letter that is still to be taken."""
        last: dict[int, int] = {}
        for n, record in self._records(0):
            if record.taken:
                for first in record.taken:
                    last.pop(first, None)
            else:
                last[root_of(n, record)] = n
        return last

    def _records(self, since: int) -> Iterator[tuple[int, DeadLetter]]:
        end = self._log.end(0)
        while since < end and (records := self._log.read(0, since)):
            for record in records:
                yield record.offset, _decode(record.value)
            since = records[-1].offset + 1


def root_of(number: int, letter: DeadLetter) -> int:
    """The number of the letter that this one was at first."""
    return number if letter.first is None else letter.first


def decode_letter(data: bytes) -> DeadLetter:
    """The letter, or the record of what was taken, in a record of the topic."""
    return _decode(data)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeadLetter).decode
