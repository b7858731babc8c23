"""What Gorse's routes do: writes become events on the one log, reads are answered from the folds. No HTTP here.

Who reads what was just written through this process waits for it, for `PATIENCE` at most: a write is answered when it
is in the log, and folds come a moment later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import msgspec

from serving import gorse_told as told
from serving import gorse_words as words
from serving.answering import Answering
from serving.answers import Ask, Placed
from serving.feedback import Row
from serving.fold_rules import MINUTE
from serving.gorse_boards import BOARDS, board, within
from serving.gorse_words import Feedback, ItemTold, Patch, Told, User
from serving.listing import Listing
from serving.retrieval import had_enough
from serving.shown_to import ShownTo
from streams.events import Item
from streams.examples import Past
from streams.intake import Outcome

PATIENCE = 5.0
"""Seconds that a read waits for what was written before it."""
LOOK_EVERY = 0.005
WHOLE = 100
"""What `n=0` gives: there are no lists that are kept ready."""
MOST = 1_000


class Nope(Exception):
    """What can't be done: the status, and Gorse's way to say it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class GorseDesk:
    """`take` is the intake's, for any thread; `types` says what kinds of feedback are here."""

    def __init__(
        self, answering: Answering, take: Callable[[Sequence[bytes]], list[Outcome]], types: Mapping[str, str]
    ) -> None:
        self._answering = answering
        self._known = answering.recommender.known
        self._take = take
        self._types = types
        self._shown = ShownTo()
        clock = answering.clock
        self.users = Listing(self._user_ids, clock=clock)
        self.items = Listing(self._item_ids, clock=clock)
        self.feedback = Listing(self._feedback_keys, clock=clock)

    async def put_users(self, users: Sequence[User]) -> int:
        """Upsert users."""
        at = self._answering.clock()
        return await self._write([(words.user_event(user, at=at), f"user {user.user_id}") for user in users])

    async def put_items(self, items: Sequence[ItemTold]) -> int:
        """Upsert items."""
        at = self._answering.clock()
        return await self._write([(words.item_event(item, at=at), f"item {item.item_id}") for item in items])

    async def put_feedback(self, given: Sequence[Feedback], *, put: bool = False) -> int:
        """Take feedback: interactions, and impressions that answer for the slate that they were of."""
        at, events = self._answering.clock(), []
        oldest = at - self._known.rules.horizon + MINUTE
        for one in given:
            seen = self._types.get(one.feedback_type) == words.IMPRESSION
            request_id = (self._shown.seen if seen else self._shown.done)(one.user_id, one.item_id)
            try:
                event = words.feedback_event(one, self._types, at=at, oldest=oldest, request_id=request_id, put=put)
            except words.UnknownType as error:
                raise Nope(400, str(error)) from None
            events.append((event, f"user {one.user_id}"))
        return await self._write(events)

    async def undo(self, user_id: str, item_id: str, kind: str | None = None) -> int:
        """Take back the feedback of a user on an item; how many rows that was."""
        rows = [row for row in await self.rows(user_id) if row.item_id == item_id and kind in (None, row.kind)]
        if rows:
            event = words.undo_event(user_id, item_id, at=self._answering.clock(), kind=kind)
            await self._write([(event, f"user {user_id}")])
        return len(rows)

    async def remove(self, kind: str, name: str) -> int:
        """Delete a `user`, whom every fold forgets, or an `item`."""
        await self._write([(words.gone_event(kind, name, at=self._answering.clock()), f"{kind} {name}")])
        return 1

    async def user(self, user_id: str) -> Told:
        """One user."""
        await self._written(f"user {user_id}")
        profile = self._known.home(user_id).profiles.users.get(user_id)
        if profile is None:
            raise Nope(404, f"{user_id}: user not found")
        return told.user_told(user_id, {} if profile.told is None else profile.told[2])

    async def item(self, item_id: str) -> Item:
        """One item, bare where only feedback named it."""
        await self._written(f"item {item_id}")
        item = self._known.stock.item(item_id)
        if item is None and self._known.stock.find(item_id) >= 0:
            return Item("", 0, item_id)
        if item is None or item.deleted:
            raise Nope(404, f"{item_id}: item not found")
        return item

    async def patch_item(self, item_id: str, patch: Patch) -> int:
        """Change some of an item."""
        return await self.put_items([told.patched(await self.item(item_id), patch)])

    async def patch_user(self, user_id: str, patch: Patch) -> int:
        """Change some of a user."""
        user = msgspec.convert(await self.user(user_id), User)
        user.labels = user.labels if patch.labels is None else patch.labels
        user.comment = user.comment if patch.comment is None else patch.comment
        return await self.put_users([user])

    async def rows(self, user_id: str) -> list[Row]:
        """The feedback of a user."""
        await self._written(f"user {user_id}")
        return self._known.home(user_id).feedback.of(user_id)

    async def rows_on(self, item_id: str, kind: str | None = None) -> list[Told]:
        """The feedback on an item, of whomever; looks at every row that is kept."""
        await self._written(None)
        keys = [[key for key in part.feedback.names() if key[2] == item_id] for part in self._known.parts]
        names = sorted(key for part in keys for key in part if kind in (None, key[0]))
        found = (self.feedback_row(msgspec.json.encode(name).decode()) for name in names)
        return [row for row in found if row is not None]

    async def pages(self, listing: Listing, n: int, cursor: str, *, begun: str = "") -> tuple[list[str], str]:
        """A page of names that begin so; raises BadPage."""
        await self._written(None)
        return await asyncio.to_thread(listing.page, n, cursor, begun=begun)

    def feedback_row(self, name: str) -> Told | None:
        """The feedback that a listing names, None where it went."""
        kind, user_id, item_id = msgspec.json.decode(name, type=tuple[str, str, str])
        row = self._known.home(user_id).feedback.row(kind, user_id, item_id)
        return None if row is None else told.feedback_told(user_id, row)

    def holding(self, text: str, n: int) -> list[Item]:
        """Items whose id, text, categories or tags hold a text."""
        wanted = text.casefold()
        found = []
        for item_id in list(self._known.stock.item_ids):
            item = self._known.stock.item(item_id) or Item("", 0, item_id)
            texts = (item_id, item.text or "", *item.categories, *item.tags)
            if not item.deleted and any(wanted in one.casefold() for one in texts):
                found.append(item)
                if len(found) == n:
                    break
        return found

    async def recommended(
        self, user_id: str, categories: Sequence[str], n: int, offset: int, history: tuple[Past, ...] = ()
    ) -> tuple[Placed, ...]:
        """The best items for a user, behind the first `offset`; the slate is logged where there is a user."""
        if user_id:
            await self._written(f"user {user_id}")
        count = min((n or WHOLE) + offset, MOST)
        ask = Ask(
            user_id,
            count,
            self._answering.clock(),
            producer=words.PRODUCER,
            filter=within(categories),
            history=history,
            exclude=frozenset(past.item_id for past in history),
        )
        answered = await self._answering.recommended(
            ask, dry_run=not user_id, started=perf_counter(), skip=min(offset, count)
        )
        if user_id:
            self._shown.answered(user_id, answered.request_id, (item.item_id for item in answered.given.items))
        if answered.after is not None:
            await asyncio.to_thread(answered.after)
        return answered.given.items

    def near(self, item_id: str, categories: Sequence[str], n: int, offset: int) -> tuple[Placed, ...]:
        """Items like one; none for one that is not known."""
        count = min((n or WHOLE) + offset, MOST)
        given = self._answering.recommender.similar(item_id, count, self._answering.clock(), within(categories))
        return () if given is None else given.items[offset:]

    async def board(
        self, name: str, categories: Sequence[str], n: int, offset: int, user_id: str
    ) -> tuple[Placed, ...]:
        """A list that is the same for everybody, without what a user had enough of, where one is named."""
        if name not in BOARDS:
            raise Nope(404, f"{name}: no such list here; there are {', '.join(BOARDS)}")
        at, enough = self._answering.clock(), frozenset[str]()
        if user_id:
            await self._written(f"user {user_id}")
            enough = had_enough(self._known.profile(user_id), self._answering.recommender.policy.seen, at)
        n = min(n or WHOLE, MOST)
        return await asyncio.to_thread(
            board, name, self._known, at, within(categories), n, offset=min(offset, MOST), but=enough
        )

    def past(self, done: Sequence[Feedback]) -> tuple[Past, ...]:
        """What a session did, oldest first."""
        at = self._answering.clock()
        kinds = [(one, self._types.get(one.feedback_type, one.feedback_type)) for one in done]
        pasts = [Past(one.item_id, kind, words.moment_of(one.timestamp) or at) for one, kind in kinds]
        return tuple(sorted((past for past in pasts if past.type != words.IMPRESSION), key=lambda past: past.ts))

    async def _write(self, events: Sequence[tuple[Told, str]]) -> int:
        """1. say what is coming; 2. it is in the log; 3. how many. Raises Nope where one is wrong: the rest is in."""
        for event, about in events:
            self._known.awaited.expect(event["event_id"], about)
        outcomes = await asyncio.to_thread(self._take, [msgspec.json.encode(event) for event, _ in events])
        for outcome, (event, _) in zip(outcomes, events, strict=True):
            if not outcome.accepted:
                self._known.awaited.drop(event["event_id"])
        wrong = next((outcome for outcome in outcomes if not outcome.accepted), None)
        if wrong is not None:
            raise Nope(400, f"{wrong.field}: {wrong.reason}")
        return len(events)

    async def _written(self, about: str | None) -> None:
        until = perf_counter() + PATIENCE
        while self._known.awaited.pending(about) and perf_counter() < until:
            await asyncio.sleep(LOOK_EVERY)

    def _user_ids(self) -> list[str]:
        return [user_id for part in self._known.parts for user_id in list(part.profiles.users)]

    def _item_ids(self) -> list[str]:
        stock = self._known.stock
        items = ((item_id, stock.item(item_id)) for item_id in list(stock.item_ids))
        return [item_id for item_id, item in items if item is None or not item.deleted]

    def _feedback_keys(self) -> list[str]:
        return [msgspec.json.encode(key).decode() for part in self._known.parts for key in part.feedback.names()]
