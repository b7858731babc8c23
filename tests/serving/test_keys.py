"""Keys: made once, kept as hashes, known again, revoked."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from serving.keys import LOOK_EVERY, KeyRing, KeyTrouble, fits, id_in, made, read_keys, write_keys
from tests.worlds import Now


def test_a_key_is_known_by_its_text_alone(tmp_path: Path) -> None:
    (key, text), (other, _) = made("shop", ["consumer"], at=5), made("shop", ["consumer"], at=5)
    assert fits(key, text)
    assert not fits(other, text)
    assert not fits(key, text[:-1] + ("a" if text[-1] != "a" else "b"))
    write_keys(tmp_path / "keys.json", [key, other])
    assert read_keys(tmp_path / "keys.json") == (key, other)


def test_the_file_holds_no_key_and_its_owner_alone_reads_it(tmp_path: Path) -> None:
    key, text = made("shop", ["consumer", "producer"], at=5)
    write_keys(tmp_path / "keys.json", [key])
    data = (tmp_path / "keys.json").read_text()
    assert text[12:] not in data
    assert key.hash != text
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_a_verified_key_is_remembered_until_it_is_revoked(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "keys.json"
    key, text = made("shop", ["consumer"], at=now())
    write_keys(path, [key])
    ring = KeyRing(path, clock=now)
    assert ring.remembered(text) is None
    assert ring.verify(key, text)
    assert ring.remembered(text) == key
    assert not ring.verify(key, text + "x")
    write_keys(path, [replace(key, revoked_at=now())])
    now.at += LOOK_EVERY
    assert (ring.remembered(text), ring.entry(text), ring.keys()) == (None, None, ())


def test_a_key_that_was_added_is_known_within_a_second(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "keys.json"
    ring = KeyRing(path, clock=now)
    key, text = made("shop", ["consumer"], at=now())
    write_keys(path, [key])
    now.at += LOOK_EVERY
    assert ring.entry(text) == key


def test_a_clock_that_was_put_back_keeps_no_revoked_key_alive(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "keys.json"
    key, text = made("shop", ["consumer"], at=now())
    write_keys(path, [key])
    ring = KeyRing(path, clock=now)
    write_keys(path, [replace(key, revoked_at=now())])
    now.at -= 60 * LOOK_EVERY
    assert ring.entry(text) is None


def test_a_text_with_more_or_less_than_a_key_names_none() -> None:
    key, text = made("shop", ["consumer", "producer", "consumer"], at=5)
    assert id_in(text) == key.id
    assert [id_in(one) for one in (text + "x", "x" + text, text[:-1], text + "\n")] == [None] * 4
    assert key.roles == ("consumer", "producer")


def test_keys_that_can_not_be_read_stop_a_start_and_not_a_server(tmp_path: Path) -> None:
    now, path = Now(), tmp_path / "keys.json"
    key, text = made("shop", ["consumer"], at=now())
    write_keys(path, [key])
    ring = KeyRing(path, clock=now)
    path.write_text("[{")
    now.at += LOOK_EVERY
    assert ring.entry(text) == key
    assert "can be read" in ring.trouble
    with pytest.raises(KeyTrouble, match="holds no keys that can be read"):
        KeyRing(path, clock=now)
