"""Faust as a member of a consumer group that brings records where it is told to: the framework, and nothing of ours.

Nothing of Faust's own bookkeeping is used: no tables, no windows, no acks; it starts where it is placed, never where
the group's offsets are. Those are told for the ones who watch. The only file that imports faust, aiokafka and mode.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import faust
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.supervisors import CrashingSupervisor

from streams.errors import LogError
from streams.kafka_connection import Connection
from streams.log import Record

LOOK_S = 0.05
POLLED_S = 7 * 86_400.0
"""A member must not leave because it asked for nothing for a while: whether a worker gets on is for `join_watch.py`."""


@dataclass(frozen=True, slots=True)
class Member:
    """One worker of a group. Who comes back under its name within the session takes its place, and nobody notices."""

    name: str
    session_ms: int = 15_000
    heartbeat_ms: int = 3_000


class Ears(Protocol):
    """Who is told what Faust sees, in its loop. `bring` must not block."""

    async def assigned(self, partitions: Iterable[int]) -> None: ...

    async def revoked(self) -> None:
        """All partitions: the protocol is eager. The group waits for this."""
        ...

    def displaced(self) -> None:
        """Faust has lost its places, and brings nothing until it is placed again."""
        ...

    def bring(self, partition: int, record: Record, end: int) -> None: ...


class _Consumer(driver.Consumer):
    async def perform_seek(self) -> None:
        """After a rebalance: to nowhere, instead of to what the group committed."""
        held: set[TP] = self.assignment()
        self.pause_partitions(held)
        self.app.displaced()  # type: ignore[attr-defined]

    async def _wait_next_records(self, timeout: float) -> Any:
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(LOOK_S)  # Faust would sleep for a second, however soon a partition is asked for
            return {}, set()
        return await super()._wait_next_records(timeout)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust would complain of messages that are not acked, which none is here."""

    async def tell(self, positions: Mapping[TP, int]) -> None:
        held = self.assignment()
        offsets = {driver.ensure_aiokafka_TP(tp): next for tp, next in positions.items() if tp in held}
        if offsets:
            committing = self._thread._ensure_consumer().commit(offsets)
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(committing, self._thread.thread_loop))


class _Transport(driver.Transport):
    Consumer = _Consumer


class _App(faust.App):
    displaced: Callable[[], None]

    def _new_transport(self) -> Any:
        return _Transport(self.conf.broker_consumer, self)


class FaustGroup:
    """A member of `group` that brings the records of one topic. All methods in the thread of its loop."""

    def __init__(
        self, connection: Connection, member: Member, ears: Ears, *, group: str, topic: str, folder: Path
    ) -> None:
        self._member, self._ears = member, ears
        self._group, self._topic = connection.topic(group), connection.topic(topic)
        self._app = _app(connection, member, self._group, folder)
        self._app.displaced = ears.displaced
        signals: Any = self._app
        signals.on_partitions_revoked.connect(self._revoked)
        signals.on_partitions_assigned.connect(self._assigned)
        source = self._app.topic(self._topic, value_type=bytes, value_serializer="raw", key_serializer="raw")
        self._app.agent(source, name="bring")(self._bring)

    async def start(self) -> None:
        await self._app.start()

    async def stop(self) -> None:
        await self._app.stop()

    def check(self) -> None:
        """Raises LogError where Faust has crashed."""
        if self._app.crashed:
            error = self._app.crash_reason
            raise LogError(
                f"worker {self._member.name} can't stay in group {self._group}: {error!r}. Another worker of the same "
                "name, or a broker that refuses; see `headrace doctor`"
            ) from error

    async def place(self, partition: int, position: int | None) -> bool:
        """Bring a partition from `position` on; None: no more of it. False where it is not ours now."""
        consumer: Any = self._app.consumer
        place = TP(self._topic, partition)
        if place not in consumer.assignment():
            return False
        if position is None:
            consumer.pause_partitions({place})
            return True
        try:
            await consumer.seek_wait({place: position})
        except (KafkaError, TimeoutError):
            return False
        consumer.resume_partitions({place})
        return True

    async def tell(self, positions: Mapping[int, int], within: float) -> None:
        """Commit positions, for those who watch the group; a commit that fails is only a hint less."""
        consumer: Any = self._app.consumer
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(consumer.tell({TP(self._topic, p): next for p, next in positions.items()}), within)

    async def _bring(self, stream: Any) -> None:
        """The agent."""
        bring, ends = self._ears.bring, self._app.monitor.tp_end_offsets
        async for event in stream.noack().events():
            message = event.message
            record = Record(message.offset, round(message.timestamp * 1000), message.value)
            bring(message.partition, record, ends.get(message.tp, -1))

    def _assigned(self, _: Any, assigned: Iterable[TP], **__: Any) -> Awaitable[None]:
        return self._ears.assigned(sorted(place.partition for place in assigned))

    def _revoked(self, *_: Any, **__: Any) -> Awaitable[None]:
        return self._ears.revoked()


def _app(connection: Connection, member: Member, group: str, folder: Path) -> _App:
    session = member.session_ms / 1000
    return _App(
        group,
        broker=[f"kafka://{server}" for server in connection.servers.split(",")],
        broker_credentials=_credentials(connection),
        broker_session_timeout=session,
        broker_rebalance_timeout=session,
        broker_request_timeout=max(2 * session, 40.0),
        broker_heartbeat_interval=member.heartbeat_ms / 1000,
        broker_max_poll_interval=POLLED_S,
        consumer_group_instance_id=member.name,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 << 20,
        store="memory://",
        datadir=str(folder),
        topic_disable_leader=True,
        topic_allow_declare=False,
        table_standby_replicas=0,
        stream_wait_empty=False,
        agent_supervisor=CrashingSupervisor,
        web_enabled=False,
    )


def _credentials(connection: Connection) -> Any:
    context = None
    if connection.encrypted:
        context = ssl.create_default_context(cafile=connection.ca)
        if connection.cert:
            context.load_cert_chain(connection.cert, connection.key)
    if not connection.authenticated:
        return faust.SSLCredentials(context) if context else None
    return faust.SASLCredentials(
        username=connection.username,
        password=connection.password,
        ssl_context=context,
        mechanism=connection.mechanism,
    )
