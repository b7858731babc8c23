"""`headrace backtest --rows` from file to report, and what it says of files that can't be learned."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
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
    assert "there are deepfm, fm, logistic, rate" in refusal(headrace, "--schema", "schema.toml", "--model", "gbm")


def test_rows_and_events_are_two_backtests(headrace: Headrace) -> None:
    assert headrace("backtest")[0] == 2
    assert headrace("backtest", "--rows", "rows.csv", "--events", "log.jsonl")[0] == 2


def test_the_shipped_schema_is_one() -> None:
    file = Path(__file__).parents[2] / "docs" / "examples" / "rows.toml"
    assert read_schema(file).labels == ("clicked",)
