"""The body of a request, cut into the bytes of its events: a JSON list, one object, or NDJSON; plain or gzip.

Nothing here looks into an event. What can't be cut is refused as a whole, with the status that HTTP has for it.
"""

from __future__ import annotations

import zlib

import msgspec

NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_SPACE = b" \t\r\n"


class BadBody(Exception):
    """A body that can't be cut into events: the HTTP status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def unpacked(data: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding, at most `limit` bytes of it.

    >>> import gzip
    >>> unpacked(gzip.compress(b"[]"), "gzip", 10)
    b'[]'
    >>> unpacked(gzip.compress(bytes(1_000_000)), "gzip", 10)
    Traceback (most recent call last):
    streams.bodies.BadBody: the body has more than 10 bytes when unpacked
    """
    if encoding in ("", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise BadBody(415, f"content-encoding {encoding!r} is not known; send gzip or none")
    plain = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            plain += member.decompress(data, limit + 1 - len(plain))
        except zlib.error as error:
            raise BadBody(400, f"the body is not gzip: {error}") from error
        if len(plain) > limit:
            raise BadBody(413, f"the body has more than {limit:,} bytes when unpacked")
        if not member.eof:
            raise BadBody(400, "the body is not gzip: it ends too early")
        data = member.unused_data
    return plain


def events_in(body: bytes, content_type: str, limit: int) -> list[bytes]:
    """The bytes of each event, in order; at most `limit` of them.

    >>> events_in(b'[{"a": 1}, 7]', "application/json", 10)
    [b'{"a": 1}', b'7']
    >>> events_in(b'{"a": 1}\\n{"a": 2}\\n', "", 10)
    [b'{"a": 1}', b'{"a": 2}']
    """
    body = body.strip(_SPACE)
    if not body:
        raise BadBody(400, "the body is empty; send a JSON list of events, one event, or one event per line")
    if content_type.partition(";")[0].strip().lower() in NDJSON:
        events = _lines(body)
    elif body.startswith(b"["):
        events = _listed(body)
    elif body.startswith(b"{"):
        events = [body] if b"\n" not in body or _is_json(body) else _lines(body)
    else:
        raise BadBody(400, "the body is neither a JSON list of events nor an event")
    if len(events) > limit:
        raise BadBody(413, f"the body holds {len(events):,} events; at most {limit:,} are taken at once")
    return events


def _lines(body: bytes) -> list[bytes]:
    return [line for line in (line.strip(_SPACE) for line in body.split(b"\n")) if line]


def _listed(body: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in _cut(body)]
    except _NOT_JSON as error:
        raise BadBody(400, f"the body is not JSON: {error}") from error


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except _NOT_JSON:
        return False
    return True


_cut = msgspec.json.Decoder(list[msgspec.Raw]).decode
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
