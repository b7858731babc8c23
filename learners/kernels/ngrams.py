"""n-grams of many texts at once, as `text_ngrams.grams_of` has them: CRC-32 by buckets, the first distinct ones.

Texts are UTF-8, one after the other. Letters A to Z are read as small ones, letters, digits, _ and every byte beyond
ASCII are parts of words: whoever has other letters than ASCII brings them into this form first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]

SPACE, BEGIN, END = 32, 60, 62
ONES = 0xFFFFFFFF


@compiled
def word_grams(
    byte_X: Bytes, end_N: Longs, size: int, buckets: int, most: int, crc_256: Longs, key_M: Longs, count_N: Longs
) -> None:
    """Of 1 to `size` words, by length. `key_M` has room for all of them."""
    word_W2, done, start = np.empty((_longest(end_N) // 2 + 1, 2), np.int64), 0, 0
    for n in range(len(end_N)):
        words, first = _words(byte_X, start, end_N[n], word_W2), done
        for length in range(1, size + 1):
            for at in range(words - length + 1):
                crc = ONES
                for word in range(at, at + length):
                    if word > at:
                        crc = _crc(crc, SPACE, crc_256)
                    for x in range(word_W2[word, 0], word_W2[word, 1]):
                        crc = _crc(crc, _small(byte_X[x]), crc_256)
                done = _kept((crc ^ ONES) % buckets, first, done, most, key_M)
        count_N[n], start = done - first, end_N[n]


@compiled
def letter_grams(
    byte_X: Bytes, end_N: Longs, size: int, buckets: int, most: int, crc_256: Longs, key_M: Longs, count_N: Longs
) -> None:
    """Of `size` characters of a word between < and >, or the whole of a shorter one."""
    longest = _longest(end_N)
    word_W2, letter_W = np.empty((longest // 2 + 1, 2), np.int64), np.empty(longest + 3, np.int64)
    marked_W, done, start = np.empty(longest + 2, np.uint8), 0, 0
    for n in range(len(end_N)):
        words, first = _words(byte_X, start, end_N[n], word_W2), done
        for word in range(words):
            letters = _marked(byte_X, word_W2[word, 0], word_W2[word, 1], marked_W, letter_W)
            for at in range(max(1, letters - size + 1)):
                crc = ONES
                for x in range(letter_W[at], letter_W[min(at + size, letters)]):
                    crc = _crc(crc, marked_W[x], crc_256)
                done = _kept((crc ^ ONES) % buckets, first, done, most, key_M)
        count_N[n], start = done - first, end_N[n]


@compiled
def _longest(end_N: Longs) -> int:
    longest, start = 0, 0
    for end in end_N:
        longest, start = max(longest, end - start), end
    return longest + 1


@compiled
def _words(byte_X: Bytes, start: int, end: int, word_W2: Longs) -> int:
    """Where each word begins and ends, and how many there are."""
    words, within = 0, False
    for x in range(start, end):
        c = _small(byte_X[x])
        part = c >= 128 or 97 <= c <= 122 or 48 <= c <= 57 or c == 95
        if part and not within:
            word_W2[words, 0] = x
            words += 1
        if part:
            word_W2[words - 1, 1] = x + 1
        within = part
    return words


@compiled
def _marked(byte_X: Bytes, start: int, end: int, marked_W: Bytes, letter_W: Longs) -> int:
    """A word between its marks, where each of its characters begins, and how many there are."""
    marked_W[0], letter_W[0], letters = BEGIN, 0, 1
    for x in range(start, end):
        c = byte_X[x]
        marked_W[x - start + 1] = _small(c)
        if c & 0xC0 != 0x80:
            letter_W[letters] = x - start + 1
            letters += 1
    marked_W[end - start + 1], letter_W[letters], letter_W[letters + 1] = END, end - start + 1, end - start + 2
    return letters + 1


@compiled
def _small(c: int) -> int:
    return c + 32 if 65 <= c <= 90 else c


@compiled
def _crc(crc: int, c: int, crc_256: Longs) -> int:
    return int(crc_256[(crc ^ c) & 255]) ^ (crc >> 8)


@compiled
def _kept(key: int, first: int, done: int, most: int, key_M: Longs) -> int:
    """One more, where it is new and there are not enough."""
    if done - first >= most:
        return done
    for m in range(first, done):
        if key_M[m] == key:
            return done
    key_M[done] = key
    return done + 1
