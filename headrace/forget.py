"""Forgetting a user: one delete into the log, and a look at everything that still has something of the user.

The delete is an event, and no mask covers it: joiner, trainer and servers each drop the user when they read it, and
drop what comes late from before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec

from checkpoints.chain_plan import compacted_from
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.staying import DAY, HOUR, Shelf, needed, periodic
from checkpoints.store import VersionStore
from headrace import forget_search as search
from headrace.deployment import open_logs, run_folder, version_store
from headrace.forget_report import Found, Version
from headrace.forget_search import Deleted
from headrace.operations import Operator
from headrace.options import now
from headrace.retaining import aside
from headrace.settings import Settings
from headrace.telemetry import kind_of, read_status
from serving.part_heads import positions_in
from streams import dead_letters, decisions
from streams.decisions import DecisionLog, Decisions
from streams.errors import HeadraceError
from streams.events import RAW_TOPICS
from streams.examples import decode as decode_examples
from streams.intake import Intake
from streams.log import Logs
from streams.positions import partition_of

PRODUCER = "headrace forget"
WAIT = 10_000
"""How long (ms) the sequencer is given to take the delete in."""
LOOK_EVERY = 0.05
WRITTEN = ("users", "events")
"""Where the delete itself stands, a record each."""


class NotForgotten(HeadraceError):
    """The delete could not be written, or nobody has taken it in."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A deployment, opened."""

    settings: Settings
    logs: Logs
    decisions: DecisionLog

    @property
    def store(self) -> VersionStore:
        return version_store(self.settings)


@contextmanager
def ground_of(settings: Settings) -> Iterator[Ground]:
    with open_logs(settings) as logs:
        yield Ground(settings, logs, DecisionLog(logs.open(decisions.TOPIC, 1)))


def forget(ground: Ground, user_id: str, operator: Operator, *, wait: int = WAIT) -> Found:
    """Delete a user, unless nothing has come since the last delete.

    1. look; 2. append the delete, through the checks that every event passes; 3. wait until it is in `events`; 4. look
    at who has taken it. Raises NotForgotten: after 2 the delete is in the log for good, and asking again does no harm.
    """
    found = look(ground, user_id)
    if found.deleted is not None and not found.deleted.returned:
        return found
    end = ground.logs.open("events", ground.settings.partitions).end(found.partition)
    append(ground, user_id, operator)
    stands = _waited(lambda: _deleted(ground, user_id, since=end), wait)
    if stands is None:
        raise NotForgotten(
            f"the delete of {user_id!r} is in users[{found.partition}], but not in events[{found.partition}] after "
            f"{wait / 1000:g} s: the sequencer has not taken it. Start it with `headrace up` or `headrace sequence`, "
            f"then see: headrace forget {user_id} --status"
        )
    named = [
        replace(one, records=one.records + 1, last_at=max(one.last_at, stands.ts)) if one.topic in WRITTEN else one
        for one in found.named
    ]
    return _with_progress(ground, replace(found, deleted=stands, named=named))


def append(ground: Ground, user_id: str, operator: Operator) -> None:
    """Write the delete. Raises NotForgotten where the id is none."""
    event = {
        "type": "user_delete",
        "user_id": user_id,
        "ts": operator.at,
        "producer": PRODUCER,
        "attributes": {"who": operator.who, "why": operator.why},
    }
    intake = Intake(ground.logs, partitions=ground.settings.partitions, clock=now)
    [outcome] = intake.take([msgspec.json.encode(event)])
    if not outcome.accepted:
        raise NotForgotten(f"{user_id!r} can't be forgotten: {outcome.field} {outcome.reason}")


def look(ground: Ground, user_id: str) -> Found:
    """What holds a user now."""
    partitions = ground.settings.partitions
    home = partition_of(user_id, partitions)
    looked: list[tuple[str, search.Says]] = [(topic, search.in_raw) for topic in RAW_TOPICS if topic != "items"]
    looked += [("events", search.in_frame), ("examples", search.in_examples)]
    named = [search.named(ground.logs.open(topic, partitions), home, user_id, says) for topic, says in looked]
    letters = ground.logs.open(dead_letters.TOPIC, dead_letters.PARTITIONS)
    named.append(search.named(letters, 0, user_id, _in_letter))
    return _with_progress(ground, Found(user_id, home, _deleted(ground, user_id), named))


def _with_progress(ground: Ground, found: Found) -> Found:
    """Who has taken the delete, and what is from before it. Without a delete everything is."""
    ground.decisions.follow()
    fold = ground.decisions.fold
    before = found.deleted.offset if found.deleted else None
    manifests, p = ground.store.manifests(), found.partition
    after = [m for m in manifests if before is not None and p in m.positions and m.positions[p].last >= before]
    stays = _stays(fold, ground.settings, ground.store, manifests)
    folder = ground.settings.var / "snapshots"
    taken = {
        name: [next for next, _ in of.get(p, ())] for name, of in aside(folder, ground.settings.partitions).items()
    }
    taken["experiments"] = positions_in(folder / "arms", p)
    return replace(
        found,
        versions=[Version(m.version, m.created_at, stays(m.version)) for m in manifests if m not in after],
        snapshots=tuple((fold, sum(before is None or next <= before for next in of)) for fold, of in taken.items()),
        joined=before is not None and _joined(ground, p) > before,
        learned=next((m.version for m in after if fold.valid(m.decisions, m.input)), None),
        served=_served(ground.settings, p, before),
    )


def _stays(
    fold: Decisions, settings: Settings, store: VersionStore, manifests: Sequence[Manifest]
) -> Callable[[int], str]:
    """Why a version may not go now, empty where nothing keeps it."""
    registry, told = Registry.of(fold), settings.retention
    shelf = Shelf(manifests, store.compacted())
    standing, most = shelf.standing(fold), settings.store.chain
    stood = f"the newest one stands on it, which ends with the {compacted_from(most)}th of a chain, or at once by"
    reasons: list[tuple[Collection[int], str]] = [
        (told.pinned, "`[retention] pinned` names it"),
        (registry.pinned, "it is pinned: headrace versions unpin"),
        (needed(registry), "servers need it"),
        (periodic(standing, HOUR, told.hourly), "`[retention] hourly` keeps it"),
        (periodic(standing, DAY, told.daily), "`[retention] daily` keeps it"),
        *((shelf.chains[m.version][:-1], f"{stood}: headrace versions compact {m.version}") for m in standing[:1]),
    ]
    return lambda version: next((why for numbers, why in reasons if version in numbers), "")


def _joined(ground: Ground, partition: int) -> int:
    """The next offset of events that the joiner has said nothing about."""
    log = ground.logs.open("examples", ground.settings.partitions)
    last = log.read(partition, log.end(partition) - 1, 1)
    return decode_examples(last[0].value).input + 1 if last else 0


def _served(settings: Settings, partition: int, before: int | None) -> bool | None:
    """Whether every server has read it; None where one does not say."""
    servers = [status for name, status in read_status(run_folder(settings)).items() if kind_of(name) == "serve"]
    reached = [status.last.get("positions", {}).get(str(partition)) for status in servers]
    if before is None or not reached or None in reached:
        return None
    return all(int(offset) > before for offset in reached)


def _deleted(ground: Ground, user_id: str, *, since: int = 0) -> Deleted | None:
    log = ground.logs.open("events", ground.settings.partitions)
    return search.deleted(log, partition_of(user_id, ground.settings.partitions), user_id, since=since)


def _waited(look: Callable[[], Deleted | None], wait: int) -> Deleted | None:
    until = time.monotonic() + wait / 1000
    while (found := look()) is None and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
    return found


def _in_letter(data: bytes, user_id: str) -> bool:
    """A letter's own bytes; records of what was taken hold none."""
    letter = dead_letters.decode_letter(data)
    return not letter.taken and search.in_letter(letter.data, user_id)
