"""The commands about keys, and where keys are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headrace.cli import application
from headrace.guarding import keeper_of, keys_path
from headrace.settings import Settings
from serving.access import OpenToAll
from serving.keys import KeyTrouble, fits, read_keys


def run(*words: str) -> str:
    result = CliRunner().invoke(application(), ["keys", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_a_key_is_told_once_and_opens_until_it_is_revoked(tmp_path: Path) -> None:
    var, path = ("--var", str(tmp_path)), tmp_path / "keys.json"
    told = json.loads(run("add", "shop", "--role", "consumer", "--role", "producer", "--rate", "9", *var, "--json"))
    (key,) = read_keys(path)
    assert fits(key, told["key"])
    assert (key.name, key.roles, key.rate, key.stands) == ("shop", ("consumer", "producer"), 9, True)
    listed = run("list", *var) + run("list", *var, "--json")
    assert key.id in listed
    assert told["key"] not in listed
    assert key.hash not in listed
    assert "opens nothing" in run("revoke", key.id, *var)
    assert not read_keys(path)[0].stands
    assert told["key"].startswith(f"hr_{key.id}_")


def test_wrong_orders_are_told(tmp_path: Path) -> None:
    var = ("--var", str(tmp_path))
    with pytest.raises(KeyTrouble, match="--role king is none"):
        run("add", "shop", "--role", "king", *var)
    with pytest.raises(KeyTrouble, match="'12' is no key"):
        run("revoke", "12", *var)


def test_keys_are_asked_for_beyond_this_machine_or_always(tmp_path: Path) -> None:
    plain, always = Settings(var=tmp_path), Settings(var=tmp_path, access={"asked": "always", "rate": 3})
    assert keeper_of(plain, "127.0.0.1") is None
    with pytest.raises(OpenToAll):
        keeper_of(plain, "0.0.0.0")
    with pytest.raises(KeyTrouble, match="nobody could ask"):
        keeper_of(always, "127.0.0.1")
    run("add", "shop", "--role", "consumer", "--var", str(tmp_path))
    assert keeper_of(plain, "0.0.0.0") is not None
    assert keeper_of(always, "127.0.0.1") is not None
    assert keys_path(Settings(var=tmp_path, access={"keys": "/elsewhere/k.json"})) == Path("/elsewhere/k.json")
