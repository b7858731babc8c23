"""What Gorse's clients ask, read from their requests, and told in the forms that they expect.

What is done is in `gorse_desk.py`, which route leads where in `gorse_routes.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Header, Query, Request, Response

from serving.answers import Placed
from serving.gorse_desk import MOST, GorseDesk, Nope
from serving.gorse_told import feedback_told, item_told
from serving.gorse_words import Feedback, ItemTold, Patch, User
from serving.refusals import read

MAX_BODY_BYTES = 8 << 20
Count = Annotated[int, Query(ge=0, le=MOST)]
Offset = Annotated[int, Query(ge=0, le=MOST)]
Category = Annotated[Sequence[str], Query()]
Reader = Annotated[str, Query(alias="user-id")]
Version = Annotated[str, Header(alias="X-API-Version")]
Body = TypeVar("Body")


class Desk:
    """The handlers of users, items and feedback."""

    def __init__(self, desk: GorseDesk) -> None:
        self._desk = desk

    async def put_user(self, request: Request) -> Response:
        """Insert a user, or replace one."""
        return _rows(await self._desk.put_users([await _body(request, User)]))

    async def put_users(self, request: Request) -> Response:
        """Insert users, or replace them."""
        return _rows(await self._desk.put_users(await _body(request, list[User])))

    async def user(self, user_id: str) -> Response:
        """One user."""
        return _told(await self._desk.user(user_id))

    async def patch_user(self, user_id: str, request: Request) -> Response:
        """Change some of a user."""
        return _rows(await self._desk.patch_user(user_id, await _body(request, Patch)))

    async def drop_user(self, user_id: str) -> Response:
        """Forget a user."""
        return _rows(await self._desk.remove("user", user_id))

    async def users(self, n: Count = 10, cursor: str = "") -> Response:
        """Users in pages."""
        names, after = await self._desk.pages(self._desk.users, n, cursor)
        return _told({"Cursor": after, "Users": await self._each(names, self._desk.user)})

    async def put_item(self, request: Request) -> Response:
        """Insert an item, or replace one."""
        return _rows(await self._desk.put_items([await _body(request, ItemTold)]))

    async def put_items(self, request: Request) -> Response:
        """Insert items, or replace them."""
        return _rows(await self._desk.put_items(await _body(request, list[ItemTold])))

    async def item(self, item_id: str) -> Response:
        """One item."""
        return _told(item_told(await self._desk.item(item_id)))

    async def patch_item(self, item_id: str, request: Request) -> Response:
        """Change some of an item."""
        return _rows(await self._desk.patch_item(item_id, await _body(request, Patch)))

    async def drop_item(self, item_id: str) -> Response:
        """Delete an item: it is on no list any more."""
        return _rows(await self._desk.remove("item", item_id))

    async def items(self, n: Count = 10, cursor: str = "", q: str = "") -> Response:
        """Items in pages, or those that hold a text."""
        if q:
            return _told({"Cursor": "", "Items": [item_told(item) for item in self._desk.holding(q, n)]})
        names, after = await self._desk.pages(self._desk.items, n, cursor)
        items = await self._each(names, self._desk.item)
        return _told({"Cursor": after, "Items": [item_told(item) for item in items]})

    async def put_category(self, item_id: str, category: str) -> Response:
        """Put an item into a category."""
        return _rows(await self._in_category(item_id, category, there=True))

    async def drop_category(self, item_id: str, category: str) -> Response:
        """Take an item out of a category."""
        return _rows(await self._in_category(item_id, category, there=False))

    async def put_feedback(self, request: Request) -> Response:
        """Take feedback; the values of one kind, user and item add up."""
        told = await _body(request, list[Feedback])
        return _rows(await self._desk.put_feedback(told, put=request.method == "PUT"))

    async def feedback(self, n: Count = 10, cursor: str = "") -> Response:
        """Feedback in pages."""
        names, after = await self._desk.pages(self._desk.feedback, n, cursor)
        rows = (self._desk.feedback_row(name) for name in names)
        return _told({"Cursor": after, "Feedback": [row for row in rows if row is not None]})

    async def feedback_of_kind(self, kind: str, n: Count = 10, cursor: str = "") -> Response:
        """Feedback of one type in pages."""
        begun = f"[{msgspec.json.encode(kind).decode()},"
        names, after = await self._desk.pages(self._desk.feedback, n, cursor, begun=begun)
        rows = (self._desk.feedback_row(name) for name in names)
        return _told({"Cursor": after, "Feedback": [row for row in rows if row is not None]})

    async def feedback_on_item(self, item_id: str, kind: str | None = None) -> Response:
        """What was done with an item, by whomever."""
        return _told(await self._desk.rows_on(item_id, kind))

    async def one_feedback(self, kind: str, user_id: str, item_id: str) -> Response:
        """What a user did with an item, of one type."""
        rows = [row for row in await self._desk.rows(user_id) if (row.kind, row.item_id) == (kind, item_id)]
        if not rows:
            raise Nope(404, f"{kind} of {user_id} on {item_id}: feedback not found")
        return _told(feedback_told(user_id, rows[0]))

    async def drop_one_feedback(self, kind: str, user_id: str, item_id: str) -> Response:
        """Take back what a user did with an item, of one type."""
        return _rows(await self._desk.undo(user_id, item_id, kind))

    async def feedback_of(self, user_id: str, kind: str | None = None) -> Response:
        """What a user did."""
        rows = await self._desk.rows(user_id)
        return _told([feedback_told(user_id, row) for row in rows if kind in (None, row.kind)])

    async def feedback_on(self, user_id: str, item_id: str) -> Response:
        """What a user did with an item."""
        rows = await self._desk.rows(user_id)
        return _told([feedback_told(user_id, row) for row in rows if row.item_id == item_id])

    async def drop_feedback(self, user_id: str, item_id: str) -> Response:
        """Take back what a user did with an item."""
        return _rows(await self._desk.undo(user_id, item_id))

    async def _in_category(self, item_id: str, category: str, *, there: bool) -> int:
        others = [one for one in (await self._desk.item(item_id)).categories if one != category]
        return await self._desk.patch_item(item_id, Patch(categories=[*others, category] if there else others))

    async def _each(self, names: Sequence[str], look: Callable[[str], Awaitable[Any]]) -> list[Any]:
        found = []
        for name in names:
            try:
                found.append(await look(name))
            except Nope:  # it went since the names were put in order
                continue
        return found


class Lists:
    """The handlers of lists."""

    def __init__(self, desk: GorseDesk) -> None:
        self._desk = desk

    async def recommend(
        self,
        user_id: str,
        path: str = "",
        n: Count = 10,
        offset: Offset = 0,
        category: Category = (),
        back: Annotated[str, Query(alias="write-back-type")] = "",
        version: Version = "",
    ) -> Response:
        """The best items for a user."""
        items = await self._desk.recommended(user_id, [path, *category], n, offset)
        if back:
            await self._desk.put_feedback([Feedback(back, user_id, item.item_id) for item in items])
        return _told([item.item_id for item in items] if version != "2" else _scored(items))

    async def session(
        self, request: Request, path: str = "", n: Count = 10, offset: Offset = 0, category: Category = ()
    ) -> Response:
        """The best items for who did this."""
        told = await _body(request, list[Feedback])
        user_id = next((one.user_id for one in told if one.user_id), "")
        items = await self._desk.recommended(user_id, [path, *category], n, offset, self._desk.past(told))
        return _told(_scored(items) or None)

    async def neighbors(
        self, item_id: str, path: str = "", n: Count = 10, offset: Offset = 0, category: Category = ()
    ) -> Response:
        """Items like one."""
        return _told(_scored(self._desk.near(item_id, [path, *category], n, offset)))

    async def item_to_item(
        self, name: str, item_id: str, n: Count = 10, offset: Offset = 0, category: Category = ()
    ) -> Response:
        """Items like one; there is one such list, whatever its name."""
        return await self.neighbors(item_id, "", n, offset, category)

    async def latest(
        self, path: str = "", n: Count = 10, offset: Offset = 0, category: Category = (), user_id: Reader = ""
    ) -> Response:
        """The newest items."""
        return _told(_scored(await self._desk.board("latest", [path, *category], n, offset, user_id)))

    async def board(
        self, name: str, n: Count = 10, offset: Offset = 0, category: Category = (), user_id: Reader = ""
    ) -> Response:
        """A list that is the same for everybody."""
        return _told(_scored(await self._desk.board(name, category, n, offset, user_id)))

    async def ready(self) -> Response:
        """Whether the server answers."""
        told = dict.fromkeys(("DataStoreError", "CacheStoreError"))
        return _told({"Ready": True, **told, "DataStoreConnected": True, "CacheStoreConnected": True})


async def _body(request: Request, kind: type[Body]) -> Body:
    data = await read(request, MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Nope(400, str(error)) from None


def _scored(items: Sequence[Placed]) -> list[dict[str, Any]]:
    return [{"Id": item.item_id, "Score": item.score} for item in items]


def _rows(count: int) -> Response:
    return _told({"RowAffected": count})


def _told(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
