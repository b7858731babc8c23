"""The intake and its door by the settings: the same behind the gateway and behind the serving port."""

from __future__ import annotations

from headrace.options import now
from headrace.settings import Settings
from streams.gateway import Door
from streams.intake import Intake
from streams.log import Logs
from streams.rates import RateLimits


def intake_of(settings: Settings, logs: Logs) -> Intake:
    """The way into the raw topics of these logs."""
    told = settings.gateway
    return Intake(
        logs,
        partitions=settings.partitions,
        clock=now,
        max_event_bytes=told.max_event_bytes,
        max_waiting=told.waiting_events,
        rates=RateLimits(told.rate, told.rates, told.burst),
    )


def door_of(settings: Settings) -> Door:
    """How much is let in at once."""
    told = settings.gateway
    return Door(told.max_bytes, told.max_events, told.waiting_bytes)
