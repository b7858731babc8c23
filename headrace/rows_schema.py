"""The schema of a table of labelled rows, from its file; and one to start from, where there is none."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from learners.fields import Kind
from learners.row_schema import RowSchema, skeleton
from streams.errors import HeadraceError


class BadRows(HeadraceError):
    """A table of rows, or its schema, that can't be learned from; the message names the place."""


def read_schema(file: Path) -> RowSchema:
    """The schema in a TOML file; `label` is another word for one label. Raises BadRows."""
    try:
        told = tomllib.loads(file.read_text())
        if "label" in told and "labels" not in told:
            told["labels"] = [told.pop("label")]
        return msgspec.convert(told, RowSchema)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise BadRows(f"{file}: {error}") from error


def lacking(rows: Path, columns: tuple[str, ...], guess: Mapping[str, Kind]) -> BadRows:
    """What to say where no schema was named: the next command, and a schema to start from."""
    return BadRows(
        f"which column of {rows.name} is the label, and what the others are, is for a schema to say. Write this to "
        f"schema.toml, set it right, and run headrace backtest --rows {rows} --schema schema.toml\n\n"
        f"{skeleton(columns, guess)}"
    )
