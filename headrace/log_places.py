"""Where the log is: in a folder of this machine, or on a broker; and what its topics there are like.

Imports the broker's client only where a broker is named. Opens and makes; starts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.settings import Settings
from headrace.settings_file import BadSettings
from streams.errors import LogError
from streams.kafka_connection import Connection
from streams.log import Logs
from streams.sqlite_log import SqliteLogs
from streams.topics import Topic, topics_of

if TYPE_CHECKING:
    from streams.kafka_topics import KafkaTopics


def logs_of(settings: Settings) -> Logs:
    """The log that the settings name. Raises BadSettings where its kind is not known."""
    kind, _, place = settings.log_url.partition("://")
    if kind == "kafka":
        from streams.kafka_log import KafkaLogs

        return KafkaLogs(connection_of(settings))
    if kind != "sqlite" or not place:
        raise BadSettings(
            f"log is {settings.log_url!r}, which is no place that Headrace knows. Write sqlite://FOLDER for the "
            "embedded log, or kafka://HOST:PORT[,HOST:PORT][/PREFIX] for a broker."
        )
    return SqliteLogs(Path(place), synchronous=settings.synchronous)


def on_broker(settings: Settings) -> bool:
    """Whether the log is on a broker."""
    return settings.log_url.startswith("kafka://")


def connection_of(settings: Settings) -> Connection:
    """How the broker is reached. Raises BadSettings."""
    told = settings.kafka
    try:
        return Connection.of(
            settings.log_url,
            security=told.security,
            ca=told.ca,
            cert=told.cert,
            key=told.key,
            mechanism=told.mechanism,
            username=told.username,
            password=None if told.password is None else told.password.get_secret_value(),
        )
    except LogError as error:
        raise BadSettings(str(error)) from None


def broker_topics(settings: Settings) -> tuple[Topic, ...]:
    """Every topic of the deployment as it shall be on a broker."""
    told = settings.kafka
    return topics_of(
        partitions=settings.partitions,
        replication=told.replication,
        raw_retention=told.raw_retention,
        letters_retention=told.letters_retention,
    )


@contextmanager
def broker_of(settings: Settings) -> Iterator[KafkaTopics]:
    """The topics of the broker that the settings name."""
    from streams.kafka_topics import kafka_topics

    with kafka_topics(connection_of(settings)) as broker:
        yield broker


def make_or_check_topics(settings: Settings) -> None:
    """Make the topics of a new deployment, check those of an old one. Raises LogMismatch.

    The embedded log makes its topics when they are first written.
    """
    if on_broker(settings):
        from streams.kafka_topics import make_or_check

        with broker_of(settings) as broker:
            make_or_check(broker_topics(settings), broker)


def check_topics(settings: Settings) -> None:
    """Raises LogMismatch where a topic is missing or not as it shall be."""
    if on_broker(settings):
        from streams.kafka_topics import check

        with broker_of(settings) as broker:
            check(broker_topics(settings), broker)
