"""What changed of a learner of two stages, its running digest, and the files of both.

`Keeper` stands beside such a learner and knows what was hashed of it so far. It is asked on the learner's own thread;
what it gives (`Gathered`) is read, hashed and written on any one thread, and no array of it is the learner's.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checkpoints.deltas import LENGTH, ROWS, VALUES, delta, write
from checkpoints.journal import has, name_of, taken, written
from learners.keeping import ARRAYS, DOCUMENT, Arrays, kept
from learners.learner_lines import NAMES, LearnerLines, Mark, Part
from learners.row_digest import Lines, RowDigest
from learners.tables.touched import Touched

Parts = Mapping[str, Part]
Document = dict[str, Any]
READ = (2, 3)
"""Formats of the document; before 3 texts stood in it."""
TOLD = ("labels", "context", "features", "seed", "losses", "rows")
VERSIONS = "touched."
"""Arrays of what changed since the last version: kept with the rest, but no part of what was learned."""


class Hashing:
    """A digest that is worked out once, by whoever asks first."""

    def __init__(self, digest: RowDigest, parts: Parts, rest: Arrays, document: Document) -> None:
        self._lock, self._told = threading.Lock(), ""
        self._given: tuple[RowDigest, Parts, Arrays, Document] | None = (digest, parts, rest, document)

    def told(self) -> str:
        with self._lock:
            if self._given is not None:
                digest, parts, rest, document = self._given
                digest.take({name: _hashed(part) for name, part in parts.items()})
                learned = {name: array for name, array in rest.items() if not name.startswith(VERSIONS)}
                self._told, self._given = digest.told(learned, document), None
        return self._told


@dataclass(frozen=True, slots=True)
class Gathered:
    """`Taken` of a learner of two stages: parts that changed, or (`every`) all arrays with their document."""

    mark: Mark
    hashing: Hashing
    rest: Arrays
    document: Document
    parts: Parts = field(default_factory=dict)
    every: tuple[Arrays, Document] | None = None

    @property
    def whole(self) -> bool:
        return self.every is not None

    def digest(self) -> str:
        return self.hashing.told()

    def weights(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Every array that it holds, by name."""
        yield from (self.every[0] if self.every is not None else self.rest).items()
        for part in () if self.every is not None else self.parts.values():
            yield from part.arrays.items()

    def write(self, folder: Path, base: int | None) -> None:
        if self.every is not None:
            keep_whole(folder, *self.every)
            return
        if base is None:
            raise ValueError(f"{folder} is to hold what changed, and nobody said since which version")
        folder.mkdir(parents=True, exist_ok=True)
        texts: Arrays = {}
        named = [part for name, part in self.parts.items() if name.startswith(NAMES)]
        for of, parts in (("names", named), ("items", [self.parts["items"]])):
            if entries := [entry for part in parts for entry in part.entries or ()]:
                texts[name_of(of, base)] = written(entries)
        rows = [_changed(part) for part in self.parts.values()]
        write(folder / ARRAYS, delta(base, self.rest, texts, *rows))
        (folder / DOCUMENT).write_text(json.dumps(self.document, sort_keys=True))


class Keeper:
    """Marks, gathered parts and the running digest of one learner. After a load there is a new one."""

    def __init__(self, lines: LearnerLines, touched: Touched) -> None:
        self._lines, self._touched, self._digest = lines, touched, RowDigest()
        self._hashed: Mark | None = None
        self._hashing: Hashing | None = None

    def stand(self) -> Mark:
        """This moment, which the newest version holds, with all that came before it hashed."""
        self._begin()
        self._touched.forget(gone := self._touched.mark())
        return replace(self._lines.mark(), gone=gone)

    def gather(self, since: Mark | None, document: Document, whole: Callable[[], tuple[Arrays, Document]]) -> Gathered:
        """What changed since a mark; everything, which `whole` gives, where it is of another life. `document` has no
        texts in it. Ids that went are told of since the mark."""
        known = since if since is not None and self._lines.knows(since) else None
        if known is not None:
            self._touched.forget(known.gone)
        lines, rest, before = self._lines, self._lines.rest(), self._begin()
        parts = lines.since(known or before)
        if known is not None:
            lines.forget(min(known, before, key=lambda mark: mark.at["rows"][0]))
        every = None if known else whole()
        gone, self._hashed = self._touched.mark(), lines.mark()
        if known is None:
            self._touched.forget(gone)
        self._hashing = Hashing(self._digest, parts, rest, document)
        mark = replace(self._hashed, gone=gone)
        return Gathered(mark, self._hashing, rest, document, {} if every else parts, every)

    def told(self, document: Document) -> str:
        """The digest now."""
        parts, rest = self._lines.since(self._begin()), self._lines.rest()
        self._hashed = self._lines.mark()
        return Hashing(self._digest, parts, rest, document).told()

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
    folder.mkdir(parents=True, exist_ok=True)
    left = dict(document)
    names, items = left.pop("names"), left.pop("items")
    named = ((space, n, text) for space, texts in names.items() for n, text in enumerate(texts))
    texts = {"names": named, "items": (("item", n, told) for n, told in enumerate(items))}
    write(folder / ARRAYS, arrays | {name_of(of, None): written(entries) for of, entries in texts.items()})
    (folder / DOCUMENT).write_text(json.dumps(left, sort_keys=True))


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


def _hashed(part: Part) -> Lines:
    arrays = {name: array for name, array in part.arrays.items() if not name.startswith(VERSIONS)}
    texts = None if part.entries is None else [written([entry]).tobytes() for entry in part.entries]
    return Lines(part.line_C, part.length, arrays, texts)


def _changed(part: Part) -> Arrays:
    told: Arrays = {}
    for name, value_C in part.arrays.items():
        told |= {name + ROWS: part.line_C, name + VALUES: value_C, name + LENGTH: np.array(part.length, np.int64)}
    return told
