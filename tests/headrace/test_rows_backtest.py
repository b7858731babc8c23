"""`headrace backtest --rows` from file to report, and what it says of files that can't be learned."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from headrace.rows_schema import read_schema
from tests.headrace.command_line import Headrace, runner

SCHEMA = """
label = "clicked"
time = "at"
[features.shop]
kind = "category"
from = "shop id"
[features.price]
kind = "number"
[features.tags]
kind = "many"
separator = "|"
[features.title]
kind = "text"
"""
HEADER = "clicked,at,shop id,price,tags,title"


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return runner(tmp_path, monkeypatch, capsys)


def lines(rows: int, *, seed: int = 0) -> list[str]:
    """A yes is likely where the shop is even; a few cells are empty."""
    random = np.random.default_rng(seed)
    shop_B, draw_B = random.integers(0, 10, rows), random.random(rows)
    return [
        f"{int(draw < (0.1 if shop % 2 else 0.8))},{n},s{shop},{shop / 2 if n % 9 else ''},a|b{shop},big {shop}"
        for n, (shop, draw) in enumerate(zip(shop_B, draw_B, strict=True))
    ]


def table(file: Path, told: list[str]) -> Path:
    text = "\n".join([HEADER, *told]) + "\n"
    packed = {".gz": gzip.compress, ".xz": lzma.compress}.get(file.suffix, bytes)
    file.write_bytes(packed(text.encode()))
    return file


def run(headrace: Headrace, *words: str) -> dict[str, Any]:
    status, out, err = headrace("backtest", "--schema", "schema.toml", "--report", "out.json", *words)
    assert status == 0, err + out
    told: dict[str, Any] = json.loads(Path("out.json").read_text())
    return told


def refusal(headrace: Headrace, *words: str) -> str:
    status, _, err = headrace("backtest", "--rows", "rows.csv", *words)
    assert status == 1
    return " ".join(err.split())


def test_rows_are_scored_learned_and_told_with_the_protocol(headrace: Headrace, tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", lines(3000))
    table(tmp_path / "later.csv", lines(500, seed=1))
    report = run(headrace, "--rows", "rows.csv", "--test", "later.csv", "--epochs", "2", "--predictions", "p.csv")
    assert report["labels"]["clicked"]["auc"] > 0.7
    assert report["test"]["labels"]["clicked"]["auc"] > 0.8
    assert [one["rows"] for one in report["passes"]] == [3000, 3000]
    assert report["labels"] == report["passes"][0]["labels"]
    assert report["protocol"].startswith("progressive: each row is scored before it is learned")
    assert (report["model"], report["seed"], report["rejected"], report["test"]["rows"]) == ("deepfm", 0, 0, 500)


def test_the_auc_is_that_of_the_predictions_that_were_written(headrace: Headrace, tmp_path: Path) -> None:
    told = lines(2000)
    table(tmp_path / "rows.csv", told)
    auc = run(headrace, "--rows", "rows.csv", "--predictions", "p.csv")["labels"]["clicked"]["auc"]
    with Path("p.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["line"]) for row in rows] == list(range(2, 2002))
    assert [row["clicked"] for row in rows] == [line[0] for line in told]
    score_N, yes_N = (
        np.array([float(row["p_clicked"]) for row in rows]),
        np.array([row["clicked"] == "1" for row in rows]),
    )
    above, below = score_N[yes_N][:, None], score_N[~yes_N][None, :]
    assert auc == pytest.approx(float(((above > below) + 0.5 * (above == below)).mean()), abs=1e-6)


def test_a_seed_and_a_file_give_the_same_predictions_in_any_packing(headrace: Headrace, tmp_path: Path) -> None:
    told = set()
    for name in ("rows.csv", "rows.csv.gz", "rows.csv.xz"):
        table(tmp_path / name, lines(1500))
        run(headrace, "--rows", name, "--predictions", "p.csv", "--seed", "3")
        told.add(Path("p.csv").read_bytes())
    assert len(told) == 1
    run(headrace, "--rows", "rows.csv", "--predictions", "p.csv", "--seed", "4")
    assert Path("p.csv").read_bytes() not in told


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


def test_rows_that_cannot_be_learned_are_counted_and_named(headrace: Headrace, tmp_path: Path) -> None:
    told = lines(1000)
    told[10], told[20], told[30] = "2,1,s,1,,", "1,1,s,inf,,", "1,1,s"
    told[40], told[50] = "1,1,s,noon,,", "1,1,s,2,,"
    table(tmp_path / "rows.csv", told)
    report = run(headrace, "--rows", "rows.csv", "--model", "logistic")
    assert (report["rows"], report["rejected"]) == (996, 4)
    assert [(one["line"], one["column"]) for one in report["rejected_rows"]] == [
        (12, "clicked"), (22, "price"), (32, "line"), (42, "price"),
    ]  # fmt: skip
    assert report["rejected_rows"][0]["reason"] == "is '2', not 0 or 1"
    assert report["back_in_time"] == 1


def test_too_many_of_them_stop_it_at_the_first(headrace: Headrace, tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", ["5" + line[1:] for line in lines(500)])
    told = refusal(headrace, "--schema", "schema.toml", "--predictions", "p.csv")
    assert "rows.csv: 500 of the first 500 rows" in told
    assert "line 2, column 'clicked' is '5', not 0 or 1" in told
    assert list(tmp_path.glob("*p.csv*")) == []


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


def test_without_a_schema_it_says_one_that_can_be_read(headrace: Headrace, tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", lines(50))
    status, _, err = headrace("backtest", "--rows", "rows.csv")
    assert status == 1
    assert "headrace backtest --rows rows.csv --schema schema.toml" in " ".join(err.split())
    (tmp_path / "schema.toml").write_text(err[err.index("labels =") :])
    schema = read_schema(tmp_path / "schema.toml")
    assert (schema.labels, schema.features["price"].kind, schema.features["shop_id"].source) == (
        ("clicked",), "number", "shop id",
    )  # fmt: skip
    assert run(headrace, "--rows", "rows.csv")["rows"] == 50


def test_an_unknown_model_lists_those_there_are(headrace: Headrace, tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", lines(5))
    assert "there are deepfm, fm, logistic, river, rate" in refusal(
        headrace, "--schema", "schema.toml", "--model", "gbm"
    )


def test_rows_and_events_are_two_backtests(headrace: Headrace) -> None:
    assert headrace("backtest")[0] == 2
    assert headrace("backtest", "--rows", "rows.csv", "--events", "log.jsonl")[0] == 2


def test_the_shipped_schema_is_one() -> None:
    file = Path(__file__).parents[2] / "docs" / "examples" / "rows.toml"
    assert read_schema(file).labels == ("clicked",)


def test_the_report_says_where_its_figures_are_from(headrace: Headrace, tmp_path: Path) -> None:
    told = lines(1000)
    told[10], told[20] = "2,1,s,1,,", "1,1,s,noon,,"
    table(tmp_path / "rows.csv", told)
    report = run(headrace, "--rows", "rows.csv", "--seed", "7")
    assert (report["seed"], report["rejected_by"], report["best_pass"]) == (7, {"clicked": 1, "price": 1}, None)
    assert set(report["versions"]) == {"headrace", "python", "numpy", "numba", "pyarrow"}
    assert len(report["schema_sha256"]) == 64
    figures = report["labels"]["clicked"]
    for name in ("auc", "ne", "log_loss"):
        assert figures[f"{name}_low"] < figures[name] < figures[f"{name}_high"]
    assert {"ece", "calibration", "n"} <= set(figures)
    assert min(report["seconds"], report["rows_per_second"], report["ready_seconds"]) > 0


def test_of_several_passes_the_one_that_foresees_the_valid_rows_best_answers(
    headrace: Headrace, tmp_path: Path
) -> None:
    table(tmp_path / "rows.csv", lines(400))
    told = "\n".join(f"{n % 2},{n},u{n // 2 % 150},,," for n in range(600))
    (tmp_path / "rows.csv").write_text(f"{HEADER}\n{told}\n")
    table(tmp_path / "later.csv", [f"{n * 7 % 3 % 2},{n},u{n % 150},,," for n in range(300)])
    words = ("--rows", "rows.csv", "--valid", "later.csv", "--batch", "32")
    report = run(headrace, *words, "--test", "later.csv", "--epochs", "5")
    by_pass = [one["valid"]["clicked"]["log_loss"] for one in report["passes"]]
    best = by_pass.index(min(by_pass)) + 1
    assert best < 5, "learning these rows by heart does not help"
    assert report["best_pass"] == best
    assert report["valid"]["labels"]["clicked"]["log_loss"] == min(by_pass)
    assert report["test"]["labels"] == report["valid"]["labels"]
    assert f"pass {best}, with its least log loss, answers for valid and test" in report["protocol"]


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


def test_a_schema_may_read_a_column_twice_but_name_a_feature_once(headrace: Headrace, tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", lines(300))
    twice = '[features.cheap]\nkind = "category"\nfrom = "price"\n'
    (tmp_path / "schema.toml").write_text(SCHEMA + twice)
    assert run(headrace, "--rows", "rows.csv")["rows"] == 300
    (tmp_path / "schema.toml").write_text(SCHEMA + twice + twice)
    assert "schema.toml: Cannot declare ('features', 'cheap') twice" in refusal(headrace, "--schema", "schema.toml")


def test_a_pass_never_waits_for_a_kernel(tmp_path: Path) -> None:
    table(tmp_path / "rows.csv", lines(3000))
    (tmp_path / "schema.toml").write_text(SCHEMA)
    told = subprocess.run([sys.executable, "-c", ASKED], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["0", "False", "False"]


ASKED = """
import io, sys
from pathlib import Path
from numba.core.dispatcher import Dispatcher
from rich.console import Console
import headrace.rows_backtesting as rows
from headrace.rows_schema import read_schema

compile, warm_up, made, warm = Dispatcher.compile, rows.warm_up, [], []
def watched(self, signature):
    made.append(self)
    return compile(self, signature)
def warmed(*told):
    warm_up(*told)
    warm.append(len(made))
Dispatcher.compile, rows.warm_up = watched, warmed
wanted = rows.Wanted(rows=Path("rows.csv"), schema=read_schema(Path("schema.toml")), predictions=Path("p.csv"))
rows.backtest_rows(wanted, console=Console(file=io.StringIO()))
print(len(made) - warm[0], "pandas" in sys.modules, "torch" in sys.modules)
"""
