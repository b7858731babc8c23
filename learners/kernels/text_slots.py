"""Slots of an exact map of texts: as `id_slots.py`, with a hash for a key and bytes to compare.

Texts come as bytes one after the other and the places where they end. A known text stands in a cell of whole units of
16 bytes; `cell_R2` says at which unit it begins and how many bytes it has. Equal hashes are told apart by their bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.free_rows import take_row
from learners.kernels.id_slots import after, home_of, mixed_bits
from learners.kernels.prefetch import touch
from learners.kernels.vectors import compiled

Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]

UNIT = 16
SMALL = 16
"""Classes of cells: of 1 to 16 units, then of the next powers of two."""
LOW = 0xFFFFFFFF
AHEAD = 32


@compiled
def hash_texts(byte_X: Bytes, end_N: Longs, few: int, hash_N: Longs) -> None:
    """Well spread bits of each text, of which `few` are kept."""
    start = 0
    for n in range(len(end_N)):
        x, word, shift = np.int64(end_N[n] - start), np.int64(0), 0
        for at in range(start, end_N[n]):
            word |= np.int64(byte_X[at]) << shift
            shift += 8
            if shift == 64:
                x, word, shift = mixed_bits(x, word), np.int64(0), 0
        hash_N[n] = mixed_bits(x, word) & few
        start = end_N[n]


@compiled
def find_texts(
    slot_S2: Longs, house: Longs, hash_N: Longs, byte_X: Bytes, end_N: Longs, cell_R2: Longs, unit_U2: Bytes,
    row_N: Longs,
) -> int:  # fmt: skip
    """Put the number of each text into `row_N`, -1 where there is none; how many there are none of."""
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    begin, missing = 0, 0
    for n in range(len(end_N)):
        if n + AHEAD < len(end_N):
            touch(slot_S2, home_of(mixed_bits(0, hash_N[n + AHEAD]), bits, moving, start, moved))
        slot = home_of(mixed_bits(0, hash_N[n]), bits, moving, start, moved)
        row_N[n] = -1
        while slot_S2[slot, 1] != 0:
            row = (slot_S2[slot, 1] - 1) & LOW
            if slot_S2[slot, 0] == hash_N[n] and same_text(byte_X, begin, end_N[n], cell_R2, unit_U2, row):
                row_N[n] = row
                break
            slot = after(slot, bits)
        missing += 1 if row_N[n] < 0 else 0
        begin = end_N[n]
    return missing


@compiled
def add_texts(
    slot_S2: Longs, house: Longs, hash_N: Longs, byte_X: Bytes, end_N: Longs, cell_R2: Longs, unit_U2: Bytes,
    free_K: Longs, row_N: Longs, owner_R2: Longs, ends: Longs, taken_M: Longs,
) -> int:  # fmt: skip
    """Number each text whose `row_N` is below 0, at its first appearance, and keep its bytes; how many were numbered.
    `free_K` are the first free cells of each class, then the first unit that was never used."""
    bits, moving, start, moved = house[0], house[1], house[2], house[3]
    begin, made = 0, 0
    for n in range(len(end_N)):
        first, begin = begin, end_N[n]
        if row_N[n] >= 0:
            continue
        slot = home_of(mixed_bits(0, hash_N[n]), bits, moving, start, moved)
        found = -1
        while slot_S2[slot, 1] != 0:
            row = (slot_S2[slot, 1] - 1) & LOW
            if slot_S2[slot, 0] == hash_N[n] and same_text(byte_X, first, begin, cell_R2, unit_U2, row):
                found = row
                break
            slot = after(slot, bits)
        if found < 0:
            found = take_row(owner_R2, ends)
            owner_R2[found, 0], owner_R2[found, 1] = 0, hash_N[n]
            slot_S2[slot, 0], slot_S2[slot, 1] = hash_N[n], 1 + found
            keep_text(byte_X, first, begin, cell_R2, unit_U2, free_K, found)
            taken_M[made] = found
            made += 1
        row_N[n] = found
    return made


@compiled
def same_text(byte_X: Bytes, begin: int, end: int, cell_R2: Longs, unit_U2: Bytes, row: int) -> bool:
    """Whether a text is the one of a number."""
    if cell_R2[row, 1] != end - begin:
        return False
    flat, at = unit_U2.reshape(-1), cell_R2[row, 0] * UNIT
    for place in range(end - begin):  # noqa: SIM110
        if flat[at + place] != byte_X[begin + place]:
            return False
    return True


@compiled
def keep_text(
    byte_X: Bytes, begin: int, end: int, cell_R2: Longs, unit_U2: Bytes, free_K: Longs, row: int
) -> None:  # fmt: skip
    """Into a free cell of its class, or behind all others."""
    kind, units = cell_class(end - begin)
    flat, unit = unit_U2.reshape(-1), free_K[kind]
    if unit >= 0:
        free_K[kind] = linked(flat, unit)
    else:
        unit = free_K[-1]
        free_K[-1] += units
    cell_R2[row, 0], cell_R2[row, 1] = unit, end - begin
    for place in range(end - begin):
        flat[unit * UNIT + place] = byte_X[begin + place]


@compiled
def drop_texts(cell_R2: Longs, unit_U2: Bytes, free_K: Longs, row_M: Longs) -> None:
    """Free the cells of these numbers."""
    flat = unit_U2.reshape(-1)
    for row in row_M:
        kind, _ = cell_class(cell_R2[row, 1])
        unit, following = cell_R2[row, 0], free_K[kind]
        for place in range(8):
            flat[unit * UNIT + place] = (following >> (8 * place)) & 255
        free_K[kind] = unit
        cell_R2[row, 0], cell_R2[row, 1] = 0, 0


@compiled
def linked(flat: Bytes, unit: int) -> int:
    """The free cell that a free cell names."""
    following = np.int64(0)
    for place in range(8):
        following |= np.int64(flat[unit * UNIT + place]) << (8 * place)
    return int(following)


@compiled
def cell_class(length: int) -> tuple[int, int]:
    """The class of cells for a text of so many bytes, and their units."""
    units = max((length + UNIT - 1) // UNIT, 1)
    if units <= SMALL:
        return units - 1, units
    kind, units_of_kind = SMALL, 2 * SMALL
    while units_of_kind < units:
        kind += 1
        units_of_kind *= 2
    return kind, units_of_kind


@compiled
def units_wanted(end_N: Longs, row_N: Longs) -> int:
    """Units for all texts whose number is below 0."""
    total, begin = 0, 0
    for n in range(len(end_N)):
        if row_N[n] < 0:
            total += cell_class(end_N[n] - begin)[1]
        begin = end_N[n]
    return total


@compiled
def gather_texts(cell_R2: Longs, unit_U2: Bytes, row_M: Longs, end_M: Longs, byte_X: Bytes) -> None:
    """The texts of these numbers, one after the other, into `byte_X`."""
    flat, begin = unit_U2.reshape(-1), 0
    for m in range(len(row_M)):
        at = cell_R2[row_M[m], 0] * UNIT
        for place in range(end_M[m] - begin):
            byte_X[begin + place] = flat[at + place]
        begin = end_M[m]
