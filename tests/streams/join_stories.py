"""Words for short stories about a joiner: what was shown, what was done, what was told."""

from __future__ import annotations

from streams.events import Event, Impression, Interaction, Shown
from streams.families import changes_in
from streams.given import resolved
from streams.join_state import MemoryStore
from streams.rules import Label, Rules
from tests.streams.join_runs import Resolved, fed
from tests.streams.messy_logs import S

CLICK = Rules((Label("click", event="click", window=10 * S, horizon=20 * S),), grace=2 * S, out_of_orderness=3 * S)
FAST = Rules((Label("click", event="click", window=10 * S, mode="fast"),), grace=2 * S, out_of_orderness=3 * S)
BOTH = Rules(
    (Label("click", event="click", window=10 * S), Label("buy", event="purchase", window=60 * S)),
    grace=2 * S,
    out_of_orderness=3 * S,
)


def shown(
    at: int, *items: str, request: str = "r", user: str = "ana", event: str = "", surface: str = ""
) -> Impression:
    listed = tuple(Shown(item, k) for k, item in enumerate(items))
    return Impression(event or f"v{at}{items}", at * S, user, request, listed, surface=surface)


def done(
    at: int, item: str, kind: str = "click", request: str | None = "r", event: str = "", **rest: object
) -> Interaction:
    named = event or f"c{at}{item}{kind}"
    return Interaction(named, at * S, "ana", kind, item_id=item, request_id=request, **rest)  # type: ignore[arg-type]


def rows_of(events: list[Event], rules: Rules = CLICK) -> Resolved:
    return resolved(fed([events], rules)[0])


def told(events: list[Event], rules: Rules = CLICK) -> list[tuple[str, str, dict[str, float], int]]:
    """(kind, item, labels, decided at in s) of each row."""
    return [(row.kind, row.item_id, row.labels, row.decided_at // S) for row, _, _ in rows_of(events, rules)]


def counts(events: list[Event], rules: Rules = CLICK) -> dict[str, int]:
    return fed([events], rules)[1]


def values_of(store: MemoryStore) -> list[bytes]:
    """Every value that a store in memory holds."""
    return [value for _, value in changes_in(store._families) if value is not None]
