"""Tables as they come: packed, marked, cut off, with line breaks in cells; `headrace backtest --rows` over each."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.headrace.command_line import Headrace, runner
from tests.headrace.tables_of_rows import HEADER, SCHEMA, lines, refusal, run, table


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return runner(tmp_path, monkeypatch, capsys)


def test_parquet_of_the_same_rows_gives_the_same_scores(headrace: Headrace, tmp_path: Path) -> None:
    schema = 'label = "y"\n[features.shop]\nkind = "category"\n[features.tags]\nkind = "many"\n'
    (tmp_path / "schema.toml").write_text(schema)
    shop_B = np.random.default_rng(0).integers(0, 9, 1000)
    tags = [["x", f"t{shop}"] if shop else None for shop in shop_B]
    columns = {"y": pa.array(shop_B % 2 == 0), "shop": pa.array(shop_B), "tags": pa.array(tags)}
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "rows.parquet")
    flat = [f'{int(shop % 2 == 0)},{shop},"{",".join(tag or [])}"' for shop, tag in zip(shop_B, tags, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["y,shop,tags", *flat]))
    found = [run(headrace, "--rows", name)["labels"] for name in ("rows.parquet", "rows.csv")]
    assert found[0] == found[1]


def test_a_file_without_names_of_columns_is_told_them(headrace: Headrace, tmp_path: Path) -> None:
    told = 'label = "y"\ndelimiter = ";"\nheader = ["y", "s"]\nmissing = ["", "-"]\nfeatures.s.kind = "category"\n'
    (tmp_path / "schema.toml").write_text(told)
    (tmp_path / "rows.csv").write_text("1;a\n0;-\n1;\n")
    assert run(headrace, "--rows", "rows.csv", "--model", "rate")["rows"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rows.csv is empty"),
        (HEADER + "\n", "rows.csv has no rows"),
        ("clicked,at,shop\n1,1,a\n", "has no column 'shop id'; it has clicked, at, shop"),
        (HEADER + "\n7,1,a,1,,\n", "no row of it could be learned. The first: line 2, column 'clicked' is '7'"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_name(
    headrace: Headrace, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "rows.csv").write_text(text)
    assert message in refusal(headrace, "--schema", "schema.toml")


def test_lines_after_a_line_break_within_quotes_keep_their_numbers(headrace: Headrace, tmp_path: Path) -> None:
    told = lines(400)
    told[1] = '1,1,s,2,,"two\n\nlines"'
    told[5], told[7], told[9] = "", "1,1,s", "2,1,s,1,,"
    table(tmp_path / "rows.csv", told)
    report = run(headrace, "--rows", "rows.csv", "--model", "rate", "--predictions", "p.csv")
    assert [(one["line"], one["column"]) for one in report["rejected_rows"]] == [(11, "line"), (13, "clicked")]
    with Path("p.csv").open() as file:
        foreseen = [int(row["line"]) for row in csv.DictReader(file)]
    assert foreseen == [2, 3, 6, 7, 8, 10, 12, *range(14, 404)]


def test_marks_of_bytes_and_ends_of_lines_of_other_systems_change_nothing(headrace: Headrace, tmp_path: Path) -> None:
    text, found = "\n".join([HEADER, *lines(600)]) + "\n", []
    for told in (text, "\ufeff" + text, text.replace("\n", "\r\n"), text.replace("\n", "\r"), text.rstrip("\n")):
        (tmp_path / "rows.csv").write_bytes(told.encode())
        run(headrace, "--rows", "rows.csv", "--model", "logistic", "--predictions", "p.csv")
        found.append(Path("p.csv").read_bytes())
    assert len(set(found)) == 1


def test_zstandard_is_unpacked(headrace: Headrace, tmp_path: Path) -> None:
    text = "\n".join([HEADER, *lines(300)]).encode()
    (tmp_path / "rows.csv.zst").write_bytes(pa.compress(text, "zstd", asbytes=True))
    assert run(headrace, "--rows", "rows.csv.zst", "--model", "rate")["rows"] == 300


def test_a_very_long_cell_is_read(headrace: Headrace, tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", [*lines(10), "1,11,s1,1,," + "tea " * 1_500_000, *lines(10)])
    assert run(headrace, "--rows", "rows.csv", "--model", "logistic")["rows"] == 21


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"clicked,at,shop id,price,tags,title,at\n1,1,s,1,,,2\n", "several columns named 'at' (columns 2, 7)"),
        (HEADER.encode() + b"\n1,1,s,1,,\n1,2,\xfcber,1,,\n", "byte 0xfc on line 3 is no UTF-8"),
        (HEADER.encode("utf-16"), "the first line is no UTF-8"),
        (b"\x1f\x8b\x08\x00", "the first line is no UTF-8"),
    ],
)
def test_a_table_that_reads_as_something_else_is_told_why(
    headrace: Headrace, tmp_path: Path, data: bytes, message: str
) -> None:
    (tmp_path / "rows.csv").write_bytes(data)
    assert message in refusal(headrace, "--schema", "schema.toml")


def test_packed_tables_that_are_cut_off_are_told_where(headrace: Headrace, tmp_path: Path) -> None:
    for name in ("rows.csv.gz", "rows.csv.xz"):
        file = table(tmp_path / name, lines(3000))
        file.write_bytes(file.read_bytes()[:-40])
        status, _, err = headrace("backtest", "--rows", name, "--schema", "schema.toml", "--model", "rate")
        assert status == 1
        assert f"{name} can't be read after row" in " ".join(err.split())


def test_columns_of_one_name_that_nobody_reads_do_no_harm(headrace: Headrace, tmp_path: Path) -> None:
    (tmp_path / "schema.toml").write_text('label = "y"\nfeatures.s.kind = "category"\n')
    (tmp_path / "rows.csv").write_text("y,x,x,s\n1,2,3,a\n0,2,3,b\n")
    assert run(headrace, "--rows", "rows.csv", "--model", "rate")["rows"] == 2
