"""From what a learner of two stages holds to the arrays that a version is made of. Reads; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from learners.exports import Served
from learners.heads import Heads
from learners.learner import Floats, Ints
from learners.memory import Memory
from learners.pairs import pair_stats
from learners.schema import Schema
from learners.tables.rows import Rows
from learners.two_stage_model import Model


class Known(Protocol):
    """Exact ids and their rows."""

    @property
    def spaces(self) -> Ints:
        """Space of each row, in order of rows; below 0 where it is no id's."""
        ...

    @property
    def keys(self) -> Ints: ...

    def find(self, space_N: Ints, key_N: Ints) -> Ints:
        """Rows of ids, -1 where there is none."""
        ...


def served_of(
    schema: Schema,
    heads: Heads,
    memory: Memory,
    ids: Known,
    gone: tuple[Ints, Ints],
    rows: tuple[Floats, Floats],
    dense: Mapping[str, Floats],
    pairs: tuple[Ints, Ints],
) -> Served:
    """The state as a version tells it; `rows` are those of the ranker and of the towers, `dense` by name, `pairs` the
    user and the value of each line of counts."""
    users, values = pairs
    known = pair_stats(memory.pairs.counters.count_RC, np.arange(len(users)), users, memory.counters)
    return Served(
        schema=schema,
        memory=memory,
        find=ids.find,
        ids=(ids.spaces, ids.keys),
        gone=gone,
        rank_RW=np.concatenate([rows[0], memory.counters.stats(np.arange(len(ids.spaces)))], axis=1),
        seek_RD=rows[1],
        dense=dict(dense),
        pairs=(users, values, known),
        links=heads.links,
        based_L=heads.based,
    )


def exported(schema: Schema, heads: Heads, memory: Memory, rows: Rows, model: Model) -> Served:
    """The same of a learner itself."""
    arrays = model.dump()
    dense = {name: weight for of in model.dense.values() for name, weight in of.items()}
    both = arrays["rank.rows"], arrays["seek.rows"]
    return served_of(schema, heads, memory, rows.ids, rows.gone_since(0), both, dense, memory.pairs.ids.both())


def left(gone: tuple[Ints, Ints], ids: Known) -> tuple[Ints, Ints]:
    """Of ids that went, those that have not come back."""
    space_M, key_M = gone
    lost = ids.find(space_M, key_M) < 0
    return space_M[lost], key_M[lost]
