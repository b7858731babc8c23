"""What is well and what is not, of facts that were gathered: each finding has its two facts and the next command.

Pure: asks nobody, changes nothing. What can't be known is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from headrace.doctor_facts import Facts, Process, Stored
from headrace.doctor_machine import check_clock, check_machine
from headrace.durations import about
from headrace.findings import Finding, bad, ok, warn

SILENT = 10_000
"""A process that lives and says nothing for so long (ms) is stuck: its status is written twice a second."""
BEHIND = 1_000
"""Frames that may wait for a fold."""
DELAYED = 30_000
"""How far (ms) a watermark may stand behind new events, beside the out-of-orderness."""
NEW = 10_000


def findings(facts: Facts) -> list[Finding]:
    """Everything that can be said, in the order of a click; what the log alone can tell is left out where there is
    none.

    >>> from headrace.doctor_facts import Machine, Place
    >>> here = Machine(9 << 30, 10 << 30, 4_096, (3, 11, 7), "2.9", "hardware")
    >>> told = findings(Facts(5, Place("kafka://one:9092", error="one:9092 does not answer"), here))
    >>> [(one.about, one.level) for one in told][:2]
    [('log', 'bad'), ('processes', 'warn')]
    """
    checks = (check_place, check_processes, check_locks, check_machine)
    with_log = (check_place, *LOG_CHECKS, check_processes, check_locks, check_versions, check_machine)
    return [finding for check in (with_log if facts.topics else checks) for finding in check(facts)]


def check_place(facts: Facts) -> Iterator[Finding]:
    """Whether the log can be read, and its topics are as they shall be."""
    place = facts.place
    if place.error:
        here = any(name in place.url for name in ("127.0.0.1", "localhost"))
        start = ("headrace broker start" if here else "headrace topics check") if facts.on_broker else "headrace up"
        yield bad("log", f"{place.url} can't be read: {place.error}", start)
        return
    if not facts.topics and not place.unlike:
        yield warn("log", f"nothing was written to {place.url} yet", "headrace up")
        return
    yield ok("log", f"{place.url} answers" + (f", version {place.broker}" if place.broker else ""))
    for one in place.unlike:
        yield bad("topics", one, "headrace topics check")
    if not place.unlike:
        yield ok("topics", f"{len(facts.topics)} topics, {facts.partitions} partitions each where users have a home")


def check_settings(facts: Facts) -> Iterator[Finding]:
    """Whether the log is folded with today's settings."""
    if facts.decided.unlike:
        told = f"the log is folded with other settings: {'; '.join(facts.decided.unlike)}"
        yield bad("settings", told, "headrace configure show")


def check_positions(facts: Facts) -> Iterator[Finding]:
    """Whether everybody's next record is there: not beyond the end, and not taken by retention."""
    topics = {topic.name: topic for topic in facts.topics}
    wrong = False
    for one in facts.stored:
        topic = topics.get(one.topic)
        if topic is None:
            continue
        begin, end = topic.begins.get(one.partition, 0), topic.ends.get(one.partition, 0)
        if not begin <= one.next <= end:
            wrong = True
            yield _lost(one, begin, end)
    if facts.stored and not wrong:
        yield ok("positions", f"all {len(facts.stored)} that are stored lie within their logs")


def check_waiting(facts: Facts) -> Iterator[Finding]:
    """How much waits for the sequencer, as the last frames say, and for joiner and trainer where none runs here."""
    ends = {topic.name: topic.ends for topic in facts.topics}
    alive = {one.name.partition("-")[0] for one in facts.processes if one.alive}
    waits: dict[str, int] = {}
    for one in facts.stored:
        if _counts(one, alive):
            end = ends.get(one.topic, {}).get(one.partition, one.next)
            waits[one.who] = waits.get(one.who, 0) + max(end - one.next, 0)
    for who, records in waits.items():
        if records > BEHIND:
            yield warn("lag", f"{records:,} records wait for the {who}", "headrace status")


def check_processes(facts: Facts) -> Iterator[Finding]:
    """Whether those that spoke here still do, and how far behind they are."""
    if not facts.processes:
        yield warn("processes", "none has said anything in the run folder of this machine", "headrace up")
        return
    newest = max((topic.newest_at or 0 for topic in facts.topics if topic.name == "events"), default=0)
    well = []
    for one in facts.processes:
        found = list(_process(one, facts, newest))
        yield from found
        well += [] if found else [one.name]
    if well:
        yield ok("processes", f"{', '.join(well)}: said something within {about(SILENT)}, and keep up")


def check_locks(facts: Facts) -> Iterator[Finding]:
    """Whether a state is held by a process that is not its owner here."""
    pids = {one.pid: one.name for one in facts.processes}
    for lock in facts.locks:
        if lock.holder is not None and lock.holder not in pids:
            told = f"{lock.path} is held by process {lock.holder}, which has said nothing here as `{lock.owner}`"
            yield warn("locks", told, f"ps -fp {lock.holder}; end it before you start another `headrace {lock.owner}`")
    held = sum(lock.holder is not None for lock in facts.locks)
    if facts.locks:
        yield ok("locks", f"{len(facts.locks)} states, {held} of them held; a LOCK file that nobody holds does no harm")


def check_versions(facts: Facts) -> Iterator[Finding]:
    """Whether what serves is whole and valid, and publishing goes on."""
    told = facts.versions
    if told.live is not None and told.damage:
        yield bad("versions", told.damage, "headrace rollback last-good --why 'damaged'")
    elif told.live is not None and not told.live_valid:
        usable = f"; the newest valid one is {told.usable}" if told.usable else ""
        yield bad(
            "versions", f"version {told.live} serves, but is tainted{usable}", "headrace rollback last-good --why TEXT"
        )
    if told.paused:
        yield warn("versions", "publishing is paused: what is committed does not serve", "headrace versions list")
    if told.valid or told.tainted:
        live = "none serves" if told.live is None else f"version {told.live} serves and is what its manifest says"
        if told.live is None or (told.live_valid and not told.damage):
            yield ok("versions", f"{told.valid} valid, {told.tainted} tainted; {live}")


def check_decided(facts: Facts) -> Iterator[Finding]:
    """What is masked, and below what nothing can be rebuilt."""
    for entry in facts.decided.endless:
        told = f"{entry} has no end: it masks what comes, too"
        yield warn("quarantine", told, f"headrace quarantine close {entry} --why TEXT")
    floor = facts.decided.floor
    for topic in facts.topics:
        below = [p for p, at in (floor or {}).items() if topic.name == "events" and topic.begins.get(p, 0) > at]
        if below:
            told = f"the floor of events[{below[0]}] is {(floor or {})[below[0]]:,}, but it begins at "
            told += f"{topic.begins[below[0]]:,}: something other than `headrace retain` took records away"
            yield bad("retention", told, "headrace topics check")
        elif floor is None and topic.name == "events" and any(topic.begins.values()):
            told = "events does not begin at 0, but no decision says how far back one can go"
            yield bad("retention", told, "headrace retain --once --dry-run")


def check_letters(facts: Facts) -> Iterator[Finding]:
    """Whether there is something to take again."""
    if facts.letters:
        told = f"{facts.letters:,} events could not be taken, the last {about(facts.now - facts.letter_at)} ago"
        yield warn("dead letters", told, "headrace dead-letters list --open")


LOG_CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    check_settings, check_positions, check_waiting, check_decided, check_letters, check_clock,
)  # fmt: skip


def _counts(one: Stored, alive: set[str]) -> bool:
    """Whether what lies after it waits: a process that runs says by itself how far it is."""
    if one.who == "joiner":
        return "join" not in alive
    if one.who.startswith("trainer"):
        return one.topic == "examples" and "train" not in alive
    return one.who == "sequencer"


def _lost(one: Stored, begin: int, end: int) -> Finding:
    place = f"{one.who} goes on at {one.topic}[{one.partition}] {one.next:,}"
    if one.next > end:
        told = f"{place}, but that ends at {end:,}: the log was made anew, or the state is of another one"
        return bad("positions", told, "put the old log back, or begin with `headrace up --var NEW_FOLDER`")
    told = f"{place}, but that begins at {begin:,}: {begin - one.next:,} records were taken away before they were read"
    return bad("positions", told, "headrace log list; the retention of raw topics must outlast the longest stop")


def _process(one: Process, facts: Facts, newest: int) -> Iterator[Finding]:
    if not one.alive:
        told = f"{one.name} (process {one.pid}) is gone; it spoke last {about(one.age)} ago"
        yield warn("processes", told, f"headrace up; its last words are in run/{one.name}.log")
        return
    if one.age > SILENT:
        told = f"{one.name} (process {one.pid}) lives, but has said nothing for {about(one.age)}"
        yield bad("processes", told, f"kill {one.pid}; `headrace up` starts it again, and nothing is lost")
    if one.lag is not None and one.lag > BEHIND:
        yield warn("lag", f"{one.name} has {one.lag:,} frames before it", "headrace status; is one core enough for it?")
    if one.warning:
        yield warn(one.name, one.warning, f"run/{one.name}.log says since when")
    delay = None if one.watermark is None else newest - one.watermark - facts.out_of_orderness
    if delay is not None and facts.now - newest < NEW and delay > DELAYED:
        told = f"{one.name} stands {about(delay)} behind events that come now, in its slowest partition"
        yield warn("watermark", told, "headrace status; a partition without ticks holds the others back")
