"""The learner on torch: what is known (names, items, counts), the model's two stages, and the order of effects.

`score` reads; names and items that it meets are provisional. `learn` makes them last, with the weights, the new rows
and the counts, or withdraws all of it. No loop, no clock, no device-specific code: the same lines run on CUDA.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from learners.exports import Served, export
from learners.features import Features, features
from learners.keeping import Arrays, digest_of, keep, kept
from learners.layout import Layout, layout
from learners.learner import Bools, Floats, Ints, Learned, Learner, Scores
from learners.memory import Memory
from learners.models.inputs import chosen_of, reading_of
from learners.models.pair_rows import PairRows
from learners.models.two_stage import Forward, Rules, TwoStage
from learners.ordering import Batch
from learners.schema import Schema
from learners.torch_devices import deterministic_device

NEGATIVES = 128
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Pending:
    """A batch between score and learn."""

    batch: Batch
    features: Features
    layout: Layout
    found_N: Ints
    forward: Forward


class TorchLearner:
    """Learns lessons, keeps facts."""

    def __init__(self, schema: Schema, rules: Rules, *, device: torch.device, seed: int) -> None:
        self._schema, self._seed = schema, seed
        self._pair_rows = PairRows()
        self._memory = Memory(schema, self._pair_rows)
        self._model = TwoStage(schema, rules, device=device, seed=seed)
        self._rows_learned = 0
        self._pending: Pending | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return self._schema.labels

    @property
    def rows_learned(self) -> int:
        return self._rows_learned

    def score(self, batch: Batch) -> Scores:
        """1. withdraw what an unlearned batch left; 2. take the batch's facts, provisionally; 3. read and score."""
        self._rest()
        extra = self._negatives()
        for attributes in {id(example.attributes): example.attributes for example in batch.examples}.values():
            if attributes is not None:  # rows of one frame share them
                self._memory.catalogue.feed(attributes)
        told = features(batch, self._schema, self._memory.names, self._memory.catalogue, extra)
        place = layout(told, self._schema)
        ids = self._model.ids
        found_N: Ints = ids.find(self._tensor(told.bags.space_N), self._tensor(told.bags.key_N)).cpu().numpy()
        forward = self._model.forward(reading_of(told, place, found_N, self._memory, self._model.device))
        self._pending = Pending(batch, told, place, found_N, forward)
        return _scores(batch, told, forward.logit_RL)

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
        told = {name: document[name] for name in ("format", "labels", "context", "seed")}
        if told != self._told():
            raise ValueError(
                f"{folder} holds a learner of {told}, this one is of {self._told()}: the settings changed since it was"
                " written. Give the old settings back, or start with an empty version store."
            )
        self._model.load(arrays)
        self._pair_rows.load(arrays["pairs.user"], arrays["pairs.value"])
        self._memory.load(arrays, document)
        self._rows_learned = document["rows_learned"]

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
        alive = np.flatnonzero(self._memory.catalogue.alive)
        if not len(alive):
            return []
        random = np.random.default_rng((self._seed, self._rows_learned))
        drawn: list[int] = alive[random.integers(len(alive), size=NEGATIVES)].tolist()
        return drawn

    def _update(self, pending: Pending) -> Learned:
        told = pending.features
        rows = len(told.at_R)
        if not told.finite:
            return Learned(0, False, float("nan"), float("nan"))
        if not rows:
            return Learned(0, True, 0.0, 0.0)
        weight_RL = np.where(told.decided_RL & told.ranked_R[:, None], told.weight_R[:, None], np.float32(0.0))
        value_RL = self._tensor(told.value_RL)
        chosen = chosen_of(told, self._memory, self._model.device)
        stepped = self._model.step(pending.forward, value_RL, self._tensor(weight_RL), chosen)
        if stepped is None:
            return Learned(0, False, float("nan"), float("nan"))
        return Learned(rows, True, stepped.norm, stepped.loss / rows)

    def _count(self, pending: Pending) -> None:
        """Rows for the new ids, then the counts of the batch."""
        row_N, bags = pending.found_N, pending.features.bags
        new = np.flatnonzero(row_N < 0)
        made = self._model.ids.add(self._tensor(bags.space_N[new]), self._tensor(bags.key_N[new]))
        row_N[new] = made.cpu().numpy()
        self._model.grow()
        self._memory.count(pending.layout, row_N)

    def _forget(self, user_id: str) -> None:
        row = self._model.ids.forget(*self._memory.forget(user_id))
        if row >= 0:
            self._model.reset(row)
            self._memory.forget_row(row)

    def _told(self) -> dict[str, Any]:
        schema = self._schema
        return {"format": FORMAT, "labels": [*schema.labels], "context": [*schema.context], "seed": self._seed}

    def _state(self) -> tuple[Arrays, dict[str, Any]]:
        self._rest()
        arrays, document = self._memory.dump(len(self._model.ids))
        users, values = self._pair_rows.both()
        arrays |= {"pairs.user": users, "pairs.value": values} | self._model.dump()
        return arrays, document | self._told() | {"rows_learned": self._rows_learned}

    def _tensor(self, array: Any) -> Tensor:
        return torch.from_numpy(array).to(self._model.device)

    def _served(self) -> Served:
        model, memory = self._model, self._memory
        arrays = model.dump()
        rows = len(model.ids)
        stats = memory.counters.stats(np.arange(rows))
        users, values = self._pair_rows.both()
        pair_PL = memory.pairs.stats(users, values, memory.counters)
        return Served(
            schema=self._schema,
            memory=memory,
            find=lambda space, key: model.ids.find(self._tensor(space), self._tensor(key)).cpu().numpy(),
            ids=(arrays["ids.space"], arrays["ids.key"]),
            rank_RW=np.concatenate([arrays["rank.rows"], stats], axis=1),
            seek_RD=arrays["seek.rows"],
            dense={name: w.cpu().numpy() for name, w in {**model.rank.weights, **model.seek.weights}.items()},
            pairs=(users, values, pair_PL),
        )


def make_learner(
    name: str = "two_tower_deepfm",
    *,
    labels: tuple[str, ...],
    context: tuple[str, ...] = (),
    device: str = "cpu",
    seed: int = 0,
    rules: Rules | None = None,
) -> Learner:
    """The learner registered under a name."""
    if name not in LEARNERS:
        raise ValueError(f"no learner is named {name!r}; there are {', '.join(LEARNERS)}")
    schema = Schema(tuple(labels), tuple(context))
    return LEARNERS[name](schema, rules or Rules(), device=deterministic_device(device), seed=seed)


LEARNERS = {"two_tower_deepfm": TorchLearner}


def _scores(batch: Batch, told: Features, logit_RL: Tensor) -> Scores:
    """Scores of all examples; facts and organic visits decide nothing."""
    rows, labels = len(batch.examples), told.value_RL.shape[1]
    probability_BL: Floats = np.zeros((rows, labels), np.float32)
    decided_BL: Bools = np.zeros((rows, labels), np.bool_)
    value_BL: Floats = np.zeros((rows, labels), np.float32)
    probability_BL[told.at_R] = torch.sigmoid(logit_RL.detach()).cpu().numpy()
    decided_BL[told.at_R] = told.decided_RL & told.ranked_R[:, None]
    value_BL[told.at_R] = told.value_RL
    weight_B = np.array([example.row.weight for example in batch.examples], np.float32)
    return Scores(probability_BL, decided_BL, value_BL, weight_B)
