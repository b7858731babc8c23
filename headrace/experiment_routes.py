"""Experiments over HTTP, below /v1/admin/experiments: for callers of this machine alone, as the other admin routes.

Every route does what its command does, with the same refusals as problem+json; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field

from headrace.admin_bodies import Reason, Text, Version, Why
from headrace.admin_ground import signed
from headrace.admin_routes import add_route, answered, routes_below
from headrace.durations import milliseconds
from headrace.experiment_terms import Ground, NoSuchExperiment, Wanted
from headrace.experiments import move, reading, reading_told, rows, start, told
from headrace.operations import Operator

Share = Annotated[float, Field(gt=0, lt=1, strict=False)]
Horizon = Annotated[int, BeforeValidator(milliseconds), Field(ge=0)]
Value = Annotated[str, Field(max_length=5_000)]
"""As long as a filter may be; empty where none shall be."""


class StartBody(Why):
    """`POST /v1/admin/experiments`; the name alone goes on with what was paused. `horizon` is in ms, or `7d`."""

    name: Reason
    version: Version | None = None
    settings: dict[Text, float | Value] = Field(default_factory=dict)
    share: Share | None = None
    mirror: bool = False
    metric: str = ""
    abort_below: Annotated[float, Field(gt=-1, lt=0)] = -0.05
    horizon: Horizon = 0

    def wanted(self) -> Wanted:
        """The same, as the command has it."""
        settings = {name: str(value) for name, value in self.settings.items()}
        return Wanted(
            self.name, self.version, settings, self.share, self.mirror, self.metric, self.abort_below, self.horizon
        )


class ExperimentDesk:
    """What the routes ask; `ground` gives the log folded anew, so that no request sees another's half, `mirrored` what
    the server of this machine counted of an experiment."""

    def __init__(
        self,
        ground: Callable[[], Ground],
        *,
        clock: Callable[[], int],
        who: str,
        mirrored: Callable[[str], dict[str, Any] | None] = lambda _: None,
    ) -> None:
        self._ground, self._clock, self._who, self._mirrored = ground, clock, who, mirrored

    def listed(self) -> Response:
        """Every experiment, oldest first."""
        return answered(lambda: rows(self._ground().decisions))

    def shown(self, name: str) -> Response:
        """One experiment, and what became of the pages of its arms."""

        def look() -> dict[str, Any]:
            one, found, cut = reading(name, self._ground(), now=self._clock())
            return {**told(one), **reading_told(found), "cut": cut, "mirrored": self._mirrored(name)}

        return answered(look, NoSuchExperiment)

    def start(self, body: StartBody) -> Response:
        """Give a share of the users another version or other settings."""
        return answered(partial(self._done, body.name, body, partial(start, body.wanted())))

    def pause(self, name: str, body: Why) -> Response:
        """Serve everybody as ever until it is started again."""
        return self._moved(name, "pause", body)

    def promote(self, name: str, body: Why) -> Response:
        """Give it to everybody."""
        return self._moved(name, "promote", body)

    def abort(self, name: str, body: Why) -> Response:
        """End it for good."""
        return self._moved(name, "abort", body)

    def _moved(self, name: str, action: Literal["pause", "promote", "abort"], body: Why) -> Response:
        return answered(partial(self._done, name, body, partial(move, name, action)), NoSuchExperiment)

    def _done(self, name: str, body: Why, act: Callable[..., int | None]) -> dict[str, Any]:
        operator = Operator(who=signed(body.who, self._who), why=body.why, at=self._clock())
        return {"line": act(self._ground(), operator, dry_run=body.dry_run), "name": name, "dry_run": body.dry_run}


def experiment_router(desk: ExperimentDesk) -> APIRouter:
    """The routes below /v1/admin/experiments."""
    routes = routes_below("/experiments")
    add_route(routes, "GET", "", desk.listed)
    add_route(routes, "GET", "/{name}", desk.shown, 404)
    add_route(routes, "POST", "", desk.start, 404, 409, 422)
    for action in (desk.pause, desk.promote, desk.abort):
        add_route(routes, "POST", f"/{{name}}/{action.__name__}", action, 404, 409, 422)
    return routes
