"""Rows of files of every kind, with line numbers that a person finds again."""

from __future__ import annotations

import gzip
import lzma
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from headrace.row_files import count_of, items_of, rows_of
from streams.errors import BadEvent
from streams.events import Impression, Interaction
from streams.mapped_rows import Made, events_of
from streams.mapping import BadMapping, columns_of, read_mapping
from streams.wire import parse

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CSV = b'who,thing,n\nana,007,1\nbob,"a,b",\n'
JSON = b'{"who": "ana", "n": 1}\n\n{"who": \n{"who": "bob"}\n'


def told(file: Path, *columns: str) -> list[tuple[int, object]]:
    return [(place.line, row if isinstance(row, BadEvent) else dict(row)) for place, row in rows_of(file, columns)]


@pytest.mark.parametrize(("name", "pack"), [("a.csv", bytes), ("a.csv.gz", gzip.compress), ("a.csv.xz", lzma.compress)])
def test_cells_of_a_csv_stay_texts_and_lines_count_the_header(name: str, pack: object, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(pack(CSV))  # type: ignore[operator]
    assert told(file, "thing", "n") == [(2, {"thing": "007", "n": "1"}), (3, {"thing": "a,b", "n": ""})]


def test_a_json_line_that_is_none_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(JSON)
    found = told(file, "who")
    assert [line for line, _ in found] == [1, 3, 4]
    assert isinstance(found[1][1], BadEvent)
    assert found[2][1] == {"who": "bob"}


def test_of_parquet_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    file = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pa.table({"who": [1, 2], "at": [5, None], "big": ["x", "y"]}), file)
    assert told(file, "at", "who") == [(1, {"at": 5, "who": 1}), (2, {"at": None, "who": 2})]
    assert [place.file for place, _ in rows_of(file, ["who"])] == ["log", "log"]
    assert count_of(file) == 2


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_column_that_is_not_there_is_told_with_those_that_are(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if file.suffix == ".csv":
        file.write_bytes(CSV)
    else:
        pyarrow.parquet.write_table(pa.table({"who": [1], "thing": [2]}), file)
    with pytest.raises(BadMapping, match="has no column 'what'; it has who, thing"):
        list(rows_of(file, ["what"]))


def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMapping, match=r"a\.xlsx: can't tell"):
        rows_of(tmp_path / "a.xlsx", [])


def test_items_of_a_table_of_their_own_are_known_by_id(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes(b"id,by,kinds\n1,ana,x|y\n2,,\n")
    table = read_mapping(
        """
        fields = {type = "t"}
        [items]
        file = "items.csv"
        item_id = "id"
        author = "by"
        tags = { column = "kinds", split = "|" }
        """
    )
    assert items_of(table, tmp_path) == {
        "1": {"author": "ana", "categories": [], "tags": ["x", "y"]},
        "2": {"categories": [], "tags": []},
    }


def test_a_table_without_header_takes_its_names_from_the_mapping(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    file.write_bytes(b"ana;007;1\nbob;a b;\n")
    rows = rows_of(file, ["thing", "n"], delimiter=";", header=["who", "thing", "n"])
    assert [(place.line, dict(row)) for place, row in rows if not isinstance(row, BadEvent)] == [
        (1, {"thing": "007", "n": "1"}), (2, {"thing": "a b", "n": ""}),
    ]  # fmt: skip
    with pytest.raises(BadMapping, match="has 3 columns, but header in the mapping names 2"):
        rows_of(file, ["n"], delimiter=";", header=["who", "n"])


def test_a_day_of_news_is_read_whole_by_its_example() -> None:
    folder = Path(os.environ.get("HEADRACE_DATA", "nowhere")) / "mind-demo-sample"
    if not folder.is_dir():
        pytest.skip("HEADRACE_DATA names no folder with the sample of MIND")
    table = read_mapping((EXAMPLES / "mind.toml").read_text())
    rows = rows_of(folder / "behaviors.tsv.xz", columns_of(table), delimiter=table.delimiter, header=table.header)
    found = [parse(one.event, received_at=0) for one in events_of(table, rows, {}) if isinstance(one, Made)]
    pages = [event for event in found if isinstance(event, Impression)]
    clicks = [event for event in found if isinstance(event, Interaction) and event.request_id is not None]
    shown = [item.item_id for page in pages for item in page.items]
    assert (len(pages), len(shown), len(clicks)) == (4_532, 187_758, 7_377)
    assert (len(set(shown)), len({page.user_id for page in pages})) == (3_581, 2_629)
    assert [page.ts for page in pages] == sorted(page.ts for page in pages)
