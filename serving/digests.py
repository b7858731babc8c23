"""Digests of what a server's folds hold: equal for folds of logs that say the same, wherever they were interrupted.

Content alone: offsets, snapshots and the order in which things came into memory are not content, and what is too old
to matter is left out, since it goes now and then only. Nothing here reads a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from serving.part import Part

Told = Iterator[object]


def digest_of_fold(parts: Sequence[Part], name: str) -> str:
    """sha256 (hex) of one of `FOLDS` over all partitions. KeyError for another name.

    >>> from serving.fold_rules import FoldRules
    >>> from streams.events import Interaction, Tick
    >>> one, two = Part(0, 1, FoldRules()), Part(0, 1, FoldRules())
    >>> click = Interaction("e", 7, "ana", "click", item_id="tea")
    >>> one.feed(0, 0, [click, Tick(9)]); two.feed(0, 4, [click]); two.feed(0, 7, [Tick(9)])
    >>> [digest_of_fold([one], name) == digest_of_fold([two], name) for name in FOLDS]
    [True, True, True, True, True]
    """
    told = hashlib.sha256()
    for part in sorted(parts, key=lambda part: part.partition):
        for entry in sorted(map(_canonical, FOLDS[name](part))):
            told.update(hashlib.sha256(entry).digest())
        told.update(_canonical(part.partition))
    return told.hexdigest()


def _profiles(part: Part) -> Told:
    since = part.oldest
    yield from part.profiles.told()
    yield from _newer(part.forgotten.items(), since)
    yield from _newer(((key, int.from_bytes(at, "big")) for key, at in part.remembered.at.items()), since)
    yield part.newest


def _newer(known: Iterable[tuple[object, int]], since: int) -> Told:
    yield from (one for one in known if one[1] >= since)


def _popularity(part: Part) -> Told:
    item_ids, slow, fast, sums = part.popularity.told()
    size = len(sums) // len(item_ids) if item_ids else 0
    yield slow, fast
    yield from ((item_id, sums[size * n : size * (n + 1)]) for n, item_id in enumerate(item_ids))


def _covisitation(part: Part) -> Told:
    yield part.covisitation.origin
    yield from part.covisitation.told()


def _following(part: Part) -> Told:
    item_ids, origin, sums = part.following.told()
    size = len(sums) // len(item_ids) if item_ids else 0
    yield origin
    yield from ((item_id, sums[size * n : size * (n + 1)]) for n, item_id in enumerate(item_ids))


def _catalogue(part: Part) -> Told:
    yield from part.catalogue.told()


FOLDS: Mapping[str, Callable[[Part], Told]] = {
    "profiles": _profiles,
    "popularity": _popularity,
    "covisitation": _covisitation,
    "catalogue": _catalogue,
    "following": _following,
}

_canonical = msgspec.msgpack.Encoder(order="deterministic").encode
