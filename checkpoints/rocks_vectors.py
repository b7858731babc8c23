"""The newest vectors in RocksDB. One process owns the folder; a second one that opens it is refused by its lock.

Keys: `v` and the id's UTF-8 for a vector, `version` alone for the stamp. A value is the version (8 bytes, big-endian)
and the vector's float32, little-endian; without the latter it is a tombstone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rocksdict import Options, Rdict, WriteBatch

from checkpoints.vectors import Floats, Stored

STAMP = b"!version"
PREFIX = b"v"
NUMBER = struct.Struct(">Q")


class RocksVectors:
    """`checkpoints.vectors.Vectors` on a disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db: Rdict | None = Rdict(str(folder), Options(raw_mode=True))

    @property
    def version(self) -> int | None:
        stamp = self._open.get(STAMP)
        return None if stamp is None else int(NUMBER.unpack(stamp)[0])

    def write(self, version: int, item_ids: Sequence[str], vec_CD: Floats, gone: Sequence[str] = ()) -> None:
        batch, number = WriteBatch(raw_mode=True), NUMBER.pack(version)
        rows = np.ascontiguousarray(vec_CD, "<f4")
        for item_id, row in zip(item_ids, rows, strict=True):
            batch.put(_key(item_id), number + row.tobytes())
        for item_id in gone:
            batch.put(_key(item_id), number)
        batch.put(STAMP, number)
        self._open.write(batch)

    def get(self, item_id: str) -> Stored | None:
        value = self._open.get(_key(item_id))
        return None if value is None else _stored(item_id, value)

    def scan(self) -> Iterator[Stored]:
        for key, value in self._open.items(from_key=PREFIX):
            assert isinstance(key, bytes)
            yield _stored(key[len(PREFIX) :].decode(), value)

    def close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    @property
    def _open(self) -> Rdict:
        if self._db is None:
            raise RuntimeError("these vectors were closed; open RocksVectors(folder) again")
        return self._db


def _key(item_id: str) -> bytes:
    return PREFIX + item_id.encode()


def _stored(item_id: str, value: bytes) -> Stored:
    vector = np.frombuffer(value, "<f4", offset=NUMBER.size) if len(value) > NUMBER.size else None
    return Stored(item_id, NUMBER.unpack_from(value)[0], vector)
