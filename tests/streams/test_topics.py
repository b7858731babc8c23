from dataclasses import replace

import pytest

from streams.topics import NAMES, Difference, Found, Topic, differences, told, topics_of

TOPICS = topics_of(partitions=4, replication=3, raw_retention=7, letters_retention=30)


def good(topic: Topic) -> Found:
    return Found(topic.partitions, topic.replication, topic.checked)


def test_only_what_producers_wrote_and_dead_letters_expire_by_the_broker() -> None:
    assert [topic.name for topic in TOPICS] == list(NAMES)
    expiring = {topic.name: topic.retention for topic in TOPICS if topic.configs["retention.ms"] != "-1"}
    assert expiring == dict.fromkeys(("slates", "impressions", "interactions", "items", "users"), 7) | {
        "dead-letters": 30
    }


def test_decisions_and_letters_have_one_order_and_the_rest_goes_by_keys() -> None:
    assert {topic.name for topic in TOPICS if topic.partitions == 1} == {"decisions", "dead-letters"}
    assert {topic.partitions for topic in TOPICS} == {1, 4}


def test_an_append_counts_where_all_replicas_but_one_have_it() -> None:
    assert [replace(TOPICS[0], replication=n).configs["min.insync.replicas"] for n in (1, 2, 3)] == ["1", "1", "2"]


def test_what_is_as_it_shall_be_has_no_difference() -> None:
    assert not [one for topic in TOPICS for one in differences(topic, good(topic))]


def test_more_replicas_and_larger_messages_than_wanted_do_no_harm() -> None:
    topic = TOPICS[0]
    found = Found(4, 5, topic.checked | {"max.message.bytes": "99999999"})
    assert differences(topic, found) == []


@pytest.mark.parametrize(
    ("found", "what", "config", "remedy"),
    [
        (None, "the topic", False, "headrace topics init"),
        (Found(8, 3, TOPICS[0].checked), "the number of partitions", False, "partitions = 8"),
        (Found(4, 2, TOPICS[0].checked), "replication", False, "kafka-reassign-partitions"),
        (Found(4, 3, TOPICS[0].checked | {"retention.ms": "8"}), "retention.ms", True, "init --alter"),
        (Found(4, 3, TOPICS[0].checked | {"cleanup.policy": "compact"}), "cleanup.policy", True, "init --alter"),
        (Found(4, 3, TOPICS[0].checked | {"max.message.bytes": "1000"}), "max.message.bytes", True, "init --alter"),
        (Found(4, 3, TOPICS[0].checked | {"message.timestamp.type": "LogAppendTime"}), "message.timestamp.type", True,
         "init --alter"),
    ],
)  # fmt: skip
def test_each_difference_says_what_to_do(found: Found | None, what: str, config: bool, remedy: str) -> None:
    (one,) = differences(TOPICS[0], found)
    assert (one.what, one.config, remedy in one.remedy) == (what, config, True)


def test_topics_with_the_same_difference_share_a_line() -> None:
    wrong: list[Difference] = [one for topic in TOPICS for one in differences(topic, None)]
    assert told(wrong).count("\n") == 0
    assert told(wrong).startswith("slates, impressions, ")
