"""What a version of a learner of two stages learned, as far as serving needs it, held in memory: put together from a
chain once, then brought from version to version by what changed.

However it came about, it says the same: `served` gives what the learner itself would export. Where that can't be known
to hold, `take` refuses, and nothing of this is to be used any more. Optimizer state is not held. No files are written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.deltas import LENGTH, NONE, ROWS, VALUES, is_delta, merged, read
from checkpoints.journal import taken
from learners.export_orders import Orders
from learners.exports import Served
from learners.features import USER
from learners.heads import heads_of
from learners.keeper import opened_whole
from learners.keeping import ARRAYS, DOCUMENT, Arrays, kept
from learners.kernels.flat import Flat
from learners.learner import Floats
from learners.memory import Memory
from learners.models.pair_rows import PairRows
from learners.models.two_stage_shape import ranker_of, towers_of
from learners.schema import Schema
from learners.serving_state import left, served_of
from learners.tables.found_ids import FoundIds
from learners.tables.touched import Touched

NEEDED = (
    "ids.space", "ids.key", "rank.rows", "seek.rows", "rank.dense", "seek.dense", "counts", "totals", "numbers",
    "pairs.user", "pairs.value", "pairs.counts", "items.rests", "items.measures",
)  # fmt: skip
TOUCHED = "touched."
ENTRY = 700
"""About how many bytes the texts of an item take, as objects."""


class NotTold(Exception):
    """What changed can't be put onto what stands: it must be put together anew."""


class Standing:
    """One version's state. `orders` belongs to its exports, and goes along."""

    def __init__(self, arrays: Arrays, document: dict[str, Any]) -> None:
        self._schema, self._document = Schema.of(document), document
        self._whole = opened_whole(arrays, document, self._schema.spaces)
        self._touched = _touched(arrays)
        self._memory = Memory(self._schema, PairRows())
        self._memory.names.load(document["names"])
        self._memory.catalogue.load(arrays, document["items"])
        del document["names"], document["items"]
        self._arrays = {name: arrays[name] for name in NEEDED if name in arrays}
        self._ids = FoundIds(arrays["ids.space"], arrays["ids.key"])
        self.orders = Orders()
        self._settle()

    @classmethod
    def of(cls, chain: Sequence[Path]) -> Standing:
        """That of the last of these folders, the whole one first. Raises DamagedVersion."""
        return cls(*kept(*chain))

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        catalogue = self._memory.catalogue
        arrays = sum(array.nbytes for array in self._arrays.values())
        return arrays + self._ids.bytes + len(catalogue) * ENTRY + 2 * catalogue.keys.nbytes

    def take(self, step: Path) -> None:
        """Become the version that stands in this folder, which holds what changed since the one that this is. Raises
        NotTold or DamagedVersion, and is not to be used then."""
        document: dict[str, Any] = json.loads((step / DOCUMENT).read_text())
        _, arrays = read(step / ARRAYS)
        self._check(arrays, document)
        names, items = taken("names", arrays), taken("items", arrays)
        self._touched, self._document = _touched(arrays), document
        moved_C = self._ids.put(
            arrays["ids.space" + ROWS], arrays["ids.space" + VALUES], arrays["ids.key" + VALUES],
            int(arrays["ids.space" + LENGTH]),
        )  # fmt: skip
        told = {name: array for name, array in arrays.items() if name.partition("@")[0] in NEEDED}
        self._arrays = merged(self._arrays, told)
        for space, number, text in names:
            self._memory.names.put(self._schema.spaces.index(space), number, text)
        new = self._memory.catalogue.put(self._arrays, {entry: line for _, entry, line in items})
        self._settle()
        catalogue, fallbacks = self._memory.catalogue, len(self._schema.spaces)
        self.orders.moved(catalogue, self._ids.find, moved_C, np.array(new, np.int64), fallbacks)

    def stay(self, step: Path) -> None:
        """Become a version that learned nothing since or before this one, but may tell of other ids that went. Raises
        DamagedVersion."""
        self._touched = _touched(read(step / ARRAYS)[1])

    def served(self) -> Served:
        """What a version gives to servers."""
        schema, arrays, ids = self._schema, self._arrays, self._ids
        heads = heads_of(schema.labels, self._document.get("losses", {}))
        rows, pairs = (arrays["rank.rows"], arrays["seek.rows"]), (arrays["pairs.user"], arrays["pairs.value"])
        gone = left(self._touched.gone_since(0), ids)
        return served_of(schema, heads, self._memory, ids, gone, rows, self._dense(), pairs)

    def _check(self, arrays: Arrays, document: dict[str, Any]) -> None:
        """Refuse what was not learned by the same rules, and what is not told line by line."""
        alike = {"format", "labels", "context", "features", "losses"}
        same = all(document.get(name) == self._document.get(name) for name in alike)
        by_line = is_delta(arrays) and "ids.space" + ROWS in arrays and "ids.key" + ROWS in arrays
        gone = any(name.endswith(NONE) for name in arrays)
        # a text of a user that was forgotten is numbered anew where all is put together
        named = any(field.space == USER for field in self._schema.items)
        if not (self._whole and same and by_line) or gone or named:
            raise NotTold

    def _settle(self) -> None:
        """Have counts be those of the arrays."""
        memory, arrays = self._memory, self._arrays
        memory.counters.count_RC, memory.counters.total_C = arrays["counts"], arrays["totals"]
        memory.pairs.counters.count_RC = arrays["pairs.counts"]
        if self._schema.numbers:
            memory.numbers.told_K3 = arrays["numbers"]

    def _dense(self) -> dict[str, Floats]:
        """The dense weights of both stages by name."""
        dense: dict[str, Floats] = {}
        for stage, starts in (("rank", ranker_of(self._schema).start(0)), ("seek", towers_of(self._schema).start())):
            flat = Flat({name: weight.shape for name, weight in starts.items()})
            flat.values[:] = self._arrays[f"{stage}.dense"]
            dense |= flat.named
        return dense


def _touched(arrays: Arrays) -> Touched:
    """The ids that went since the version before, as every version says them whole."""
    touched, rest = Touched(), ("now", "gone.stamp", "gone.space", "gone.key")
    told: Arrays = {name: arrays[TOUCHED + name] for name in rest}
    touched.load(told | {"stamp": np.empty(0, np.int32)})
    return touched
