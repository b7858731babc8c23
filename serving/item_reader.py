"""The vector of an item by what is told of it, as a version's item tower makes it: for items that came after it.

The same fields as in training, from the same functions; what the version does not know reads the fallback of its space,
and so does the item itself. Numpy, no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from learners.field_bags import weighed
from learners.fields import MEASURED, Field
from learners.item_values import read_item
from learners.learner import Floats
from learners.numeric import Numbers
from learners.schema import CATEGORIES, ITEM_FIELDS, TAGS, Schema
from serving.exported import ExportedIds
from streams.examples import Attributes


class ItemReader:
    """Reads items by one version's ids, and by what it had learned of numbers."""

    def __init__(self, schema: Schema, ids: ExportedIds, numbers: Numbers) -> None:
        self._fields, self._ids, self._numbers = schema.items, ids, numbers
        self._declared = schema.items[len(ITEM_FIELDS) :]

    def vectors(self, told: Sequence[Attributes], line_RD: Floats, weight_GDE: Floats) -> Floats:
        """Vectors of length 1, [n, E], from the tower's rows and its matrices of items."""
        line_NGD = np.stack([np.stack(list(self._lines(one, line_RD))) for one in told])
        sum_NE = np.tensordot(line_NGD, weight_GDE, ((1, 2), (0, 1)))
        length_N = np.maximum(np.sqrt((sum_NE * sum_NE).sum(axis=1, keepdims=True)), 1e-6)
        unit: Floats = (sum_NE / length_N).astype(np.float32)
        return unit

    def _lines(self, told: Attributes, line_RD: Floats) -> Iterator[Floats]:
        """Each field's line: the mean of names, the sum of what was measured."""
        values = read_item(told, self._declared)
        named = iter(self._named(told) + list(values.keys))
        measured = iter(np.frombuffer(values.measured))
        for field in self._fields:
            if field.kind in MEASURED:
                value_1D = np.array([[next(measured) for _ in range(field.most)]])
                weight_D = np.nan_to_num(weighed(value_1D, field, self._numbers)[0]).astype(np.float32)
                yield weight_D @ line_RD[[self._ids.reading_key(field.space, key) for key in range(field.most)]]
            else:
                rows = [self._row(field, key) for key in next(named)]
                yield line_RD[rows].mean(axis=0) if rows else np.zeros(line_RD.shape[1], np.float32)

    def _named(self, told: Attributes) -> list[tuple[str | int, ...]]:
        author = (told.author,) if told.author else ()
        return [(told.item_id,), author, told.categories[:CATEGORIES], told.tags[:TAGS]]

    def _row(self, field: Field, key: str | int) -> int:
        ids, space = self._ids, field.space
        return ids.reading(space, key) if isinstance(key, str) else ids.reading_key(space, key)
