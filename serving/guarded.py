"""The application behind its doorkeeper: what is turned away never reaches a route, and is told once in a while.

A plain ASGI application around another. A line of the audit says how many were refused, why, and who the last one was;
it holds no key, and comes at most once in `TELL_EVERY`, however many knock.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from serving.doorkeeper import Doorkeeper, Doubt, Refusal, key_in
from serving.replies import PROBLEM, Problem

ADMITTED = "headrace.key"
"""Where in a request's scope the key stands that let it in: its entry, never its text."""
TELL_EVERY = 10_000

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Audit:
    """Counts refusals by reason, and tells of them now and then.

    >>> lines = []
    >>> audit = Audit(lines.append, clock=lambda: 0)
    >>> audit.refused(Refusal(401, "missing", ""), "GET", "/v1/version", "10.0.0.7")
    >>> audit.refused(Refusal(401, "missing", ""), "GET", "/v1/version", "10.0.0.7")
    >>> lines, audit.counts["missing"]
    (['refused 1 request: 1 missing; the last: GET /v1/version from 10.0.0.7'], 2)
    """

    def __init__(
        self, tell: Callable[[str], None], *, clock: Callable[[], int], count: Callable[[str], None] | None = None
    ) -> None:
        self._tell, self._clock, self._count = tell, clock, count
        self.counts: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._told_at: int | None = None

    def refused(self, refusal: Refusal, method: str, path: str, peer: str) -> None:
        """One more."""
        self.counts[refusal.reason] += 1
        self._untold[refusal.reason] += 1
        if self._count is not None:
            self._count(refusal.reason)
        now = self._clock()
        if self._told_at is not None and 0 <= now - self._told_at < TELL_EVERY:
            return
        total = sum(self._untold.values())
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self._untold.items()))
        whose = f" with key {refusal.key_id}" if refusal.key_id else ""
        requests = "request" if total == 1 else "requests"
        self._tell(f"refused {total:,} {requests}: {reasons}; the last: {method} {_plain(path)} from {peer}{whose}")
        self._told_at, self._untold = now, Counter()


class Guarded:
    """An application that only those reach whom its doorkeeper lets in."""

    def __init__(self, app: App, keeper: Doorkeeper, audit: Audit) -> None:
        self._app, self._keeper, self._audit = app, keeper, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """1. judge; 2. verify aside, where that is slow; 3. go on, or say why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"]
        verdict = self._keeper.judge(method, path, key_in(dict(scope["headers"])))
        if isinstance(verdict, Doubt):
            verdict = await asyncio.to_thread(self._keeper.settle, verdict, method, path)
        if isinstance(verdict, Refusal):
            client = scope.get("client")
            self._audit.refused(verdict, method, path, client[0] if client else "?")
            await _turn_away(verdict, send)
            return
        scope[ADMITTED] = verdict
        await self._app(scope, receive, send)


async def _turn_away(refusal: Refusal, send: Send) -> None:
    kinds = {401: "no-key", 403: "forbidden", 429: "too-many"}
    titles = {401: "Who asks is not known", 403: "That is for others", 429: "Too much at once"}
    problem = Problem(
        f"urn:headrace:problem:{kinds[refusal.status]}", titles[refusal.status], refusal.status, refusal.detail
    )
    headers = [(b"content-type", PROBLEM.encode())]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if refusal.retry_s:
        headers.append((b"retry-after", str(refusal.retry_s).encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(problem)})


def _plain(path: str) -> str:
    """A path that can't break a line, nor fill one."""
    return "".join(letter if letter.isprintable() else "?" for letter in path[:200])
