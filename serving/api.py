"""The HTTP side of a server: recommend, rank, similar, version, health, metrics; the gateway's routes beside them.

Handlers read, ask the recommender, wait for the slate to be in the log, and answer. What is wrong with a request is
told as problem+json and is never an error of the server. Nothing here decides what is recommended.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from msgspec import Struct
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from serving import replies
from serving.answers import Ask, Recommendation, slate_of
from serving.arms import Arms
from serving.mirroring import mirrored
from serving.questions import BadQuestion, RankBody, RecommendBody, ask_of, body_of, id_of, ids_of
from serving.recommend import Recommender
from serving.replies import body_documented, documented
from serving.serving_counts import ServingCounts
from serving.slate_log import SlateWriter
from streams.errors import LogError
from streams.request_ids import mint

MAX_BODY_BYTES = 1024 * 1024
Handler = Callable[..., Coroutine[Any, Any, Response]]


class Server:
    """The routes of one server. `chance` gives 8 random bytes per request, `clock` the time in ms."""

    def __init__(
        self,
        recommender: Recommender,
        slates: SlateWriter,
        *,
        clock: Callable[[], int],
        chance: Callable[[], bytes] = lambda: os.urandom(8),
        counts: ServingCounts | None = None,
        arms: Arms | None = None,
    ) -> None:
        self.recommender = recommender
        self._arms = arms or Arms(recommender)
        self.counts = counts or ServingCounts()
        self._slates = slates
        self._clock = clock
        self._chance = chance

    def close(self) -> None:
        """Let go of the thread that writes slates."""
        self._slates.close()

    async def recommend(self, request: Request) -> Response:
        """The best items for a user, now. The list is in the log before it is answered."""
        return await self._counted("recommend", self._recommend(request, perf_counter()))

    async def rank(self, request: Request) -> Response:
        """The given items, best first for a user. What may not be shown is left out."""
        return await self._counted("rank", self._rank(request, perf_counter()))

    async def similar(self, item_id: str, n: Annotated[int, Query(ge=1, le=100)] = 10) -> Response:
        """Items like one. An item that was deleted or may not be shown is not found."""
        return await self._counted("similar", self._similar(item_id, n))

    async def version(self) -> Response:
        """Which version serves."""
        self._notice()
        known, counted = self.recommender.known, self.counts.told()
        positions = {str(partition): offset for partition, offset in known.positions.items()}
        return replies.told(replies.Version(counted["version"], counted["swaps"], known.caught_up, positions))

    async def healthz(self) -> Response:
        """Whether the process answers."""
        return replies.told(replies.Status("ok"))

    async def readyz(self) -> Response:
        """Whether requests should be sent here: the folds have caught up, and what was published is live."""
        known = self.recommender.known
        if not known.caught_up:
            return replies.problem(503, "not-ready", "Not ready", "the folds have not caught up with the log yet")
        if known.published and self.recommender.live.current() is None:
            return replies.problem(503, "not-ready", "Not ready", "a version was published, but none is loaded yet")
        return replies.told(replies.Status("ready"))

    async def metrics(self) -> Response:
        """Counts for Prometheus."""
        self._notice()
        return Response(self.counts.exposed(), media_type="text/plain; version=0.0.4")

    async def _recommend(self, request: Request, started: float) -> Response:
        body = body_of(await _read(request), RecommendBody)
        ask, chance = ask_of(body, self._clock()), self._chance()
        way = self._arms.way(ask.user_id)
        given = way.recommender.recommend(
            ask, chance=chance, elapsed=lambda: 1_000 * (perf_counter() - started), keep=not body.dry_run
        )
        took = 1_000 * (perf_counter() - started)
        response = await self._answer(ask, given, chance, body, way.arms, took)
        if way.mirrors and not body.dry_run:
            response.background = BackgroundTask(mirrored, way.mirrors, ask, given, chance, self.counts)
        return response

    async def _rank(self, request: Request, started: float) -> Response:
        body = body_of(await _read(request), RankBody)
        ask = ask_of(body, self._clock())
        way = self._arms.way(ask.user_id)
        given = way.recommender.rank(ask, ids_of("items", body.items))
        return await self._answer(ask, given, self._chance(), body, way.arms, 1_000 * (perf_counter() - started))

    async def _similar(self, item_id: str, n: int) -> Response:
        given = self.recommender.similar(id_of("item_id", item_id), n, self._clock())
        if given is None:
            raise BadQuestion(404, "item_id", f"{item_id!r} is not an item that may be shown")
        return replies.similar(item_id, given)

    async def _answer(
        self,
        ask: Ask,
        given: Recommendation,
        chance: bytes,
        body: RecommendBody | RankBody,
        arms: dict[str, str],
        took: float,
    ) -> Response:
        """1 mint the id, with the version that made the list; 2 the slate is in the log; 3 answer."""
        request_id = mint(self._clock(), given.version, chance)
        self.counts.gave(given)
        self._notice()
        if given.items and not body.dry_run:
            await self._slates.write(slate_of(ask, given, request_id, arms=arms, took=took))
        return replies.answer(request_id, given, explain=body.explain)

    async def _counted(self, route: str, answering: Coroutine[Any, Any, Response]) -> Response:
        started = perf_counter()
        try:
            response = await answering
        except BadQuestion as bad:
            self.counts.refused(route)
            title = "The request can't be answered"
            return replies.problem(bad.status, _KINDS.get(bad.status, "bad-request"), title, str(bad), bad.field)
        except LogError as error:
            self.counts.failed(route)
            return replies.problem(503, "log", "The log can't be written", str(error))
        except Exception:
            self.counts.failed(route)
            raise
        self.counts.answered(route, perf_counter() - started)
        return response

    def _notice(self) -> None:
        bundle = self.recommender.live.current()
        self.counts.serving(0 if bundle is None else bundle.version)


def create_app(server: Server, *, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The application of a server, which is closed with it; `routers` are mounted beside its routes."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        server.close()

    app = FastAPI(title="Headrace", description="Learns from every click, and can go back.", lifespan=lifespan)
    for router in (*routers, _routes(server)):
        app.include_router(router)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_parameters)
    app.add_exception_handler(Exception, _on_failure)
    return app


def _routes(server: Server) -> APIRouter:
    routes = APIRouter()

    def add(path: str, handler: Handler, kind: type[Struct], *refusals: int, body: type[Struct] | None = None) -> None:
        routes.add_api_route(
            path,
            handler,
            methods=["GET" if body is None else "POST"],
            response_model=None,
            responses=documented(kind, *refusals),
            openapi_extra=None if body is None else body_documented(body),
        )

    add("/v1/recommend", server.recommend, replies.Answer, 400, 413, 422, 503, body=RecommendBody)
    add("/v1/rank", server.rank, replies.Answer, 400, 413, 422, 503, body=RankBody)
    add("/v1/items/{item_id:path}/similar", server.similar, replies.Similar, 404, 422)
    add("/v1/version", server.version, replies.Version)
    add("/healthz", server.healthz, replies.Status)
    add("/readyz", server.readyz, replies.Status, 503)
    routes.add_api_route("/metrics", server.metrics, response_model=None, response_class=PlainTextResponse)
    return routes


async def _read(request: Request) -> bytes:
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            body += chunk
        if size > 2 * MAX_BODY_BYTES:
            break
    if size > MAX_BODY_BYTES:
        raise BadQuestion(413, "body", f"has more than {MAX_BODY_BYTES:,} bytes")
    return bytes(body)


async def _on_http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "see the server's log"
    response = replies.problem(status, _KINDS.get(status, "http"), detail, f"{detail}; see /docs for the routes")
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def _on_bad_parameters(_: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": ("request",), "msg": "is wrong"}
    field = str(first["loc"][-1])
    return replies.problem(422, "bad-request", "The request can't be answered", f"{field}: {first['msg']}", field=field)


async def _on_failure(_: Request, error: Exception) -> Response:
    return replies.problem(500, "failure", "The server failed", f"{type(error).__name__}; see the server's log")


_KINDS = {400: "bad-body", 403: "forbidden", 404: "not-found", 405: "bad-method", 413: "too-large", 422: "bad-request"}
