"""What is due: runs longer than what is read ahead, opened out of order, over a state that was reopened."""

from __future__ import annotations

from random import Random

import pytest

from streams.dues import AHEAD, NEVER, Dues
from streams.join_keys import OPEN, time_key
from streams.join_state import JoinState, MemoryStore


@pytest.mark.parametrize("seed", range(6))
def test_everything_closes_once_in_order_however_much_is_open(seed: int) -> None:
    random, state = Random(seed), JoinState(MemoryStore())
    durations = (50, 3000)
    dues, watermark = Dues(state, durations, watermark=0), 0
    waiting: list[tuple[int, bytes, int]] = []
    most = 0
    for n in range(8 * AHEAD):
        at = watermark + random.randrange(-40, 60)
        key = OPEN + time_key(at) + n.to_bytes(10, "big")
        state.put(key, b"-")
        dues.opened(key)
        opened = max(at, 0)
        waiting += [(opened + duration, key, duration) for duration in durations]
        most = max(most, len(waiting))
        if random.randrange(50) == 0:
            watermark += random.choice((1, 5, 30, 200))
            due = sorted(one for one in waiting if one[0] <= watermark)
            assert dues.take(watermark) == due
            waiting = [one for one in waiting if one[0] > watermark]
            assert dues.next_at == min((close for close, _, _ in waiting), default=NEVER)
        if random.randrange(400) == 0:
            state.commit()
            state = JoinState(state.store)
            dues = Dues(state, durations, watermark=watermark)
    assert most > 2 * AHEAD
    assert dues.take(1 << 40) == sorted(waiting)
    assert dues.next_at == NEVER
