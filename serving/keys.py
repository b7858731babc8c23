"""API keys: made once, shown once, kept as a hash in one file; what a key may do is its roles.

A key is `hr_ID_SECRET`. The id finds the entry and may be told; the secret is in no file, log or memory, but for a
keyed digest of keys that were verified. Nothing here listens or refuses.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from checkpoints.files import write_whole
from streams.errors import HeadraceError

Role = Literal["producer", "consumer", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)
LOOK_EVERY = 1_000
"""Milliseconds after which the file is looked at again: how long a key that was revoked may go on."""
_COST, _BLOCK, _WAYS, _LENGTH = 1 << 14, 8, 1, 32
_FORM = re.compile(r"hr_([0-9a-f]{8})_[A-Za-z0-9_-]{43}")


class KeyTrouble(HeadraceError):
    """Keys that can't be read, or an order that can't be followed."""


class Key(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry. `rate` is in requests a second, 0: as the settings say; times in ms."""

    id: str
    name: str
    roles: tuple[Role, ...]
    salt: str
    hash: str
    created_at: int
    revoked_at: int | None = None
    rate: int = 0

    @property
    def stands(self) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None


def made(name: str, roles: Sequence[Role], *, at: int, rate: int = 0) -> tuple[Key, str]:
    """A new key, and its text: the only time that it is told."""
    number, secret, salt = secrets.token_hex(4), secrets.token_urlsafe(32), secrets.token_hex(16)
    text = f"hr_{number}_{secret}"
    return Key(number, name, tuple(dict.fromkeys(roles)), salt, _hashed(text, salt), at, rate=rate), text


def id_in(text: str) -> str | None:
    """The id that a text names, where it has the form of a key.

    >>> id_in("hr_0a1b2c3d_" + 43 * "x"), id_in("sesame")
    ('0a1b2c3d', None)
    """
    found = _FORM.fullmatch(text)
    return found[1] if found else None


def fits(key: Key, text: str) -> bool:
    """Whether a text is the key. Slow on purpose: some 30 ms of a core, and 16 MiB."""
    return hmac.compare_digest(_hashed(text, key.salt), key.hash)


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in a file, none where there is no file. Raises KeyTrouble."""
    try:
        return tuple(_decode(path.read_bytes()))
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KeyTrouble(
            f"{path} holds no keys that can be read ({error}); put back the file of before, or remove it and add new "
            "keys with `headrace keys add`"
        ) from error


def write_keys(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file in one step; its owner alone may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.umask(0o077)
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(list(keys)), indent=1) + b"\n")
    finally:
        os.umask(before)


class KeyRing:
    """The keys of a file as they are now, and the fast way to know one that was verified before.

    >>> ring = KeyRing(Path("nowhere"), clock=lambda: 0)
    >>> ring.keys(), ring.remembered("hr_0a1b2c3d_" + 43 * "x") is None
    ((), True)
    """

    def __init__(self, path: Path, *, clock: Callable[[], int]) -> None:
        self._path, self._clock = path, clock
        self._pepper = os.urandom(32)
        self._stamp = self._stamped()
        self._keys = {key.id: key for key in read_keys(path)}
        self._looked_at = clock()
        self._verified: dict[bytes, Key] = {}
        self.trouble = ""
        """Why the file could not be read when it changed; the keys of before hold then."""

    def keys(self) -> tuple[Key, ...]:
        """Those that open something."""
        self._look()
        return tuple(key for key in self._keys.values() if key.stands)

    def entry(self, text: str) -> Key | None:
        """The entry that a text names, unless it was revoked; nothing is verified."""
        self._look()
        key = self._keys.get(id_in(text) or "")
        return key if key is not None and key.stands else None

    def remembered(self, text: str) -> Key | None:
        """The key, where it was verified before and still stands."""
        verified = self._verified.get(self._digest(text))
        return verified if verified is not None and self.entry(text) == verified else None

    def verify(self, key: Key, text: str) -> bool:
        """Whether a text is this key; slow, once for each key. Any thread may ask."""
        right = fits(key, text)
        if right:
            self._verified[self._digest(text)] = key
        return right

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._pepper, text.encode("utf-8", "replace"), "sha256")

    def _look(self) -> None:
        now = self._clock()
        if 0 <= now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        stamp = self._stamped()
        if stamp != self._stamp:
            try:
                self._keys, self._stamp, self.trouble = {key.id: key for key in read_keys(self._path)}, stamp, ""
            except KeyTrouble as error:
                self.trouble = str(error)

    def _stamped(self) -> tuple[int, int, int]:
        try:
            found = os.stat(self._path)
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns


def _hashed(text: str, salt: str) -> str:
    return hashlib.scrypt(
        text.encode(), salt=bytes.fromhex(salt), n=_COST, r=_BLOCK, p=_WAYS, dklen=_LENGTH, maxmem=1 << 26
    ).hex()


_decode = msgspec.json.Decoder(list[Key]).decode
