"""Topics on a broker: what is there, making what is missing, setting configs right.

What they shall be like is said in `topics.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from streams.errors import LogMismatch
from streams.kafka_connection import Connection
from streams.kafka_words import log_error, opening
from streams.topics import Difference, Found, Topic, differences, told

OPENING_MS = 15_000


class KafkaTopics:
    """The topics of one deployment. Every method raises LogError where the broker does not answer or refuses."""

    def __init__(self, connection: Connection, *, within: int = OPENING_MS) -> None:
        self._connection = connection
        with opening(connection, within):
            self._admin = KafkaAdminClient(**connection.client(), bootstrap_timeout_ms=within)

    @property
    def version(self) -> str:
        """The oldest version that a broker of it speaks, e.g. "4.1"."""
        with self._named("the brokers can't be asked"):
            brokers = [one["broker_id"] for one in self._admin.describe_cluster()["brokers"]]
            told = [self._admin.get_broker_version_data(broker) for broker in brokers]
        return min(told, key=lambda one: one.broker_version).broker_version_str if told else ""

    def found(self, topics: Sequence[Topic]) -> dict[str, Found]:
        """Those of them that exist, by their names without the prefix."""
        names = {self._connection.topic(topic.name): topic for topic in topics}
        with self._named("the topics can't be listed"):
            listed = {one["name"]: one["partitions"] for one in self._admin.describe_topics(list(names))}
            there = [name for name in names if listed.get(name)]
            configs = self._configs({name: list(names[name].checked) for name in there})
        return {
            names[name].name: Found(
                partitions=len(listed[name]),
                replication=min(len(one["replica_nodes"]) for one in listed[name]),
                configs=configs[name],
            )
            for name in there
        }

    def unlike(self, topics: Sequence[Topic]) -> list[Difference]:
        """What must be changed on the broker."""
        found = self.found(topics)
        return [one for topic in topics for one in differences(topic, found.get(topic.name))]

    def create(self, topics: Sequence[Topic]) -> None:
        """Make topics; one that somebody else makes at the same moment is none to make."""
        for topic in topics:
            name = self._connection.topic(topic.name)
            made = {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replication,
                "configs": topic.configs,
            }
            with self._named(f"{name} was not made"):
                try:
                    self._admin.create_topics({name: made})
                except TopicAlreadyExistsError:
                    continue
        with self._named("topics were made, but are not ready"):
            self._admin.wait_for_topics([self._connection.topic(topic.name) for topic in topics])

    def remove(self, topics: Sequence[Topic]) -> None:
        """Take topics away with all that is in them: for what was made to pass."""
        with self._named("topics were not removed"):
            self._admin.delete_topics([self._connection.topic(topic.name) for topic in topics])

    def alter(self, found: Sequence[Difference]) -> None:
        """Set configs right."""
        configs: dict[str, dict[str, str]] = {}
        for one in found:
            if one.config:
                configs.setdefault(self._connection.topic(one.topic), {})[one.what] = one.wanted
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, values) for name, values in configs.items()]
        with self._named("configs were not altered"):
            if resources:
                self._admin.alter_configs(resources)

    def close(self) -> None:
        self._admin.close()

    def _configs(self, names: dict[str, list[str]]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, wanted) for name, wanted in names.items()]
        described = self._admin.describe_configs(resources, config_filter="all")["topic"]
        return {name: {key: told["value"] for key, told in described[name].items()} for name in names}

    @contextmanager
    def _named(self, what: str) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            raise log_error(self._connection, what, error) from error


@contextmanager
def kafka_topics(connection: Connection) -> Iterator[KafkaTopics]:
    """Topics of a broker, for a moment."""
    topics = KafkaTopics(connection)
    try:
        yield topics
    finally:
        topics.close()


def make_or_check(topics: Sequence[Topic], broker: KafkaTopics) -> bool:
    """Make all topics where none exists, else check them; whether they were made. Raises LogMismatch, naming every
    difference."""
    if not broker.found(topics):
        broker.create(topics)
        return True
    check(topics, broker)
    return False


def check(topics: Sequence[Topic], broker: KafkaTopics) -> None:
    """Raises LogMismatch, naming every difference."""
    wrong = broker.unlike(topics)
    if wrong:
        raise LogMismatch(told(wrong))
