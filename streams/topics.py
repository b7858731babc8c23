"""Which topics a deployment has on a broker, and what each must be like there.

Pure: `kafka_topics.py` makes and asks. Raw topics, which anybody may write, expire by Kafka's own clock; events,
examples and decisions never do, since retention takes them away by the floor of the decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams import dead_letters, decisions
from streams.events import RAW_TOPICS

FOR_EVER = -1
MESSAGE_BYTES = 8 << 20
SEGMENT_BYTES = 128 << 20
"""A broker gives space back by whole segments."""
LATEST_TIME = (1 << 63) - 1
FOLDED = ("events", "examples", decisions.TOPIC)
SINGLE = {decisions.TOPIC: 1, dead_letters.TOPIC: dead_letters.PARTITIONS}
NAMES = (*RAW_TOPICS, *FOLDED, dead_letters.TOPIC)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it shall be; `retention` in ms."""

    name: str
    partitions: int
    replication: int = 1
    retention: int = FOR_EVER

    @property
    def configs(self) -> dict[str, str]:
        """What it is made with. Record times are the writers': folds read them, so the broker must not."""
        return self.checked | {
            "message.timestamp.after.max.ms": str(LATEST_TIME),
            "min.insync.replicas": str(max(1, self.replication - 1)),
            "segment.bytes": str(SEGMENT_BYTES),
        }

    @property
    def checked(self) -> dict[str, str]:
        """Without which the folds go wrong."""
        return {
            "cleanup.policy": "delete",
            "max.message.bytes": str(MESSAGE_BYTES),
            "message.timestamp.type": "CreateTime",
            "retention.ms": str(self.retention),
        }


@dataclass(frozen=True, slots=True)
class Found:
    """One topic as it is."""

    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is other than it shall be; `config` where a config alone, which can be altered in place."""

    topic: str
    what: str
    found: str
    wanted: str
    config: bool
    remedy: str


def topics_of(
    *, partitions: int, replication: int = 1, raw_retention: int = FOR_EVER, letters_retention: int = FOR_EVER
) -> tuple[Topic, ...]:
    """Every topic of a deployment.

    >>> [(topic.name, topic.partitions, topic.retention) for topic in topics_of(partitions=4, raw_retention=9)][4:]
    [('users', 4, 9), ('events', 4, -1), ('examples', 4, -1), ('decisions', 1, -1), ('dead-letters', 1, -1)]
    """
    retentions = dict.fromkeys(RAW_TOPICS, raw_retention) | {dead_letters.TOPIC: letters_retention}
    return tuple(
        Topic(name, SINGLE.get(name, partitions), replication, retentions.get(name, FOR_EVER)) for name in NAMES
    )


def differences(topic: Topic, found: Found | None) -> list[Difference]:
    """What a topic on a broker must be changed in; more replicas and larger messages than wanted do no harm.

    >>> [(one.what, one.found, one.wanted) for one in differences(Topic("events", 4), Found(2, 3, {}))][:2]
    [('the number of partitions', '2', '4'), ('cleanup.policy', 'unknown', 'delete')]
    """
    if found is None:
        return [Difference(topic.name, "the topic", "missing", "there", False, "Make it: `headrace topics init`")]
    unlike = []
    if found.partitions != topic.partitions:
        remedy = (
            f"Keys would not be found where they are: set partitions = {found.partitions} in headrace.toml, or begin a "
            "new log under another prefix, kafka://HOST:PORT/PREFIX"
        )
        told = str(found.partitions), str(topic.partitions)
        unlike.append(Difference(topic.name, "the number of partitions", *told, False, remedy))
    if found.replication < topic.replication:
        remedy = "Add replicas with Kafka's own kafka-reassign-partitions, or lower replication in [kafka]"
        told = str(found.replication), str(topic.replication)
        unlike.append(Difference(topic.name, "replication", *told, False, remedy))
    for name, wanted in topic.checked.items():
        is_now = found.configs.get(name, "unknown")
        if is_now != wanted and not (name == "max.message.bytes" and is_now.isdigit() and int(is_now) > int(wanted)):
            remedy = "Set it right: `headrace topics init --alter`"
            unlike.append(Difference(topic.name, name, is_now, wanted, True, remedy))
    return unlike


def told(found: Sequence[Difference]) -> str:
    """Differences as lines, topics with the same one together.

    >>> print(told([*differences(Topic("events", 4), None), *differences(Topic("users", 4), None)]))
    events, users: the topic is missing, not there. Make it: `headrace topics init`
    """
    lines: dict[str, list[str]] = {}
    for one in found:
        lines.setdefault(f"{one.what} is {one.found}, not {one.wanted}. {one.remedy}", []).append(one.topic)
    return "\n".join(f"{', '.join(topics)}: {line}" for line, topics in lines.items())
