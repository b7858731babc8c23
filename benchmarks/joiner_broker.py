"""What `joiner.py` measures through a real broker: the joiner on frames, the way of single events, and the plain peers.

One partition, so that one core does the work. For single events the windows are a tenth, so that labels close within
the run, and the log begins a while ago, since the sequencer's clock is the wall's.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event as Flag
from pathlib import Path
from typing import Any

from benchmarks.faust_host import by_faust_alone
from benchmarks.joiner_log import RULES, counted, framed, happenings, rules
from headrace.broker import Broker
from headrace.options import now
from streams.events import Event, RawTopic, Tick, topic_of
from streams.frames import encode_event
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLogs
from streams.kafka_topics import KafkaTopics
from streams.poll_joiner import join
from streams.sequencer import sequence
from streams.topics import NAMES, SINGLE, Topic

BARS = {"broker_framed_events_s": 60_000, "broker_single_events_s": 20_000}
FRAME, SLATE, SINGLE_RATE, CHUNK = 100, 10, 5_000, 500
OnOneCore = Callable[..., Any]


def through_broker(url: str, sizes: dict[str, int], on_one_core: OnOneCore) -> dict[str, float]:
    """The figures, as keys of one flat object."""
    with ExitStack() as over:
        if not url:
            broker = Broker(Path(over.enter_context(tempfile.TemporaryDirectory())), port=0, tied=True)
            over.callback(broker.kill)
            broker.start()
            url = broker.url()
        servers = Connection.of(url).servers
        frames = Connection.of(f"kafka://{servers}/joiner-framed-{time.time_ns()}")
        single = Connection.of(f"kafka://{servers}/joiner-single-{time.time_ns()}")
        for connection in (frames, single):
            admin = KafkaTopics(connection)
            admin.create([Topic(name, partitions=SINGLE.get(name, 1)) for name in NAMES])
            admin.close()
        events, many = on_one_core(fill_frames, frames, sizes)
        figures: dict[str, float] = {}
        for name, what in (
            ("faust_passthrough", by_faust),
            ("kafka_python", by_kafka_python),
            ("broker_framed", by_joiner),
        ):
            wall, cpu = on_one_core(what, frames, many)
            figures |= {f"{name}_events_s": events / wall, f"{name}_events_cpu_s": events / cpu}
            figures[f"{name}_records_s"] = many / wall
        return figures | one_by_one(single, sizes["single"], on_one_core)


def fill_frames(connection: Connection, sizes: dict[str, int], told: Pipe) -> None:
    logs, events, many, waiting = KafkaLogs(connection), 0, 0, list[bytes]()
    log = logs.open("events", 1)
    for frame, count in framed(happenings(slate=SLATE, rate=sizes["rate"]), FRAME):
        waiting.append(frame)
        events, many = events + count, many + 1
        if len(waiting) == 50 or events >= sizes["broker"]:
            log.append(0, waiting, at=now())
            waiting = []
        if events >= sizes["broker"]:
            break
    logs.close()
    told.send((events, many))


def by_faust(connection: Connection, end: int, told: Pipe) -> None:
    class Said:
        """`by_faust_alone` tells one more figure than is wanted here."""

        def send(self, took: tuple[float, float, int]) -> None:
            told.send(took[:2])

    with tempfile.TemporaryDirectory() as var:
        by_faust_alone(connection, [end], Path(var), Said())  # type: ignore[arg-type]


def by_kafka_python(connection: Connection, end: int, told: Pipe) -> None:
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(**connection.client(), max_partition_fetch_bytes=4 << 20, enable_auto_commit=False)
    place = TopicPartition(connection.topic("events"), 0)
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    began, next = (time.perf_counter(), time.process_time()), 0
    while next < end:
        for records in consumer.poll(timeout_ms=100, max_records=5_000).values():
            next = records[-1].offset + 1
    told.send((time.perf_counter() - began[0], time.process_time() - began[1]))
    consumer.close()


def by_joiner(connection: Connection, end: int, told: Pipe) -> None:
    with tempfile.TemporaryDirectory() as place:
        var = Path(place)
        began = time.perf_counter(), time.process_time()
        for report in join(KafkaLogs(connection), partitions=1, rules=RULES, folder=var, snapshots=var, clock=now):
            if report.next >= end:
                break
        told.send((time.perf_counter() - began[0], time.process_time() - began[1]))


def one_by_one(connection: Connection, events: int, on_one_core: OnOneCore) -> dict[str, float]:
    """Single events through a sequencer and a joiner, each a process, over raw topics that are full."""
    processes = multiprocessing.get_context("fork")
    sequenced = processes.Event()
    counted_, records = on_one_core(fill_raw, connection, events)
    child = processes.Process(target=by_sequencer, args=(connection, records, sequenced))
    began = time.perf_counter()
    child.start()
    rows = on_one_core(by_joiner_behind, connection, sequenced)
    wall = time.perf_counter() - began
    child.join()
    return {
        "broker_single_events_s": counted_ / wall,
        "broker_single_records_s": records / wall,
        "broker_single_rows_s": rows / wall,
    }


def raw_of(events: int) -> Iterator[list[Event]]:
    """The stream in pieces, without its ticks."""
    piece, done = list[Event](), 0
    start = now() - 1000 * events // SINGLE_RATE - 60_000
    for event in happenings(slate=SLATE, rate=SINGLE_RATE, start=start):
        if not isinstance(event, Tick):
            piece.append(event)
            done += counted(event)
        if len(piece) == CHUNK or done >= events:
            yield piece
            piece = []
        if done >= events:
            return


def fill_raw(connection: Connection, events: int, told: Pipe) -> None:
    logs, done, records = KafkaLogs(connection), 0, 0
    for piece in raw_of(events):
        by_topic: dict[RawTopic, list[bytes]] = {}
        for event in piece:
            by_topic.setdefault(topic_of(event), []).append(encode_event(event))
        for topic, values in by_topic.items():
            logs.open(topic, 1).append(0, values, at=now())
        done, records = done + sum(map(counted, piece)), records + len(piece)
    logs.close()
    told.send((done, records))


def by_sequencer(connection: Connection, records: int, sequenced: Flag) -> None:
    done = 0
    for turn in sequence(KafkaLogs(connection), partitions=1, clock=now, clock_ahead=2_000, tick_ms=600_000):
        done += turn.events
        if done >= records and not turn.behind:
            break
    sequenced.set()
    os._exit(0)


def by_joiner_behind(connection: Connection, sequenced: Flag, told: Pipe) -> None:
    rows = 0
    with tempfile.TemporaryDirectory() as place:
        var = Path(place)
        for report in join(KafkaLogs(connection), partitions=1, rules=rules(10), folder=var, snapshots=var, clock=now):
            rows += report.rows
            if report.idle and sequenced.is_set() and not report.lag:
                break
            if report.idle:
                time.sleep(0.002)
        told.send(rows)
