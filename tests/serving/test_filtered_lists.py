"""Filters hold on every rung, and a list is short only where nothing more passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from serving.answers import Ask, Recommendation
from serving.filters import parsed
from tests.serving.deployment import CALM, Client, Deployment, ids
from tests.worlds import bundle_of

KNOWN, UNKNOWN = 2_000, 300
RARE = ("every = 1", "tenth = 1", "hundredth = 1", "thousandth = 1", "never = 1")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """Items i0 to i1999 are in the version, 300 more only in the catalogue; some were clicked, some are closed."""
    server, random = Deployment(tmp_path_factory.mktemp("filtered")), Random(3)
    shares = {"every": 1, "tenth": 10, "hundredth": 100, "thousandth": 1_000}
    for number in range(KNOWN + UNKNOWN):
        attributes = {name: 1.0 for name, share in shares.items() if random.randrange(share) == 0}
        closed = {"available_until": 5} if random.random() < 0.1 else {}
        server.tell(server.telling.item(f"i{number}", attributes={"never": 0.0, **attributes}, **closed))
        if number % 40 == 0:
            server.tell(server.telling.click("u9", f"i{number}"))
    server.fold()
    return server


def asked(server: Deployment, rung: str, text: str, n: int, **more: object) -> Recommendation:
    server.live.bundle = None if rung in ("popular", "latest") else bundle_of(7, items=KNOWN)
    if rung == "latest":
        server.live.bundle = None
    recommender = server.recommender
    recommender.policy = CALM
    question = Ask("u0", n, server.now(), filter=parsed(text), **more)
    if rung == "cached":
        recommender.recommend(Ask("u0", n, server.now()), chance=b"12345678", elapsed=lambda: 0.0)
    late = 1e9 if rung == "cached" else 0.0
    return recommender.recommend(question, chance=b"12345678", elapsed=lambda: late)


def fitting(server: Deployment, text: str) -> set[str]:
    name, _, value = text.partition(" = ")
    items = (server.known.stock.item(f"i{number}") for number in range(KNOWN + UNKNOWN))
    return {
        item.item_id
        for item in items
        if item and item.attributes.get(name) == float(value) and server.known.stock.open_at(item.item_id, server.now())
    }


@pytest.mark.parametrize("rung", ["model", "cached", "popular"])
@pytest.mark.parametrize("text", RARE)
@pytest.mark.parametrize("n", [1, 10, 100])
def test_as_many_as_asked_for_come_where_so_many_pass(town: Deployment, rung: str, text: str, n: int) -> None:
    given, pass_it = asked(town, rung, text, n), fitting(town, text)
    names = [item.item_id for item in given.items]
    assert len(names) == len(set(names)) == min(n, len(pass_it))
    assert set(names) <= pass_it
    assert given.filtered == "kept"


@pytest.mark.parametrize("rung", ["model", "popular"])
def test_what_is_excluded_leaves_its_place_to_others(town: Deployment, rung: str) -> None:
    pass_it = fitting(town, "hundredth = 1")
    out = frozenset(sorted(pass_it)[:5])
    given = asked(town, rung, "hundredth = 1", 100, exclude=out)
    assert {item.item_id for item in given.items} == pass_it - out


def test_an_empty_filter_gives_an_empty_list_unless_the_request_allows_more(town: Deployment) -> None:
    assert asked(town, "model", "never = 1", 5).items == ()
    free = asked(town, "model", "never = 1", 5, strict=False)
    assert (len(free.items), free.filtered) == (5, "dropped")
    assert asked(town, "model", "tenth = 1", 5, strict=False).filtered == "kept"


def test_similar_and_ranked_items_pass_too(town: Deployment) -> None:
    town.live.bundle = bundle_of(7, items=KNOWN)
    pass_it, now = fitting(town, "tenth = 1"), town.now()
    open_one = next(name for name in sorted(fitting(town, "every = 1") - pass_it) if int(name[1:]) < KNOWN)
    similar = town.recommender.similar(open_one, 100, now, parsed("tenth = 1"))
    assert similar is not None
    assert len(similar.items) == 100
    assert {item.item_id for item in similar.items} <= pass_it
    names = [f"i{number}" for number in range(200)]
    ranked = town.recommender.rank(Ask("u0", 200, now, filter=parsed("tenth = 1")), names)
    assert {item.item_id for item in ranked.items} == pass_it & set(names)


def test_an_item_passes_as_soon_as_it_changed(town: Deployment) -> None:
    before = asked(town, "model", "thousandth = 1", 100).items
    town.tell(town.telling.item("i77", attributes={"thousandth": 1.0}))
    next(town.folding)
    after = asked(town, "model", "thousandth = 1", 100).items
    assert {item.item_id for item in after} - {item.item_id for item in before} == {"i77"}
    town.tell(town.telling.item("i77"))
    next(town.folding)
    assert asked(town, "model", "thousandth = 1", 100).items == before


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    server.tell(*[server.telling.item(f"i{n}", attributes={"price": n}, tags=("low",) * (n < 3)) for n in range(20)])
    server.fold()
    with server.served() as client:
        yield client


def test_a_filter_comes_in_the_body_or_in_the_address(client: Client) -> None:
    answer = client.recommend("u0", n=9, filter="price < 4 AND NOT tags = 'low'")
    assert (ids(answer), answer["filter"]) == (["i3"], "kept")
    assert client.recommend("u0", n=1)["filter"] == "none"
    status, answer = client.get("/v1/items/i1/similar?filter=price%20%3E%2018")
    assert (status, ids(answer)) == (200, ["i19"])
    status, answer = client.post("/v1/rank", {"user_id": "u0", "items": ["i1", "i9"], "filter": "tags = 'low'"})
    assert (status, ids(answer)) == (200, ["i1"])


@pytest.mark.parametrize("text", ["price <", "colour = 'red'", "", "x" * 5_001])
def test_a_bad_filter_is_a_bad_request(client: Client, text: str) -> None:
    for path, body in (("/v1/recommend", {"user_id": "u0"}), ("/v1/rank", {"user_id": "u0", "items": ["i1"]})):
        status, problem = client.post(path, body | {"filter": text})
        assert (status, problem["field"]) == (422, "filter")
