"""Versions on a bounded disk: which of those one would like to keep can stay. Pure: numbers in, numbers out.

The oldest go first. One that others stand on takes up its room until they go too. What must not go stays, whatever it
takes, and that is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from checkpoints.chain_plan import with_bases

UNITS = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


@dataclass(frozen=True, slots=True)
class Fitted:
    """`kept` are the versions that stay for their own sake; they and their bases take `length` bytes, `lost` are those
    that had to go for want of room."""

    kept: frozenset[int]
    length: int
    lost: tuple[int, ...] = ()


def length_of(kept: Collection[int], chains: Mapping[int, tuple[int, ...]], sizes: Mapping[int, int]) -> int:
    """Bytes of versions with all that they stand on."""
    return sum(sizes.get(version, 0) for version in with_bases(kept, chains))


def fitted(
    kept: Collection[int],
    never: Collection[int],
    chains: Mapping[int, tuple[int, ...]],
    sizes: Mapping[int, int],
    bound: int,
) -> Fitted:
    """Of versions that are wanted, those that fit into `bound` bytes (0: any number); `never` are not asked.

    >>> chains, sizes = {1: (1,), 2: (1, 2), 3: (3,), 4: (3, 4)}, {1: 100, 2: 5, 3: 100, 4: 5}
    >>> fitted({1, 2, 3, 4}, {4}, chains, sizes, bound=200)
    Fitted(kept=frozenset({3, 4}), length=105, lost=(1, 2))
    """
    wanted = left = frozenset(kept) | frozenset(never)
    for version in sorted(wanted - frozenset(never)):
        if not bound or length_of(left, chains, sizes) <= bound:
            break
        left -= {version}
    lost = with_bases(wanted, chains) - with_bases(left, chains)
    return Fitted(left, length_of(left, chains, sizes), tuple(sorted(lost)))


def written(length: int) -> str:
    """Bytes as one says them.

    >>> written(512), written(1_610_612_736)
    ('512 bytes', '1.5 GiB')
    """
    unit = next(((size, name) for size, name in UNITS if length >= size), None)
    return f"{length} bytes" if unit is None else f"{length / unit[0]:.1f} {unit[1]}"
