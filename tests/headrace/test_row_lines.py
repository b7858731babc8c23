"""Blocks of bytes end where rows do, and say the line of each row, as a reader of single cells would."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headrace import row_lines
from headrace.row_lines import blocks

CELL = st.text(st.sampled_from('ab,"\n\r '), max_size=6)


def written(rows: list[list[str]], end: str) -> str:
    text = StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue()


def one_by_one(text: str) -> list[int]:
    """The first line of each row that has something on it."""
    reader, begun, lines = csv.reader(StringIO(text, newline="")), 1, []
    for row in reader:
        lines += [begun] if row else []
        begun = reader.line_num + 1
    return lines


def cells(text: str) -> list[list[str]]:
    return [row for row in csv.reader(StringIO(text, newline="")) if row]


def cut(text: str, size: int) -> tuple[str, list[int]]:
    told = list(blocks(BytesIO(text.encode()), size))
    return b"".join(one.data for one in told).decode(), [line for one in told for line in one.line_B.tolist()]


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=3), max_size=12), st.sampled_from(["\n", "\r\n"]), st.integers(1, 40)
)
@example([["a", "x\n\ny"], ["b", '"'], ["c", ""]], "\r\n", 3)
@settings(deadline=None, max_examples=300)
def test_lines_are_those_of_a_reader_of_cells_wherever_blocks_end(rows: list[list[str]], end: str, size: int) -> None:
    text = written(rows, end)
    data, lines = cut(text, size)
    assert lines == one_by_one(text)
    assert cells(data) == cells(text)


@given(CELL.map(lambda text: text * 3), st.integers(1, 10))
@example('a,5" pipe\nb,"x\ny"\n', 4)
@example('"ab"c"d\n",e\nf\n', 4)
@settings(deadline=None, max_examples=300)
def test_quotes_within_bare_cells_are_letters(text: str, size: int) -> None:
    assert cut(text, size)[1] == one_by_one(text)


def test_every_block_holds_whole_rows_and_no_more_than_it_must() -> None:
    text = 'a,"x\ny"\n' * 100
    told = [one.data.decode() for one in blocks(BytesIO(text.encode()), 64)]
    assert {one.count('"') % 2 for one in told} == {0}
    assert max(map(len, told)) <= 64 + 8


def test_a_mark_of_bytes_is_no_part_of_the_first_cell() -> None:
    assert next(blocks(BytesIO(b'\xef\xbb\xbf"a\n",b\n'), 100)).data.startswith(b'"a')


def test_a_quote_that_was_never_closed_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_lines, "MOST", 1000)
    with pytest.raises(ValueError, match="the row on line 2 has no end"):
        list(blocks(BytesIO(b'a,b\n1,"x\n' + b"2,y\n" * 2000), 100))
