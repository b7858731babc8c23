"""Slots of an exact map as loops over flat arrays: find, add, take out, and move to a larger house bit by bit.

A slot is two integers, (key, 1 + (space << 32 | row)); all zeros is an empty one, so that untouched memory is a map
without ids. A house of 2^b slots stands at [2^b, 2^(b+1)) of one array, so the next larger one is beside it. While
ids move, `house` says how far: [b, moving, start, moved]; ids whose home in the old house lies in the first `moved`
slots from `start` on live in the new one, all others in the old. An id thus has one place to be looked for, always.
Probing is linear, an id taken out closes its gap. Ids are compared, never their hashes. Integers stay int64
throughout: numba makes floats of int64 and uint64 together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.free_rows import take_row
from learners.kernels.prefetch import touch
from learners.kernels.vectors import compiled

Longs = NDArray[np.int64]


AHEAD = 64
"""How many ids ahead a slot is asked for; a power of two."""
LOW = 0xFFFFFFFF


@compiled
def mixed_bits(space: int, key: int) -> int:
    """Well spread bits of a pair: those of `mixing.py`."""
    x = key ^ (space * -7046029254386353131)
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


@compiled
def home_of(bits_of_id: int, bits: int, moving: int, start: int, moved: int) -> int:
    """The slot at which the search for an id begins, in the house where the id lives."""
    if moving:
        size = 1 << (bits - 1)
        old = (bits_of_id >> (65 - bits)) & (size - 1)
        if ((old - start) & (size - 1)) >= moved:
            return size + old
    size = 1 << bits
    return size + ((bits_of_id >> (64 - bits)) & (size - 1))


@compiled
def after(slot: int, bits: int) -> int:
    """The slot after one, in its own house."""
    size = 1 << bits if slot >> bits else 1 << (bits - 1)
    return size + ((slot + 1) & (size - 1))


@compiled
def find_rows(slot_S2: Longs, house: Longs, space_N: Longs, key_N: Longs, row_N: Longs) -> int:
    """Put the row of each id into `row_N`, -1 where there is none; how many there are none of. `space_N` may be
    shorter, and is read round and round: one space for all, or one for each column."""
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    wanted = np.empty(AHEAD, np.int64)
    N, spaces, coming, here, missing = len(key_N), len(space_N), 0, 0, 0
    for n in range(N + AHEAD):
        if n >= AHEAD:
            space, key, slot = space_N[here], key_N[n - AHEAD], wanted[n & (AHEAD - 1)]
            here = here + 1 if here + 1 < spaces else 0
            row = -1
            while slot_S2[slot, 1] != 0:
                if slot_S2[slot, 0] == key and (slot_S2[slot, 1] - 1) >> 32 == space:
                    row = (slot_S2[slot, 1] - 1) & LOW
                    break
                slot = after(slot, bits)
            row_N[n - AHEAD] = row
            missing += 1 if row < 0 else 0
        if n < N:
            slot = home_of(mixed_bits(space_N[coming], key_N[n]), bits, moving, start, moved)
            coming = coming + 1 if coming + 1 < spaces else 0
            touch(slot_S2, slot)
            wanted[n & (AHEAD - 1)] = slot
    return missing


@compiled
def add_rows(
    slot_S2: Longs, house: Longs, space_N: Longs, key_N: Longs, row_N: Longs, owner_R2: Longs, ends: Longs,
    taken_M: Longs,
) -> int:  # fmt: skip
    """Put the row of each id whose `row_N` is below 0 there, made at its first appearance; how many were made.

    `owner_R2` holds (space, key) of each row. `ends` are [rows, oldest free row, newest free row, free rows]: a hole's
    key is the next free row. New rows go to `taken_M`. Room must have been made beforehand.
    """
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    spaces, here, made = len(space_N), 0, 0
    for n in range(len(key_N)):
        space = space_N[here]
        here = here + 1 if here + 1 < spaces else 0
        if row_N[n] >= 0:
            continue
        key, row = key_N[n], -1
        slot = home_of(mixed_bits(space, key), bits, moving, start, moved)
        while slot_S2[slot, 1] != 0:
            if slot_S2[slot, 0] == key and (slot_S2[slot, 1] - 1) >> 32 == space:
                row = (slot_S2[slot, 1] - 1) & LOW
                break
            slot = after(slot, bits)
        if row < 0:
            row = take_row(owner_R2, ends)
            owner_R2[row, 0], owner_R2[row, 1] = space, key
            slot_S2[slot, 0], slot_S2[slot, 1] = key, 1 + (space << 32 | row)
            taken_M[made] = row
            made += 1
        row_N[n] = row
    return made


@compiled
def clear_slots(slot_S2: Longs, house: Longs, owner_R2: Longs, row_M: Longs) -> None:
    """Take the ids of these rows out, and close their gaps."""
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    for row in row_M:
        slot = home_of(mixed_bits(owner_R2[row, 0], owner_R2[row, 1]), bits, moving, start, moved)
        while (slot_S2[slot, 1] - 1) & LOW != row:
            slot = after(slot, bits)
        close_gap(slot_S2, house, slot)


@compiled
def close_gap(slot_S2: Longs, house: Longs, gap: int) -> None:
    """Empty a slot: ids behind it come forward, unless they would pass their home."""
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    size = 1 << bits if gap >> bits else 1 << (bits - 1)
    slot = after(gap, bits)
    while slot_S2[slot, 1] != 0:
        home = home_of(mixed_bits((slot_S2[slot, 1] - 1) >> 32, slot_S2[slot, 0]), bits, moving, start, moved)
        if ((slot - home) & (size - 1)) >= ((slot - gap) & (size - 1)):
            slot_S2[gap, 0], slot_S2[gap, 1] = slot_S2[slot, 0], slot_S2[slot, 1]
            gap = slot
        slot = after(slot, bits)
    slot_S2[gap, 0], slot_S2[gap, 1] = 0, 0


@compiled
def move_slots(slot_S2: Longs, house: Longs, most: int) -> int:
    """Move about so many slots of the old house to the new one, on to the next empty slot; 1 if any are left.

    A run of full slots moves whole, so no search of the old house ever crosses the frontier. Ids that came during the
    move may stand behind its end, where it began: the last run reaches round to them.
    """
    bits, start, moved = house[0], house[2], house[3]
    size = 1 << (bits - 1)
    while True:
        old = size + ((start + moved) & (size - 1))
        if slot_S2[old, 1] == 0:
            if moved >= size or most <= 0:
                break
        else:
            space, key = (slot_S2[old, 1] - 1) >> 32, slot_S2[old, 0]
            put_slot(slot_S2, home_of(mixed_bits(space, key), bits, 0, 0, 0), bits, key, slot_S2[old, 1])
            slot_S2[old, 0], slot_S2[old, 1] = 0, 0
        moved += 1
        most -= 1
    house[3] = moved
    return 1 if moved < size else 0


@compiled
def put_slot(slot_S2: Longs, slot: int, bits: int, key: int, rest: int) -> None:
    """Into the first empty slot from here on."""
    while slot_S2[slot, 1] != 0:
        slot = after(slot, bits)
    slot_S2[slot, 0], slot_S2[slot, 1] = key, rest


@compiled
def first_empty(slot_S2: Longs, bits: int) -> int:
    """Where a move may start: the number, in its house, of a slot that no search passes."""
    slot = 1 << bits
    while slot_S2[slot, 1] != 0:
        slot += 1
    return slot - (1 << bits)


@compiled
def place_rows(slot_S2: Longs, house: Longs, owner_R2: Longs, rows: int) -> None:
    """Put all rows that have an id, all distinct, into slots."""
    bits = house[0]
    for row in range(rows):
        space, key = owner_R2[row, 0], owner_R2[row, 1]
        if space >= 0:
            home = home_of(mixed_bits(space, key), bits, 0, 0, 0)
            put_slot(slot_S2, home, bits, key, 1 + (space << 32 | row))


@compiled
def put_rows(slot_S2: Longs, house: Longs, owner_R2: Longs, row_M: Longs) -> None:
    """Put these rows, whose ids are in no slot, into slots. Room must have been made beforehand."""
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    for row in row_M:
        space, key = owner_R2[row, 0], owner_R2[row, 1]
        home = home_of(mixed_bits(space, key), bits, moving, start, moved)
        put_slot(slot_S2, home, bits, key, 1 + (space << 32 | row))
