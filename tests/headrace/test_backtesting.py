"""A backtest from file to report."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from checkpoints.store import VersionStore
from headrace.backtesting import Replayed, backtest, tell
from headrace.settings_file import load
from learners.errors import OtherSettings
from learners.plan import Plan
from streams.mapping import read_mapping
from streams.rules import Label, Rules
from tests.learners.rate_learner import RateLearner

MAPPING = """
rows = "impressions"
[fields]
user_id = "u"
item_id = "i"
ts = "at"
request_id = { template = "{line}" }
[[outcomes]]
type = "click"
when = "clicked"
delay = { constant = 200 }
"""
RULES = Rules((Label("click", event="click", window=1000),), grace=0, out_of_orderness=0)
PLAN = Plan(partitions=2, bucket_ms=5000, batch_size=64, commit_batches=4)


def source(folder: Path, rows: int = 1000, limit: int | None = None) -> Replayed:
    file = folder / "log.jsonl"
    lines = ({"u": n % 17, "i": n % 10, "at": n * 50, "clicked": int(n % 10 < 3)} for n in range(rows))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"u": 1}\n')
    return Replayed((file,), read_mapping(MAPPING), RULES, limit)


def quiet() -> Console:
    return Console(file=StringIO(), width=200)


def test_every_impression_is_scored_once_and_wrong_lines_are_counted(tmp_path: Path) -> None:
    report = backtest(source(tmp_path), RateLearner, plan=PLAN, console=quiet())
    assert (report["rows"], report["labels"]["click"]["n"], report["rejected"]) == (1000, 1000, 1)
    assert report["labels"]["click"]["auc"] > 0.95
    assert report["rows_per_second"] > 0


def test_a_limit_takes_the_first_rows(tmp_path: Path) -> None:
    report = backtest(source(tmp_path, limit=200), RateLearner, plan=PLAN, console=quiet())
    assert (report["rows"], report["rejected"]) == (200, 0)


def test_with_versions_it_resumes_and_reports_the_whole(tmp_path: Path) -> None:
    once = backtest(source(tmp_path), RateLearner, plan=PLAN, versions=tmp_path / "v", console=quiet())
    store = VersionStore(tmp_path / "v")
    last = store.manifests()[-1]
    for manifest in store.manifests()[2:]:
        store.remove(manifest.version)
    again = backtest(source(tmp_path), RateLearner, plan=PLAN, versions=tmp_path / "v", console=quiet())
    assert store.manifests()[-1].digest == last.digest
    assert (again["rows"], again["labels"]["click"]["auc"]) == (once["rows"], once["labels"]["click"]["auc"])


def test_versions_of_another_file_are_not_gone_on_from(tmp_path: Path) -> None:
    backtest(source(tmp_path), RateLearner, plan=PLAN, versions=tmp_path / "v", console=quiet())
    with pytest.raises(OtherSettings):
        backtest(source(tmp_path, rows=1200), RateLearner, plan=PLAN, versions=tmp_path / "v", console=quiet())


def test_the_report_is_shown_and_written(tmp_path: Path) -> None:
    console = quiet()
    report = backtest(source(tmp_path), RateLearner, plan=PLAN, console=console)
    tell(report, console, tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["labels"]["click"]["n"] == 1000
    assert isinstance(console.file, StringIO)
    assert "1,000 impressions in" in console.file.getvalue()


def test_the_settings_of_the_shipped_mapping_can_be_read() -> None:
    text = (Path(__file__).parents[2] / "docs" / "examples" / "kuairand.toml").read_text()
    settings = load(None, {}, below=read_mapping(text).settings)
    assert (settings.partitions, settings.labels["long_view"].event, settings.trainer.context) == (
        1,
        "dwell",
        ("hour",),
    )


def test_the_shipped_mapping_fits_its_data() -> None:
    folder = Path(os.environ.get("HEADRACE_DATA", "nowhere")) / "kuairand-pure-late"
    if not folder.is_dir():
        pytest.skip("HEADRACE_DATA names no folder with KuaiRand")
    text = (Path(__file__).parents[2] / "docs" / "examples" / "kuairand.toml").read_text()
    files = tuple(sorted(folder.glob("std_*.parquet")))
    labels = (Label("is_click", event="click", window=30_000), Label("long_view", event="dwell", window=30_000))
    rules = Rules(labels, grace=0, out_of_orderness=0)
    plan = Plan(partitions=1, bucket_ms=600_000, batch_size=256)
    both = ("is_click", "long_view")
    told = Replayed(files, read_mapping(text), rules, limit=5_000)
    report = backtest(told, lambda: RateLearner(both), plan=plan, console=quiet())
    assert (report["rows"], report["rejected"]) == (5_000, 0)
    assert {name: figures["n"] for name, figures in report["labels"].items()} == dict.fromkeys(both, 5_000)
