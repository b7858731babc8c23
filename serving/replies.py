"""Answers and problems as bytes, and the schemas that OpenAPI shows of them."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response
from msgspec import UNSET, Struct, UnsetType

from serving.answers import Filtered, Placed, Recommendation, Rung

PROBLEM = "application/problem+json"


class StampsTold(Struct):
    """The version of the arrays that each stage used, as they say it; 0 where no model was asked."""

    retrieval: int = 0
    ranking: int = 0
    generation: int = 0


class Explanation(Struct):
    """Predicted labels, what each adds to the `value` by the operator's weights (`terms`, with `bid` and `watch_next`),
    showings in vain and the part of the value that they left (`kept`: the item's score is value x kept), the place's
    probability, and in words why the item is there: what found it, `explored`, `promoted`, `shown_in_vain`."""

    predictions: dict[str, float]
    value: float
    showings: int
    propensity: float
    terms: dict[str, float] = {}
    kept: float = 1.0
    reasons: list[str] = []


class ItemTold(Struct):
    """One item; `source` is what found it."""

    item_id: str
    position: int
    score: float
    source: str
    explain: Explanation | UnsetType = UNSET


class Answer(Struct):
    """A list. `history_at` is the time of the user's last interaction that the list knows of; `filter` says whether it
    was filtered, `cursor` asks for the next page, where pages were asked for and there is one."""

    request_id: str
    version: int
    history_at: int | None
    rung: Rung
    stamps: StampsTold
    items: list[ItemTold]
    filter: Filtered = "none"
    cursor: str | None = None


class One(Struct, omit_defaults=True):
    """One of many: the list, or what is wrong with its request."""

    answer: Answer | None = None
    problem: Problem | None = None


class Batch(Struct):
    """Lists, in the order of their requests."""

    answered: int
    refused: int
    answers: list[One]


class Similar(Struct):
    """Items like one."""

    item_id: str
    version: int
    rung: Rung
    stamps: StampsTold
    items: list[ItemTold]
    filter: Filtered = "none"
    cursor: str | None = None


class Version(Struct):
    """What serves now (0: no model yet), how often that changed, and how far the folds have read `events`."""

    version: int
    swaps: int
    caught_up: bool
    positions: dict[str, int]


class Status(Struct):
    """Whether the process answers."""

    status: str


class Problem(Struct, omit_defaults=True):
    """What is wrong, in the form of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


def answer(request_id: str, given: Recommendation, *, explain: bool, cursor: str | None = None) -> Answer:
    """A list as it is told."""
    items, stamps = _items(given, explain), _stamps(given)
    return Answer(request_id, given.version, given.history_at, given.rung, stamps, items, given.filtered, cursor)


def similar(item_id: str, given: Recommendation, cursor: str | None = None) -> Similar:
    """Items like one as they are told."""
    items, stamps = _items(given, explain=False), _stamps(given)
    return Similar(item_id, given.version, given.rung, stamps, items, given.filtered, cursor)


def told(content: Struct, status: int = 200) -> Response:
    """Any answer as a response."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")


def problem(status: int, kind: str, title: str, detail: str, field: str | None = None) -> Response:
    """What went wrong as a response."""
    body = Problem(f"urn:headrace:problem:{kind}", title, status, detail, field)
    return Response(msgspec.json.encode(body), status_code=status, media_type=PROBLEM)


def documented(kind: type[Struct], *refusals: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: what it answers, and the statuses of its problems."""
    right: dict[int | str, dict[str, Any]] = {200: {"description": "", **_content("application/json", kind)}}
    right[200]["description"] = (kind.__doc__ or "").partition("\n")[0]
    wrong = {"description": "A problem.", **_content(PROBLEM, Problem)}
    return right | dict.fromkeys(refusals, wrong)


def body_documented(kind: Any) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its own body."""
    return {"requestBody": {"required": True, **_content("application/json", kind)}}


def _items(given: Recommendation, explain: bool) -> list[ItemTold]:
    return [
        ItemTold(p.item_id, p.position, p.score, p.source, _explained(p) if explain else UNSET) for p in given.items
    ]


def _explained(item: Placed) -> Explanation:
    why = item.why
    if why is None:
        return Explanation({}, item.score, 0, item.propensity, reasons=[item.source])
    reasons = [item.source]
    reasons += ["explored"] * why.explored + ["promoted"] * why.promoted + ["shown_in_vain"] * bool(why.showings)
    return Explanation(why.predictions, why.value, why.showings, item.propensity, why.terms, why.kept, reasons)


def _stamps(given: Recommendation) -> StampsTold:
    if given.stamps is None:
        return StampsTold()
    return StampsTold(given.stamps.retrieval, given.stamps.ranking, given.stamps.generation)


def _content(media_type: str, kind: Any) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components((kind,), ref_template="{name}")
    return {"content": {media_type: {"schema": _inlined(schema, parts)}}}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            return _inlined(parts[schema["$ref"]], parts)
        return {name: _inlined(part, parts) for name, part in schema.items()}
    return [_inlined(part, parts) for part in schema] if isinstance(schema, list) else schema
