"""What folds hold of the log of a site without some of its events: the reference that a way back has to come to.

The events that are left stand in their order, ticks among them, in frames of another size; every fold begins anew.
What a mask shuts of single labels can't be dropped from a log, so such entries go along, by their times and fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks.poison_site import Digests, Site
from headrace.deployment import fold_rules_of, rules_of, version_store
from headrace.process_terms import learner_of, plan_of
from headrace.settings import Settings
from learners.trainer import Trainer
from serving.digests import FOLDS, digest_of_fold
from serving.folding import fold
from serving.known import Known
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import Decision, DecisionLog
from streams.digest import digest_of_examples
from streams.events import Event
from streams.frames import EventFrame, decode_frame, encode_frame
from streams.log import Log, MemoryLogs
from streams.mask import Entry, Masking
from streams.poll_joiner import join, to_the_end

SIZE = 7
NEVER = 1 << 60


def twin_of(site: Site, entries: Sequence[Entry], folder: Path) -> Digests:
    """Digests of all folds over the log of `site` without what these entries hide."""
    settings = site.settings.model_copy(update={"var": folder})
    logs, mask = MemoryLogs(), Masking(entries)
    old, new = (one.open("events", settings.partitions) for one in (site.logs, logs))
    for partition in range(settings.partitions):
        visible = _visible(old, partition, mask)
        while piece := list(islice(visible, SIZE)):
            frame = EventFrame(tuple(event for event, _ in piece))
            new.append(partition, [encode_frame(frame)], at=piece[-1][1])
    if kept := [_by_times(entry, settings.partitions) for entry in entries if entry.labels]:
        line = Decision("mask", at=site.clock.now, who="benchmark", why="single labels", seen=0, add=tuple(kept))
        DecisionLog(logs.open(DECISIONS, 1)).decide(line)
    return _folded(settings, logs, site)


def _by_times(entry: Entry, partitions: int) -> Entry:
    """The same in a log with other frames: it holds wherever the times say so."""
    stop = None if entry.t1 is None else dict.fromkeys(range(partitions), 0)
    return msgspec.structs.replace(entry, start={}, stop=stop)


def _folded(settings: Settings, logs: MemoryLogs, site: Site) -> Digests:
    partitions, var, clock = settings.partitions, settings.var, site.clock
    with closing(  # type: ignore[type-var]
        join(
            logs,
            partitions=partitions,
            rules=rules_of(settings),
            folder=var / "join",
            snapshots=var / "snapshots",
            clock=clock,
            snapshot_ms=NEVER,
        )
    ) as turns:
        for _ in to_the_end(turns, partitions):
            pass
    store, plan = version_store(settings), replace(plan_of(settings), until_end=True, commit_ms=NEVER)
    trainer = Trainer(logs, store, learner_of(settings), plan=plan, clock=clock)
    while not trainer.done.ended:
        trainer.turn()
    known = Known(partitions=partitions, rules=fold_rules_of(settings))
    for turn in fold(logs, known, folder=var / "serve", clock=clock, snapshot_every=NEVER, limit=1_000):
        if turn.idle:
            break
    decisions = DecisionLog(logs.open(DECISIONS, 1))
    decisions.follow()
    weights = max(store.manifests(), key=lambda one: one.version).digest
    told = {"rows": digest_of_examples(logs.open("examples", partitions), decisions.fold), "weights": weights}
    return told | {name: digest_of_fold(known.parts, name) for name in FOLDS}


def _visible(log: Log, partition: int, mask: Masking) -> Iterator[tuple[Event, int]]:
    for record in log.read(partition, 0, 1 << 40):
        for event in mask.visible(partition, record.offset, decode_frame(record.value).events):
            yield event, record.at
