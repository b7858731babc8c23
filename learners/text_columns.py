"""n-grams of a whole column of texts: what `text_ngrams.grams_of` says of each, twenty times as fast.

Texts of other letters than ASCII take a way round by the words that Python finds in them, which is three times as fast.
Weighs and learns nothing.
"""

from __future__ import annotations

import numpy as np

from learners.fields import Declared
from learners.kernels.ngrams import letter_grams, word_grams
from learners.learner import Ints
from learners.tables.text_map import Bytes
from learners.text_ngrams import words_of

POLYNOMIAL = 0xEDB88320


def grams_of_all(byte_X: Bytes, end_N: Ints, told: Declared, most: int) -> tuple[Ints, Ints]:
    """Buckets text after text, and how many each has.

    >>> texts = np.frombuffer(b"Green teaTEA", np.uint8), np.array([9, 12])
    >>> key_M, count_N = grams_of_all(*texts, Declared("text", buckets=1000), 9)
    >>> count_N.tolist(), bool(key_M[1] == key_M[3])
    ([3, 1], True)
    """
    byte_X, end_N = _plain(byte_X, end_N)
    size_N = np.diff(end_N, prepend=0)
    room = int(np.minimum(most, (size_N + 1) * max(2, told.size)).sum())
    key_M, count_N = np.empty(room, np.int64), np.empty(len(end_N), np.int64)
    kernel = word_grams if told.grams == "words" else letter_grams
    kernel(byte_X, end_N, told.size, told.buckets, most, _table(), key_M, count_N)
    return key_M[: count_N.sum()], count_N


def _plain(byte_X: Bytes, end_N: Ints) -> tuple[Bytes, Ints]:
    """Texts beyond ASCII as their words with spaces between them, the others as they are."""
    if not len(byte_X) or byte_X.max() < 128:
        return byte_X, end_N
    start_N = end_N - np.diff(end_N, prepend=0)
    beyond = np.concatenate([[0], np.cumsum(byte_X >= 128)])
    told, data = [], byte_X.tobytes()
    for start, end, odd in zip(start_N.tolist(), end_N.tolist(), beyond[end_N] > beyond[start_N], strict=True):
        text = data[start:end]
        told.append(" ".join(words_of(text.decode(errors="replace"))).encode() if odd else text)
    plain_X = np.frombuffer(b"".join(told), np.uint8)
    return plain_X, np.cumsum([len(text) for text in told])


def _table() -> Ints:
    """What eight bits do to a CRC-32, the lowest first (ISO 3309)."""
    crc_256 = np.arange(256)
    for _ in range(8):
        crc_256 = np.where(crc_256 & 1, POLYNOMIAL ^ (crc_256 >> 1), crc_256 >> 1)
    return crc_256
