"""Topics of their own for tests on a real broker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from streams.kafka_connection import Connection
from streams.kafka_topics import kafka_topics
from streams.topics import Topic


def new_connection(url: Callable[[str], str], topics: Mapping[str, int], **security: Any) -> Connection:
    """A connection under a prefix that nobody has, with these topics and their partitions."""
    connection = Connection.of(url(f"t{uuid4().hex[:12]}"), **security)
    with kafka_topics(connection) as broker:
        broker.create([Topic(name, partitions) for name, partitions in topics.items()])
    return connection
