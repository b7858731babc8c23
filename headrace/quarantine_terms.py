"""What operators write to name bad data, read into an order: `from=10m app-version=1.1`. Pure.

Times are `10m` (ago), `now`, ISO 8601 (UTC where no zone is named) or milliseconds since 1970.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from checkpoints.errors import BadOrder
from checkpoints.quarantine import LATEST, Order
from headrace.durations import milliseconds
from headrace.quarantine_words import iso, numbers
from streams.positions import Positions

KEYS = ("from", "to", "app-version", "producer", "surface", "model-version", "label", "positions")
LISTS = ("model-version", "label", "positions")
"""Keys that may be repeated, or hold several values behind one another."""

EARLIEST = 978_307_200_000
"""2001: a bare number below it is seconds since 1970 by all odds, where milliseconds are asked for."""
MOST_VERSIONS = 100_000
"""As many one range of versions may name."""


class BadTerms(BadOrder):
    """A term that can't be read; the message names it."""


def order_of(written: str, *, now: int) -> Order:
    """The order of one string of `key=value`, separated by blanks or commas; values with either stand in quotes.

    >>> order_of("from=10s, to=now app-version='1.1 beta'", now=60_000)
    Order(t0=50000, t1=60000, producer=None, app_version='1.1 beta', surface=None, model_versions=None, start=None, \
stop=None, labels=None)
    >>> order_of("model-version=7,9-11", now=0).model_versions
    (7, 9, 10, 11)
    >>> order_of("label=buy,like surface=mail", now=0).labels
    ('buy', 'like')
    >>> order_of("positions=0:120-340 positions=1:5-9", now=0).stop
    {0: 340, 1: 9}
    >>> order_of("app_version=1.1", now=0)
    Traceback (most recent call last):
    headrace.quarantine_terms.BadTerms: 'app_version=1.1': there is no key 'app_version'; there are from, to, \
app-version, producer, surface, model-version, label, positions
    """
    found: dict[str, list[str]] = {}
    key = ""
    for word in _words(written):
        name, equals, value = word.partition("=")
        if not equals and key in LISTS:
            name, value = key, word
        elif not equals:
            raise BadTerms(f"{word!r} is no term; write key=value, e.g. from=10m app-version=1.1")
        key = name.strip()
        _add(found, key, value.strip(), word)
    return order_from(found, now=now)


def order_from(found: Mapping[str, Sequence[str]], *, now: int) -> Order:
    """The order of values by key; keys without values are not given, and empty values are refused."""
    for key in (key for key, values in found.items() if any(not value.strip() for value in values)):
        raise BadTerms(f"{key} is given, but names no value; give it one, or leave it out")
    given = {key: values for key, values in found.items() if values}
    start, stop = _positions(given.get("positions", ()))
    versions = tuple(sorted({n for value in given.get("model-version", ()) for n in _versions(value)}))
    t0, t1 = (_one(given, key, now) for key in ("from", "to"))
    if t0 is not None and t0 > now:
        raise BadTerms(f"'from={given['from'][0]}' is {iso(t0)}, but now is {iso(now)}: nothing has happened since")
    return Order(
        t0=t0,
        t1=t1,
        producer=_text(given, "producer"),
        app_version=_text(given, "app-version"),
        surface=_text(given, "surface"),
        model_versions=versions or None,
        start=start,
        stop=stop,
        labels=tuple(sorted(set(given.get("label", ())))) or None,
    )


def terms_of(order: Order, *, mark: str = "") -> str:
    """What `order_of` reads as this order, with times that mean the same tomorrow; as options with the mark `--`.

    >>> terms_of(Order(t0=50_000, t1=60_000, app_version="1.1 beta", labels=("buy",)))
    "from=1970-01-01T00:00:50.000Z to=1970-01-01T00:01:00.000Z app-version='1.1 beta' label=buy"
    """
    start, stop = order.start or {}, order.stop or {}
    partitions = sorted({*start, *stop})
    told: list[tuple[str, object]] = [
        ("from", None if order.t0 is None else iso(order.t0)),
        ("to", None if order.t1 is None else iso(order.t1)),
        ("app-version", order.app_version),
        ("producer", order.producer),
        ("surface", order.surface),
        *(("model-version", run) for run in numbers(order.model_versions or ()).split(", ") if order.model_versions),
        *(("label", name) for name in order.labels or ()),
        *(("positions", f"{p}:{start.get(p, 0)}-{stop.get(p, '')}") for p in partitions),
    ]
    return " ".join(f"{mark}{key}={_quoted(str(value))}" for key, value in told if value is not None)


def _quoted(value: str) -> str:
    # a comma ends a term here, though no shell minds it
    return shlex.quote(value + " ")[:-2] + "'" if "," in value else shlex.quote(value)


def moment_of(written: str, *, now: int) -> int:
    """A time in ms.

    >>> [moment_of(text, now=10_000) for text in ("now", "2s", "1970-01-01T00:00:07", "1970-01-01T02:00:07+02:00")]
    [10000, 8000, 7000, 7000]
    >>> moment_of("yesterday", now=10_000)
    Traceback (most recent call last):
    headrace.quarantine_terms.BadTerms: 'yesterday' is no time; write 10m (ago), now, 2026-07-30T12:00:00Z or \
milliseconds since 1970
    """
    text = written.strip()
    if text == "now":
        return now
    if text.isdecimal():
        return _bare(text)
    try:
        return now - milliseconds(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadTerms(
            f"{written!r} is no time; write 10m (ago), now, 2026-07-30T12:00:00Z or milliseconds since 1970"
        ) from None
    zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def not_seconds(at: int) -> int:
    """A time that was written as a bare number. Raises ValueError where it can't be meant in ms.

    >>> not_seconds(1_789_995_200)
    Traceback (most recent call last):
    ValueError: 1789995200 looks like seconds, not milliseconds, since 1970: as milliseconds it is before 2001
    """
    if at < EARLIEST:
        raise ValueError(f"{at} looks like seconds, not milliseconds, since 1970: as milliseconds it is before 2001")
    return at


def _bare(text: str) -> int:
    if len(text) > len(str(LATEST)) or int(text) > LATEST:
        raise BadTerms(f"{text!r} is beyond the year 9999; write milliseconds since 1970")
    try:
        return not_seconds(int(text))
    except ValueError as error:
        raise BadTerms(str(error)) from None


def _words(written: str) -> list[str]:
    lexer = shlex.shlex(written, posix=True, punctuation_chars=False)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = ", \t\n", True, ""
    try:
        return list(lexer)
    except ValueError as error:
        raise BadTerms(f"{written!r} can't be read ({error}); close the quote") from None


def _add(found: dict[str, list[str]], key: str, value: str, word: str) -> None:
    if key not in KEYS:
        raise BadTerms(f"{word!r}: there is no key {key!r}; there are {', '.join(KEYS)}")
    if not value:
        raise BadTerms(f"{word!r} names no value; write {key}=VALUE, or leave it out")
    if key in found and key not in LISTS:
        raise BadTerms(f"{key} is given twice: {found[key][0]!r} and {value!r}; give a --quarantine to each")
    found.setdefault(key, []).append(value)


def _one(given: Mapping[str, Sequence[str]], key: str, now: int) -> int | None:
    return moment_of(given[key][0], now=now) if key in given else None


def _text(given: Mapping[str, Sequence[str]], key: str) -> str | None:
    return given[key][0] if key in given else None


def _versions(value: str) -> range:
    first, dash, last = value.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise BadTerms(f"'model-version={value}' is no number of a version; write model-version=7 or model-version=7-9")
    low, high = int(first), int(last or first)
    if high - low >= MOST_VERSIONS:
        raise BadTerms(f"'model-version={value}' names more than {MOST_VERSIONS:,} versions; name those that served")
    versions = range(low, high + 1)
    if not versions:
        raise BadTerms(f"'model-version={value}' ends before it begins; write model-version={last}-{first}")
    return versions


def _positions(values: Iterable[str]) -> tuple[Positions | None, Positions | None]:
    start: Positions = {}
    stop: Positions = {}
    for value in values:
        partition, colon, frames = value.partition(":")
        first, _, last = frames.partition("-")
        if not colon or not all(part.isdecimal() for part in (partition, first, last or "0")):
            raise BadTerms(f"'positions={value}' is not PARTITION:FROM-TO; write e.g. positions=0:120-340")
        if int(partition) in start:
            raise BadTerms(
                f"'positions={value}' names partition {partition} again; give a --quarantine to each stretch"
            )
        start[int(partition)] = int(first)
        if last:
            stop[int(partition)] = int(last)
    if stop and len(stop) < len(start):
        raise BadTerms(f"positions end in partitions {sorted(stop)}, but begin in {sorted(start)}; give each an end")
    return start or None, stop or None
