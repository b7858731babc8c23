"""Commands about API keys: a key is told once, when it is made, and never again."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from headrace.guarding import keys_path
from headrace.options import AsJson, SettingsFile, Var, chosen, now
from headrace.terminal import moment, say, tell_json, tell_table
from serving.keys import ROLES, Key, KeyTrouble, Role, made, read_keys, write_keys

keys = typer.Typer(no_args_is_help=True, help="API keys: who may post events, ask for slates, operate.")
Roles = Annotated[
    list[str],
    typer.Option("--role", help="What the key is for: producer, consumer or operator; may be repeated."),
]
Rate = Annotated[int, typer.Option("--rate", min=0, help="Requests a second; 0: as setting access.rate says.")]


@keys.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Whose key it is, in a word or two.")],
    role: Roles,
    rate: Rate = 0,
    settings: SettingsFile = None,
    var: Var = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and tell it, this once; its hash is kept. Running servers know it within a second."""
    path, roles = keys_path(chosen(settings, var=var)), [_role(one) for one in role]
    standing = read_keys(path)
    key, text = made(name, roles, at=now(), rate=rate)
    write_keys(path, [*standing, key])
    if as_json:
        tell_json({"id": key.id, "name": name, "roles": list(key.roles), "key": text})
        return
    say(text)
    say(f"This is key {key.id} of {name}, for {', '.join(key.roles)}. It is not kept: write it down now.")


@keys.command("list")
def list_keys(settings: SettingsFile = None, var: Var = None, as_json: AsJson = False) -> None:
    """Every key that was ever made, without what it is."""
    found = read_keys(keys_path(chosen(settings, var=var)))
    if as_json:
        tell_json([_told(key) for key in found])
        return
    rows = (
        [
            key.id,
            key.name,
            ", ".join(key.roles),
            key.rate or "-",
            moment(key.created_at),
            "-" if key.revoked_at is None else moment(key.revoked_at),
        ]
        for key in found
    )
    tell_table(("id", "name", "roles", "rate", "made", "revoked"), rows, nothing="There are no keys.")


@keys.command("revoke")
def revoke(
    id: Annotated[str, typer.Argument(help="Id of a key, see `headrace keys list`.")],
    settings: SettingsFile = None,
    var: Var = None,
    as_json: AsJson = False,
) -> None:
    """Let a key open nothing any more; running servers know it within a second."""
    path = keys_path(chosen(settings, var=var))
    found = {key.id: key for key in read_keys(path)}
    if id not in found:
        raise KeyTrouble(f"{id!r} is no key in {path}; see `headrace keys list`")
    if found[id].stands:
        found[id] = msgspec.structs.replace(found[id], revoked_at=now())
        write_keys(path, list(found.values()))
    if as_json:
        tell_json(_told(found[id]))
    else:
        say(f"Key {id} of {found[id].name} opens nothing any more.")


def _told(key: Key) -> dict[str, object]:
    """A key without its salt and hash, which nobody needs to see."""
    fields: dict[str, object] = msgspec.to_builtins(key)
    return {name: value for name, value in fields.items() if name not in ("salt", "hash")}


def _role(text: str) -> Role:
    for role in ROLES:
        if role == text:
            return role
    raise KeyTrouble(f"--role {text} is none; roles are {', '.join(ROLES)}")
