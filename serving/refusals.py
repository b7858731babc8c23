"""What a server says where it does not answer: everything that can go wrong on the way of a request, as problem+json.

A request that is wrong is never an error of the server. Nothing here answers or decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from serving import replies
from serving.cursors import BadCursor
from serving.filter_terms import BadFilter
from serving.questions import BadQuestion
from streams.errors import LogError
from streams.overload import Busy

MAX_BODY_BYTES = 1024 * 1024
KINDS = {400: "bad-body", 403: "forbidden", 404: "not-found", 405: "bad-method", 413: "too-large", 422: "bad-request"}
TITLE = "The request can't be answered"


def question_of(error: Exception) -> BadQuestion | None:
    """What is wrong with a request, where that is why it failed."""
    if isinstance(error, BadQuestion):
        return error
    if isinstance(error, BadFilter | BadCursor):
        return BadQuestion(422, "filter" if isinstance(error, BadFilter) else "cursor", str(error))
    return None


def refusal_of(bad: BadQuestion) -> Response:
    """A wrong request's answer."""
    return replies.problem(bad.status, KINDS.get(bad.status, "bad-request"), TITLE, str(bad), bad.field)


def overloaded(busy: Busy) -> Response:
    """Come again."""
    response = replies.problem(429, "too-many", "Too much at once", str(busy))
    response.headers["retry-after"] = str(-(-busy.retry_ms // 1000))
    return response


async def read(request: Request, most: int = MAX_BODY_BYTES) -> bytes:
    """The body. One that is too large is read on and dropped, up to the limit once more, so that the client gets to
    read the answer."""
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            body += chunk
        if size > 2 * most:
            break
    if size > most:
        raise BadQuestion(413, "body", f"has more than {most:,} bytes")
    return bytes(body)


async def judged(
    answering: Awaitable[Response], *, refused: Callable[[], None], failed: Callable[[], None]
) -> tuple[Response, bool]:
    """The answer, or the problem that its failure is, and whether it is an answer."""
    try:
        return await answering, True
    except LogError as error:
        failed()
        return replies.problem(503, "log", "The log can't be written", str(error)), False
    except Busy as busy:
        refused()
        return overloaded(busy), False
    except Exception as error:
        bad = question_of(error)
        if bad is None:
            failed()
            raise
        refused()
        return refusal_of(bad), False


def add_handlers(app: FastAPI) -> None:
    """Problems of the address, of parameters, and failures, in the one form."""
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_parameters)
    app.add_exception_handler(Exception, _on_failure)


async def _on_http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "see the server's log"
    response = replies.problem(status, KINDS.get(status, "http"), detail, f"{detail}; see /docs for the routes")
    response.headers.update(getattr(error, "headers", None) or {})
    return response


async def _on_bad_parameters(_: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": ("request",), "msg": "is wrong"}
    field = str(first["loc"][-1])
    return replies.problem(422, "bad-request", TITLE, f"{field}: {first['msg']}", field=field)


async def _on_failure(_: Request, error: Exception) -> Response:
    return replies.problem(500, "failure", "The server failed", f"{type(error).__name__}; see the server's log")
