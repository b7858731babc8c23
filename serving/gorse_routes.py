"""Gorse's routes, below /api: what its stock client asks is answered as it expects, errors as plain text.

What is different from Gorse stands in docs/gorse.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from time import perf_counter
from typing import Any

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from serving.filter_terms import BadFilter
from serving.gorse_desk import GorseDesk, Nope
from serving.gorse_handlers import Desk, Lists
from serving.gorse_words import Feedback, ItemTold, Patch, User
from serving.listing import BadPage
from serving.questions import BadQuestion
from serving.refusals import overloaded
from serving.replies import Problem, body_documented, documented
from serving.serving_counts import ServingCounts
from streams.errors import LogError
from streams.overload import Busy

Answer = Callable[..., Awaitable[Response]]


def gorse_router(desk: GorseDesk, counts: ServingCounts) -> APIRouter:
    """The routes below /api."""
    routes = APIRouter(prefix="/api", tags=["gorse"])

    def add(method: str, path: str, handler: Answer) -> None:
        body = _BODIES.get((method, path))
        routes.add_api_route(
            path,
            _answering(handler, counts),
            methods=[method],
            response_model=None,
            responses=dict(_REFUSALS),
            openapi_extra=None if body is None else body_documented(body),
            operation_id=f"gorse_{method.lower()}_{re.sub('[^a-z_]+', '_', path.lower())}",
        )

    for method, path, handler in _table(Desk(desk), Lists(desk)):
        add(method, path, handler)
    return routes


def _table(one: Desk, lists: Lists) -> list[tuple[str, str, Answer]]:
    return [
        ("POST", "/user", one.put_user),
        ("POST", "/users", one.put_users),
        ("GET", "/users", one.users),
        ("GET", "/user/{user_id}", one.user),
        ("PATCH", "/user/{user_id}", one.patch_user),
        ("DELETE", "/user/{user_id}", one.drop_user),
        ("POST", "/item", one.put_item),
        ("POST", "/items", one.put_items),
        ("GET", "/items", one.items),
        ("GET", "/item/{item_id}", one.item),
        ("PATCH", "/item/{item_id}", one.patch_item),
        ("DELETE", "/item/{item_id}", one.drop_item),
        ("PUT", "/item/{item_id}/category/{category}", one.put_category),
        ("DELETE", "/item/{item_id}/category/{category}", one.drop_category),
        ("POST", "/feedback", one.put_feedback),
        ("PUT", "/feedback", one.put_feedback),
        ("GET", "/feedback", one.feedback),
        ("GET", "/feedback/{kind}", one.feedback_of_kind),
        ("GET", "/feedback/{kind}/{user_id}/{item_id}", one.one_feedback),
        ("DELETE", "/feedback/{kind}/{user_id}/{item_id}", one.drop_one_feedback),
        ("GET", "/feedback/{user_id}/{item_id}", one.feedback_on),
        ("DELETE", "/feedback/{user_id}/{item_id}", one.drop_feedback),
        ("GET", "/user/{user_id}/feedback", one.feedback_of),
        ("GET", "/user/{user_id}/feedback/{kind}", one.feedback_of),
        ("GET", "/item/{item_id}/feedback", one.feedback_on_item),
        ("GET", "/item/{item_id}/feedback/{kind}", one.feedback_on_item),
        ("GET", "/latest", lists.latest),
        ("GET", "/latest/{path:path}", lists.latest),
        ("GET", "/non-personalized/{name}", lists.board),
        ("GET", "/item-to-item/{name}/{item_id}", lists.item_to_item),
        ("GET", "/recommend/{user_id}", lists.recommend),
        ("GET", "/recommend/{user_id}/{path:path}", lists.recommend),
        ("POST", "/session/recommend", lists.session),
        ("POST", "/session/recommend/{path}", lists.session),
        ("GET", "/item/{item_id}/neighbors", lists.neighbors),
        ("GET", "/item/{item_id}/neighbors/{path:path}", lists.neighbors),
        ("GET", "/health/live", lists.ready),
        ("GET", "/health/ready", lists.ready),
    ]


def _answering(handler: Answer, counts: ServingCounts) -> Answer:
    """The handler, with its failures in Gorse's form and its requests counted."""

    @wraps(handler)
    async def answer(*given: Any, **named: Any) -> Response:
        started = perf_counter()
        try:
            response = await handler(*given, **named)
        except Busy as busy:
            counts.refused("gorse")
            return overloaded(busy)
        except LogError as error:
            counts.failed("gorse")
            return PlainTextResponse(str(error), 503)
        except (Nope, BadPage, BadFilter, BadQuestion, msgspec.ValidationError) as error:
            counts.refused("gorse")
            return PlainTextResponse(str(error), getattr(error, "status", 400))
        counts.answered("gorse", perf_counter() - started)
        return response

    return answer


_PLAIN = {"description": "What is wrong.", "content": {"text/plain": {"schema": {"type": "string"}}}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    **dict.fromkeys((400, 404, 503), _PLAIN),
    **documented(Problem, 422, 429),
    404: {
        "description": "Not there, or no route.",
        "content": _PLAIN["content"] | documented(Problem, 404)[404]["content"],
    },
    200: {"description": "As Gorse answers.", "content": {"application/json": {"schema": {}}}},
}
_BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/user"): User,
    ("POST", "/users"): list[User],
    ("PATCH", "/user/{user_id}"): Patch,
    ("POST", "/item"): ItemTold,
    ("POST", "/items"): list[ItemTold],
    ("PATCH", "/item/{item_id}"): Patch,
    ("POST", "/feedback"): list[Feedback],
    ("PUT", "/feedback"): list[Feedback],
    ("POST", "/session/recommend"): list[Feedback],
    ("POST", "/session/recommend/{path}"): list[Feedback],
}
