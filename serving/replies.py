"""Answers and problems as bytes, and the schemas that OpenAPI shows of them."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response
from msgspec import UNSET, Struct, UnsetType

from serving.answers import Placed, Recommendation, Rung

PROBLEM = "application/problem+json"


class StampsTold(Struct):
    """The version of the arrays that each stage used, as they say it; 0 where no model was asked."""

    retrieval: int = 0
    ranking: int = 0
    generation: int = 0


class Explanation(Struct):
    """Predicted labels, their worth by the operator's weights, showings in vain, and the place's probability."""

    predictions: dict[str, float]
    value: float
    showings: int
    propensity: float


class ItemTold(Struct):
    """One item; `source` is what found it."""

    item_id: str
    position: int
    score: float
    source: str
    explain: Explanation | UnsetType = UNSET


class Answer(Struct):
    """A list. `history_at` is the time of the user's last interaction that the list knows of."""

    request_id: str
    version: int
    history_at: int | None
    rung: Rung
    stamps: StampsTold
    items: list[ItemTold]


class Similar(Struct):
    """Items like one."""

    item_id: str
    version: int
    rung: Rung
    stamps: StampsTold
    items: list[ItemTold]


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


def answer(request_id: str, given: Recommendation, *, explain: bool) -> Response:
    """A list as a response."""
    items = _items(given, explain)
    return told(Answer(request_id, given.version, given.history_at, given.rung, _stamps(given), items))


def similar(item_id: str, given: Recommendation) -> Response:
    """Items like one as a response."""
    return told(Similar(item_id, given.version, given.rung, _stamps(given), _items(given, explain=False)))


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


def body_documented(kind: type[Struct]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its own body."""
    return {"requestBody": {"required": True, **_content("application/json", kind)}}


def _items(given: Recommendation, explain: bool) -> list[ItemTold]:
    return [
        ItemTold(p.item_id, p.position, p.score, p.source, _explained(p) if explain else UNSET) for p in given.items
    ]


def _explained(item: Placed) -> Explanation:
    if item.why is None:
        return Explanation({}, item.score, 0, item.propensity)
    return Explanation(item.why.predictions, item.why.value, item.why.showings, item.propensity)


def _stamps(given: Recommendation) -> StampsTold:
    if given.stamps is None:
        return StampsTold()
    return StampsTold(given.stamps.retrieval, given.stamps.ranking, given.stamps.generation)


def _content(media_type: str, kind: type[Struct]) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components((kind,), ref_template="{name}")
    return {"content": {media_type: {"schema": _inlined(schema, parts)}}}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            return _inlined(parts[schema["$ref"]], parts)
        return {name: _inlined(part, parts) for name, part in schema.items()}
    return [_inlined(part, parts) for part in schema] if isinstance(schema, list) else schema
