"""Two versions interleaved in replay: pages that neither had learned from, ordered by both, credited with their clicks.

History is folded along, so each page is scored as of its frame. Only pages behind the positions of both versions count:
a version would know the clicks of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from checkpoints.store import VersionStore
from headrace.experiment_terms import Ground
from learners.deriving import derive
from serving.answers import Ask
from serving.arm_fold import WINDOW
from serving.askers import Asker
from serving.fold_rules import FoldRules
from serving.generation_files import EXPORT
from serving.interleaving import Page, replayed
from serving.model_rung import asker_of
from serving.part import Part
from serving.ranking import weights_of
from streams.decisions import DecisionLog
from streams.events import Event, Interaction, Slate, Tick
from streams.frames import decode_frame
from streams.log import Log
from streams.positions import Positions, merged


class Scores(Protocol):
    """What a version needs to order items; `serving.scorer.Scorer` is the real one."""

    @property
    def labels(self) -> Sequence[str]: ...

    def rows_of(self, item_ids: Sequence[str], /) -> NDArray[np.int32]: ...

    def score(self, asker: Asker, rows: NDArray[np.int32], /) -> NDArray[np.float32]: ...


@dataclass(slots=True)
class _Open:
    left: list[str]
    right: list[str]
    ts: int
    clicked: set[str] = field(default_factory=set)


def pages_of(
    events: Log,
    decisions: DecisionLog,
    rules: FoldRules,
    scorers: tuple[Scores, Scores],
    weights: dict[str, float],
    *,
    since: Positions,
    most: int,
) -> Iterator[Page]:
    """At most `most` pages from `since` on, partition by partition, each once its clicks are in."""
    decisions.follow()
    share = -(-most // events.partitions)
    for partition in range(events.partitions):
        pages = _partition(partition, events, decisions, rules, scorers, weights, since.get(partition, 0))
        yield from islice(pages, share)


def compared(
    left: int, right: int, ground: Ground, rules: FoldRules, *, most: int, count: int, drafts: int = 5
) -> dict[str, Any]:
    """The report of two versions, as plain fields. Raises VersionError."""
    from serving.scorer import Scorer

    with TemporaryDirectory(prefix="headrace-interleaving-") as folder:
        first, second = (Scorer.open(export_of(ground.store, version, Path(folder))) for version in (left, right))
        since = merged(ground.store.manifest(left).input, ground.store.manifest(right).input)
        pages = pages_of(
            ground.events, ground.decisions, rules, (first, second), ground.serving.weights, since=since, most=most
        )
        return asdict(replayed(pages, count=count, drafts=drafts))


def export_of(store: VersionStore, version: int, aside: Path) -> Path:
    """The serving files of a version, derived below `aside` where it holds none. Raises VersionError."""
    chain = store.chain(version)
    if (chain[-1] / EXPORT).is_dir():
        return chain[-1] / EXPORT
    derived = aside / f"{version:08d}"
    derive(chain, derived, version=version, digest=store.manifest(version).digest)
    return derived


def _partition(
    partition: int,
    events: Log,
    decisions: DecisionLog,
    rules: FoldRules,
    scorers: tuple[Scores, Scores],
    weights: dict[str, float],
    since: int,
) -> Iterator[Page]:
    part, mask = Part(partition, events.partitions, rules), decisions.fold.masking()
    waiting: dict[str, _Open] = {}
    offset = events.begin(partition)
    while records := events.read(partition, offset, 200):
        for record in records:
            seen = mask.visible(partition, record.offset, decode_frame(record.value).events)
            for event in seen if record.offset >= since else ():
                _take(event, waiting, part, scorers, weights)
            part.feed(partition, record.offset, seen)
            offset = record.offset + 1
            yield from _closed(waiting, part.newest)
    yield from _closed(waiting, part.newest + WINDOW + 1)


def _take(
    event: Event, waiting: dict[str, _Open], part: Part, scorers: tuple[Scores, Scores], weights: dict[str, float]
) -> None:
    match event:
        case Slate() if len(event.items) > 1 and event.request_id not in waiting:
            ask = Ask(
                event.user_id, len(event.items), event.ts, surface=event.surface, context=event.context,
                query_item_id=event.query_item_id, query_text=event.query_text,
            )  # fmt: skip
            asker, names = asker_of(ask, part.profiles.of(event.user_id)), [shown.item_id for shown in event.items]
            left, right = (ordered(scorer, asker, names, weights) for scorer in scorers)
            waiting[event.request_id] = _Open(left, right, event.ts)
        case Interaction(type="click", item_id=str(), request_id=str()) if event.request_id in waiting:
            waiting[event.request_id or ""].clicked.add(event.item_id or "")
        case Tick():
            part.newest = max(part.newest, event.ts)


def ordered(scorer: Scores, asker: Asker, names: list[str], weights: dict[str, float]) -> list[str]:
    """Items by their value to a user, the best first; those that a version does not know come last, as they were."""
    row_I = scorer.rows_of(names)
    known = np.flatnonzero(row_I >= 0)
    value_K = scorer.score(asker, row_I[known]) @ weights_of(list(scorer.labels), weights)
    best = [names[known[place]] for place in np.argsort(-value_K, kind="stable").tolist()]
    return best + [name for name, row in zip(names, row_I.tolist(), strict=True) if row < 0]


def _closed(waiting: dict[str, _Open], now: int) -> Iterator[Page]:
    for name in [name for name, page in waiting.items() if page.ts + WINDOW < now]:
        page = waiting.pop(name)
        yield Page(page.left, page.right, page.clicked)
