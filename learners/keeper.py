"""What changed of a learner of two stages, its running digest, and the files of both.

`Keeper` stands beside such a learner and knows what was hashed of it so far. It is asked on the learner's own thread;
what it gives (`Gathered`) is read, hashed and written on any one thread, and no array of it is the learner's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checkpoints.deltas import LENGTH, ROWS, VALUES, delta
from checkpoints.journal import has, name_of, taken, written
from learners.copying import Copying, Whole
from learners.keeping import Arrays, keep, kept
from learners.learner_lines import NAMES, LearnerLines, Mark, Part
from learners.row_digest import Lines, RowDigest

Parts = Mapping[str, Part]
Some = Callable[[], Iterable[tuple[str, Lines]]]
Document = dict[str, Any]
READ = (2, 3)
"""Formats of the document; before 3 texts stood in it."""
TOLD = ("labels", "context", "features", "seed", "losses", "rows")
VERSIONS = "touched."
"""Arrays of what changed since the last version: kept with the rest, but no part of what was learned."""


class Hashing:
    """A digest that is worked out once, by whoever asks first."""

    def __init__(self, digest: RowDigest, lines: Some, rest: Arrays, document: Document) -> None:
        self._lock, self._told = threading.Lock(), ""
        self._given: tuple[RowDigest, Some, Arrays, Document] | None = (digest, lines, rest, document)

    def told(self) -> str:
        with self._lock:
            if self._given is not None:
                digest, lines, rest, document = self._given
                for space, some in lines():
                    digest.take({space: some})
                self._told, self._given = digest.told(_learned(rest), document), None
        return self._told


@dataclass(frozen=True, slots=True)
class Gathered:
    """`Taken` of a learner of two stages: parts that changed, or (`every`) all lines."""

    mark: Mark
    hashing: Hashing
    rest: Arrays
    document: Document
    parts: Parts = field(default_factory=dict)
    every: Whole | None = None

    @property
    def whole(self) -> bool:
        return self.every is not None

    def digest(self) -> str:
        return self.hashing.told()

    def weights(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Every array that it holds, by name."""
        yield from self.rest.items()
        held = self.parts if self.every is None else self.every.spaces
        for part in held.values():
            yield from part.arrays.items()

    def write(self, folder: Path, base: int | None) -> None:
        if self.every is not None:
            keep(folder, self.rest | self.every.arrays(), self.document)
            return
        if base is None:
            raise ValueError(f"{folder} is to hold what changed, and nobody said since which version")
        texts: Arrays = {}
        named = [part for name, part in self.parts.items() if name.startswith(NAMES)]
        for of, parts in (("names", named), ("items", [self.parts["items"]])):
            if entries := [entry for part in parts for entry in part.entries or ()]:
                texts[name_of(of, base)] = written(entries)
        rows = [_changed(part) for part in self.parts.values()]
        keep(folder, delta(base, self.rest, texts, *rows), self.document)


class Keeper:
    """Marks, gathered parts and the running digest of one learner. After a load there is a new one; `standing` where
    what was loaded can be stood on."""

    def __init__(self, lines: LearnerLines, *, standing: bool) -> None:
        self._lines, self._touched, self._digest, self._standing = lines, lines.touched, RowDigest(), standing
        self._hashed: Mark | None = None
        self._hashing: Hashing | None = None
        self._copying: Copying | None = None

    def stand(self) -> Mark | None:
        """This moment, which the newest version holds, with all that came before it hashed; None where the next one
        can't stand on that."""
        if not self._standing:
            return None
        self._begin()
        self._touched.forget(gone := self._touched.mark())
        return replace(self._lines.mark(), gone=gone)

    @property
    def bulk(self) -> int:
        """See `Bulky`."""
        return self._lines.bulk

    def ahead(self, since: Mark | None) -> Callable[[], bool] | None:
        """See `Deltas`."""
        if self._known(since):
            return None
        self._copying = self._copying or Copying(self._lines)
        return self._copying.go_on

    def gather(self, since: Mark | None, document: Document) -> Gathered:
        """What changed since a mark; everything, where it is of another life. `document` has no texts in it. Ids that
        went are told of since the mark."""
        if since is None or not self._known(since):
            return self._whole(document)
        self._copying = None
        self._touched.forget(since.gone)
        lines, rest, before = self._lines, self._lines.rest(), self._begin()
        parts = lines.since(since)
        lines.forget(min(since, before, key=lambda mark: mark.at["rows"][0]))
        gone, self._hashed = self._touched.mark(), lines.mark()
        self._hashing = Hashing(self._digest, _lines_of(parts), rest, document)
        return Gathered(replace(self._hashed, gone=gone), self._hashing, rest, document, parts)

    def _whole(self, document: Document) -> Gathered:
        """What lines are hashed to begins anew, since all of them are at hand."""
        copying, self._copying = self._copying or Copying(self._lines), None
        every, rest = copying.end(), self._lines.rest()
        gone, self._hashed = self._touched.mark(), self._lines.mark()
        self._touched.forget(gone)
        self._lines.forget(self._hashed)
        self._digest = RowDigest()
        self._hashing = Hashing(self._digest, _all_of(every), rest, document)
        return Gathered(replace(self._hashed, gone=gone), self._hashing, rest, document, {}, every)

    def _known(self, since: Mark | None) -> bool:
        return since is not None and self._lines.knows(since)

    def told(self, document: Document) -> str:
        """The digest now."""
        parts, rest = self._lines.since(self._begin()), self._lines.rest()
        self._hashed = self._lines.mark()
        return Hashing(self._digest, _lines_of(parts), rest, document).told()

    def _begin(self) -> Mark:
        """Up to where lines are hashed: what was given away last is, and at first everything."""
        if self._hashing is not None:
            self._hashing.told()
            self._hashing = None
        if self._hashed is None:
            for name, part in self._lines.all():
                self._digest.take({name: _hashed(part)})
            self._hashed = self._lines.mark()
        return self._hashed


def keep_whole(folder: Path, arrays: Arrays, document: Document) -> None:
    """Write everything; names and items of the document become arrays of texts."""
    left = dict(document)
    names, items = left.pop("names"), left.pop("items")
    named = ((space, n, text) for space, texts in names.items() for n, text in enumerate(texts))
    texts = {"names": named, "items": (("item", n, told) for n, told in enumerate(items))}
    keep(folder, arrays | {name_of(of, None): written(entries) for of, entries in texts.items()}, left)


def opened(folders: Sequence[Path], wanted: Document, spaces: tuple[str, ...]) -> tuple[Arrays, Document, bool]:
    """Arrays and document of a chain, and whether a delta can stand on it. ValueError where it is of another learner
    than is `wanted`."""
    arrays, document = kept(*folders)
    told = {name: document[name] for name in TOLD if name in document}
    if told != wanted or document["format"] not in READ:
        raise ValueError(
            f"{folders[-1]} holds a learner of {told}, this one is of {wanted}: the settings changed since it was"
            " written. Give the old settings back, or start with an empty version store."
        )
    return arrays, document, opened_whole(arrays, document, spaces)


def opened_whole(arrays: Arrays, document: Document, spaces: tuple[str, ...]) -> bool:
    """Put the names and items of a chain's arrays into the document; false where they stood there already, as releases
    before deltas wrote them."""
    if not has("names", arrays) and "names" in document:
        return False
    names: dict[str, list[str | None]] = {space: [] for space in spaces}
    for space, n, text in taken("names", arrays):
        _put(names[space], n, text)
    items: list[Any] = []
    for _, n, told in taken("items", arrays):
        _put(items, n, told)
    document |= {"names": names, "items": items}
    return True


def _put(listed: list[Any], n: int, said: Any) -> None:
    listed.extend([None] * (n + 1 - len(listed)))
    listed[n] = said


def _learned(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {name: array for name, array in arrays.items() if not name.startswith(VERSIONS)}


def _all_of(every: Whole) -> Some:
    return lambda: ((space, replace(some, arrays=_learned(some.arrays))) for space, some in every.lines())


def _lines_of(parts: Parts) -> Some:
    return lambda: ((space, _hashed(part)) for space, part in parts.items())


def _hashed(part: Part) -> Lines:
    texts = None if part.entries is None else [written([entry]).tobytes() for entry in part.entries]
    return Lines(part.line_C, part.length, _learned(part.arrays), texts)


def _changed(part: Part) -> Arrays:
    told: Arrays = {}
    for name, value_C in part.arrays.items():
        told |= {name + ROWS: part.line_C, name + VALUES: value_C, name + LENGTH: np.array(part.length, np.int64)}
    return told
