"""The learner of two stages: what is known (names, items, counts), a model of rows and weights, in which order.

`score` reads; names and items that it meets are provisional. `learn` makes them last, with the weights, the new rows
and the counts, or withdraws all of it. Numpy: the model is on kernels or in torch, and speaks numpy either way. No
loop, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from learners.comparing import compare
from learners.exports import Served, export
from learners.features import Features, features
from learners.heads import Heads, Pulled, heads_of
from learners.keeping import Arrays, digest_of, keep, kept
from learners.layout import Layout, layout
from learners.learner import Bools, Floats, Ints, Learned, Learner, Scores
from learners.memory import Memory
from learners.models.pair_rows import PairRows
from learners.models.two_stage_shape import Stepped
from learners.ordering import Batch
from learners.reading import Chosen, Reading, chosen_of, reading_of
from learners.schema import Schema
from learners.schema_change import Held, carried, difference
from learners.skew import Skew

NEGATIVES = 128
ROUNDS = 32
"""How often negatives are drawn anew where some were dead."""
FORMAT = 1


class Forward(Protocol):
    """A batch as a model read and scored it."""

    @property
    def probabilities(self) -> Floats:
        """[R, L]."""
        ...

    @property
    def logits(self) -> Floats:
        """[R, L]; good until the next batch is read."""
        ...


class Model(Protocol):
    """Two stages on one id map, wherever their rows are; what comes and goes is numpy."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def find(self, space_N: Ints, key_N: Ints) -> Ints:
        """Rows of ids, -1 where there is none."""
        ...

    def add(self, space_N: Ints, key_N: Ints) -> Ints:
        """Rows of ids, made where there is none."""
        ...

    def forget(self, space: int, key: int) -> int:
        """Free the row of an id, and start it again; its number, or -1."""
        ...

    def forward(self, reading: Reading) -> Forward:
        """Score a batch. Changes nothing that is dumped; what it gives holds until the next one."""
        ...

    def step(
        self, forward: Any, value_RL: Floats, weight_RL: Floats, chosen: Chosen | None, pulled: Pulled | None = None
    ) -> Stepped | None:
        """The update of both stages; None where something is not finite, and then nothing was changed. `pulled` is
        what the logits are to learn, where it is not the log loss of yes and no."""
        ...

    @property
    def dense(self) -> Mapping[str, Mapping[str, Floats]]:
        """The dense weights by stage and name."""
        ...

    def dump(self) -> Arrays:
        """Every array, for as many rows as there are: the same names and shapes from every model."""
        ...

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch between score and learn."""

    batch: Batch
    features: Features
    layout: Layout
    found_N: Ints
    forward: Forward


class TwoStageLearner:
    """Learns lessons, keeps facts."""

    def __init__(self, schema: Schema, model: Model, *, seed: int, heads: Heads | None = None) -> None:
        self._schema, self._seed, self._model = schema, seed, model
        self._heads = heads or heads_of(schema.labels, {})
        self._pair_rows = PairRows()
        self._memory = Memory(schema, self._pair_rows)
        self._rows_learned = 0
        self._pending: Pending | None = None
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
        extra = self._negatives()
        memory = self._memory
        facts = {
            id(example.attributes): example.attributes for example in batch.examples
        }  # rows of one frame share them
        memory.catalogue.feed_all(one for one in facts.values() if one is not None)
        told = features(batch, self._schema, memory.names, memory.catalogue, extra, memory.numbers)
        place = layout(told, self._schema)
        found_N = self._model.find(told.bags.space_N, told.bags.key_N)
        reading = reading_of(told, place, found_N, memory)
        if self._heads.values:
            reading = replace(reading, base_L=reading.base_L * self._heads.based)
        forward = self._model.forward(reading)
        self._pending = Pending(batch, told, place, found_N, forward)
        return _scores(batch, told, self._heads.predictions(forward))

    def learn(self, batch: Batch) -> Learned:
        """1. the update, all or nothing; 2. if it was refused, withdraw what the batch named; 3. facts, which hold in
        any case; 4. rows and counts of a learned batch; 5. users to be forgotten."""
        if self._pending is None or self._pending.batch is not batch:
            self.score(batch)
        pending, self._pending = self._pending, None
        assert pending is not None
        learned = self._update(pending)
        if not learned.finite:
            self._memory.withdraw()
        for example in batch.examples:
            if example.row.kind == "item" and example.attributes is not None:
                self._memory.catalogue.feed(example.attributes)
        self._memory.settle()
        if learned.finite:
            compare(self.skew, pending.layout, pending.found_N, self._memory.counters)
            self._count(pending)
            self._rows_learned += learned.rows
        for example in batch.examples:
            if example.row.kind == "forget":
                self._forget(example.row.example)
        return learned

    def snapshot(self, folder: Path) -> None:
        keep(folder, *self._state())

    def restore(self, folder: Path) -> None:
        self._pending = None
        arrays, document = kept(folder)
        told = {
            name: document[name]
            for name in ("format", "labels", "context", "features", "seed", "losses")
            if name in document
        }
        if told != self._told():
            raise ValueError(
                f"{folder} holds a learner of {told}, this one is of {self._told()}: the settings changed since it was"
                " written. Give the old settings back, or start with an empty version store."
            )
        self._load(arrays, document)

    def _load(self, arrays: Arrays, document: dict[str, Any]) -> None:
        self._pending = None
        self._model.load(arrays)
        self._pair_rows.load(arrays["pairs.user"], arrays["pairs.value"])
        self._memory.load(arrays, document)
        self._rows_learned = document["rows_learned"]

    def carry(self, before: Learner) -> dict[str, list[str]]:
        """Become what `before` learned, read by this learner's features; which came and which went. Every score is
        what it was where none went. ValueError where more than features differs."""
        if not isinstance(before, TwoStageLearner) or before.labels != self.labels or before._seed != self._seed:
            raise ValueError("only a learner of the same model, labels and seed can be carried over to other features")
        arrays, document = carried(before._held(), self._held())
        self._load(arrays, document)
        return difference(before._schema, self._schema)

    def digest(self) -> str:
        return digest_of(*self._state())

    def export(self, folder: Path, *, version: int) -> None:
        self._rest()
        export(folder, self._served(), version=version)

    def _rest(self) -> None:
        """Back to what was learned, where a batch was scored and not learned."""
        self._pending = None
        self._memory.withdraw()

    def _negatives(self) -> list[int]:
        """Entries drawn uniformly, by how much was learned so far."""
        return drawn_alive(np.random.default_rng((self._seed, self._rows_learned)), self._memory.catalogue.alive)

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
        factors = stepped.factors
        return Learned(rows, True, stepped.norm, stepped.loss / rows, factors.least, factors.mean)

    def _count(self, pending: Pending) -> None:
        """Rows for the new ids, then the counts of the batch."""
        row_N, bags = pending.found_N, pending.features.bags
        new = np.flatnonzero(row_N < 0)
        row_N[new] = self._model.add(bags.space_N[new], bags.key_N[new])
        self._memory.count(pending.layout, row_N)

    def _forget(self, user_id: str) -> None:
        row = self._model.forget(*self._memory.forget(user_id))
        if row >= 0:
            self._memory.forget_row(row)

    def _told(self) -> dict[str, Any]:
        told = {"format": FORMAT, **self._schema.told, "seed": self._seed}
        return told | ({"losses": self._heads.told} if self._heads.told else {})

    def _held(self) -> Held:
        shapes = {stage: {name: w.shape for name, w in of.items()} for stage, of in self._model.dense.items()}
        return Held(self._schema, *self._state(), shapes)

    def _state(self) -> tuple[Arrays, dict[str, Any]]:
        self._rest()
        arrays, document = self._memory.dump(len(self._model))
        users, values = self._pair_rows.both()
        arrays |= {"pairs.user": users, "pairs.value": values} | self._model.dump()
        return arrays, document | self._told() | {"rows_learned": self._rows_learned}

    def _served(self) -> Served:
        model, memory = self._model, self._memory
        arrays = model.dump()
        stats = memory.counters.stats(np.arange(len(model)))
        users, values = self._pair_rows.both()
        pair_PL = memory.pairs.stats(users, values, memory.counters)
        return Served(
            schema=self._schema,
            memory=memory,
            find=model.find,
            ids=(arrays["ids.space"], arrays["ids.key"]),
            rank_RW=np.concatenate([arrays["rank.rows"], stats], axis=1),
            seek_RD=arrays["seek.rows"],
            dense={name: weight for of in model.dense.values() for name, weight in of.items()},
            pairs=(users, values, pair_PL),
            links=self._heads.links,
            based_L=self._heads.based,
        )


def drawn_alive(random: np.random.Generator, alive_E: Bools, *, size: int = NEGATIVES) -> list[int]:
    """Up to `size` entries that are alive, drawn uniformly with replacement, in time that does not go with how many
    there are: of those drawn the dead are passed over. Fewer where nearly all are dead.

    >>> drawn_alive(np.random.default_rng(1), np.array([False, True, False]), size=3)
    [1, 1, 1]
    """
    drawn: list[int] = []
    for _ in range(ROUNDS if len(alive_E) else 0):
        entry_N = random.integers(len(alive_E), size=size)
        drawn += entry_N[alive_E[entry_N]][: size - len(drawn)].tolist()
        if len(drawn) == size:
            break
    return drawn


def _scores(batch: Batch, told: Features, probability_RL: Floats) -> Scores:
    """Scores of all examples; facts and organic visits decide nothing."""
    rows, labels = len(batch.examples), told.value_RL.shape[1]
    probability_BL: Floats = np.zeros((rows, labels), np.float32)
    decided_BL: Bools = np.zeros((rows, labels), np.bool_)
    value_BL: Floats = np.zeros((rows, labels), np.float32)
    probability_BL[told.at_R] = probability_RL
    decided_BL[told.at_R] = told.decided_RL & told.ranked_R[:, None]
    value_BL[told.at_R] = told.value_RL
    weight_B = np.array([example.row.weight for example in batch.examples], np.float32)
    return Scores(probability_BL, decided_BL, value_BL, weight_B)
