"""What a joiner counts by cause reaches the people who look: on the command line and for Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from headrace.deployment import run_folder
from headrace.metrics import expose
from headrace.telemetry import Telemetry
from tests.headrace import deployments
from tests.headrace.command_line import runner
from tests.streams.join_runs import World, events_of, framed


def test_every_cause_is_on_the_command_line_and_in_a_scrape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_folder(deployments.of(tmp_path / "var"))
    world = World(framed(events_of(7, 120), 20))
    telemetry = Telemetry("join", run, clock=lambda: 5)
    counts: dict[str, int] = {}
    for _ in range(60):
        list(world.joiner.turn())
        telemetry.take(world.joiner.report)
        counts = world.joiner.report.counts or {}
    telemetry.write()
    assert len(counts) > 15
    registry = CollectorRegistry()
    expose(run, registry)
    scraped = generate_latest(registry).decode().split("\n")
    status, out, _ = runner(tmp_path, monkeypatch, capsys)("status")
    assert status == 0
    told = {tuple(line.split()) for line in out.splitlines()}
    for cause, times in counts.items():
        assert f'headrace_join_counts{{of="{cause}",partition="0"}} {times:.1f}' in scraped
        assert ("join", cause, f"{times:,}") in told
