"""What the operator's desks over HTTP stand on: logs, versions, clock, and who acts where nobody says so.

A look that reads the log rests as it goes, since requests are answered beside it. Decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock

from checkpoints.quarantine import Order
from checkpoints.store import VersionStore
from headrace.admin_bodies import Why
from headrace.operations import Operator
from headrace.quarantine_preview import Preview, preview
from headrace.telemetry import Status
from streams.decisions import DecisionLog
from streams.errors import HeadraceError
from streams.log import Log

FRAMES = 10
"""Records between two rests of a look."""
REST_S = 0.005
key_of_request: ContextVar[str] = ContextVar("key_of_request", default="")
"""Name and id of the key that let the request in that is answered; empty where no keys are asked for."""


class Busy(HeadraceError):
    """Something long is under way already."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The logs that an operator reads and writes."""

    decisions: Log
    events: Log
    examples: Log


@dataclass(frozen=True, slots=True)
class AdminGround:
    """A deployment, as its server has it open. `ahead` is how far clocks may go before the receiver's (ms), `pinned`
    the versions that the settings name, `said` gives what the processes said last."""

    store: VersionStore
    topics: Topics
    clock: Callable[[], int]
    who: str
    ahead: int = 0
    pinned: Collection[int] = ()
    said: Callable[[], Mapping[str, Status]] = dict
    _looking: Lock = field(default_factory=Lock)

    @property
    def events(self) -> Log:
        return self.topics.events

    def lines(self) -> DecisionLog:
        """The decisions, folded anew."""
        return DecisionLog(self.topics.decisions)

    def operator(self, body: Why) -> Operator:
        """Who asks, now."""
        return Operator(who=signed(body.who, self.who), why=body.why, at=self.clock())

    def looked(self, orders: Sequence[Order], at: int) -> Preview:
        """What these orders would take. Raises Busy."""
        with self.alone("headrace quarantine preview"):
            return preview(
                orders,
                store=self.store,
                decisions=self.lines(),
                events=self.events,
                examples=self.topics.examples,
                ahead=self.ahead,
                at=at,
                told=gently,
            )

    @contextmanager
    def alone(self, command: str) -> Iterator[None]:
        """One at a time of what takes long. Raises Busy, which names the command that does the same elsewhere."""
        if not self._looking.acquire(blocking=False):
            raise Busy(f"this server reads or writes for another request like this; wait for it, or type `{command}`")
        try:
            yield
        finally:
            self._looking.release()


def signed(name: str | None, default: str) -> str:
    """Who stands in the decisions: the name that a caller gave, and the key by which he came, which he can't choose.

    >>> signed(None, "root over HTTP"), signed("ana", "root over HTTP")
    ('root over HTTP', 'ana')
    >>> before = key_of_request.set("night shift (0a1b2c3d)")
    >>> signed(None, "root over HTTP"), signed("ana", "root over HTTP"); key_of_request.reset(before)
    ('key night shift (0a1b2c3d)', 'ana by key night shift (0a1b2c3d)')
    """
    key = key_of_request.get()
    if not key:
        return name or default
    return f"{name} by key {key}" if name else f"key {key}"


def gently(read: int, total: int) -> None:
    """Rest now and then: who is answered meanwhile has the processor first."""
    if read % FRAMES == 0:
        time.sleep(REST_S)
