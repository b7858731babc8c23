"""The way of the busiest requests: to their handler at once, past the router and what it does for every route.

A plain ASGI application around another, for addresses without parameters. What is not on the list, or is asked with
another method, goes on to the application, which knows these routes too and documents them.
"""

from __future__ import annotations

from collections.abc import Mapping

from serving.guarded import App, Receive, Scope, Send

Doors = Mapping[tuple[str, str], App]
"""Who answers, by method and path."""


class Express:
    """Answers by its doors where there is one. What these raise goes where the application's own failures go."""

    def __init__(self, app: App, doors: Doors) -> None:
        self._app, self._doors = app, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self._doors.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (door or self._app)(scope, receive, send)
