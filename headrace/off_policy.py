"""What a version or other settings would have earned on slates that were logged: one walk over the log.

History is folded along over all partitions in the order of their records' times, so each slate is judged as of its
moment. Only slates behind the version's positions count (it would know the clicks of the others), and of those the ones
of a model that gave places to chance. The estimators are in `serving/off_policy.py`. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from headrace.experiment_terms import ExperimentError, Ground, tried_settings
from headrace.interleaving import export_of
from serving.answers import Ask
from serving.arm_fold import WINDOW
from serving.build import Rules, make
from serving.build_job import Job
from serving.fold_rules import FoldRules
from serving.folding import REFRESH
from serving.foreseeing import foreseen_slate
from serving.generation import Generation
from serving.known import Known
from serving.live import Bundle
from serving.off_policy import LEAST, Pages, estimated
from serving.policy import Policy
from serving.scorer import Scorer
from serving.shelf import Shelf
from serving.tried_settings import policy_with
from streams.decisions import DecisionLog
from streams.events import Event, Interaction, Slate
from streams.frames import decode_frame
from streams.log import Log, Record
from streams.positions import Positions

EXACT = Rules(links_from=1 << 62)
"""A generation that is searched by a scan: it is made for one reading."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is tried: a version with the settings of serving, changed by `settings` (names and values as for an
    experiment); judged on at most `pages` slates by `label`."""

    version: int
    settings: Mapping[str, str] = field(default_factory=dict)
    pages: int = 5_000
    label: str = "click"


@dataclass(slots=True)
class _Page:
    """A slate that was shown, as the other policy sees it; place by place."""

    user_id: str
    ts: int
    items: list[str]
    ratio: list[float]
    foreseen: list[float]
    expected: list[float]
    reward: list[float]


def judged(
    asked: Question, ground: Ground, rules: FoldRules, policy: Policy, *, tell: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """The report as plain fields: value of a page by each estimator with its interval, the logged one beside it.

    Raises ExperimentError where there is nothing to judge by, VersionError where the version can't be opened. `tell`
    hears how many slates were judged.
    """
    tried = policy_with(policy, tried_settings(asked.settings, ground))
    if asked.label not in ground.labels:
        raise ExperimentError(f"{asked.label} is not learned; labels are {', '.join(ground.labels)}")
    since = ground.store.manifest(asked.version).input
    with TemporaryDirectory(prefix="headrace-off-policy-") as aside:
        walk = _Walk(_bundle(asked.version, ground, Path(aside)), tried, rules, ground.events.partitions, asked)
        found = walk.pages(_records(ground.events), ground.decisions, since, tell)
    if not found:
        raise ExperimentError(
            f"no slate of a model with chances lies behind the positions of version {asked.version} ({since}): it has "
            "learned from all there is. Take an older version, or wait for new slates; see `headrace versions list`"
        )
    asked_for = {"version": asked.version, "settings": dict(asked.settings), "label": asked.label, "least": LEAST}
    return asked_for | asdict(estimated(_arrays(found)))


class _Walk:
    """One pass over the log: what the server knew, the slates that wait for their clicks, and those that are judged."""

    def __init__(self, bundle: Bundle, policy: Policy, rules: FoldRules, partitions: int, asked: Question) -> None:
        self._bundle, self._policy, self._asked = bundle, policy, asked
        self._known = Known(partitions=partitions, rules=rules)
        self._shelf: Shelf | None = None
        self._waiting: dict[str, _Page] = {}
        self._refresh_at = 0

    def pages(
        self,
        records: Iterator[tuple[int, int, Record]],
        decisions: DecisionLog,
        since: Positions,
        tell: Callable[[int], None],
    ) -> list[_Page]:
        """Slates with their clicks, the first `asked.pages` of them."""
        decisions.follow()
        mask, found, left = decisions.fold.masking(), list[_Page](), self._asked.pages
        for at, partition, record in records:
            seen = mask.visible(partition, record.offset, decode_frame(record.value).events)
            for event in seen:
                left -= self._take(event, record.offset >= since.get(partition, 0) and left > 0)
            self._known.parts[partition].feed(partition, record.offset, seen)
            self._look(at)
            found += self._closed(at)
            tell(len(found))
            if not left and not self._waiting:
                break
        return found + list(self._waiting.values())

    def _take(self, event: Event, counts: bool) -> bool:
        """Whether a slate was taken."""
        match event:
            case Interaction(type=self._asked.label, request_id=str()) if event.request_id in self._waiting:
                page = self._waiting[event.request_id or ""]
                if event.item_id in page.items:
                    page.reward[page.items.index(event.item_id or "")] = 1.0
            case Slate() if counts and event.request_id not in self._waiting and _is_whole(event):
                self._waiting[event.request_id] = self._page(event)
                return True
        return False

    def _page(self, slate: Slate) -> _Page:
        ask = Ask(
            slate.user_id, len(slate.items), slate.ts, surface=slate.surface, context=slate.context,
            query_item_id=slate.query_item_id, query_text=slate.query_text,
        )  # fmt: skip
        names = [shown.item_id for shown in slate.items]
        self._shelf = self._shelf or Shelf(self._bundle, self._known.stock)
        told, foreseen = foreseen_slate(
            ask, self._bundle, self._known, self._shelf, names, policy=self._policy, label=self._asked.label
        )
        return _Page(
            user_id=slate.user_id,
            ts=slate.ts,
            items=names,
            ratio=[place.chance / (one.propensity or 1.0) for place, one in zip(told, slate.items, strict=False)],
            foreseen=foreseen,
            expected=[place.expected for place in told],
            reward=[0.0] * len(names),
        )

    def _look(self, at: int) -> None:
        self._known.restock()
        if at >= self._refresh_at:
            self._known.refresh()
            self._refresh_at = at + REFRESH

    def _closed(self, at: int) -> list[_Page]:
        over = [name for name, page in self._waiting.items() if page.ts + WINDOW < at]
        return [self._waiting.pop(name) for name in over]


def _is_whole(slate: Slate) -> bool:
    """Whether a model filled it from its first place, and left places to chance: lists that were only put in order say
    1 for each."""
    chances = [shown.propensity or 0.0 for shown in slate.items]
    told = bool(chances) and 0 < min(chances) < 1 and slate.items[0].position == 0
    return told and bool(slate.model_version)


def _records(events: Log) -> Iterator[tuple[int, int, Record]]:
    """All records of all partitions by their time."""
    return merge(*(_of(events, partition) for partition in range(events.partitions)), key=lambda one: one[:2])


def _of(events: Log, partition: int) -> Iterator[tuple[int, int, Record]]:
    offset = events.begin(partition)
    while records := events.read(partition, offset, 200):
        for record in records:
            yield record.at, partition, record
        offset = records[-1].offset + 1


def _bundle(version: int, ground: Ground, aside: Path) -> Bundle:
    export = export_of(ground.store, version, aside)
    folder = aside / "generation"
    make(Job(version, str(export), str(folder)), open_export=Scorer.open, rules=EXACT)
    generation = Generation.open(folder)
    return Bundle(version, Scorer.open(generation.export), generation)


def _arrays(found: list[_Page]) -> Pages:
    shape = len(found), max(len(page.items) for page in found)
    ratio, reward, foreseen, expected = (np.zeros(shape) for _ in range(4))
    for row, page in enumerate(found):
        for array, told in ((ratio, page.ratio), (reward, page.reward), (expected, page.expected)):
            array[row, : len(told)] = told
        foreseen[row, : len(page.foreseen)] = page.foreseen
    users = {name: number for number, name in enumerate(dict.fromkeys(page.user_id for page in found))}
    return Pages(ratio, reward, foreseen, expected, np.array([users[page.user_id] for page in found]))
