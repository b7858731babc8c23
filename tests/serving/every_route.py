"""Every list that a server can be asked for, as its own document tells: a route that comes later is asked as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any
from urllib.parse import quote, urlencode

from serving.gorse_boards import BOARDS
from tests.serving.deployment import Client

NAMES = [f"i{n}" for n in range(20)]
USERS = ("u0", "u1", "new")
KINDS = ("even", "odd")
ALL = "NOT author = 'nobody'"

Operation = tuple[str, str]

PATHS: Mapping[str, Sequence[str]] = {"user_id": USERS, "item_id": NAMES[:3], "name": BOARDS, "path": KINDS}
"""What stands for a part of a path."""
QUERIES: Mapping[str, str] = {"n": "20", "filter": ALL, "category": "odd", "user-id": "u1", "q": "i", "diversity": "1"}
"""What a question may say in its address, each by itself and beside `n`."""
SILENT = frozenset(
    {("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/v1/version", "/api/health/live")}
    | {("GET", path) for path in ("/api/health/ready", "/api/users", "/api/user/{user_id}")}
)
"""They tell of no item."""
WRITES = ("/v1/events", "/api/user", "/api/users", "/api/item", "/api/items", "/api/feedback")
"""Below them every method but GET writes."""
RECORDS = ("/feedback",)
"""What people did stays told of an item that is gone."""


def bodies(asked: str) -> Mapping[Operation, Sequence[Any]]:
    """Questions that come as bodies."""
    lists = [
        {"user_id": user, "n": 20} | more
        for user in USERS
        for more in (
            {"query_item_id": asked},
            {"exploration": 1.0, "diversity": 1.0, "dry_run": True},
            {"filter": ALL, "dry_run": True},
            {"filter": "author = 'nobody'", "strict": False, "dry_run": True},
            {"history": [{"item_id": asked, "type": "click", "ts": 5}], "explain": True, "dry_run": True},
            {"at": 1_000, "dry_run": True},
        )
    ]
    session = [[{"FeedbackType": "click", "UserId": "", "ItemId": item, "Timestamp": ""}] for item in (asked, "i7")]
    return {
        ("POST", "/v1/recommend"): lists,
        ("POST", "/v1/recommend/batch"): [{"requests": lists[::6]}],
        ("POST", "/v1/rank"): [{"user_id": user, "items": NAMES} for user in USERS],
        ("POST", "/api/session/recommend"): session,
        ("POST", "/api/session/recommend/{path}"): session,
    }


def operations(document: Any) -> set[Operation]:
    """Every method of every path."""
    return {(method.upper(), path) for path, told in document["paths"].items() for method in told}


def lists(document: Any) -> set[Operation]:
    """Those that could name an item which may not be shown: all but those that are known not to."""
    return {
        (method, path)
        for method, path in operations(document) - SILENT
        if not any(record in path for record in RECORDS)
        and (method == "GET" or not any(path == write or path.startswith(f"{write}/") for write in WRITES))
    }


def answers(client: Client, document: Any, asked: str) -> Iterator[tuple[str, set[str]]]:
    """Every list, with the items that it names; `asked` is an item that questions are about."""
    by_body = bodies(asked)
    for method, path in sorted(lists(document)):
        told = document["paths"][path][method.lower()]
        if method != "GET" and (method, path) not in by_body:
            raise AssertionError(f"{method} {path} is new: say in `bodies` what to ask it, or in WRITES what it is")
        for address, body in product(addresses(path, told), by_body.get((method, path), (None,))):
            yield from _pages(client, f"{method} {path}", address, body)


def addresses(path: str, told: Any) -> Iterator[str]:
    """The path with everything that may stand in it."""
    given = told.get("parameters", [])
    parts = [one["name"] for one in given if one["in"] == "path"]
    unknown = set(parts) - PATHS.keys()
    assert not unknown, f"{path} has {unknown}: say in PATHS what they are"
    queries = [one["name"] for one in given if one["in"] == "query" and one["name"] in QUERIES]
    for values in product(*(PATHS[part] for part in parts)):
        filled = path.format_map({part: quote(value) for part, value in zip(parts, values, strict=True)})
        for query in dict.fromkeys(["n", *queries] if "n" in queries else ["", *queries]):
            said = {name: QUERIES[name] for name in dict.fromkeys(["n", query]) if name in queries}
            yield f"{filled}?{urlencode(said)}" if said else filled


def named(told: Any) -> set[str]:
    """Every text in an answer, wherever it stands."""
    if isinstance(told, dict):
        return {text for value in told.values() for text in named(value)}
    if isinstance(told, list):
        return {text for value in told for text in named(value)}
    return {told} if isinstance(told, str) else set()


def _pages(client: Client, route: str, address: str, body: Any) -> Iterator[tuple[str, set[str]]]:
    status, told = client.get(address) if body is None else client.post(address, body)
    if status != 200:
        return
    yield route, named(_shown(told))
    if route == "POST /v1/recommend" and "query_item_id" in body:
        cursor: Any = ""
        while cursor is not None:
            page = client.recommend(body["user_id"], n=3, cursor=cursor, dry_run=True)
            cursor = page["cursor"]
            yield f"{route}, in pages", named(page["items"])


def _shown(told: Any) -> Any:
    """Without items that are told to be hidden: a catalogue lists those."""
    if _hidden(told):
        return None
    if isinstance(told, dict):
        return {name: _shown(value) for name, value in told.items()}
    if isinstance(told, list):
        return [_shown(value) for value in told]
    return told


def _hidden(value: Any) -> bool:
    return isinstance(value, dict) and value.get("IsHidden") is True
