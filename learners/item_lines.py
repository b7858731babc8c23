"""What a version's items are to both stages, worked out some at a time: their fields' lines never stand all at once.

Products of matrices depend, in their last bits, on how many lines they have; so every export cuts items at the same
places, and the same state gives the same bytes however it came about. Reads; writes no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from learners.field_bags import weighed
from learners.fields import MEASURED, Field
from learners.kernels.mean_lines import Rows, mean_lines
from learners.learner import Floats, Ints
from learners.memory import Memory
from learners.schema import Schema
from learners.split import FirstLayer

CHUNK = 1 << 12
"""Items at a time: what stands between two steps stays in the cache."""


@dataclass(frozen=True, slots=True)
class ItemLines:
    """Items of a version in the order in which it offers them: `entry_N` in the catalogue, `read_NC` the rows that
    their fields read, -1 for none; `find` gives the rows of ids."""

    schema: Schema
    memory: Memory
    find: Callable[[Ints, Ints], Ints]
    entry_N: Ints
    read_NC: Rows

    def ranked(self, line_RW: Floats, layer: FirstLayer, dim: int) -> tuple[Floats, Floats]:
        """Each item's vectors, side by side, and its part of the first layer."""
        schema, items = self.schema, len(self.entry_N)
        vector_NX: Floats = np.empty((items, len(schema.items) * dim), np.float32)
        part_NJ: Floats = np.empty((items, len(layer.bias_J)), np.float32)
        for at, line_CGW in self._chunks(line_RW):
            vector_NX[at] = line_CGW[:, :, :dim].reshape(len(line_CGW), -1)
            part_NJ[at] = layer.part(line_CGW, len(schema.askers) + 1)
        return vector_NX, part_NJ

    def sought(self, line_RD: Floats, weight_GDE: Floats) -> Floats:
        """Each item's vector in the space of retrieval, length 1."""
        vector_NE: Floats = np.empty((len(self.entry_N), weight_GDE.shape[2]), np.float32)
        flat_XE = weight_GDE.reshape(-1, weight_GDE.shape[2])
        for at, line_CGD in self._chunks(line_RD):
            sum_CE = line_CGD.reshape(len(line_CGD), -1) @ flat_XE
            vector_NE[at] = sum_CE / np.maximum(np.sqrt((sum_CE * sum_CE).sum(axis=1, keepdims=True)), 1e-6)
        return vector_NE

    def _chunks(self, line_RW: Floats) -> Iterator[tuple[slice, Floats]]:
        """Each item field's lines, some items at a time: means of names, sums of what was measured."""
        fields, columns = self.schema.items, self.memory.catalogue.columns
        room_CGW: Floats = np.empty((CHUNK, len(fields), line_RW.shape[1]), np.float32)
        for first in range(0, len(self.entry_N), CHUNK):
            at = slice(first, min(first + CHUNK, len(self.entry_N)))
            line_CGW = room_CGW[: at.stop - first]
            for g, field in enumerate(fields):
                if field.kind in MEASURED:
                    line_CGW[:, g] = self._measured(field, line_RW, self.entry_N[at])
                else:
                    of = columns[field.name]
                    mean_lines(line_RW, self.read_NC[at], of.start, of.stop, line_CGW[:, g])
            yield at, line_CGW

    def _measured(self, field: Field, line_RW: Floats, entry_C: Ints) -> Floats:
        catalogue = self.memory.catalogue
        value_CD = catalogue.measures[entry_C, catalogue.measured[field.name]]
        weight_CD = np.nan_to_num(weighed(value_CD, field, self.memory.numbers)).astype(np.float32)
        key_D = np.arange(value_CD.shape[1])
        row_D = self.find(np.full(len(key_D), 2 * field.space, np.int64), key_D)
        sums: Floats = weight_CD @ line_RW[np.where(row_D >= 0, row_D, field.space)]
        return sums
