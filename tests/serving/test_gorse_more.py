"""Gorse's routes that its stock client does not call: boards, categories, feedback by type and by item."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from gorse import Gorse

from tests.serving.deployment import Client
from tests.serving.gorse_town import Town, asking, gorse_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Three teas and a jam, newest last by their own time; the second is wanted most."""
    with gorse_town(tmp_path_factory.mktemp("gorse")) as town:
        client = Gorse(town.url, "any key")
        for day, name in enumerate(("assam", "bancha", "ceylon", "damson"), start=1):
            kind = "jam" if name == "damson" else "tea"
            stamp = f"2026-01-0{day}T00:00:00Z"
            client.insert_item({"ItemId": name, "Categories": [kind], "Timestamp": stamp, "Labels": None})
            client.insert_feedback("read", "ana", name, "")
        for user in ("bob", "eve"):
            client.insert_feedback("star", user, "bancha", "")
        client.insert_feedback("star", "bob", "damson", "")
        client.insert_feedback("click", "bob", "bancha", "")
        client.get_feedbacks(1)
        town.known.refresh()
        yield town


@pytest.fixture
def client(town: Town) -> Iterator[Client]:
    with asking(town) as client:
        yield client


def names(client: Client, path: str) -> list[str]:
    status, told = client.get(path)
    assert status == 200, told
    return [one["Id"] for one in told]


def eventually(client: Client, path: str, wanted: list[str]) -> None:
    """Views are made anew twice a second."""
    until = time.monotonic() + 20
    while names(client, path) != wanted and time.monotonic() < until:
        time.sleep(0.05)
    assert names(client, path) == wanted


def test_boards_are_popular_and_latest(client: Client) -> None:
    eventually(client, "/api/latest?n=4", ["damson", "ceylon", "bancha", "assam"])
    assert [one["Score"] for one in client.get("/api/latest?n=2")[1]] == [1767484800.0, 1767398400.0]
    eventually(client, "/api/non-personalized/popular?n=2", ["bancha", "damson"])
    assert set(names(client, "/api/non-personalized/trending")) >= {"bancha", "damson"}
    best, second = client.get("/api/non-personalized/popular?n=2")[1]
    assert best["Score"] > second["Score"]
    assert names(client, "/api/non-personalized/popular?n=1&offset=1") == ["damson"]


def test_boards_are_of_categories_and_leave_out_what_a_user_had(client: Client) -> None:
    eventually(client, "/api/latest/tea?n=2&offset=1", ["bancha", "assam"])
    eventually(client, "/api/non-personalized/popular?category=jam", ["damson"])
    assert names(client, "/api/non-personalized/popular?category=jam&category=tea") == []
    assert names(client, "/api/latest?user-id=bob") == ["ceylon", "assam"]


def test_a_board_that_is_not_there_names_those_that_are(client: Client) -> None:
    status, told = client.get("/api/non-personalized/most_starred")
    assert (status, told) == (404, "most_starred: no such list here; there are popular, trending, latest")


def test_what_is_hidden_or_gone_is_on_no_board(town: Town, client: Client) -> None:
    gorse = Gorse(town.url, "any key")
    for name in ("gone", "hidden"):
        gorse.insert_item({"ItemId": name, "Categories": ["oil"], "Timestamp": "2027-01-01"})
    gorse.get_items(1)
    eventually(client, "/api/latest/oil", ["hidden", "gone"])
    gorse.delete_item("gone")
    gorse.update_item("hidden", is_hidden=True)
    gorse.get_items(1)
    for path in ("/api/latest/oil", "/api/latest?n=3", "/api/non-personalized/popular?category=oil"):
        assert not {"gone", "hidden"} & set(names(client, path))


def test_an_item_goes_into_categories_and_out_again(client: Client) -> None:
    def categories() -> Any:
        return client.get("/api/item/ceylon")[1]["Categories"]

    assert client.ask("PUT", "/api/item/ceylon/category/black") == (200, {"RowAffected": 1})
    assert categories() == ["tea", "black"]
    client.ask("PUT", "/api/item/ceylon/category/tea")
    assert sorted(categories()) == ["black", "tea"]
    client.ask("DELETE", "/api/item/ceylon/category/black")
    assert categories() == ["tea"]
    assert client.ask("PUT", "/api/item/nothing/category/tea")[0] == 404


def test_feedback_is_listed_by_type_and_by_item(client: Client) -> None:
    status, page = client.get("/api/feedback/star?n=2")
    assert status == 200
    told = page["Feedback"] + client.get(f"/api/feedback/star?n=2&cursor={page['Cursor']}")[1]["Feedback"]
    assert [(row["UserId"], row["ItemId"]) for row in told] == [("bob", "bancha"), ("bob", "damson"), ("eve", "bancha")]
    assert client.get(f"/api/feedback/star?n=2&cursor={page['Cursor']}")[1]["Cursor"] == ""
    assert client.get("/api/feedback/sta")[1] == {"Cursor": "", "Feedback": []}
    on_it = client.get("/api/item/bancha/feedback")[1]
    assert [(row["FeedbackType"], row["UserId"]) for row in on_it] == [
        ("click", "bob"), ("read", "ana"), ("star", "bob"), ("star", "eve"),
    ]  # fmt: skip
    assert [row["UserId"] for row in client.get("/api/item/bancha/feedback/star")[1]] == ["bob", "eve"]


def test_one_row_of_feedback_is_read_and_taken_back_alone(client: Client) -> None:
    row = client.get("/api/feedback/star/bob/bancha")[1]
    assert (row["FeedbackType"], row["UserId"], row["ItemId"]) == ("star", "bob", "bancha")
    assert client.ask("DELETE", "/api/feedback/star/bob/bancha") == (200, {"RowAffected": 1})
    assert client.get("/api/feedback/star/bob/bancha")[0] == 404
    assert [row["FeedbackType"] for row in client.get("/api/feedback/bob/bancha")[1]] == ["click"]


def test_items_like_one_have_a_second_address(client: Client) -> None:
    assert client.get("/api/item-to-item/neighbors/strange") == (200, [])
    assert client.get("/api/item-to-item/neighbors/assam") == client.get("/api/item/assam/neighbors")
