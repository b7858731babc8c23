"""The serving files of a version that holds none: made from what was learned, as the learner itself would make them.

For whoever serves, so that a trainer writes only what changed. Same arrays in, same bytes out as the export of a
learner that holds them: item vectors, parts of the first layer and statistics are worked out here. Reads the files of a
chain; knows no store, no optimizer and no torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from checkpoints.journal import uncollected
from learners.exports import Served, export
from learners.heads import heads_of
from learners.keeper import opened_whole
from learners.keeping import Arrays, kept
from learners.kernels.flat import Flat
from learners.learner import Floats
from learners.memory import Memory
from learners.models.pair_rows import PairRows
from learners.models.two_stage_shape import ranker_of, towers_of
from learners.schema import Schema
from learners.serving_state import left, served_of
from learners.tables.host_ids import HostIds
from learners.tables.touched import Touched

LEARNED, TOUCHED = "learned", "touched."
OF = "of.json"
"""Beside the files: the digest of what they were derived from."""


@uncollected()
def derive(chain: Sequence[Path], into: Path, *, version: int, digest: str) -> None:
    """Write the serving files of a version, given the folders of its chain, the whole one first."""
    export(into, _served([folder / LEARNED for folder in chain]), version=version)
    (into / OF).write_text(json.dumps({"digest": digest}))


def derived_of(folder: Path) -> str | None:
    """The digest of what serving files were derived from; None where a version brought them along."""
    path = folder / OF
    told: str | None = json.loads(path.read_text())["digest"] if path.exists() else None
    return told


def _served(folders: Sequence[Path]) -> Served:
    arrays, document = kept(*folders)
    schema = Schema.of(document)
    opened_whole(arrays, document, schema.spaces)
    memory, ids = Memory(schema, PairRows()), HostIds(fallbacks=0)
    memory.load(arrays, document)
    ids.load(arrays["ids.space"], arrays["ids.key"])
    touched = Touched()
    touched.load({name.removeprefix(TOUCHED): array for name, array in arrays.items() if name.startswith(TOUCHED)})
    gone = left(touched.gone_since(0), ids)
    heads = heads_of(schema.labels, document.get("losses", {}))
    rows = arrays["rank.rows"], arrays["seek.rows"]
    return served_of(schema, heads, memory, ids, gone, rows, _dense(schema, arrays))


def _dense(schema: Schema, arrays: Arrays) -> dict[str, Floats]:
    """The dense weights of both stages by name."""
    dense: dict[str, Floats] = {}
    for stage, starts in (("rank", ranker_of(schema).start(0)), ("seek", towers_of(schema).start())):
        flat = Flat({name: weight.shape for name, weight in starts.items()})
        flat.values[:] = arrays[f"{stage}.dense"]
        dense |= flat.named
    return dense
