from __future__ import annotations

import threading

from streams.overload import Room, Share


def test_what_is_larger_than_the_room_is_let_in_alone() -> None:
    room = Room(10)
    large, small = Share(room), Share(room)
    assert large.grow(50)
    assert not small.grow(1)
    large.give_back()
    large.give_back()
    assert small.grow(1)
    assert room.used == 1


def test_threads_never_hold_more_than_the_room() -> None:
    room, most = Room(5), [0]

    def work() -> None:
        for _ in range(500):
            share = Share(room)
            if share.grow(2):
                most[0] = max(most[0], room.used)
            share.give_back()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 5
    assert room.used == 0
