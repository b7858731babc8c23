"""What a request tells of its session is read as if it stood in the profile, and nothing of it is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.answers import Ask
from serving.questions import BadQuestion, RecommendBody, ask_of, body_of
from streams.examples import Past
from tests.serving.deployment import Deployment, ids
from tests.worlds import bundle_of, even


@pytest.fixture
def server(tmp_path: Path) -> Deployment:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    server.fold()
    return server


def test_a_session_counts_from_its_first_click(server: Deployment) -> None:
    with server.served() as client:
        alone, after = client.recommend("u0", n=5), client.recommend("u0", n=5, history=["i3"])
        again = client.recommend("u0", n=5)
    assert {even(item) for item in ids(alone)} == {even(item) for item in ids(again)} == {True}
    assert {even(item) for item in ids(after)} == {False}
    assert "i3" not in ids(after)
    assert (alone["history_at"], after["history_at"]) == (None, server.now())


def test_a_session_says_what_was_done_and_when() -> None:
    body = body_of(b'{"user_id": "a", "history": ["i3", {"item_id": 5, "type": "like", "ts": 70}]}', RecommendBody)
    assert ask_of(body, 60).history == (Past("i3", "click", 60), Past("5", "like", 60))


@pytest.mark.parametrize("history", [b'[""]', b'[{"item_id": "i", "type": "stare"}]', b"[[]]", b"[1.5]"])
def test_a_session_that_says_nothing_is_refused_by_its_field(history: bytes) -> None:
    with pytest.raises(BadQuestion, match="history"):
        ask_of(body_of(b'{"user_id": "a", "history": %s}' % history, RecommendBody), 60)


def test_the_given_items_are_ranked_after_the_session(server: Deployment) -> None:
    with server.served() as client:
        _, given = client.post("/v1/rank", {"user_id": "u0", "items": ["i1", "i2"], "history": ["i3"]})
    assert ids(given) == ["i1", "i2"]


def test_a_lower_rung_leaves_out_what_a_session_took(server: Deployment) -> None:
    server.tell(*(server.telling.click("u9", f"i{n}") for n in range(4)))
    server.fold()
    server.live.bundle = None
    ask = Ask("u0", 3, server.now(), history=(Past("i2", "click", server.now()),))
    given = server.recommender.recommend(ask, chance=b"12345678", elapsed=lambda: 0.0)
    assert {item.item_id for item in given.items} == {"i0", "i1", "i3"}


def test_related_items_of_a_user_are_those_they_would_rather_have(server: Deployment) -> None:
    tell = server.telling
    server.tell(*(tell.shown("u0", "i4", request_id=f"r{n}") for n in range(6)), tell.click("u0", "i6"))
    server.fold()
    with server.served() as client:
        _, anybody = client.get("/v1/items/i2/similar?n=4")
        status, mine = client.get("/v1/items/i2/similar?n=4&user_id=u0")
    assert ids(anybody) == ["i0", "i4", "i6", "i8"]
    assert (status, ids(mine)) == (200, ["i0", "i8", "i10", "i12"])
    assert mine["stamps"] == {"retrieval": 7, "ranking": 7, "generation": 7}


def test_a_user_without_a_name_is_refused(server: Deployment) -> None:
    with server.served() as client:
        status, problem = client.get("/v1/items/i2/similar?user_id=")
    assert (status, problem["field"]) == (422, "user_id")
