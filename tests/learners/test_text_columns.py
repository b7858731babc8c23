"""n-grams of whole columns are those of each text by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from learners.fields import Declared
from learners.text_columns import grams_of_all
from learners.text_ngrams import grams_of

WORDS = st.text(st.sampled_from("abAZ_09 -!<>ßÄéİǅ日本\u0301\x00\n"), max_size=24) | st.text(max_size=12)
ENCODABLE = WORDS.map(lambda text: text.encode(errors="replace").decode())


@given(
    st.lists(ENCODABLE, max_size=5),
    st.sampled_from(["words", "characters"]),
    st.integers(1, 6),
    st.sampled_from([2, 1000, 1 << 24]),
    st.sampled_from([1, 3, 32, 1000]),
)
@example(["Straße tea", "", "TEA tea Tea", "a b a b"], "words", 3, 1 << 24, 32)
@example(["Straße tea", "日本語", "a"], "characters", 3, 1 << 24, 32)
@settings(deadline=None, max_examples=200)
def test_a_column_has_the_grams_of_its_texts_in_their_order(
    texts: list[str], grams: str, size: int, buckets: int, most: int
) -> None:
    told = Declared("text", grams="words" if grams == "words" else "characters", size=size, buckets=buckets)
    said = [text.encode() for text in texts]
    byte_X, end_N = np.frombuffer(b"".join(said), np.uint8), np.cumsum([len(one) for one in said], dtype=np.int64)
    key_M, count_N = grams_of_all(byte_X, end_N, told, most)
    each = [grams_of(text, told, most) for text in texts]
    assert count_N.tolist() == [len(one) for one in each]
    assert key_M.tolist() == [key for one in each for key in one]


def test_bytes_that_are_no_text_are_read_as_the_mark_of_such() -> None:
    byte_X = np.frombuffer(b"te\xffa jam", np.uint8)
    told = Declared("text", size=1)
    assert tuple(grams_of_all(byte_X, np.array([8]), told, 9)[0].tolist()) == grams_of("te a jam", told, 9)
