"""Files of entries, encoded a few at a time: encoding holds the interpreter, and requests wait for it.

What entries mean, and when a file counts, is for who writes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec

Stored = TypeVar("Stored")
PIECE = 250
"""Entries encoded at once: about half a millisecond."""


def write(path: Path, entries: Iterable[object], seen: hashlib._Hash) -> None:
    """Write the entries, in order; `seen` takes their bytes in."""
    rest = iter(entries)
    with path.open("wb") as file:
        while piece := list(islice(rest, PIECE)):
            data = msgspec.msgpack.encode(piece)
            seen.update(data)
            file.write(len(data).to_bytes(4, "big") + data)


def read(path: Path, kind: type[Stored], seen: hashlib._Hash) -> Iterator[Stored]:
    """The entries, in order; `seen` takes their bytes in. Raises OSError, and ValueError for what is no entry."""
    decoder = msgspec.msgpack.Decoder(list[kind])  # type: ignore[valid-type]
    with path.open("rb") as file:
        while size := file.read(4):
            data = file.read(int.from_bytes(size, "big"))
            seen.update(data)
            yield from decoder.decode(data)
