"""Pages of one session, many questions at once, and what a request may ask for itself."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.cursors import MOST, BadCursor, page_end, shown_before
from serving.policy import Policy
from tests.serving.deployment import CALM, Client, Deployment, ids
from tests.worlds import bundle_of


@pytest.fixture
def town(tmp_path: Path) -> Deployment:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7, items=40)
    server.tell(*[server.telling.item(f"i{n}") for n in range(45)])
    server.tell(*[server.telling.click("u9", f"i{n}") for n in range(3)])
    server.fold()
    return server


@pytest.fixture
def client(town: Deployment) -> Iterator[Client]:
    with town.served() as client:
        yield client


def pages(client: Client, n: int, between: Any = lambda _: None, **more: Any) -> list[Any]:
    """Pages until there is none."""
    cursor, answers = "", list[Any]()
    while cursor is not None:
        answers.append(client.recommend("u0", n=n, cursor=cursor, **more))
        between(len(answers))
        cursor = answers[-1]["cursor"]
    return answers


@pytest.mark.parametrize("n", [1, 7, 9, 100])
def test_the_pages_of_a_session_repeat_nothing_and_leave_nothing_out(client: Client, n: int) -> None:
    names = [name for answer in pages(client, n) for name in ids(answer)]
    assert len(names) == len(set(names)) == 45


def test_pages_outlive_swaps_restarts_and_lower_rungs(town: Deployment, client: Client) -> None:
    def swap(page: int) -> None:
        town.live.bundle = bundle_of(7 + page, items=40) if page != 2 else None
        town.recommender.policy = Policy(deadline=-1.0) if page == 3 else CALM

    answers = pages(client, 8, swap)
    names = [name for answer in answers for name in ids(answer)]
    assert len(names) == len(set(names)) == 45
    assert {answer["version"] for answer in answers} >= {0, 7, 8}


def test_positions_go_on_and_stand_so_in_the_log(town: Deployment, client: Client) -> None:
    first, second = pages(client, 20)[:2]
    assert [item["position"] for item in second["items"]] == list(range(20, 40))
    slates = sorted(town.slates(), key=lambda slate: slate.items[0].position)
    assert [shown.item_id for slate in slates[:2] for shown in slate.items] == ids(first) + ids(second)
    assert slates[1].items[0].position == 20


def test_a_session_of_a_filter_and_of_exclusions_ends_where_they_end(client: Client) -> None:
    answers = pages(client, 2, filter="NOT author = 'ana'", exclude_ids=[f"i{n}" for n in range(40)])
    assert sorted(name for answer in answers for name in ids(answer)) == [f"i{n}" for n in range(40, 45)]


def test_similar_items_come_in_pages_too(client: Client) -> None:
    names, cursor = list[str](), ""
    while cursor is not None:
        _, answer = client.get(f"/v1/items/i3/similar?n=10&cursor={cursor}")
        names += ids(answer)
        cursor = answer["cursor"]
    assert sorted(names) == sorted({f"i{n}" for n in range(45)} - {"i3"})


def test_without_a_cursor_none_is_told(client: Client) -> None:
    assert client.recommend("u0", n=3)["cursor"] is None


@pytest.mark.parametrize("cursor", ["junk", "AAAA", "\u00e9", "x" * 70_000])
def test_a_bad_cursor_is_a_bad_request(client: Client, cursor: str) -> None:
    status, problem = client.post("/v1/recommend", {"user_id": "u0", "cursor": cursor})
    assert (status, problem["field"]) == (422, "cursor")
    theirs = page_end("u1", [], ["i1"], 1)
    assert client.post("/v1/recommend", {"user_id": "u0", "cursor": theirs})[0] == 422


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=20), st.lists(st.text(max_size=20), max_size=30), st.binary(max_size=5))
def test_a_cursor_gives_back_what_it_was_given_or_is_refused(user: str, names: list[str], noise: bytes) -> None:
    cursor = page_end(user, names[:5], names[5:], 0)
    assert cursor is not None
    assert list(shown_before(user, cursor)) == names
    with pytest.raises(BadCursor):
        shown_before(user, cursor[: len(cursor) // 2])
    try:
        shown_before(user, cursor[:-2] + noise.hex())
    except BadCursor as bad:
        assert "begin again" in str(bad)  # noqa: PT017


def test_a_session_ends_where_a_cursor_would_grow_for_ever() -> None:
    shown = [f"i{n}" for n in range(MOST - 1)]
    assert page_end("ana", shown, ["new"], 1) is None
    assert page_end("ana", shown[1:], ["new"], 1) is not None
    long_names = [f"{Random(n).getrandbits(1_000):x}" for n in range(MOST // 2)]
    assert page_end("ana", long_names, ["new"], 1) is None, "nobody sends an address of so many characters"


def test_a_cursor_that_somebody_made_up_excludes_no_more_than_a_session_can() -> None:
    packed = zlib.compress(msgspec.msgpack.encode(["ana", [f"i{n}" for n in range(MOST + 5)]]))
    assert len(shown_before("ana", base64.urlsafe_b64encode(packed).decode())) == MOST


def test_many_questions_get_the_answers_that_each_would_get(town: Deployment, client: Client) -> None:
    alone = [client.recommend(f"u{n}", n=3, dry_run=True) for n in range(5)]
    asked = [{"user_id": f"u{n}", "n": 3} for n in range(5)]
    wrong: list[Any] = [{"user_id": ""}, {"user_id": "u0", "filter": "price <"}, 7]
    status, answer = client.post("/v1/recommend/batch", {"requests": [*asked, *wrong]})
    assert (status, answer["answered"], answer["refused"]) == (200, 5, 3)
    assert [ids(one["answer"]) for one in answer["answers"][:5]] == [ids(one) for one in alone]
    assert [one["problem"]["field"] for one in answer["answers"][5:]] == ["user_id", "filter", "body"]
    assert {slate.request_id for slate in town.slates()} == {
        one["answer"]["request_id"] for one in answer["answers"][:5]
    }


@pytest.mark.parametrize("body", [{}, {"requests": []}, {"requests": [{"user_id": "u"}] * 101}, {"requests": 7}])
def test_a_batch_that_is_none_is_a_bad_request(client: Client, body: Any) -> None:
    assert client.post("/v1/recommend/batch", body)[0] == 422


def test_a_request_may_ask_for_more_exploration_diversity_or_haste(town: Deployment, client: Client) -> None:
    explored = client.recommend("u0", n=5, exploration=1.0, explain=True, dry_run=True)["items"]
    assert all(item["explain"]["propensity"] < 0.1 for item in explored)
    unlike = client.recommend("u0", n=2, diversity=1.0, dry_run=True)
    assert ids(unlike)[1] != "i2"
    assert client.recommend("u0", n=2, deadline_ms=0.0001, dry_run=True)["rung"] in ("cached", "popular")
    assert ids(client.recommend("u0", n=2, dry_run=True)) == ["i0", "i2"]
    for name in ("exploration", "diversity", "deadline_ms"):
        assert client.post("/v1/recommend", {"user_id": "u0", name: -1})[1]["field"] == name


def test_a_session_may_tell_what_it_did(client: Client) -> None:
    done = [{"item_id": "i1"}, {"item_id": "i3", "type": "like"}]
    assert ids(client.recommend("u0", n=3, history=done, dry_run=True)) == ["i5", "i7", "i9"]
    status, problem = client.post("/v1/recommend", {"user_id": "u0", "history": [{"item_id": ""}]})
    assert (status, problem["field"]) == (422, "history[0].item_id")


def test_an_explanation_adds_up(town: Deployment, client: Client) -> None:
    town.recommender.policy = Policy(weights={"click": 2.0, "like": 1.0}, epsilon=0.0, diversity=0.0, fatigue=0.5)
    town.tell(town.telling.shown("u0", "i0"))
    town.fold()
    items = {item["item_id"]: item for item in client.recommend("u0", n=40, explain=True)["items"]}
    for item in items.values():
        why = item["explain"]
        assert why["value"] == pytest.approx(sum(why["terms"].values()), rel=1e-5)
        assert item["score"] == pytest.approx(why["value"] * why["kept"], rel=1e-5)
    assert items["i0"]["explain"]["reasons"] == ["vectors", "shown_in_vain"]
    assert items["i0"]["explain"]["kept"] == 0.5
