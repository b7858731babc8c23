"""Which versions a version stands on, and which one to make whole next. Pure: manifests in, numbers out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from checkpoints.manifest import Manifest


def chains_of(manifests: Iterable[Manifest], compacted: Collection[int] = ()) -> dict[int, tuple[int, ...]]:
    """The numbers of each version's chain, the full one first; versions whose chain is broken are left out.

    >>> versions = [Manifest(n, n - 1, 0, {}, base=n - 1 if n > 1 else None) for n in (1, 2, 3, 4)]
    >>> chains_of(versions, compacted={3})
    {1: (1,), 2: (1, 2), 3: (3,), 4: (3, 4)}
    >>> chains_of(versions[1:], compacted={3})
    {3: (3,), 4: (3, 4)}
    """
    chains: dict[int, tuple[int, ...]] = {}
    for manifest in sorted(manifests, key=lambda m: m.version):
        base = None if manifest.version in compacted else manifest.base
        if base is None:
            chains[manifest.version] = (manifest.version,)
        elif base in chains:
            chains[manifest.version] = (*chains[base], manifest.version)
    return chains


def with_bases(wanted: Iterable[int], chains: Mapping[int, tuple[int, ...]]) -> frozenset[int]:
    """These versions and all that they stand on.

    >>> sorted(with_bases([4], {1: (1,), 3: (1, 3), 4: (1, 3, 4)}))
    [1, 3, 4]
    """
    return frozenset(number for version in wanted for number in chains.get(version, (version,)))


def to_compact(chains: Mapping[int, tuple[int, ...]], most: int) -> int | None:
    """The version to make whole so that no chain gets longer than `most`: the newest, from half of that on, since those
    after it will stand on it; None where there is no need.

    >>> to_compact({1: (1,), 2: (1, 2), 3: (1, 2, 3)}, most=4), to_compact({1: (1,), 2: (1, 2)}, most=6)
    (3, None)
    """
    newest = max(chains, default=None)
    return newest if newest is not None and len(chains[newest]) >= compacted_from(most) else None


def compacted_from(most: int) -> int:
    """How long a chain gets before it is made short.

    >>> compacted_from(32), compacted_from(1)
    (16, 2)
    """
    return max((most + 1) // 2, 2)
