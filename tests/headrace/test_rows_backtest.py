"""`headrace backtest --rows` from file to report, and what it says of rows that can't be learned."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headrace.rows_schema import read_schema
from tests.headrace.command_line import Headrace, runner
from tests.headrace.tables_of_rows import HEADER, SCHEMA, lines, refusal, run, table


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return runner(tmp_path, monkeypatch, capsys)


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
