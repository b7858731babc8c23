"""Positions: per partition the *next* offset to read. Never the last one read.

Also where a key lives: Kafka's murmur2, so that the embedded log and a broker agree.
"""

from __future__ import annotations

Positions = dict[int, int]


def start_of(partitions: int) -> Positions:
    """Nothing read yet.

    >>> start_of(2)
    {0: 0, 1: 0}
    """
    return dict.fromkeys(range(partitions), 0)


def merged(left: Positions, right: Positions) -> Positions:
    """The later of two positions in each partition.

    >>> merged({0: 3, 1: 1}, {1: 4})
    {0: 3, 1: 4}
    """
    return {p: max(left.get(p, 0), right.get(p, 0)) for p in sorted(left.keys() | right.keys())}


def covers(positions: Positions, wanted: Positions) -> bool:
    """Whether everything before `wanted` has been read.

    >>> covers({0: 3}, {0: 3}), covers({0: 2}, {0: 3})
    (True, False)
    """
    return all(positions.get(p, 0) >= offset for p, offset in wanted.items())


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: murmur2 of its UTF-8, as in Kafka's default partitioner (Utils.murmur2).

    >>> [partition_of(k, 4) for k in ("ana", "bob", "7")]
    [0, 2, 3]
    """
    return (_murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    mask, m, size = 0xFFFFFFFF, 0x5BD1E995, len(data)
    h = (0x9747B28C ^ size) & mask
    for i in range(0, size & ~3, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    tail = data[size & ~3 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)
