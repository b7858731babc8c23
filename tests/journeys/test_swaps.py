"""Twenty swaps and three rollbacks under load: no request fails, and no answer mixes versions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from headrace.options import now
from tests.journeys.test_loop import is_whole, model_answer, versions
from tests.journeys.town import USERS, Reply, Town

pytestmark = pytest.mark.timeout(900)

SWAPS, ROLLBACKS, ASKING = 20, 3, 3


@contextmanager
def crowd(town: Town) -> Iterator[list[Reply]]:
    """People who ask again as soon as they are answered, beside those of the town."""
    replies: list[Reply] = []
    over = threading.Event()

    def asking(user: int) -> None:
        while not over.is_set():
            replies.append(town.ask(user, dry_run=True))
            user = (user + 5) % USERS

    threads = [threading.Thread(target=asking, args=(start,)) for start in range(ASKING)]
    for thread in threads:
        thread.start()
    try:
        yield replies
    finally:
        over.set()
        for thread in threads:
            thread.join()


def changes(replies: list[Reply]) -> int:
    """How often the version changed between answers, in the order in which they were asked for."""
    answered = sorted((reply for reply in replies if reply.status == 200), key=lambda reply: reply.sent_at)
    return sum(one.body["version"] != two.body["version"] for one, two in pairwise(answered))


def test_swaps_and_rollbacks_under_load_fail_no_request_and_mix_no_answer(town: Town) -> None:
    model_answer(town, since=0, least=3)
    with crowd(town) as replies:
        for round_of in range(1, ROLLBACKS + 1):
            live = next(row["version"] for row in versions(town) if row["live"])
            asked = now()
            town.headrace("rollback", str(live - 1), "--why", f"the way back, {round_of} of {ROLLBACKS}")
            town.wait_for("the older version", lambda at=asked, v=live - 1: _last(replies, at) == v)
            town.headrace("resume", "--why", "and on")
            model_answer(town, since=now(), least=live + 1)
            swaps = SWAPS * round_of // ROLLBACKS
            town.wait_for(f"{swaps} swaps", lambda n=swaps: changes(replies) >= n)
    assert [reply for reply in replies if reply.status != 200] == []
    assert {reply.body["rung"] for reply in replies} == {"model"}
    assert [reply.body for reply in replies if not is_whole(reply.body)] == []


def _last(replies: list[Reply], since: int) -> int | None:
    later = [reply.body["version"] for reply in list(replies) if reply.sent_at > since and reply.status == 200]
    return later[-1] if later else None
