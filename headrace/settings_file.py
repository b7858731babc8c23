"""Where settings come from: a file, over it the environment, over that what the command line says.

What is wrong is told in one paragraph that names the key, the fault and the nearest key that exists. What a setting
means is said in `settings.py`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource
from pydantic_settings.sources.utils import parse_env_vars

from headrace.feature_settings import Feature
from headrace.row_settings import SpaceRows
from headrace.settings import ENVIRONMENT, Settings
from headrace.stream_settings import Label
from streams.errors import HeadraceError

FILE = Path("headrace.toml")
NAMED: Mapping[str, type[BaseModel]] = {"labels": Label, "features": Feature, "spaces": SpaceRows}
"""Settings that hold any number of groups by name, and what is in each."""
KEY = "HEADRACE_KEY"
"""The API key of commands that ask a server."""
OTHERS = frozenset({"HEADRACE_DATA", KEY})
"""Variables of the environment that bear our prefix and are no settings: where tests find measuring data, the key."""


class BadSettings(HeadraceError):
    """A setting that is unknown, or has a value that can't be."""


def load(
    file: Path | None,
    environ: Mapping[str, str],
    changes: Mapping[str, Any] | None = None,
    *,
    below: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a file (`headrace.toml` where none is named, if it is there), the environment and `changes`.

    `below` is what holds where none of these says otherwise. Raises BadSettings.
    """
    path = file or FILE
    written = _read(path) if file is not None or path.is_file() else {}
    merged = dict(below or {})
    for above in (written, _of_environment(environ), dict(changes or {})):
        merged = _over(merged, above)
    try:
        return Settings(**merged)
    except ValidationError as error:
        told = "; ".join(_told(one) for one in error.errors(include_url=False))
        end = "" if told.endswith((".", "?")) else "."
        raise BadSettings(
            f"{told}{end} Settings come from {path if written else 'the defaults'} and from {ENVIRONMENT}* in the "
            "environment; docs/settings.md lists them all."
        ) from None


def save(settings: Settings, path: Path) -> None:
    """Write settings as JSON that `load` reads back, for child processes; secrets go by `secrets_of`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(settings.model_dump_json(indent=2, exclude={"kafka": {"password"}}))


def secrets_of(settings: Settings) -> dict[str, str]:
    """What must not stand in a file: the environment of a child that reads settings which `save` wrote."""
    password = settings.kafka.password
    return {} if password is None else {f"{ENVIRONMENT}KAFKA__PASSWORD": password.get_secret_value()}


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a child whose settings all stand in a file.

    >>> without_settings({"PATH": "/bin", "HEADRACE_VAR": "x", "HEADRACE_DATA": "d"})
    {'PATH': '/bin', 'HEADRACE_DATA': 'd'}
    """
    return {k: v for k, v in environ.items() if not k.upper().startswith(ENVIRONMENT) or k.upper() in OTHERS}


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
        read: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise BadSettings(f"there is no {path}; write one, or leave --settings away to use the defaults") from None
    except ValueError as error:
        raise BadSettings(f"{path} can't be read: {error}") from None
    return read


def _of_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    ours = {name: text for name, text in environ.items() if name.upper() not in OTHERS}
    for name in sorted(ours):
        group = name.upper().removeprefix(ENVIRONMENT).split("__")[0].lower()
        if name.upper().startswith(ENVIRONMENT) and group not in Settings.model_fields:
            raise BadSettings(f"{name} in the environment names no setting.{_nearest(group, Settings.model_fields)}")
    source = EnvSettingsSource(Settings)
    source.env_vars = parse_env_vars(ours)
    return source()


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inside = merged.get(key)
        merged[key] = _over(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
    return merged


def _told(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{place} is no setting.{_nearest(str(error['loc'][-1]), _siblings(error['loc']))}".rstrip(".")
    given = "not shown" if "password" in place else json.dumps(error["input"], default=str)
    return f"{place} is {given}: {error['msg'].removeprefix('Value error, ')}"


def _siblings(place: tuple[int | str, ...]) -> Mapping[str, FieldInfo]:
    fields: Mapping[str, FieldInfo] = Settings.model_fields
    for part in place[:-1]:
        if part not in fields:  # the name of a label or of a feature
            continue
        inside = fields[str(part)]
        model = NAMED.get(str(part), type(inside.default))
        fields = getattr(model, "model_fields", {})
    return {field.alias or name: field for name, field in fields.items()}


def _nearest(name: str, known: Mapping[str, FieldInfo]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}?" if near else f" Known are {', '.join(known)}."
