"""The learner that ships, taught the same clicks as organic visits, and asked through its own export.

Each click is a row as the joiner writes one for an interaction that no slate led to: who, after what, under which
circumstances, which item. Vectors of items and users are those that a server reads. Users have no names here: what is
measured is the session, as for the learner on columns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks.retrieval_clicks import ABOUT, Longs, Stream, blocks
from benchmarks.retrieval_tally import Answered
from learners.fields import Declared
from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from serving.scorer import Asker, Scorer
from streams.events import Context
from streams.examples import Past, Row, Shot

NAME, LABEL = "reader", "click"


def answered_by_product(
    stream: Stream, every: int, *, block: int, features: Mapping[str, Declared] | None = None
) -> Iterator[Answered]:
    """Learn the stream; every so many blocks, tell what a version exported just then says."""
    learner = make_learner(labels=(LABEL,), context=ABOUT, features=features, seed=1)
    for number, (part, target_B) in enumerate(blocks(stream, block)):
        if number % every == 0 and len(target_B) and number:
            with tempfile.TemporaryDirectory() as place:
                learner.export(Path(place) / "serving", version=number)
                yield _asked(Scorer(Path(place) / "serving"), stream, number, target_B)
        batch = Batch(tuple(_example(stream, n) for n in range(*part.indices(len(stream.at_N)))), 0)
        learner.score(batch)
        if not learner.learn(batch).finite:
            raise RuntimeError(f"block {number} was refused: a gradient is not finite; its rows are plain clicks")


def _asked(scorer: Scorer, stream: Stream, number: int, target_B: Longs) -> Answered:
    item_E = np.array([int(name) for name in scorer.item_ids])
    vec_ED = np.empty_like(scorer.item_vectors)
    vec_ED[item_E] = scorer.item_vectors  # every item that was seen is offered, so their numbers have no gaps
    shots = [_shot(stream, n) for n in target_B.tolist()]
    askers = [Asker(NAME, shot.history, shot.surface, dict(shot.context), shot.ts) for shot in shots]
    user_BD = np.stack([scorer.user_vector(asker) for asker in askers])
    return Answered(number, target_B, stream.item_N[target_B], user_BD, vec_ED)


def _example(stream: Stream, n: int) -> Example:
    at = int(stream.at_N[n])
    row = Row(n, at, "organic", str(n), labels={LABEL: 1.0}, item_id=str(stream.item_N[n]))
    return Example(row, _shot(stream, n), None, 0)


def _shot(stream: Stream, n: int) -> Shot:
    at = int(stream.at_N[n])
    before = [item for item in stream.before_NL[n].tolist() if item >= 0]
    past = tuple(Past(str(item), LABEL, at - lag) for lag, item in reversed([*enumerate(before, 1)]))
    about: Context = dict(zip(ABOUT, map(str, stream.about_NA[n, 1:].tolist()), strict=True))
    return Shot(NAME, at, request_id=str(n), context=about, history=past)
