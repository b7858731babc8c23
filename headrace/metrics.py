"""The figures of every process in a run folder, as Prometheus wants them, read anew at each scrape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from headrace.figures import figures
from headrace.telemetry import read_status


class ProcessFigures(Collector):
    """Collects from status files, so that one scrape of the API sees every process of the machine."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def collect(self) -> Iterator[Metric]:
        families: dict[tuple[str, bool], Metric] = {}
        for name, labels, value, counts in figures(read_status(self._run)):
            family = families.get((name, counts))
            if family is None:
                made = CounterMetricFamily if counts else GaugeMetricFamily
                family = families[name, counts] = made(
                    f"headrace_{name}", f"{name} of the last status", labels=list(labels)
                )
            family.add_metric(list(labels.values()), value)  # type: ignore[attr-defined]
        yield from families.values()


def expose(run: Path, registry: CollectorRegistry) -> None:
    """Add the figures of a run folder to a registry."""
    registry.register(ProcessFigures(run))
