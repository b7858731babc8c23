"""Gorse's stock client, unchanged, against a server with a log, a sequencer and folds of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from gorse import Gorse, GorseException

from streams.events import Impression, Interaction
from tests.serving.gorse_town import Town, asking, gorse_town
from tests.worlds import bundle_of


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with gorse_town(tmp_path_factory.mktemp("gorse")) as town:
        yield town


@pytest.fixture
def client(town: Town) -> Gorse:
    town.live.bundle = None
    return Gorse(town.url, "any key")


def item(name: str, **more: Any) -> dict[str, Any]:
    return {
        "ItemId": name,
        "IsHidden": False,
        "Categories": ["tea"],
        "Timestamp": "2026-01-02T03:04:05Z",
        "Labels": {"tags": ["green"], "price": 7, "deep": {"er": [1]}},
        "Comment": "a comment",
    } | more


def test_a_user_is_read_as_it_was_written(client: Gorse) -> None:
    user = {"UserId": "ana", "Labels": {"age": 7, "likes": ["a", "b"]}, "Comment": "hello"}
    assert client.insert_user(user) == {"RowAffected": 1}
    assert client.get_user("ana") == user
    client.insert_user({"UserId": "ana", "Labels": ["x"], "Comment": ""})
    assert client.get_user("ana") == {"UserId": "ana", "Labels": ["x"], "Comment": ""}
    with pytest.raises(GorseException) as missing:
        client.get_user("nobody")
    assert (missing.value.status_code, missing.value.message) == (404, "nobody: user not found")


def test_users_come_in_pages_and_go_when_they_are_deleted(client: Gorse) -> None:
    users = [{"UserId": f"page{n}", "Labels": None, "Comment": ""} for n in range(25)]
    assert client.insert_users(users) == {"RowAffected": 25}
    found, cursor = client.get_users(7)
    while cursor:
        more, cursor = client.get_users(7, cursor)
        found += more
    names = [user["UserId"] for user in found]
    assert len(names) == len(set(names))
    assert {user["UserId"] for user in users} <= set(names)
    assert client.delete_user("page3") == {"RowAffected": 1}
    with pytest.raises(GorseException):
        client.get_user("page3")
    assert "page3" not in [user["UserId"] for user in client.get_users(1_000)[0]]


def test_an_item_is_read_as_it_was_written_and_changed(client: Gorse) -> None:
    assert client.insert_item(item("sencha")) == {"RowAffected": 1}
    assert client.get_item("sencha") == item("sencha")
    client.update_item("sencha", categories=["tea", "cold"], comment="other")
    assert client.get_item("sencha") == item("sencha", Categories=["tea", "cold"], Comment="other")
    client.update_item("sencha", is_hidden=True)
    assert client.get_item("sencha")["IsHidden"] is True
    assert client.search_items("OTHER", 5) == [client.get_item("sencha")]
    assert "sencha" in [one["ItemId"] for one in client.get_items(1_000)[0]]
    assert client.delete_item("sencha") == {"RowAffected": 1}
    with pytest.raises(GorseException) as gone:
        client.get_item("sencha")
    assert gone.value.message == "sencha: item not found"
    assert "sencha" not in [one["ItemId"] for one in client.get_items(1_000)[0]]


def test_feedback_is_listed_and_a_retry_counts_once(client: Gorse) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for value in (1.5, 1.5, 2.0):
        assert client.insert_feedback("star", "bob", "jam", stamp, value) == {"RowAffected": 1}
    (row,) = client.list_feedbacks("star", "bob")
    assert (row["FeedbackType"], row["UserId"], row["ItemId"], row["Value"]) == ("star", "bob", "jam", 3.5)
    assert row["Timestamp"] == stamp
    assert client.list_feedbacks("like", "bob") == []
    told = [{"FeedbackType": "click", "UserId": "bob", "ItemId": f"i{n}", "Timestamp": "1995-01-01"} for n in range(9)]
    assert client.insert_feedbacks(told) == {"RowAffected": 9}
    found, cursor = client.get_feedbacks(4)
    while cursor:
        more, cursor = client.get_feedbacks(4, cursor)
        found += more
    mine = [row for row in found if row["UserId"] == "bob"]
    assert len(mine) == 10
    assert {row["Timestamp"] for row in mine} == {stamp, "1995-01-01T00:00:00Z"}
    assert client.delete_feedback("bob", "jam") == {"RowAffected": 1}
    assert client.list_feedbacks("star", "bob") == []
    assert client.delete_feedback("bob", "jam") == {"RowAffected": 0}
    assert client.get_user("bob") == {"UserId": "bob", "Labels": None, "Comment": ""}


def test_a_feedback_type_that_stands_for_nothing_is_told(client: Gorse) -> None:
    with pytest.raises(GorseException) as wrong:
        client.insert_feedback("adored", "bob", "jam", "2026-01-01")
    assert wrong.value.status_code == 400
    assert "gorse.types" in wrong.value.message


def test_recommendations_see_the_last_feedback_and_the_catalogue(town: Town, client: Gorse) -> None:
    town.live.bundle = bundle_of(7)
    first = client.get_recommend("u2", n=3)
    assert [score.id for score in first] == ["i0", "i2", "i4"]
    assert first[0].score > first[2].score
    assert [score.id for score in client.get_recommend("u2", n=2, offset=1)] == ["i2", "i4"]
    client.insert_feedback("like", "u2", "i3", time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()))
    assert all(int(score.id[1:]) % 2 for score in client.get_recommend("u2", n=3))
    client.insert_item(item("i5", Categories=["odd"]))
    client.get_item("i5")
    assert [score.id for score in client.get_recommend("u2", "odd", n=3)] == ["i5"]
    client.delete_item("i5")
    client.get_items(1)
    assert client.get_recommend("u2", "odd", n=3) == []


def test_what_was_read_is_an_impression_of_its_slate(town: Town, client: Gorse) -> None:
    town.live.bundle = bundle_of(7)
    shown = [score.id for score in client.get_recommend("u4", n=2, write_back_type="read", write_back_delay="10m")]
    client.insert_feedback("star", "u4", shown[0], "")
    assert [row["ItemId"] for row in client.list_feedbacks("read", "u4")] == shown
    seen = [event for event in town.events("Impression") if isinstance(event, Impression) and event.user_id == "u4"]
    done = [event for event in town.events("Interaction") if isinstance(event, Interaction) and event.user_id == "u4"]
    assert {event.request_id for event in seen} == {done[0].request_id}
    assert seen[0].model_version == 7


def test_sessions_and_neighbors_need_no_user(town: Town, client: Gorse) -> None:
    town.live.bundle = bundle_of(7)
    done = [{"FeedbackType": "click", "UserId": "", "ItemId": "i1", "Timestamp": ""}]
    scored = client.session_recommend(done, n=3)
    assert [one["Id"] for one in scored] == ["i3", "i7", "i9"]
    assert [one["Id"] for one in client.get_neighbors("i4", n=3)] == ["i0", "i2", "i6"]
    assert [one["Id"] for one in client.get_neighbors("i4", n=2, offset=1)] == ["i2", "i6"]
    assert client.get_neighbors("strange") == []


def test_without_its_header_a_list_is_of_ids_and_wrong_bodies_are_told(town: Town) -> None:
    town.live.bundle = bundle_of(7)
    with asking(town) as plain:
        assert plain.get("/api/recommend/u6?n=2") == (200, ["i0", "i2"])
        assert plain.get("/api/health/ready")[1]["Ready"] is True
        for path, body in (("/api/user", b"{"), ("/api/users", {}), ("/api/item", {"ItemId": 7})):
            assert plain.post(path, body)[0] == 400
            assert plain.content_type.startswith("text/plain")
        assert plain.post("/api/user", {"UserId": ""})[0] == 400
        assert plain.get("/api/users?cursor=%25%25")[0] == 400
