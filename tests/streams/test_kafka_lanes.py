"""Lanes by a consumer group: real members at a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from headrace.broker import Broker
from streams.kafka_connection import Connection
from streams.kafka_lanes import GROUP, TOPIC, GroupLanes

PATIENCE = 30.0


@pytest.fixture
def connection(broker: Broker, request: pytest.FixtureRequest) -> Connection:
    """Six partitions of the topic over which the group stands."""
    made = Connection.of(broker.url(request.node.name))
    admin = KafkaAdminClient(**made.client())
    admin.create_topics({made.topic(TOPIC): {"num_partitions": 6, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    return made


@pytest.fixture
def joined(connection: Connection) -> Iterator[Callable[[], GroupLanes]]:
    """Makes members that leave at the end."""
    with ExitStack() as members:
        yield lambda: members.enter_context(closing(GroupLanes(connection)))


def settled(members: list[GroupLanes], fair: Callable[[list[frozenset[int]]], bool]) -> list[frozenset[int]]:
    end = time.monotonic() + PATIENCE
    while True:
        owned = [member.owned() for member in members]
        if fair(owned) or time.monotonic() > end:
            return owned
        time.sleep(0.05)


def whole(owned: list[frozenset[int]]) -> bool:
    return sorted(p for one in owned for p in one) == list(range(6)) and all(owned)


def test_one_member_owns_every_lane_and_two_share_them(joined: Callable[[], GroupLanes]) -> None:
    first = joined()
    assert settled([first], whole) == [frozenset(range(6))]
    second = joined()
    assert [len(one) for one in settled([first, second], whole)] == [3, 3]


def test_lanes_that_stay_are_not_touched_when_another_member_comes(joined: Callable[[], GroupLanes]) -> None:
    first = joined()
    settled([first], whole)
    second, kept = joined(), set(range(6))
    end = time.monotonic() + PATIENCE
    while not whole([first.owned(), second.owned()]) and time.monotonic() < end:
        kept &= first.owned()
        time.sleep(0.05)
    assert first.owned() == kept
    assert len(kept) == 3


def test_the_lanes_of_a_member_that_leaves_go_to_the_others(joined: Callable[[], GroupLanes]) -> None:
    first, second = joined(), joined()
    assert whole(settled([first, second], whole))
    second.close()
    second.close()
    assert settled([first], whole) == [frozenset(range(6))]


def test_who_comes_back_under_its_name_gets_its_lanes_at_once_and_the_others_keep_theirs(
    connection: Connection,
) -> None:
    with closing(GroupLanes(connection, name="b")) as other, closing(GroupLanes(connection, name="a")) as first:
        before = settled([first, other], whole)
        first.close()
        with closing(GroupLanes(connection, name="a")) as again:
            end, seen = time.monotonic() + PATIENCE, {other.owned()}
            while not again.owned() and time.monotonic() < end:
                seen.add(other.owned())
                time.sleep(0.05)
            assert again.owned() == before[0]
            assert seen == {before[1]}


def test_positions_are_told_for_those_who_watch(joined: Callable[[], GroupLanes], connection: Connection) -> None:
    lanes = joined()
    settled([lanes], whole)
    lanes.tell({TOPIC: {0: 0, 1: 7}})
    watcher = KafkaConsumer(group_id=connection.topic(GROUP), **connection.client())
    with closing(watcher):
        end = time.monotonic() + PATIENCE
        while (told := committed(watcher, connection)) != 7 and time.monotonic() < end:
            lanes.owned()
            time.sleep(0.05)
    assert told == 7


def committed(watcher: KafkaConsumer, connection: Connection) -> int | None:
    told: int | None = watcher.committed(TopicPartition(connection.topic(TOPIC), 1))
    return told
