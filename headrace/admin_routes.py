"""The operator's commands over HTTP, below /v1/admin: for callers of this machine alone, since there are no keys yet.

Every route does what its command does, with the same refusals as problem+json; nothing is decided here. Handlers run
in the thread pool: they read logs and manifests. Behind a proxy that hides who asks, keep /v1/admin closed there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Request, Response

from checkpoints.errors import BadOrder, NoSuchEntry, NoSuchVersion, QuarantineError, VersionError
from checkpoints.store import VersionStore
from headrace.admin_bodies import BackBody, PublishBody, QuarantineBody, Why
from headrace.audit import decision_rows
from headrace.operations import Operator, promote, resume, version_rows
from headrace.quarantine_operations import quarantine_add, quarantine_close, quarantine_lift, quarantine_list
from headrace.way_back import roll_back
from headrace.way_back_words import plain
from serving import replies
from streams.decisions import DecisionLog
from streams.errors import HeadraceError, LogError
from streams.log import Log


class AdminDesk:
    """What the routes ask. Each request folds the decisions anew, so that none sees another's half."""

    def __init__(
        self, *, store: VersionStore, decisions: Log, events: Log, ahead: int, clock: Callable[[], int], who: str
    ) -> None:
        self._store = store
        self._decisions = decisions
        self._events = events
        self._ahead = ahead
        self._clock = clock
        self._who = who

    def decisions(self) -> Response:
        """Who decided what, when and why, in order."""
        return answered(lambda: decision_rows(self._lines()))

    def versions(self) -> Response:
        """Every committed version, oldest first."""
        return answered(lambda: version_rows(self._store, self._lines()))

    def quarantines(self) -> Response:
        """What is masked now."""
        return answered(lambda: quarantine_list(self._lines(), self._store))

    def rollback(self, body: BackBody) -> Response:
        """Put every server on an older version, and take bad data out of everything, by one line."""
        back = partial(
            roll_back,
            body.version,
            **self._known(body),
            orders=tuple(one.order() for one in body.quarantine),
            ripple=body.ripple,
            then=body.then,
            ahead=self._ahead,
            dry_run=body.dry_run,
        )
        return answered(lambda: plain(back()) | {"dry_run": body.dry_run})

    def publish(self, body: PublishBody) -> Response:
        """Let one version serve now, paused or not; a pause stays."""

        def act() -> dict[str, Any]:
            line = promote(body.version, self._store, self._lines(), self._operator(body), dry_run=body.dry_run)
            return {"line": line, "version": body.version, "dry_run": body.dry_run}

        return answered(act)

    def resume(self, body: Why) -> Response:
        """Let the trainer publish again."""
        return answered(
            lambda: {
                "line": resume(self._lines(), self._operator(body), dry_run=body.dry_run),
                "dry_run": body.dry_run,
            }
        )

    def add(self, body: QuarantineBody) -> Response:
        """Mask events in everything that was or will be learned."""
        orders = tuple(one.order() for one in body.quarantine)
        return self._masked(body, quarantine_add, orders, ripple=body.ripple, ahead=self._ahead)

    def lift(self, id: str, body: Why) -> Response:
        """Take an entry out of the mask, with its ripple."""
        return self._masked(body, quarantine_lift, id)

    def close(self, id: str, body: Why) -> Response:
        """Let an open entry mask nothing new from now on."""
        return self._masked(body, quarantine_close, id)

    def _masked(self, body: Why, act: Callable[..., Any], what: object, **more: Any) -> Response:
        return answered(
            lambda: plain(act(what, **self._known(body), dry_run=body.dry_run, **more)) | {"dry_run": body.dry_run}
        )

    def _known(self, body: Why) -> dict[str, Any]:
        return {
            "store": self._store,
            "decisions": self._lines(),
            "operator": self._operator(body),
            "events": self._events,
        }

    def _operator(self, body: Why) -> Operator:
        return Operator(who=body.who or self._who, why=body.why, at=self._clock())

    def _lines(self) -> DecisionLog:
        return DecisionLog(self._decisions)


def admin_router(desk: AdminDesk) -> APIRouter:
    """The routes below /v1/admin."""
    routes = APIRouter(prefix="/v1/admin", tags=["admin"], dependencies=[Depends(local_only)])
    refusals = {"description": "A problem.", "content": {replies.PROBLEM: {}}}

    def add(method: str, path: str, handler: Callable[..., Response]) -> None:
        statuses = (403, 503) if method == "GET" else (403, 404, 409, 422, 503)
        routes.add_api_route(
            path, handler, methods=[method], response_model=None, responses=dict.fromkeys(statuses, refusals)
        )

    add("GET", "/decisions", desk.decisions)
    add("GET", "/versions", desk.versions)
    add("GET", "/quarantines", desk.quarantines)
    add("POST", "/rollback", desk.rollback)
    add("POST", "/publish", desk.publish)
    add("POST", "/resume", desk.resume)
    add("POST", "/quarantines", desk.add)
    add("POST", "/quarantines/{id}/lift", desk.lift)
    add("POST", "/quarantines/{id}/close", desk.close)
    return routes


def local_only(request: Request) -> None:
    """Refuse with 403 who is not of this machine, and pages of other sites in a browser of this machine."""
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
    (QuarantineError, (409, "refused")),
    (VersionError, (409, "refused")),
)
