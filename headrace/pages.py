"""The generated pages: every setting, command and file. Their words stand beside what they describe, never here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from headrace.durations import milliseconds, written
from headrace.feature_settings import Feature
from headrace.file_map import files_page
from headrace.settings import DEFAULT_LABELS, ENVIRONMENT, Settings
from headrace.settings_file import NAMED
from headrace.stream_settings import Label

GENERATED = "<!-- Written by `headrace docs write`; changes made here are lost. -->\n"
PLACES = (
    "Settings come from `headrace.toml` in the current folder (or `--settings FILE`), over it the environment, over "
    "that the options of a command. A setting `serving.port` is `port` under `[serving]` in the file and "
    f"`{ENVIRONMENT}SERVING__PORT` in the environment. An unknown setting is an error.\n\n"
    'Durations are written "10m", "1.5s", "500ms" or as a number of milliseconds.\n'
)


def pages(root: Any) -> dict[str, str]:
    """Each generated page, by its file name; `root` is the command of all commands, as click has it."""
    return {"settings.md": settings_page(), "cli.md": cli_page(root), "files.md": files_page(GENERATED)}


def settings_page() -> str:
    """Every setting with its default and what it is for."""
    top = {name: field for name, field in Settings.model_fields.items() if not _is_group(field) and name not in NAMED}
    parts = [f"# Settings\n\n{GENERATED}\n{PLACES}", _table("Top of the file", top, "")]
    parts += [_table(f"`[{name}]`", own, f"{name}.") for name, own in groups(Settings.model_fields)]
    told = Settings.model_fields["labels"].description
    parts.append(
        _table("`[labels.NAME]`", Label.model_fields, "labels.NAME.") + f"\n`labels`: {told}.\n\n{_defaults()}"
    )
    told = Settings.model_fields["features"].description
    parts.append(_table("`[features.NAME]`", Feature.model_fields, "features.NAME.") + f"\n`features`: {told}.\n")
    return "\n".join(parts)


def groups(fields: dict[str, FieldInfo], prefix: str = "") -> Iterator[tuple[str, dict[str, FieldInfo]]]:
    """The groups of settings below some fields, by their dotted names, each with its own settings alone."""
    for name, field in fields.items():
        if _is_group(field):
            inside = type(field.default).model_fields
            yield prefix + name, {own: one for own, one in inside.items() if not _is_group(one)}
            yield from groups(inside, f"{prefix}{name}.")


def _is_group(field: FieldInfo) -> bool:
    return isinstance(field.default, BaseModel)


def _table(title: str, fields: dict[str, FieldInfo], prefix: str) -> str:
    rows = [
        f"| `{prefix}{field.alias or name}` | {_default(field)} | {field.description} |\n"
        for name, field in fields.items()
    ]
    return f"## {title}\n\n| setting | default | what it is for |\n|---|---|---|\n{''.join(rows)}"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "(needed)"
    if _is_duration(field):
        return f"`{written(field.default)}`"
    return "none" if field.default in (None, "", {}, ()) else f"`{_plain(field.default)}`"


def _is_duration(field: FieldInfo) -> bool:
    return any(getattr(mark, "func", None) is milliseconds for mark in field.metadata)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _defaults() -> str:
    told = []
    for name, label in DEFAULT_LABELS.items():
        least = "" if label.min_value is None else f"min_value = {label.min_value:g}\n"
        told.append(
            f'[labels.{name}]\nevent = "{label.event}"\nwindow = "{written(label.window)}"\nmode = "{label.mode}"\n'
            f'horizon = "{written(label.horizon)}"\n{least}'
        )
    return "The labels without any in the file:\n\n```toml\n" + "\n".join(told) + "```\n"


def cli_page(root: Any) -> str:
    """Every command with its arguments and options."""
    parts = [
        f"# Command line\n\n{GENERATED}\nEach command ends with 0 when done, 1 when it failed, "
        "2 when it was called wrongly.\n"
    ]
    return "\n".join([*parts, *(_command(path, command) for path, command in _walk(("headrace",), root))])


def _walk(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name in command.commands:
        yield from _walk((*path, name), command.commands[name])


def _command(path: tuple[str, ...], command: Any) -> str:
    shown = [p for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    words = " ".join(p.name.upper() for p in shown if p.param_type_name == "argument")
    rows = "".join(f"| {_names(p)} | {p.help or ''} |\n" for p in shown)
    table = f"\n| | |\n|---|---|\n{rows}" if rows else ""
    return f"## `{' '.join([*path, words]).strip()}`\n\n{(command.help or '').strip()}\n{table}"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    needed = " (needed)" if parameter.required else ""
    return f"`{', '.join(parameter.opts)}`{needed}"
