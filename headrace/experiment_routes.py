"""Experiments over HTTP, below /v1/admin/experiments: for callers of this machine alone, as the other admin routes.

Every route does what its command does, with the same refusals as problem+json; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from headrace.admin_bodies import Reason, Text, Version, Why
from headrace.admin_routes import answered, local_only
from headrace.experiment_terms import Ground, NoSuchExperiment, Wanted
from headrace.experiments import move, reading, reading_told, rows, start, told
from headrace.operations import Operator
from serving import replies

Share = Annotated[float, Field(gt=0, lt=1, strict=False)]


class StartBody(Why):
    """`POST /v1/admin/experiments`; the name alone goes on with what was paused. `horizon` is in ms."""

    name: Reason
    version: Version | None = None
    settings: dict[Text, float] = Field(default_factory=dict)
    share: Share | None = None
    mirror: bool = False
    metric: str = ""
    abort_below: Annotated[float, Field(gt=-1, lt=0)] = -0.05
    horizon: Annotated[int, Field(ge=0)] = 0

    def wanted(self) -> Wanted:
        """The same, as the command has it."""
        settings = {name: f"{value:g}" for name, value in self.settings.items()}
        return Wanted(
            self.name, self.version, settings, self.share, self.mirror, self.metric, self.abort_below, self.horizon
        )


class ExperimentDesk:
    """What the routes ask; `ground` gives the log folded anew, so that no request sees another's half."""

    def __init__(self, ground: Callable[[], Ground], *, clock: Callable[[], int], who: str) -> None:
        self._ground, self._clock, self._who = ground, clock, who

    def listed(self) -> Response:
        """Every experiment, oldest first."""
        return answered(lambda: rows(self._ground().decisions))

    def shown(self, name: str) -> Response:
        """One experiment, and what became of the pages of its arms."""

        def look() -> dict[str, Any]:
            one, found, cut = reading(name, self._ground(), now=self._clock())
            return {**told(one), **reading_told(found), "cut": cut}

        return answered(look, NoSuchExperiment)

    def start(self, body: StartBody) -> Response:
        """Give a share of the users another version or other settings."""
        return answered(partial(self._done, start, body, body.wanted()))

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
        return answered(partial(self._done, move, body, name, action), NoSuchExperiment)

    def _done(self, act: Callable[..., int | None], body: Why, *what: Any) -> dict[str, Any]:
        operator = Operator(who=body.who or self._who, why=body.why, at=self._clock())
        line = act(*what, self._ground(), operator, dry_run=body.dry_run)
        return {"line": line, "dry_run": body.dry_run}


def experiment_router(desk: ExperimentDesk) -> APIRouter:
    """The routes below /v1/admin/experiments."""
    routes = APIRouter(prefix="/v1/admin/experiments", tags=["admin"], dependencies=[Depends(local_only)])
    refusals = {"description": "A problem.", "content": {replies.PROBLEM: {}}}

    def add(method: str, path: str, handler: Callable[..., Response], *statuses: int) -> None:
        told: dict[int | str, dict[str, Any]] = dict.fromkeys((403, 503, *statuses), refusals)
        routes.add_api_route(path, handler, methods=[method], response_model=None, responses=told)

    add("GET", "", desk.listed)
    add("GET", "/{name}", desk.shown, 404)
    add("POST", "", desk.start, 404, 409, 422)
    for action in (desk.pause, desk.promote, desk.abort):
        add("POST", f"/{{name}}/{action.__name__}", action, 404, 409, 422)
    return routes
