"""From what a learner of two stages holds to the arrays that a version is made of. Reads; changes nothing."""

from __future__ import annotations

import numpy as np

from learners.exports import Served
from learners.heads import Heads
from learners.memory import Memory
from learners.schema import Schema
from learners.tables.rows import Rows
from learners.two_stage_model import Model


def served_of(schema: Schema, heads: Heads, memory: Memory, rows: Rows, model: Model) -> Served:
    """The state as a version tells it."""
    arrays, ids = model.dump(), rows.ids
    stats = memory.counters.stats(np.arange(len(ids)))
    users, values = memory.pairs.ids.both()
    return Served(
        schema=schema,
        memory=memory,
        find=ids.find,
        ids=(ids.spaces, ids.keys),
        gone=rows.gone_since(0),
        rank_RW=np.concatenate([arrays["rank.rows"], stats], axis=1),
        seek_RD=arrays["seek.rows"],
        dense={name: weight for of in model.dense.values() for name, weight in of.items()},
        pairs=(users, values, memory.pairs.stats(users, values, memory.counters)),
        links=heads.links,
        based_L=heads.based,
    )
