"""The settings of the demo: everything that waits waits for seconds, so that a click is learned while one looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.settings import Settings

DEMO: dict[str, Any] = {
    "labels": {"click": {"event": "click", "window": "5s", "mode": "fast", "horizon": "10s"}},
    "sequencer": {"clock_ahead": 0},
    "join": {"grace": "500ms", "out_of_orderness": "1s", "snapshot_every": "10s"},
    "trainer": {"bucket": "1s", "commit": "2s", "context": ("hour",)},
    "follower": {"keep": 60},
    "serving": {
        "snapshot_every": "10s",
        "fatigue": 0.6,
        "diversity": 0.15,
        "seen": {"wanted_for": "3m", "showings": 3, "shown_for": "90s"},
    },
}


def demo_settings(var: Path, **changes: Any) -> Settings:
    """The demo's settings in the folder `var`; `changes` replace whole groups, field by field within a group.

    >>> demo_settings(Path("x"), serving={"port": 0}).serving.port
    0
    """
    groups = {name: DEMO.get(name, {}) | value if isinstance(value, dict) else value for name, value in changes.items()}
    return Settings(**({"var": var} | DEMO | groups))
