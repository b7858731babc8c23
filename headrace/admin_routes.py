"""The operator's commands over HTTP, below /v1/admin: for callers of this machine alone, or with an operator's key.

Every route does what its command does, with the same refusals as problem+json; nothing is decided here. Handlers run
in the thread pool: they read logs and manifests. Behind a proxy that hides who asks, keep /v1/admin closed there.
Versions and experiments have desks of their own (`admin_versions.py`, `experiment_routes.py`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from checkpoints.errors import BadOrder, NoSuchEntry, NoSuchVersion, QuarantineError, VersionError
from checkpoints.quarantine import Order
from headrace.admin_bodies import BackBody, OrderBody, PreviewBody, QuarantineBody, Why
from headrace.admin_ground import AdminGround, Busy, key_of_request
from headrace.audit import chosen_rows, decision_rows
from headrace.quarantine_operations import quarantine_add, quarantine_close, quarantine_lift, quarantine_list
from headrace.quarantine_preview_words import command_of, plain_counts, plain_preview
from headrace.quarantine_terms import moment_of
from headrace.way_back import roll_back
from headrace.way_back_words import plain
from serving import replies
from serving.guarded import ADMITTED
from streams.decisions import Kind
from streams.errors import HeadraceError, LogError

Kinds = Annotated[list[Kind] | None, Query(description="Only these; may be repeated.")]
Name = Annotated[str | None, Query(description="Only of those whose name holds this.")]
Moment = Annotated[str | None, Query(description="2h (ago), now, ISO 8601, or ms.")]
Void = Annotated[bool, Query(description="Only those that changed nothing, or not what serves.")]


class AdminDesk:
    """What the routes of the mask and of the decisions ask. Each request folds the decisions anew, so that none sees
    another's half."""

    def __init__(self, ground: AdminGround) -> None:
        self._ground = ground

    def decisions(
        self, kind: Kinds = None, who: Name = None, since: Moment = None, until: Moment = None, void: Void = False
    ) -> Response:  # fmt: skip
        """Who decided what, when and why, in order; with the filters of `headrace decisions`."""

        def look() -> list[dict[str, Any]]:
            at = self._ground.clock()
            begin, end = (None if text is None else moment_of(text, now=at) for text in (since, until))
            rows = decision_rows(self._ground.lines())
            return list(chosen_rows(rows, kinds=kind or (), who=who, since=begin, until=end, void=void))

        return answered(look)

    def quarantines(self) -> Response:
        """What is masked now."""
        return answered(lambda: quarantine_list(self._ground.lines(), self._ground.store))

    def preview(self, body: PreviewBody) -> Response:
        """Count what a quarantine would take out, which versions fall by it and what they have shown; write nothing.

        Reads the log from the first place on that it reaches, at a pace that leaves answers their time; one such look
        at a time on each server.
        """

        def look() -> dict[str, Any]:
            orders = _orders(body.quarantine)
            found = self._ground.looked(orders, self._ground.clock())
            return plain_preview(found, self._ground.said()) | {"command": command_of(found, orders)}

        return answered(look)

    def rollback(self, body: BackBody) -> Response:
        """Put every server on an older version, and take bad data out of everything, by one line."""
        orders = _orders(body.quarantine)
        back = partial(roll_back, body.version, orders=orders, then=body.then)
        return self._masked(body, back, orders, ripple=body.ripple, ahead=self._ground.ahead)

    def add(self, body: QuarantineBody) -> Response:
        """Mask events in everything that was or will be learned."""
        orders = _orders(body.quarantine)
        add = partial(quarantine_add, orders)
        return self._masked(body, add, orders, ripple=body.ripple, ahead=self._ground.ahead)

    def lift(self, id: str, body: Why) -> Response:
        """Take an entry out of the mask, with its ripple."""
        return self._masked(body, partial(quarantine_lift, id))

    def close(self, id: str, body: Why) -> Response:
        """Let an open entry mask nothing new from now on."""
        return self._masked(body, partial(quarantine_close, id))

    def _masked(self, body: Why, act: Callable[..., Any], orders: Sequence[Order] = (), **more: Any) -> Response:
        """What it did; where it is only tried, with what the orders would take, as the command counts it."""

        def done() -> dict[str, Any]:
            ground, operator = self._ground, self._ground.operator(body)
            found = act(
                store=ground.store, decisions=ground.lines(), operator=operator, events=ground.events,
                dry_run=body.dry_run, **more,
            )  # fmt: skip
            counted = plain_counts(ground.looked(orders, operator.at)) if body.dry_run and orders else None
            return plain(found, ground.said()) | {"dry_run": body.dry_run, "counts": counted}

        return answered(done)


def admin_router(desk: AdminDesk) -> APIRouter:
    """The routes of the mask and of the decisions."""
    routes = routes_below("")
    add_route(routes, "GET", "/decisions", desk.decisions, 422)
    add_route(routes, "GET", "/quarantines", desk.quarantines)
    add_route(routes, "POST", "/quarantines/preview", desk.preview, 409, 422)
    for path, act in (
        ("/rollback", desk.rollback),
        ("/quarantines", desk.add),
        ("/quarantines/{id}/lift", desk.lift),
        ("/quarantines/{id}/close", desk.close),
    ):
        add_route(routes, "POST", path, act, 404, 409, 422)
    return routes


def routes_below(path: str) -> APIRouter:
    """Routes below /v1/admin and `path`, for this machine alone."""
    return APIRouter(prefix=f"/v1/admin{path}", tags=["admin"], dependencies=[Depends(local_only)])


def add_route(routes: APIRouter, method: str, path: str, handler: Callable[..., Response], *statuses: int) -> None:
    """One route, with the problems that it may answer with besides those of all."""
    refusals = {"description": "A problem.", "content": {replies.PROBLEM: {}}}
    told: dict[int | str, dict[str, Any]] = dict.fromkeys((403, 503, *statuses), refusals)
    routes.add_api_route(path, handler, methods=[method], response_model=None, responses=told)


def _orders(bodies: Sequence[OrderBody]) -> tuple[Order, ...]:
    return tuple(one.order() for one in bodies)


async def local_only(request: Request) -> None:
    """Refuse with 403 who is not of this machine, and pages of other sites in a browser of this machine; where keys are
    asked for, an operator's key may come from anywhere, and signs what it changes.

    A coroutine, since what it sets for the request would be lost in a thread of its own.
    """
    if (key := request.scope.get(ADMITTED)) is not None:
        key_of_request.set(f"{key.name} ({key.id})")
        return
    peer = request.client.host if request.client else ""
    for what, name in (
        ("address", peer),
        ("Host", _host(f"//{request.headers.get('host', '')}")),
        ("Origin", _host(request.headers.get("origin", "//localhost"))),
    ):
        if not is_loopback(name):
            raise HTTPException(
                403,
                f"the {what} of the request is {name or 'none'!r}, but /v1/admin answers this machine alone: "
                "ask http://127.0.0.1, or type `headrace rollback` there",
            )


def is_loopback(name: str) -> bool:
    """Whether a name or an address is of this machine.

    >>> [is_loopback(name) for name in ("localhost", "127.0.0.1", "::1", "10.0.0.7", "localhost.evil.example", "")]
    [True, True, True, False, False, False]
    """
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def answered(act: Callable[[], Any], missing: type[HeadraceError] = NoSuchVersion) -> Response:
    """What `act` gives, or the problem that its refusal is; `missing` is one that nothing of that name is there."""
    try:
        return Response(msgspec.json.encode(act()), media_type="application/json")
    except HeadraceError as error:
        kinds = ((missing, (404, "not-found")), *_KINDS)
        status, kind = next((told for wrong, told in kinds if isinstance(error, wrong)), (409, "refused"))
        return replies.problem(status, kind, "The command was refused", str(error))


_KINDS: tuple[tuple[type[HeadraceError], tuple[int, str]], ...] = (
    (NoSuchVersion, (404, "not-found")),
    (NoSuchEntry, (404, "not-found")),
    (BadOrder, (422, "bad-request")),
    (LogError, (503, "log")),
    (Busy, (409, "busy")),
    (QuarantineError, (409, "refused")),
    (VersionError, (409, "refused")),
)
