"""Hashes of lines, 128 bits each, in two words that share no constant: what a digest over many lines is summed from.

The mixing is that of MurmurHash3's 64-bit finaliser (Appleby, public domain), one word of the line after the other.
No secret: it tells apart what went different ways, and stands against nobody who tries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Words = NDArray[np.uint64]
Integers = NDArray[np.uint32]
Bytes = NDArray[np.uint8]
Longs = NDArray[np.int64]


@compiled
def mixed_words(h: np.uint64, word: np.uint64, times: np.uint64) -> np.uint64:
    h = (h ^ word) * times
    return h ^ (h >> np.uint64(29))


@compiled
def hash_lines(word_NW: Integers, salt: np.uint64, hash_N2: Words) -> None:
    """Mix the words of one array's lines, two at a time, into the hashes of these lines, which `begin_lines` began."""
    one, two = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
    for n in range(word_NW.shape[0]):
        a, b = mixed_words(hash_N2[n, 0], salt, one), mixed_words(hash_N2[n, 1], salt, two)
        for w in range(0, word_NW.shape[1], 2):
            word = np.uint64(word_NW[n, w])
            if w + 1 < word_NW.shape[1]:
                word |= np.uint64(word_NW[n, w + 1]) << np.uint64(32)
            a, b = mixed_words(a, word, one), mixed_words(b, word, two)
        hash_N2[n, 0], hash_N2[n, 1] = a, b


@compiled
def hash_texts(data: Bytes, end_N: Longs, hash_N2: Words) -> None:
    """Mix texts, which stand one after the other, into the hashes of as many lines."""
    one, two, start = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), 0
    for n in range(len(end_N)):
        a, b = hash_N2[n, 0], hash_N2[n, 1]
        for at in range(start, end_N[n]):
            byte = np.uint64(data[at])
            a, b = mixed_words(a, byte, one), mixed_words(b, byte, two)
        start = end_N[n]
        hash_N2[n, 0], hash_N2[n, 1] = a, b


@compiled
def begin_lines(line_N: Longs, hash_N2: Words) -> None:
    """Begin each hash with the number of its line."""
    one, two = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
    for n in range(len(line_N)):
        line = np.uint64(line_N[n])
        hash_N2[n, 0] = mixed_words(np.uint64(0x9E3779B97F4A7C15), line, one)
        hash_N2[n, 1] = mixed_words(np.uint64(0xD1B54A32D192ED03), line, two)


@compiled
def replace_lines(line_N: Longs, hash_N2: Words, kept_R2: Words, sum_2: Words) -> None:
    """Put hashes in the place of those that lines had, in what is kept and in their sum. Lines ascend, each once."""
    for n in range(len(line_N)):
        row = line_N[n]
        for lane in range(2):
            h = hash_N2[n, lane]
            h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
            h ^= h >> np.uint64(33)
            sum_2[lane] += h - kept_R2[row, lane]
            kept_R2[row, lane] = h
