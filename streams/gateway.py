"""The HTTP side of the intake: `POST /v1/events`, and an application around it.

A wrong event never costs the good ones beside it, and a wrong request is never an error of the server. What a request
that is refused as a whole (400, 413, 415, 429) holds is not kept; what is refused event by event is in the dead
letters. More than fits into memory is never in hand: who comes then is asked to come again (429, Retry-After).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict

from streams.bodies import BadBody, events_in, unpacked
from streams.errors import LogError
from streams.intake import Intake, Outcome
from streams.overload import Busy, Room, Share
from streams.wire_fields import Wire

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_EVENTS = 10_000
MAX_WAITING_BYTES = 32 * 1024 * 1024
REQUEST_BYTES = 16 * 1024
"""About what a request takes in memory beside its body."""
UNPACKED = 16
"""Events are about this many times as large as their gzip."""
PROBLEM = "application/problem+json"


class Problem(BaseModel):
    """What is wrong, in the form of RFC 9457; `field` names the field of the event, where it is about one."""

    model_config = ConfigDict(extra="forbid")
    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class EventResult(BaseModel):
    """What became of the event at `index` of the request."""

    model_config = ConfigDict(extra="forbid")
    index: int
    event_id: str | None
    status: Literal["accepted", "rejected"]
    problem: Problem | None = None


class Taken(BaseModel):
    """What became of a request of which something was taken."""

    model_config = ConfigDict(extra="forbid")
    accepted: int
    rejected: int
    results: list[EventResult]


class EventError(BaseModel):
    """Why the event at `index` was refused."""

    model_config = ConfigDict(extra="forbid")
    index: int
    event_id: str | None
    field: str
    reason: str


class AllRefused(Problem):
    """No event of the request was right."""

    errors: list[EventError]


@dataclass(frozen=True, slots=True)
class Door:
    """How much is let in: of one body, of one request's events, of all bodies that are in hand at once."""

    body_bytes: int = MAX_BODY_BYTES
    events: int = MAX_EVENTS
    waiting_bytes: int = MAX_WAITING_BYTES


def router(intake: Intake, door: Door = Door()) -> APIRouter:
    """`POST /v1/events` over an intake."""
    routes, room = APIRouter(tags=["events"]), Room(door.waiting_bytes)

    @routes.post(
        "/v1/events",
        status_code=202,
        response_model=Taken,
        responses={status: _documented(model) for status, model in _REFUSALS.items()},
        openapi_extra={"requestBody": _request_body()},
        summary="Take events",
    )
    async def post_events(request: Request) -> Response:
        """Take a JSON list of events, one event, or one event per line (NDJSON); gzip is welcome.

        Each event is answered for. Repeating a request does no harm: events are known by their `event_id`. With 429
        nothing was taken: send the whole request again after `Retry-After` seconds.
        """
        share = Share(room)
        try:
            data = await _read(request.stream(), door.body_bytes, share)
            return await run_in_threadpool(_take, intake, data, request.headers, door, share)
        except BadBody as bad:
            return _problem(bad.status, "The request can't be read", bad.reason)
        except Busy as busy:
            return _come_again(busy)
        except LogError as error:
            return _problem(503, "The log can't be written", str(error))
        finally:
            share.give_back()

    return routes


def gateway_app(intake: Intake, door: Door = Door()) -> FastAPI:
    """The gateway alone: the events' route, `/healthz` and `/docs`."""
    app = FastAPI(title="Headrace gateway", description="The way of events into the log.")
    app.include_router(router(intake, door))

    @app.get("/healthz", summary="Whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def _read(chunks: AsyncIterator[bytes], limit: int, share: Share) -> bytes:
    """The body. One that is refused is read on and dropped, up to the limit once more, so that the client gets to read
    the answer."""
    body, size, room = bytearray(), 0, share.grow(REQUEST_BYTES)
    async for chunk in chunks:
        size += len(chunk)
        room = room and size <= limit and share.grow(len(chunk))
        if room:
            body += chunk
        else:
            body.clear()
        if size > 2 * limit:
            break
    if size > limit:
        raise BadBody(413, f"the body has more than {limit:,} bytes; send less at once")
    if not room:
        raise Busy("more requests are in hand than there is room for")
    return bytes(body)


def _take(intake: Intake, data: bytes, headers: Any, door: Door, share: Share) -> Response:
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding and not share.grow(min(UNPACKED * len(data), door.body_bytes)):
        raise Busy("more requests are in hand than there is room for, unpacked")
    plain = unpacked(data, encoding, door.body_bytes)
    outcomes = intake.take(events_in(plain, headers.get("content-type", ""), door.events))
    if outcomes and not any(outcome.accepted for outcome in outcomes):
        errors = [{"index": o.index, "event_id": o.event_id, "field": o.field, "reason": o.reason} for o in outcomes]
        what = f"none of the {len(outcomes):,} events is right; see errors"
        return _problem(422, "No event was taken", what, errors=errors)
    return _answer(202, "application/json", _taken(outcomes))


def _taken(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    accepted = sum(outcome.accepted for outcome in outcomes)
    return {
        "accepted": accepted,
        "rejected": len(outcomes) - accepted,
        "results": [_result(outcome) for outcome in outcomes],
    }


def _result(outcome: Outcome) -> dict[str, Any]:
    known = {"index": outcome.index, "event_id": outcome.event_id}
    if outcome.accepted:
        return known | {"status": "accepted"}
    detail = f"{outcome.field}: {outcome.reason}"
    problem = _about("bad-event", outcome.status, "The event can't be taken", detail) | {"field": outcome.field}
    return known | {"status": "rejected", "problem": problem}


def _problem(status: int, title: str, detail: str, **more: Any) -> Response:
    return _answer(status, PROBLEM, _about(_KINDS[status], status, title, detail) | more)


def _come_again(busy: Busy) -> Response:
    seconds = -(-busy.retry_ms // 1000)
    what = f"{busy}. Nothing of this request was taken: send all of it again in {seconds} s"
    answer = _problem(429, "Too much at once", what)
    answer.headers["retry-after"] = str(seconds)
    return answer


def _about(kind: str, status: int, title: str, detail: str) -> dict[str, Any]:
    return {"type": f"urn:headrace:problem:{kind}", "title": title, "status": status, "detail": detail}


def _answer(status: int, media_type: str, content: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(content), status_code=status, media_type=media_type)


def _documented(model: type[Problem]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"model": model, "content": {PROBLEM: {"schema": schema}}}


def _request_body() -> dict[str, Any]:
    (event,), parts = msgspec.json.schema_components((Wire,), ref_template="{name}")
    event = _inlined(event, parts)
    one_or_many = {"oneOf": [{"type": "array", "items": event}, event]}
    lines = {"type": "string", "description": "One event, a JSON object, per line."}
    content = {"application/json": {"schema": one_or_many}, "application/x-ndjson": {"schema": lines}}
    return {"required": True, "content": content}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(parts[schema["$ref"]], parts)
        return {name: _inlined(part, parts) for name, part in schema.items()}
    return [_inlined(part, parts) for part in schema] if isinstance(schema, list) else schema


_REFUSALS: dict[int | str, type[Problem]] = {
    400: Problem,
    413: Problem,
    415: Problem,
    422: AllRefused,
    429: Problem,
    503: Problem,
}
_KINDS = {400: "bad-body", 413: "too-large", 415: "bad-encoding", 422: "bad-events", 429: "too-many", 503: "log"}
