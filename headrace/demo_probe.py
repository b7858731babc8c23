"""The demo times itself: how long until a click shows in its user's next slate, and in the weights behind answers.

Two threads follow samples of the clicks; the arithmetic is in `demo_delays.py`. Probing answers show nobody anything
(`dry_run`), so they leave no trace in the log.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from checkpoints.errors import VersionError
from checkpoints.store import VersionStore
from headrace.demo_delays import WeightDelays
from headrace.demo_http import Api
from headrace.demo_report import Delays
from headrace.demo_stage import SLATE
from headrace.demo_tally import Tally, quantiles
from headrace.demo_traffic import LEARNABLE_MS, Acked, Traffic
from headrace.deployment import open_logs, version_store
from headrace.options import now
from headrace.settings import Settings
from streams.events import Interaction
from streams.frames import decode_frame
from streams.log import Log

SAMPLE_EVERY = 1.0
LOOK_EVERY = 0.01
SLATE_PATIENCE_MS = 10_000


class SlateProbe:
    """Once a second it takes a fresh click and asks for its user until the answer's `history_at` covers the click."""

    def __init__(self, tally: Tally, *, api: Callable[[], Api], stopping: threading.Event) -> None:
        self.clicks: queue.Queue[Acked] = queue.Queue(maxsize=1)
        self.measured: list[float] = []
        self._tally = tally
        self._api = api
        self._stopping = stopping

    def run(self) -> None:
        """Until `stopping`."""
        api = self._api()
        while not self._stopping.wait(SAMPLE_EVERY):
            stale = self._take()
            click = self._take(wait=1.0) if stale else None
            if click is not None and (ms := self._until_covered(api, click)) is not None:
                self.measured.append(ms)
        api.close()

    def _take(self, wait: float = 0.2) -> Acked | None:
        try:
            return self.clicks.get(timeout=wait)
        except queue.Empty:
            return None

    def _until_covered(self, api: Api, click: Acked) -> float | None:
        body = {"user_id": click.user_id, "n": SLATE, "surface": "home", "dry_run": True}
        while not self._stopping.is_set():
            reply = api.post("/v1/recommend", body)
            waited = now() - click.at
            if reply.status != 200:
                self._tally.failed(f"probe: status {reply.status}, {reply.body}")
                return None
            self._tally.answered(reply.body, ms=reply.ms, at=now())
            if (reply.body["history_at"] or 0) >= click.ts or waited > SLATE_PATIENCE_MS:
                return waited
            self._stopping.wait(LOOK_EVERY)
        return None


@dataclass(slots=True)
class WeightsProbe:
    """Finds sampled clicks in `events`, and the first answer by a version that has learned them.

    Clicks of the first `warm_ms` after the first personalised answer are left out: the joiner gives early positives no
    weight, so no weights hold them.
    """

    tally: Tally
    events: Log
    store: VersionStore
    warm_ms: int
    stopping: threading.Event

    def run(self, delays: WeightDelays, clicks: queue.Queue[Acked]) -> None:
        """Until `stopping`; the last look is taken after it."""
        next_at = {p: self.events.end(p) for p in range(self.events.partitions)}
        sampled_at = 0
        told: set[int] = set()
        while True:
            last = self.stopping.wait(LOOK_EVERY * 5)
            sampled_at = self._sample(delays, clicks, sampled_at)
            self._read_frames(delays, next_at)
            self._look_at_answers(delays, told)
            if last:
                return

    def _sample(self, delays: WeightDelays, clicks: queue.Queue[Acked], sampled_at: int) -> int:
        first = self.tally.counted().first_model_at
        while not clicks.empty():
            click = clicks.get_nowait()
            warm = first is not None and click.at > first + self.warm_ms
            if warm and click.at - sampled_at >= SAMPLE_EVERY * 500:
                delays.acked(click.event_id, at=click.at)
                sampled_at = click.at
        return sampled_at

    def _read_frames(self, delays: WeightDelays, next_at: dict[int, int]) -> None:
        for partition, offset in next_at.items():
            for record in self.events.read(partition, offset):
                ids = [e.event_id for e in decode_frame(record.value).events if isinstance(e, Interaction)]
                delays.framed(partition=partition, offset=record.offset, event_ids=ids)
                next_at[partition] = record.offset + 1

    def _look_at_answers(self, delays: WeightDelays, told: set[int]) -> None:
        for version, at in self.tally.first_answers().items():
            if version not in told:
                told.add(version)
                try:
                    positions = self.store.manifest(version).positions
                except VersionError:
                    continue
                delays.answered(version, at=at, used={p: position.last for p, position in positions.items()})


@contextmanager
def probed(
    traffic: Traffic, tally: Tally, settings: Settings, *, api: Callable[[], Api]
) -> Iterator[Callable[[], Delays]]:
    """Both probes run inside; what it gives reads what they measured so far."""
    stopping, weights = threading.Event(), WeightDelays()
    slate = SlateProbe(tally, api=api, stopping=stopping)
    clicks: queue.Queue[Acked] = queue.Queue(maxsize=1_000)
    traffic.listeners = [slate.clicks, clicks]
    with open_logs(settings) as logs:
        events = logs.open("events", settings.partitions)
        probe = WeightsProbe(tally, events, version_store(settings), LEARNABLE_MS + 2_000, stopping)
        threads = [
            threading.Thread(target=slate.run, daemon=True),
            threading.Thread(target=probe.run, args=(weights, clicks), daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield lambda: _delays(list(slate.measured), weights, now())
        finally:
            stopping.set()
            for thread in threads:
                thread.join()


def _delays(slate: Sequence[float], weights: WeightDelays, at: int) -> Delays:
    """Both delays; clicks that wait for their weights far too long count with their age."""
    return Delays(quantiles(slate), quantiles([*weights.measured, *weights.overdue(at)]))
