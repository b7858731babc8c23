"""What is hidden, closed or deleted is on no list of any route, at once, whichever rung answers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.policy import Policy
from tests.serving.deployment import CALM, Client, Deployment, ids
from tests.worlds import bundle_of

NAMES = [f"i{n}" for n in range(20)]
ALL = "NOT author = 'nobody'"


def lists_of(client: Client, asked: str) -> Iterator[tuple[str, list[str]]]:
    """Every list that the server gives, by route."""
    for user in ("u0", "u1", "new"):
        yield f"recommend {user}", ids(client.recommend(user, n=20, query_item_id=asked))
        yield f"explore {user}", ids(client.recommend(user, n=20, exploration=1.0, diversity=1.0, dry_run=True))
        yield f"filter {user}", ids(client.recommend(user, n=20, filter=ALL, dry_run=True))
        yield f"free {user}", ids(client.recommend(user, n=20, filter="author = 'nobody'", strict=False, dry_run=True))
        cursor: Any = ""
        while cursor is not None:
            page = client.recommend(user, n=3, cursor=cursor, dry_run=True)
            cursor = page["cursor"]
            yield f"page {user}", ids(page)
        yield f"gorse {user}", client.get(f"/api/recommend/{user}?n=20")[1]
    batch = client.post("/v1/recommend/batch", {"requests": [{"user_id": f"u{n}", "n": 20} for n in range(3)]})[1]
    for one in batch["answers"]:
        yield "batch", ids(one["answer"])
    yield "rank", ids(client.post("/v1/rank", {"user_id": "u0", "items": NAMES})[1])
    done = [{"FeedbackType": "click", "UserId": "", "ItemId": asked, "Timestamp": ""}]
    yield "session", [one["Id"] for one in client.post("/api/session/recommend?n=20", done)[1] or []]
    yield "items", [one["ItemId"] for one in client.get("/api/items?n=100")[1]["Items"] if not one["IsHidden"]]
    for name in NAMES:
        status, similar = client.get(f"/v1/items/{name}/similar?n=20&filter=NOT%20author%20%3D%20%27x%27")
        yield f"similar {name}", ids(similar) if status == 200 else []
        yield f"neighbors {name}", [one["Id"] for one in client.get(f"/api/item/{name}/neighbors?n=20")[1]]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_what_is_deleted_hidden_or_closed_is_on_no_endpoint(
    tmp_path_factory: pytest.TempPathFactory, seed: int, modelled: bool
) -> None:
    random, server = Random(seed), Deployment(tmp_path_factory.mktemp("gone"))
    tell = server.telling
    server.live.bundle = bundle_of(3) if modelled else None
    server.tell(*[tell.item(name) for name in random.sample(NAMES, 12)])
    server.tell(*[tell.click(f"u{random.randrange(3)}", random.choice(NAMES)) for _ in range(30)])
    server.fold()
    with server.served() as client:
        for user in ("u0", "u1", "new"):
            client.recommend(user, n=20)
        gone = random.sample(NAMES, random.randrange(1, 15))
        hidden = {name: random.choice((0, 5)) for name in gone if random.random() < 0.5}
        server.tell(*[tell.item(n, available_until=hidden[n]) if n in hidden else tell.gone(n) for n in gone])
        next(server.folding)
        shown = list(lists_of(client, gone[0]))
        server.recommender.policy = Policy(deadline=-1.0)
        shown += list(lists_of(client, gone[0]))
        server.recommender.policy = CALM
        missing = {name: client.get(f"/v1/items/{name}/similar")[0] for name in gone}
    # what is closed by time is not hidden to Gorse's listing of the catalogue, which tells of items, not of lists
    closed = {name for name, until in hidden.items() if until == 5}
    leaks = [
        (route, name)
        for route, names in shown
        for name in names
        if name in gone and not (route == "items" and name in closed)
    ]
    assert leaks == []
    assert set(missing.values()) == {404}
    assert any(names for route, names in shown if route == "recommend u0")


def test_a_list_holds_all_that_is_left(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Deployment(tmp_path_factory.mktemp("left"))
    server.live.bundle = bundle_of(3)
    server.tell(*[server.telling.gone(name) for name in NAMES[:15]])
    server.fold()
    with server.served() as client:
        assert sorted(ids(client.recommend("u0", n=20, filter=ALL))) == sorted(NAMES[15:])
