"""Keys by the settings: where they are asked for, by whom a server is guarded, what a refused request leaves behind."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.options import now
from headrace.settings import Settings
from headrace.terminal import moment
from serving.access import check_host, is_loopback
from serving.doorkeeper import Doorkeeper
from serving.keys import KeyRing, KeyTrouble

if TYPE_CHECKING:
    from headrace.web import Application


def keys_path(settings: Settings) -> Path:
    """The file of the keys."""
    return Path(settings.access.keys.replace("{var}", str(settings.var)))


def keeper_of(settings: Settings, host: str) -> Doorkeeper | None:
    """Who guards a server that listens on `host`; None where no keys are asked for.

    Raises OpenToAll where others may reach it and there is no key, KeyTrouble where keys can't be read or none are
    there that could be asked for.
    """
    told = settings.access
    if told.asked == "beyond" and is_loopback(host):
        return None
    ring = KeyRing(keys_path(settings), clock=now)
    check_host(host, ring.keys())
    if not ring.keys():
        raise KeyTrouble(
            f'[access] asked = "always", but {keys_path(settings)} holds no key: nobody could ask. Add one with '
            "`headrace keys add NAME --role consumer`"
        )
    return Doorkeeper(ring, clock=now, rate=told.rate, burst_ms=told.burst)


def guarded(
    app: Application, settings: Settings, keeper: Doorkeeper | None, count: Callable[[str], None] | None = None
) -> Application:
    """The application behind its doorkeeper, and open to the pages of the settings; `count` hears of each refusal."""
    from headrace.web import behind_keys, open_to_pages
    from serving.guarded import Audit

    if keeper is not None:
        behind_keys(app, keeper, Audit(_tell, clock=now, count=count))
    if settings.access.cors:
        open_to_pages(app, settings.access.cors)
    return app


def _tell(line: str) -> None:
    """The process's log is its stderr."""
    print(f"{moment(now())} access: {line}", file=sys.stderr, flush=True)
