"""Bodies of requests, checked: what is wrong with one is told by field. Nothing here answers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from serving.answers import Ask
from serving.cursors import MAX_CHARACTERS as CURSOR
from serving.cursors import shown_before
from serving.filter_terms import Filter
from serving.filters import MAX_CHARACTERS, parsed
from streams.errors import HeadraceError
from streams.events import INTERACTIONS, Context
from streams.examples import Past
from streams.wire_fields import MAX_ID_BYTES, MAX_ITEMS, NEWEST, OLDEST

Id = str | int
Values = dict[str, str | float | int | bool]
Short = Annotated[str, Meta(max_length=MAX_ID_BYTES)]
Text = Annotated[str, Meta(max_length=10_000)]
Moment = Annotated[int, Meta(ge=OLDEST, lt=NEWEST)]
AppVersion = Annotated[
    str, Meta(max_length=MAX_ID_BYTES, description="The version of the app that asks; a mask by it takes the slate too")
]
Producer = Annotated[
    str, Meta(max_length=MAX_ID_BYTES, description="Who asks, as its events say it; `headrace` where it is left out")
]
Wanted = Annotated[
    str,
    Meta(
        max_length=MAX_CHARACTERS,
        description='Only items that this lets through, e.g. `categories = "tea" AND price < 20`; see docs/api.md',
    ),
]
Strict = Annotated[
    bool, Meta(description="false: where the filter lets nothing through, go without it and say `filter`: `dropped`")
]
Share = Annotated[float, Meta(ge=0, le=1)]
Page = Annotated[
    str, Meta(max_length=CURSOR, description="Of the page before; empty begins a session. No page repeats an item.")
]
Done = Literal[INTERACTIONS]  # type: ignore[valid-type]
MAX_CONTEXT = 100
MAX_EXCLUDED = 10_000
MAX_HISTORY = 100


class Did(Struct, forbid_unknown_fields=True):
    """Something that was done with an item, at `ts` (ms); at the moment of the list where that is left out."""

    item_id: Id
    type: Done = "click"
    ts: Moment | None = None


Session = Annotated[
    list[Id | Did],
    Meta(
        max_length=MAX_HISTORY,
        description="What was done just now, oldest first: read as if it stood in the user's profile",
    ),
]


class RecommendBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/recommend`. `at` (ms) is the moment the list is for, now by default; `dry_run` logs nothing.

    `diversity`, `exploration` and `deadline_ms` stand for the operator's settings in this request. `history` is what a
    session did that no event told of, oldest first: lists follow it, and nothing remembers it. The slate in the log
    carries `app_version` and `producer`.
    """

    user_id: Id
    n: Annotated[int, Meta(ge=1, le=100)] = 10
    surface: Short = ""
    context: Values = {}
    query_item_id: Id | None = None
    query_text: Text | None = None
    history: Session = []
    exclude_ids: Annotated[list[Id], Meta(max_length=MAX_EXCLUDED)] = []
    explain: bool = False
    dry_run: bool = False
    at: Moment | None = None
    app_version: AppVersion = ""
    producer: Producer = ""
    filter: Wanted | None = None
    strict: Strict = True
    diversity: Share | None = None
    exploration: Share | None = None
    deadline_ms: Annotated[float, Meta(gt=0, le=60_000)] | None = None
    cursor: Page | None = None


class RankBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/rank`: the items that are to be put in order. The slate carries `app_version` and `producer`."""

    user_id: Id
    items: Annotated[list[Id], Meta(min_length=1, max_length=MAX_ITEMS)]
    surface: Short = ""
    context: Values = {}
    query_item_id: Id | None = None
    query_text: Text | None = None
    history: Session = []
    explain: bool = False
    dry_run: bool = False
    at: Moment | None = None
    app_version: AppVersion = ""
    producer: Producer = ""
    filter: Wanted | None = None
    strict: Strict = True


Body = TypeVar("Body", bound=Struct)


class BadQuestion(HeadraceError):
    """A request that can't be answered: the status, the field and the reason."""

    def __init__(self, status: int, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.status = status
        self.field = field
        self.reason = reason


def body_of(data: bytes, kind: type[Body]) -> Body:
    """The body in `data`.

    >>> body_of(b'{"user_id": 7}', RecommendBody).n
    10
    >>> body_of(b'{"user_id": "ana", "n": 0}', RecommendBody)
    Traceback (most recent call last):
    serving.questions.BadQuestion: n: Expected `int` >= 1
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _told(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadQuestion(400, "body", f"is not a JSON object: {error}") from error


def ask_of(body: RecommendBody | RankBody, now: int) -> Ask:
    """What is asked, with ids as strings and numbers as floats."""
    user_id = id_of("user_id", body.user_id)
    asked: dict[str, Any] = {"n": len(body.items) if isinstance(body, RankBody) else 0}
    if isinstance(body, RecommendBody):
        shown = shown_before(user_id, body.cursor or "")
        asked = {
            "n": body.n,
            "exclude": frozenset((*ids_of("exclude_ids", body.exclude_ids), *shown)),
            "shown": len(shown),
            "diversity": body.diversity,
            "epsilon": body.exploration,
            "deadline": body.deadline_ms,
        }
    at = now if body.at is None else body.at
    return Ask(
        user_id=user_id,
        at=at,
        surface=_fit("surface", body.surface),
        context=_context(body.context),
        query_item_id=None if body.query_item_id is None else id_of("query_item_id", body.query_item_id),
        query_text=body.query_text,
        app_version=_fit("app_version", body.app_version),
        producer=_fit("producer", body.producer),
        filter=filter_of(body.filter),
        strict=body.strict,
        history=tuple(_past(f"history[{n}]", one, at) for n, one in enumerate(body.history)),
        **asked,
    )


def filter_of(text: str | None) -> Filter | None:
    """The filter in a request. Raises BadFilter."""
    return None if text is None else parsed(text)


def ids_of(field: str, values: Iterable[Id]) -> list[str]:
    """Ids as strings."""
    return [id_of(f"{field}[{n}]", value) for n, value in enumerate(values)]


def id_of(field: str, value: Id) -> str:
    """An id as a string of 1 to 256 bytes.

    >>> id_of("user_id", 7)
    '7'
    """
    text = str(value)
    if not text:
        raise BadQuestion(422, field, f"is empty; ids have 1 to {MAX_ID_BYTES} bytes")
    return _fit(field, text)


def _past(field: str, done: Id | Did, at: int) -> Past:
    """What lies behind the moment of the list counts as done at it."""
    if not isinstance(done, Did):
        return Past(id_of(field, done), "click", at)
    return Past(id_of(f"{field}.item_id", done.item_id), done.type, at if done.ts is None else min(done.ts, at))


def _fit(field: str, text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadQuestion(422, field, "is not valid UTF-8") from None
    if size > MAX_ID_BYTES:
        raise BadQuestion(422, field, f"has {size:,} bytes; at most {MAX_ID_BYTES} are taken")
    return text


def _context(values: Values) -> Context:
    if len(values) > MAX_CONTEXT:
        raise BadQuestion(422, "context", f"has {len(values):,} values; at most {MAX_CONTEXT} are taken")
    return {_fit("context", name): _value(name, value) for name, value in sorted(values.items())}


def _value(name: str, value: str | float | int | bool) -> str | float:
    if isinstance(value, str):
        return _fit(f"context.{name}", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadQuestion(422, f"context.{name}", "is not finite")
    return number


def _told(error: msgspec.ValidationError) -> BadQuestion:
    reason, _, place = str(error).partition(" - at `$")
    if "required field" in reason or "unknown field" in reason:
        what = "is missing" if "required" in reason else "is not known here"
        return BadQuestion(422, reason.rpartition("field ")[2].strip("`"), what)
    return BadQuestion(422, place.rstrip("`").lstrip(".") or "body", reason)
