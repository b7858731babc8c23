"""Texts as a few numbers: n-grams of words or of characters, hashed into buckets.

The hash is CRC-32 of the n-gram's UTF-8 bytes: the same on every machine and in every process. Two n-grams may share
a bucket; ids of names never do, which is why text has spaces of its own. Nothing here weighs or learns.
"""

from __future__ import annotations

import re
from itertools import islice
from zlib import crc32

from learners.fields import Declared

_WORD = re.compile(r"\w+")


def grams_of(text: str, told: Declared, most: int) -> tuple[int, ...]:
    """The buckets of a text's first `most` distinct n-grams: of 1 to `size` words, or of `size` characters of a word
    with its ends marked. Case says nothing.

    >>> told = Declared("text", "item.text", buckets=1000)
    >>> grams_of("Green tea", told, 9) == grams_of("green  TEA!", told, 9), len(grams_of("Green tea", told, 9))
    (True, 3)
    >>> grams_of("", told, 9), len(grams_of("green tea green tea", told, 2))
    ((), 2)
    """
    words = words_of(text)
    if told.grams == "words":
        several = (" ".join(words[at : at + n]) for n in range(1, told.size + 1) for at in range(len(words) - n + 1))
    else:
        several = (part for word in words for part in _parts(f"<{word}>", told.size))
    buckets = (crc32(gram.encode(errors="replace")) % told.buckets for gram in several)
    return tuple(islice(dict.fromkeys(buckets), most))


def words_of(text: str) -> list[str]:
    """
    >>> words_of("Green  TEA!")
    ['green', 'tea']
    """
    return _WORD.findall(text.casefold())


def _parts(word: str, size: int) -> list[str]:
    """
    >>> _parts("<tea>", 3), _parts("<a>", 4)
    (['<te', 'tea', 'ea>'], ['<a>'])
    """
    return [word[at : at + size] for at in range(max(1, len(word) - size + 1))]
