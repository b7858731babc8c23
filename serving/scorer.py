"""A version's towers and ranker in numpy: what the trainer's model says, to the last few bits, without torch.

The first layer is split exactly: the item's part is in the export, the asker's is computed once per request, and what
is left per candidate is one small product. Serving means position 0. A scorer never changes and is safe to share
between threads. It says nothing of items that its version does not offer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from learners.catalogue import Known
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.schema import ITEM_FIELDS, SPACES, Schema
from learners.split import first_layer
from serving.askers import Asker, AskerReader, Read
from serving.exported import ExportedIds, ExportedItems, arrays_of, document_of
from serving.personal import PersonalRates

__all__ = ["Asker", "Scorer"]

POSITION = SPACES.index("position")
Rows = npt.NDArray[np.int32] | Ints


class Ranker:
    """The ranking stage."""

    def __init__(self, arrays: Arrays, schema: Schema, ids: ExportedIds, items: ExportedItems) -> None:
        self._arrays = arrays
        self._rates = PersonalRates(arrays, items.read_EW[: len(items.ids)])
        labels, fields = len(schema.labels), len(schema.fields)
        self._dim = arrays["rows"].shape[1] - labels - schema.stats
        self._askers = fields - len(ITEM_FIELDS)
        self._labels = labels
        self._layer = first_layer(
            arrays["first.weight"],
            arrays["first.bias"],
            fields=fields,
            dim=self._dim,
            stats=schema.stats,
            labels=labels,
        )
        self._across = self._layer.across(self._askers)
        self._placed_1W = arrays["rows"][[ids.reading(POSITION, "0")]]

    def probabilities(self, read: Read, rows: Rows) -> Floats:
        """Of each item, by label."""
        a, labels = self._arrays, self._labels
        line_AW = np.concatenate([read.share_AM @ a["rows"][read.row_M], self._placed_1W])
        part_J = self._layer.part(line_AW[None], 0)[0] + self._layer.bias_J
        part_J[:labels] += a["base"]
        product_XJ = self._layer.product(line_AW[:, : self._dim], self._across)
        first_NJ = a["item_vectors"][rows] @ product_XJ
        first_NJ += a["item_part"][rows]
        first_NJ += self._rates.of(read.user, rows) @ self._layer.cross_XJ
        first_NJ += part_J
        hidden_NH = np.maximum(first_NJ[:, labels:], 0.0) @ a["second.weight"] + a["second.bias"]
        logit_NL = first_NJ[:, :labels] + np.maximum(hidden_NH, 0.0) @ a["head.weight"]
        probability_NL: Floats = 1.0 / (1.0 + np.exp(-logit_NL))
        return probability_NL


class Scorer:
    """One version, opened."""

    def __init__(self, folder: Path) -> None:
        told = document_of(folder)
        self._folder = folder
        self.version: int = told["version"]
        self.labels: tuple[str, ...] = tuple(told["labels"])
        schema = Schema(self.labels, tuple(told["context"]))
        self._items = ExportedItems(arrays_of(folder, "items")[1], told["items"])
        ids = ExportedIds(arrays_of(folder, "ids")[1], schema)
        self.tower_version, self._tower = arrays_of(folder, "tower")
        self.ranker_version, arrays = arrays_of(folder, "ranker")
        self._reader = AskerReader(schema, ids, self._items)
        self._ranker = Ranker(arrays, schema, ids, self._items)
        self._last: tuple[Asker, Read] | None = None

    @classmethod
    def open(cls, folder: Path) -> Scorer:
        """The scorer of an export."""
        return cls(folder)

    @property
    def item_ids(self) -> list[str]:
        return self._items.ids

    @property
    def item_vectors(self) -> Floats:
        """Of the items on offer, in the order of `item_ids`, length 1."""
        vectors: Floats = self._tower["item_vectors"]
        return vectors

    @cached_property
    def catalogue(self) -> list[Known]:
        """What the version was told of its items, in their order."""
        told: list[list[Any]] = json.loads((self._folder / "catalogue.json").read_text())
        return [Known(i, 0, author, tuple(categories), tuple(tags)) for i, author, categories, tags in told]

    def rows_of(self, item_ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Rows of items, int32, -1 for what is not on offer."""
        return np.array(self._items.rows_of(item_ids), np.int32)

    def user_vector(self, asker: Asker) -> Floats:
        """The asker's vector, length 1."""
        read = self._read(asker)
        field_AD = read.share_AM @ self._tower["rows"][read.row_M]
        sum_D = np.einsum("ad,ade->e", field_AD, self._tower["asker"])
        unit: Floats = (sum_D / max(float(np.sqrt(sum_D @ sum_D)), 1e-6)).astype(np.float32)
        return unit

    def score(self, asker: Asker, rows: Rows) -> Floats:
        """Probabilities of items, [n, L]."""
        if not len(rows):
            return np.zeros((0, len(self.labels)), np.float32)
        return self._ranker.probabilities(self._read(asker), rows)

    def _read(self, asker: Asker) -> Read:
        """One request asks twice; the pair is assigned at once, so threads can only miss."""
        last = self._last
        if last is not None and last[0] is asker:
            return last[1]
        read = self._reader.read(asker)
        self._last = (asker, read)
        return read
