"""The HTTP side of a server: recommend, batch, rank, similar, version, health, metrics; others' routes beside them.

Handlers read, ask for an answer (`answering.py`), and give it. What is wrong with a request is told as problem+json and
is never an error of the server. Nothing here decides what is recommended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import PlainTextResponse
from msgspec import Struct
from starlette.background import BackgroundTask

from serving import replies
from serving.answering import Answered, Answering
from serving.answers import Ask
from serving.batch import BatchBody, answered_together
from serving.cursors import MAX_CHARACTERS as CURSOR
from serving.cursors import page_end, shown_before
from serving.express import Doors, Express
from serving.filter_grammar import parser
from serving.filters import MAX_CHARACTERS
from serving.guarded import App, Receive, Scope, Send
from serving.questions import BadQuestion, RankBody, RecommendBody, ask_of, body_of, filter_of, id_of, ids_of
from serving.refusals import add_handlers, judged, read
from serving.replies import body_documented, documented

RECOMMEND, RANK = "/v1/recommend", "/v1/rank"
Handler = Callable[..., Coroutine[Any, Any, Response]]
Count = Annotated[int, Query(ge=1, le=100)]
Wanted = Annotated[str | None, Query(max_length=MAX_CHARACTERS, description="Only what this filter lets through.")]
Cursor = Annotated[str | None, Query(max_length=CURSOR, description="Of the page before; empty begins a session.")]


class Server:
    """The routes of one server, which all ask `answering`."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.recommender, self.counts = answering.recommender, answering.counts

    def close(self) -> None:
        """Let go of the thread that writes slates."""
        self.answering.close()

    async def recommend(self, request: Request) -> Response:
        """The best items for a user, now. The list is in the log before it is answered."""
        return await self._counted("recommend", self._recommend(request, perf_counter()))

    async def batch(self, request: Request) -> Response:
        """Lists for many users, each as by itself; one that can't be answered costs the others nothing."""
        return await self._counted("batch", self._batch(request))

    async def rank(self, request: Request) -> Response:
        """The given items, best first for a user. What may not be shown is left out."""
        return await self._counted("rank", self._rank(request, perf_counter()))

    async def similar(
        self,
        item_id: str,
        n: Count = 10,
        filter: Wanted = None,
        strict: bool = True,
        cursor: Cursor = None,
        user_id: str | None = None,
    ) -> Response:
        """Items like one, for a user where one is named. What was deleted or may not be shown is not found."""
        return await self._counted("similar", self._similar(item_id, n, filter, strict, cursor, user_id))

    async def version(self) -> Response:
        """Which version serves."""
        self.answering.notice()
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
        self.answering.notice()
        return Response(self.counts.exposed(), media_type="text/plain; version=0.0.4")

    async def _recommend(self, request: Request, started: float) -> Response:
        body = body_of(await read(request), RecommendBody)
        answered, content = await self._answered(body, started)
        response = replies.told(content)
        if answered.after is not None:
            response.background = BackgroundTask(answered.after)
        return response

    async def _answered(self, body: RecommendBody, started: float) -> tuple[Answered, replies.Answer]:
        ask = ask_of(body, self.answering.clock())
        answered = await self.answering.recommended(ask, dry_run=body.dry_run, started=started)
        return answered, _told(ask, answered, body)

    async def _batch(self, request: Request) -> Response:
        async def one(body: RecommendBody) -> replies.Answer:
            return (await self._answered(body, perf_counter()))[1]

        return replies.told(await answered_together(await read(request), one))

    async def _rank(self, request: Request, started: float) -> Response:
        body = body_of(await read(request), RankBody)
        ask = ask_of(body, self.answering.clock())
        items = ids_of("items", body.items)
        answered = await self.answering.ranked(ask, items, dry_run=body.dry_run, started=started)
        return replies.told(_told(ask, answered, body))

    async def _similar(
        self, item_id: str, n: int, filter: str | None, strict: bool, cursor: str | None, user_id: str | None
    ) -> Response:
        name = id_of("item_id", item_id)
        user = "" if user_id is None else id_of("user_id", user_id)
        shown = shown_before(name, cursor or "")
        given = self.recommender.similar(
            name, n, self.answering.clock(), filter_of(filter), strict=strict, exclude=frozenset(shown), user_id=user
        )
        if given is None:
            raise BadQuestion(404, "item_id", f"{item_id!r} is not an item that may be shown")
        after = None if cursor is None else page_end(name, shown, (item.item_id for item in given.items), n)
        return replies.told(replies.similar(item_id, given, after))

    async def _counted(self, route: str, answering: Coroutine[Any, Any, Response]) -> Response:
        started, counts = perf_counter(), self.counts
        response, answered = await judged(
            answering, refused=lambda: counts.refused(route), failed=lambda: counts.failed(route)
        )
        if answered:
            counts.answered(route, perf_counter() - started)
        return response


def _told(ask: Ask, answered: Answered, body: RecommendBody | RankBody) -> replies.Answer:
    cursor = body.cursor if isinstance(body, RecommendBody) else None
    after = None
    if cursor is not None:
        new = (item.item_id for item in answered.given.items)
        after = page_end(ask.user_id, shown_before(ask.user_id, cursor), new, ask.n)
    return replies.answer(answered.request_id, answered.given, explain=body.explain, cursor=after)


def create_app(server: Server, *, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The application of a server, which is closed with it; `routers` are mounted beside its routes."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        parser()  # a tenth of a second that no request shall wait for
        yield
        server.close()

    app = FastAPI(title="Headrace", description="Learns from every click, and can go back.", lifespan=lifespan)
    for router in (*routers, _routes(server)):
        app.include_router(router)
    add_handlers(app)
    doors: Doors = {("POST", RECOMMEND): _door(server.recommend), ("POST", RANK): _door(server.rank)}
    app.add_middleware(Express, doors=doors)
    return app


def _door(handler: Callable[[Request], Awaitable[Response]]) -> App:
    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handler(Request(scope, receive))
        await response(scope, receive, send)

    return door


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

    add(RECOMMEND, server.recommend, replies.Answer, 400, 413, 422, 503, body=RecommendBody)
    add("/v1/recommend/batch", server.batch, replies.Batch, 400, 413, 422, 503, body=BatchBody)
    add(RANK, server.rank, replies.Answer, 400, 413, 422, 503, body=RankBody)
    add("/v1/items/{item_id:path}/similar", server.similar, replies.Similar, 404, 422)
    add("/v1/version", server.version, replies.Version)
    add("/healthz", server.healthz, replies.Status)
    add("/readyz", server.readyz, replies.Status, 503)
    routes.add_api_route("/metrics", server.metrics, response_model=None, response_class=PlainTextResponse)
    return routes
