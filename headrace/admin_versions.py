"""Versions over HTTP, below /v1/admin: which there are, which serve and stay, which of two orders pages better.

Every route does what its command does, with the same refusals as problem+json; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from checkpoints.compacting import started
from checkpoints.errors import VersionError
from checkpoints.locations import Location
from headrace import operations
from headrace.admin_bodies import PublishBody, Why
from headrace.admin_ground import AdminGround
from headrace.admin_routes import add_route, answered, routes_below
from headrace.experiment_gains import gains
from headrace.experiment_terms import Ground
from headrace.interleaving import compared
from serving.fold_rules import FoldRules

Number = Annotated[int, Path(ge=1, description="Number of a version.")]
Side = Annotated[int, Query(ge=1, description="Number of a version.")]
Pages = Annotated[int, Query(ge=1, le=100_000, description="Pages that are read at most.")]
Count = Annotated[int, Query(ge=1, le=1_000, description="Places of a page that are drafted.")]


class VersionDesk:
    """What the routes ask; `trials` gives the ground of experiments, `location` is where the versions lie."""

    def __init__(self, ground: AdminGround, trials: Callable[[], Ground], rules: FoldRules, location: Location) -> None:
        self._ground, self._trials, self._rules, self._location = ground, trials, rules, location

    def versions(self) -> Response:
        """Every committed version, oldest first."""
        return answered(self._rows)

    def version(self, version: Number) -> Response:
        """Everything that one version says of itself; under `gate` each measure, its interval, its limit and why."""

        def look() -> dict[str, Any]:
            self._ground.store.manifest(version)
            return next(row for row in self._rows() if row["version"] == version)

        return answered(look)

    def publish(self, body: PublishBody) -> Response:
        """Let one version serve now, paused or not; a pause stays."""

        def act() -> dict[str, Any]:
            line = operations.promote(
                body.version, self._ground.store, self._ground.lines(), self._ground.operator(body),
                anyway=body.anyway, dry_run=body.dry_run,
            )  # fmt: skip
            return {"line": line, "version": body.version, "dry_run": body.dry_run}

        return answered(act)

    def hold(self, version: Number, body: Why) -> Response:
        """Have a version not serve; where it does, the newest good one before it does again."""

        def act() -> dict[str, Any]:
            line, serves = operations.hold(
                version, self._ground.store, self._ground.lines(), self._ground.operator(body), dry_run=body.dry_run
            )
            return {"line": line, "version": version, "serves": serves, "dry_run": body.dry_run}

        return answered(act)

    def pin(self, version: Number, body: Why) -> Response:
        """Have a version stay for good, with all that it stands on; `line` is null where it was pinned already."""
        return self._numbered(version, body, lambda *given, **more: operations.pin(version, *given, **more))

    def unpin(self, version: Number, body: Why) -> Response:
        """Let a version go when its time has come; `line` is null where no decision pins it."""
        return self._numbered(version, body, lambda _, *given, **more: operations.unpin(version, *given, **more))

    def compact(self, version: Number) -> Response:
        """Keep a version once more, whole, so that it needs no other one; a child process of low priority does it, and
        the answer waits for it."""

        def act() -> dict[str, Any]:
            store = self._ground.store
            store.manifest(version)
            if version not in store.compacted():
                with self._ground.alone(f"headrace versions compact {version}"):
                    child = started(self._location, version)
                    told = child.communicate()[1].decode(errors="replace").strip()
                    if child.returncode:
                        raise VersionError(told or f"version {version} could not be made whole")
            return {"version": version, "bytes": store.compact(version, _made_already).bytes}

        return answered(act)

    def pause(self, body: Why) -> Response:
        """Let nothing new serve until it is resumed; the trainer goes on learning and committing."""
        return self._paused(body, operations.pause)

    def resume(self, body: Why) -> Response:
        """Let the trainer publish again."""
        return self._paused(body, operations.resume)

    def gains(self) -> Response:
        """What manifests promised of each version that was tried, beside what became of it."""
        return answered(lambda: gains(self._trials(), now=self._ground.clock()))

    def interleave(self, left: Side, right: Side, pages: Pages = 2_000, count: Count = 10) -> Response:
        """Which of two versions orders pages better, in replay: team-draft interleaving over what was shown."""

        def look() -> dict[str, Any]:
            with self._ground.alone(f"headrace experiment interleave {left} {right}"):
                return compared(left, right, self._trials(), self._rules, most=pages, count=count)

        return answered(look)

    def _rows(self) -> list[dict[str, Any]]:
        return operations.version_rows(self._ground.store, self._ground.lines(), self._ground.pinned)

    def _numbered(self, version: int, body: Why, act: Callable[..., int | None]) -> Response:
        ground = self._ground
        return answered(
            lambda: {
                "line": act(ground.store, ground.lines(), ground.operator(body), dry_run=body.dry_run),
                "version": version,
                "dry_run": body.dry_run,
            }
        )

    def _paused(self, body: Why, act: Callable[..., int | None]) -> Response:
        ground = self._ground
        return answered(
            lambda: {"line": act(ground.lines(), ground.operator(body), dry_run=body.dry_run), "dry_run": body.dry_run}
        )


def version_router(desk: VersionDesk) -> APIRouter:
    """The routes of versions."""
    routes = routes_below("")
    for path, look in (("/versions", desk.versions), ("/versions/gains", desk.gains)):
        add_route(routes, "GET", path, look)
    add_route(routes, "GET", "/versions/interleave", desk.interleave, 404, 409, 422)
    add_route(routes, "GET", "/versions/{version}", desk.version, 404, 422)
    for act in (desk.hold, desk.pin, desk.unpin, desk.compact):
        add_route(routes, "POST", f"/versions/{{version}}/{act.__name__}", act, 404, 409, 422)
    for move in (desk.publish, desk.pause, desk.resume):
        add_route(routes, "POST", f"/{move.__name__}", move, 404, 409, 422)
    return routes


def _made_already(aside: object) -> None:
    raise VersionError(f"the whole form was taken away again before it could be read ({aside}); ask once more")
