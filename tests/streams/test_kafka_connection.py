import pytest

from streams.errors import LogError
from streams.kafka_connection import Connection


def test_a_url_names_brokers_and_the_prefix_of_topics() -> None:
    there = Connection.of("kafka://one.example:9092,[::1]:9093/shop/")
    assert there.client()["bootstrap_servers"] == ["one.example:9092", "[::1]:9093"]
    assert (there.topic("events"), Connection.of("kafka://one:1").topic("events")) == ("shop.events", "events")


@pytest.mark.parametrize(
    "url", ["kafka://", "kafka://one", "kafka://one:", "kafka://one:9092,", "sqlite://x:1", "one:1"]
)
def test_what_names_no_broker_is_refused_with_how_it_is_written(url: str) -> None:
    with pytest.raises(LogError, match="kafka://HOST:PORT"):
        Connection.of(url)


@pytest.mark.parametrize("prefix", ["a b", "a/b", "käse", "x" * 201])
def test_what_can_be_no_name_of_a_topic_is_no_prefix(prefix: str) -> None:
    with pytest.raises(LogError, match="can't begin the name of a topic"):
        Connection.of(f"kafka://one:9092/{prefix}")


def test_only_what_is_asked_for_reaches_the_client() -> None:
    assert not [key for key in Connection.of("kafka://one:1").client() if key.startswith(("ssl", "sasl"))]
    encrypted = Connection.of("kafka://one:1", security="SSL", ca="ca.pem").client()
    assert (encrypted["security_protocol"], encrypted["ssl_cafile"]) == ("SSL", "ca.pem")
    assert "sasl_mechanism" not in encrypted
    known = Connection.of("kafka://one:1", security="SASL_PLAINTEXT", username="ana", password="tea").client()
    assert (known["sasl_plain_username"], known["sasl_plain_password"]) == ("ana", "tea")
    assert "ssl_cafile" not in known


@pytest.mark.parametrize("known", [{}, {"username": "ana"}, {"password": "tea"}])
def test_sasl_without_a_name_and_a_password_is_refused_without_telling_it(known: dict[str, str]) -> None:
    with pytest.raises(LogError, match="HEADRACE_KAFKA__PASSWORD") as refused:
        Connection.of("kafka://one:1", security="SASL_SSL", **known)
    assert "tea" not in str(refused.value)


def test_a_password_shows_in_no_repr() -> None:
    there = Connection.of("kafka://one:1", security="SASL_SSL", username="ana", password="tea-and-cake")
    assert "tea-and-cake" not in repr(there)
    assert "ana" in repr(there)
