"""Lists for many users, from a running server into a file of JSON lines, resumable at any moment.

The file is its own progress: a line is written whole before the next, a line that a crash cut off is taken away, and
users who have one are not asked for again.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from streams.errors import HeadraceError

TRIES, FIRST_PAUSE, LONGEST_PAUSE, TIMEOUT = 6, 0.5, 10.0, 60.0
AGAIN = (429, 500, 502, 503, 504)


class NotExported(HeadraceError):
    """The server could not be reached, or refused in a way that no repeat will cure."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for each user."""

    n: int
    filter: str | None = None
    surface: str = ""
    dry_run: bool = True
    batch: int = 50

    def of(self, user_id: str) -> dict[str, Any]:
        """The request of one user."""
        asked = {"user_id": user_id, "n": self.n, "surface": self.surface, "dry_run": self.dry_run}
        return asked | ({} if self.filter is None else {"filter": self.filter})


@dataclass(slots=True)
class Exported:
    """`written` lists, `stood` in the file before, `refused` users with a problem instead of a list."""

    written: int = 0
    stood: int = 0
    refused: int = 0


class _Line(Struct):
    user_id: str


def export(
    users: Path, to: Path, url: str, wanted: Wanted, *, key: str | None, pause: Callable[[float], None]
) -> Exported:
    """Write a line for each user of a file that has none yet. Raises NotExported.

    1. take away a line that was cut off; 2. read who has a line; 3. ask in batches, and write each batch at once.
    """
    done, standing = Exported(), _standing(to)
    done.stood = len(standing)
    asker = Asker(url, key=key, pause=pause)
    with users.open(encoding="utf-8") as lines, to.open("ab") as file:
        left = (name for name in (line.strip() for line in lines) if name and name not in standing)
        for batch in _batches(left, wanted.batch):
            told = asker.ask([wanted.of(user_id) for user_id in batch])
            file.write(b"".join(_line(user_id, one) for user_id, one in zip(batch, told, strict=True)))
            file.flush()
            standing.update(batch)
            done.refused += sum("problem" in one for one in told)
            done.written += len(batch)
        os.fsync(file.fileno())
    return done


class Asker:
    """One connection to a server; `pause` is given the seconds to wait before a batch is asked again."""

    def __init__(self, url: str, *, key: str | None, pause: Callable[[float], None]) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotExported(f"{url!r} is no address of a server; write http://HOST:PORT")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._url, self._pause = url, pause
        self._path = parts.path.rstrip("/") + "/v1/recommend/batch"
        self._headers = {"content-type": "application/json"} | ({} if key is None else {"x-api-key": key})
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)

    def ask(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers, in order. Raises NotExported when patience ends."""
        body, told, wait = msgspec.json.encode({"requests": requests}), "", FIRST_PAUSE
        for _ in range(TRIES):
            try:
                self._connection.request("POST", self._path, body, self._headers)
                response = self._connection.getresponse()
                data = response.read()
                if response.status == 200:
                    answers: list[dict[str, Any]] = msgspec.json.decode(data)["answers"]
                    return answers
                told = f"answered {response.status}: {data[:200].decode(errors='replace')}"
                if response.status not in AGAIN:
                    raise NotExported(f"{self._url} {told}. Check the address, the filter and HEADRACE_KEY")
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                told = f"can't be reached: {error or type(error).__name__}"
            self._pause(wait)
            wait = min(2 * wait, LONGEST_PAUSE)
        raise NotExported(f"{self._url} {told}, {TRIES} times. Run the same command again: it goes on where it was")


def _standing(to: Path) -> set[str]:
    """The users who have a line; a last line without its end is cut off."""
    if not to.exists():
        return set()
    whole, names = 0, set[str]()
    with to.open("rb+") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            names.add(_named(line, to))
        file.truncate(whole)
    return names


def _named(line: bytes, to: Path) -> str:
    try:
        return msgspec.json.decode(line, type=_Line).user_id
    except msgspec.MsgspecError as error:
        raise NotExported(f"{to} holds a line that is no list ({error}); name another file with --to") from None


def _line(user_id: str, told: dict[str, Any]) -> bytes:
    fields = told.get("answer") or {"problem": told["problem"]}
    return msgspec.json.encode({"user_id": user_id} | fields) + b"\n"


def _batches(names: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(names))
    while batch := list(islice(rest, size)):
        yield batch
