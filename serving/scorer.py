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

from learners.catalogue import COLUMNS
from learners.keeping import Arrays
from learners.known_items import Known
from learners.learner import Floats, Ints
from learners.links import Link
from learners.numeric import Numbers
from learners.predictions import read_back
from learners.schema import SPACES, Schema
from learners.skew import ITEM_RATE, USER_RATE, marks_of
from learners.split import first_layer
from serving.askers import Asker, AskerReader, Read
from serving.exported import ExportedIds, ExportedItems, arrays_of, document_of
from serving.item_reader import ItemReader
from serving.personal import PersonalRates
from serving.split_parts import add_heads, add_parts, gathered
from serving.texts import Texts
from streams.examples import Attributes

__all__ = ["Asker", "Scorer"]

POSITION = SPACES.index("position")
Rows = npt.NDArray[np.int32] | Ints


class Ranker:
    """The ranking stage."""

    def __init__(
        self, arrays: Arrays, schema: Schema, ids: ExportedIds, items: ExportedItems, links: tuple[Link, ...]
    ) -> None:
        self._arrays, self._links = arrays, links
        self._rates = PersonalRates(arrays, items.read_EW[: len(items.ids)])
        self._labels = len(schema.labels)
        self._dim = arrays["rows"].shape[1] - self._labels - schema.stats
        self._layer = first_layer(arrays["first.weight"], arrays["first.bias"], schema=schema, dim=self._dim)
        askers = len(schema.askers) + 1
        self._across = self._layer.across(askers)
        self._line_XJ, self._pair_XJ = self._layer.lines(askers)
        self._base_J = self._layer.bias_J.copy()
        self._base_J[: self._labels] += arrays["base"]
        self._placed_1W = arrays["rows"][[ids.reading(POSITION, "0")]]

    def predictions(self, read: Read, rows: Rows) -> Floats:
        """Of each item, by label: chances, or values where the label is learned as one."""
        a, labels = self._arrays, self._labels
        line_AW = np.concatenate([read.share_AM @ a["rows"].take(read.row_M, axis=0), self._placed_1W])
        vector_Ad = line_AW[:, : self._dim]
        part_J = line_AW.ravel() @ self._line_XJ + (vector_Ad @ vector_Ad.T).ravel() @ self._pair_XJ + self._base_J
        product_XJ = self._layer.product(vector_Ad, self._across)
        vector_ND: Floats = np.empty((len(rows), a["item_vectors"].shape[1]), np.float32)
        gathered(a["item_vectors"], rows, vector_ND)
        first_NJ = vector_ND @ product_XJ
        rate_NX = self._rates.of(read.user, rows)
        if rate_NX is not None:
            first_NJ += rate_NX @ self._layer.cross_XJ
        add_parts(first_NJ, a["item_part"], rows, part_J, labels)
        hidden_NH = first_NJ[:, labels:] @ a["second.weight"]
        logit_NL: Floats = np.empty((len(rows), labels), np.float32)
        add_heads(first_NJ, hidden_NH, a["second.bias"], a["head.weight"], logit_NL)
        return read_back(self._links, logit_NL)

    def rate(self, row: int) -> float:
        """The log-odds of the first label at a row, by the version's counters; 0 where it knows none."""
        return float(self._arrays["rows"][row, self._dim + self._labels]) if row >= 0 else 0.0


class Scorer:
    """One version, opened."""

    def __init__(self, folder: Path) -> None:
        told = document_of(folder)
        self._folder = folder
        self.version: int = told["version"]
        self.labels: tuple[str, ...] = tuple(told["labels"])
        schema = Schema.of(told)
        numbers = Numbers(schema.numbers)
        if schema.numbers:
            numbers.told_K3 = np.array(told["numbers"], np.float64)
        self._items = ExportedItems(arrays_of(folder, "items")[1], told["items"])
        ids = ExportedIds(arrays_of(folder, "ids")[1], schema)
        self.tower_version, self._tower = arrays_of(folder, "tower")
        asker_ADE = self._tower["asker"]
        self._asker_XE: Floats = asker_ADE.reshape(-1, asker_ADE.shape[2])
        self.ranker_version, arrays = arrays_of(folder, "ranker")
        self._reader = AskerReader(schema, ids, self._items, numbers)
        self._item_reader = ItemReader(schema, ids, numbers)
        links = tuple(Link.of(link) for link in told.get("links", [{}] * len(self.labels)))
        self._ranker = Ranker(arrays, schema, ids, self._items, links)
        self._last: tuple[Asker, Read] | None = None

    @classmethod
    def open(cls, folder: Path) -> Scorer:
        """The scorer of an export."""
        return cls(folder)

    @property
    def item_ids(self) -> Texts:
        return self._items.ids

    @property
    def item_vectors(self) -> Floats:
        """Of the items on offer, in the order of `item_ids`, length 1."""
        vectors: Floats = self._tower["item_vectors"]
        return vectors

    @cached_property
    def catalogue(self) -> list[Known]:
        """What the version was told of its items, in their order."""
        told: list[list[Any]] = json.loads((self._folder / "catalogue.json").read_bytes())
        return [Known(i, 0, author, tuple(categories), tuple(tags)) for i, author, categories, tags in told]

    def rows_of(self, item_ids: Sequence[str]) -> npt.NDArray[np.int32]:
        """Rows of items, int32, -1 for what is not on offer. `Texts` may be very many."""
        if isinstance(item_ids, Texts):
            return self._items.rows_of_all(item_ids)
        return np.array(self._items.rows_of(item_ids), np.int32)

    def user_vector(self, asker: Asker) -> Floats:
        """The asker's vector, length 1."""
        read = self._read(asker)
        field_AD = read.share_AM @ self._tower["rows"].take(read.row_M, axis=0)
        sum_D = field_AD.ravel() @ self._asker_XE
        unit: Floats = (sum_D / max(float(np.sqrt(sum_D @ sum_D)), 1e-6)).astype(np.float32)
        return unit

    def vectors_of(self, told: Sequence[Attributes]) -> Floats | None:
        """Vectors of items that the version does not know, [n, E], length 1, by what is told of them; None where its
        export has no tower of items."""
        weight_GDE = self._tower.get("item")
        return None if weight_GDE is None else self._item_reader.vectors(told, self._tower["rows"], weight_GDE)

    def score(self, asker: Asker, rows: Rows) -> Floats:
        """Predictions of items, [n, L]: probabilities, or values where a label is learned as one."""
        if not len(rows):
            return np.zeros((0, len(self.labels)), np.float32)
        return self._ranker.predictions(self._read(asker), rows)

    def marks(self, asker: Asker, item_id: str) -> dict[str, str | float]:
        """What a slate of these and of this first item says of its features, for learning to compare with."""
        read, (row,) = self._read(asker), self._items.rows_of([item_id])
        item = int(self._items.read_EW[row, COLUMNS["item"]][0]) if row >= 0 else -1
        rates = {ITEM_RATE: self._ranker.rate(item), USER_RATE: self._ranker.rate(read.user)}
        return marks_of(read.columns, rates)

    def _read(self, asker: Asker) -> Read:
        """One request asks twice; the pair is assigned at once, so threads can only miss."""
        last = self._last
        if last is not None and last[0] is asker:
            return last[1]
        read = self._reader.read(asker)
        self._last = (asker, read)
        return read
