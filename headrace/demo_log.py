"""The demo's log: in its own folder, or on a broker under a prefix of its own that goes with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from headrace.demo_settings import demo_settings
from headrace.log_places import broker_of, broker_topics, on_broker
from headrace.options import chosen, now
from headrace.settings import Settings


def settings_for(folder: Path, log: str | None, *, port: int) -> Settings:
    """The demo's settings, its log where `log` says; how a broker is spoken with is said by file and environment."""
    changes: dict[str, Any] = {"serving": {"port": port}}
    if log is not None:
        changes |= {"log": url_of(log, now()), "kafka": chosen(None, log=log).kafka}
    return demo_settings(folder, **changes)


def url_of(log: str, at: int) -> str:
    """The demo wants a log that nobody wrote to: on a broker it gets a prefix of its own, where none is named.

    >>> url_of("kafka://localhost:9092", 0), url_of("kafka://localhost:9092/mine", 0), url_of("sqlite://x", 0)
    ('kafka://localhost:9092/demo-19700101-000000-000', 'kafka://localhost:9092/mine', 'sqlite://x')
    """
    if not log.startswith("kafka://") or log.removeprefix("kafka://").rstrip("/").count("/"):
        return log
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at / 1000))
    return f"{log.rstrip('/')}/demo-{moment}-{at % 1000:03d}"


@contextmanager
def passing_topics(settings: Settings, passing: bool) -> Iterator[None]:
    """Where they are `passing`, topics on a broker go at the end, and stay after an error, as the folder does."""
    yield
    if passing and on_broker(settings):
        with broker_of(settings) as broker:
            broker.remove(broker_topics(settings))
