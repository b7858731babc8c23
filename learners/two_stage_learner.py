"""The learner of two stages: what is known (names, items, counts), a model of rows and weights, in which order.

`score` reads; names and items that it meets are provisional. `learn` makes them last, with the weights, the new rows
and the counts, or withdraws all of it. Numpy: the model is on kernels or in torch, and speaks numpy either way. No
loop, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.journal import uncollected
from learners.comparing import compare
from learners.drawing import drawn_alive
from learners.exports import export
from learners.features import features
from learners.heads import Heads, heads_of
from learners.keeper import Gathered, Keeper, keep_whole, opened
from learners.keeping import Arrays
from learners.layout import layout
from learners.learner import Learned, Learner, Scores
from learners.learner_lines import LearnerLines, Mark
from learners.memory import Memory
from learners.models.pair_rows import PairRows
from learners.ordering import Batch
from learners.pending import Pending
from learners.reading import chosen_of, reading_of
from learners.row_life import RowLife, rows_of
from learners.schema import Schema
from learners.schema_change import Held, carried, difference
from learners.scoring import scores_of
from learners.seeking import Seeker
from learners.serving_state import exported
from learners.skew import Skew
from learners.sought import Served, Sought
from learners.two_stage_model import Model

FORMAT = 3
OF_ROWS = ("ids.", "admission.", "expiry.", "touched.")


class TwoStageLearner:
    """Learns lessons, keeps facts. `terms` say which ids have rows (`row_terms.py`)."""

    def __init__(
        self,
        schema: Schema,
        model: Model,
        *,
        seed: int,
        heads: Heads | None = None,
        terms: Mapping[str, Any] | None = None,
    ) -> None:
        self._schema, self._seed, self._model, self._terms = schema, seed, model, dict(terms or {})
        self._rows = rows_of(self._terms, schema.spaces, seed=seed)
        self._life = RowLife(self._rows)
        model.grow(len(self._rows))
        self._heads = heads or heads_of(schema.labels, {})
        self._memory = Memory(schema, PairRows())
        self._rows_learned = 0
        self._pending: Pending | None = None
        self._begin(standing=False)
        self.skew = Skew()

    @property
    def labels(self) -> tuple[str, ...]:
        return self._schema.labels

    @property
    def values(self) -> frozenset[str]:
        """Labels that are foreseen as values, not as chances."""
        return self._heads.values

    @property
    def rows_learned(self) -> int:
        return self._rows_learned

    def score(self, batch: Batch) -> Scores:
        """1. withdraw what an unlearned batch left; 2. take the batch's facts, provisionally; 3. read and score."""
        self._rest()
        memory = self._memory
        extra = drawn_alive(np.random.default_rng((self._seed, self._rows_learned)), memory.catalogue.offered)
        facts = {id(one.attributes): one.attributes for one in batch.examples}  # rows of one frame share them
        memory.catalogue.feed_all(one for one in facts.values() if one is not None)
        told = features(batch, self._schema, memory.names, memory.catalogue, extra, memory.numbers)
        place = layout(told, self._schema)
        found_N = self._rows.find(told.bags.space_N, told.bags.key_N)
        reading = reading_of(told, place, found_N, memory)
        if self._heads.values:
            reading = replace(reading, base_L=reading.base_L * self._heads.based)
        forward = self._model.forward(reading)
        self._pending = Pending(batch, told, place, found_N, reading.row_N, forward)
        return scores_of(batch, told, self._heads.predictions(forward))

    def learn(self, batch: Batch) -> Learned:
        """1. the update, all or nothing; 2. if it was refused, withdraw what the batch named; 3. facts, which hold in
        any case; 4. rows and counts of a learned batch; 5. rows go whose time has come; 6. users to be forgotten."""
        if self._pending is None or self._pending.batch is not batch:
            self.score(batch)
        pending, self._pending = self._pending, None
        assert pending is not None
        learned = self._update(pending)
        if not learned.finite:
            self._memory.withdraw()
        for example in batch.examples:
            if example.row.kind == "item" and example.attributes is not None:
                self._memory.catalogue.wake([self._memory.catalogue.feed(example.attributes)])
        self._memory.settle()
        if learned.finite:
            self._rows.changed.touch(pending.row_N)
            compare(self.skew, pending.layout, pending.found_N, self._memory.counters)
            self._count(pending)
            self._rows_learned += learned.rows
            self._expire(batch)
        for example in batch.examples:
            if example.row.kind == "forget":
                self._forget(example.row.example)
        return learned

    def sought(self, batch: Batch, served: Served, judged: int) -> Sought:
        self._rest()
        told = Seeker(self._schema, self._heads, self._memory, self._rows, self._model).sought(batch, served, judged)
        self._rest()
        return told

    @property
    def bulk(self) -> int:
        return self._keeper.bulk

    def snapshot(self, folder: Path) -> None:
        keep_whole(folder, *self._state())

    @uncollected()
    def restore(self, *folders: Path) -> None:
        self._load(*opened(folders, self._told(), self._schema.spaces))

    def mark(self) -> Mark | None:
        self._rest()
        return self._keeper.stand()

    def ahead(self, since: Mark | None) -> Callable[[], bool] | None:
        self._rest()
        return self._keeper.ahead(since)

    def gather(self, since: Mark | None) -> Gathered:
        self._rest()
        return self._keeper.gather(since, self._document())

    def _begin(self, *, standing: bool) -> None:
        """A new life: no mark of before holds."""
        self._keeper = Keeper(LearnerLines(self._memory, self._rows, self._model), standing=standing)

    def _load(self, arrays: Arrays, document: dict[str, Any], standing: bool = False) -> None:
        self._pending = None
        self._model.load(arrays)
        self._rows.load({name: array for name, array in arrays.items() if name.startswith(OF_ROWS)})
        self._memory.load(arrays, document)
        self._rows_learned = document["rows_learned"]
        self._begin(standing=standing)

    def carry(self, before: Learner) -> dict[str, list[str]]:
        """Become what `before` learned, read by this learner's features; which came and which went. Every score is
        what it was where none went. ValueError where more than features differs."""
        fixed = self.labels, self._terms, self._seed
        if not isinstance(before, TwoStageLearner) or (before.labels, before._terms, before._seed) != fixed:
            raise ValueError(
                "only a learner of the same model, labels, terms of rows and seed can be carried over to other features"
            )
        self._load(*carried(before._held(), self._held()))
        return difference(before._schema, self._schema)

    def digest(self) -> str:
        self._rest()
        return self._keeper.told(self._document())

    def export(self, folder: Path, *, version: int) -> None:
        """Beside what a server reads, a version tells which ids went since the one before it."""
        self._rest()
        export(folder, exported(self._schema, self._heads, self._memory, self._rows, self._model), version=version)
        self._rows.touched.forget(self._rows.touched.mark())

    def _rest(self) -> None:
        """Back to what was learned, where a batch was scored and not learned."""
        self._pending = None
        self._memory.withdraw()

    def _update(self, pending: Pending) -> Learned:
        told = pending.features
        rows = len(told.at_R)
        if not told.finite:
            return Learned(0, False, float("nan"), float("nan"))
        if not rows:
            return Learned(0, True, 0.0, 0.0)
        weight_RL = np.where(told.decided_RL & told.ranked_R[:, None], told.weight_R[:, None], np.float32(0.0))
        pulled = None
        if self._heads.pull is not None:
            lessons = self._heads.lessons(pending.batch, told, weight_RL)
            pulled = self._heads.pull(pending.forward.logits, lessons)
        chosen = chosen_of(told, self._memory)
        stepped = self._model.step(pending.forward, told.value_RL, weight_RL, chosen, pulled)
        if stepped is None:
            return Learned(0, False, float("nan"), float("nan"))
        return Learned(rows, True, stepped.norm, stepped.loss / rows, stepped.factors.least, stepped.factors.mean)

    def _count(self, pending: Pending) -> None:
        """Rows for new ids, then the counts of the batch; what was shown is on offer again."""
        told, examples = pending.features, pending.batch.examples
        decided_R = np.array([examples[at].row.decided_at for at in told.at_R], np.int64)
        row_N = self._life.learned(pending.layout, pending.found_N, decided_R)
        self._model.grow(len(self._rows))
        self._memory.count(pending.layout, row_N)
        self._memory.catalogue.wake(told.entry_I[told.item_R])

    def _expire(self, batch: Batch) -> None:
        """Rows that go start anew in every respect."""
        if batch.examples and not self._rows.expiry.idle:
            gone = self._rows.expire(batch.examples[-1].row.decided_at)
            self._model.reset(gone.row_M)
            self._memory.uncount(gone.row_M)
            self._memory.part(gone.space_M, gone.key_M)

    def _forget(self, user_id: str) -> None:
        row = self._rows.forget(*self._memory.forget(user_id))
        if row >= 0:
            self._model.reset(np.array([row]))
            self._memory.uncount(np.array([row]))

    def _told(self) -> dict[str, Any]:
        more = {"losses": self._heads.told, "rows": self._terms}
        return {**self._schema.told, "seed": self._seed} | {name: of for name, of in more.items() if of}

    def _held(self) -> Held:
        shapes = {stage: {name: w.shape for name, w in of.items()} for stage, of in self._model.dense.items()}
        return Held(self._schema, *self._state(), shapes)

    def _state(self) -> tuple[Arrays, dict[str, Any]]:
        self._rest()
        arrays, document = self._memory.dump(len(self._rows))  # copied, like the rest
        arrays |= self._model.dump() | self._rows.dump()
        return arrays, document | self._document()

    def _document(self) -> dict[str, Any]:
        """What is neither an array nor a text."""
        return self._memory.told | self._told() | {"format": FORMAT, "rows_learned": self._rows_learned}
