"""What people see: tables, JSON, one paragraph for what went wrong. Knows nothing of what it prints."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def say(text: str) -> None:
    """One line or paragraph, without markup."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def progress_console(*, stderr: bool = False) -> Console:
    """Where progress and reports are shown."""
    return Console(stderr=stderr)


def complain(error: Exception) -> None:
    """What went wrong, on stderr."""
    console = Console(stderr=True)
    console.print("headrace:", str(error), markup=False, highlight=False, style="bold red", soft_wrap=True)


def tell_json(value: object) -> None:
    """One JSON document on stdout, whatever the terminal's width."""
    sys.stdout.write(json_of(value) + "\n")


def json_of(value: object) -> str:
    """As JSON, which has no word for what is no number or has no end: null, as over HTTP.

    >>> json_of({"gain": float("nan"), "high": [float("-inf"), 0.5]})
    '{"gain": null, "high": [null, 0.5]}'
    """
    text = json.dumps(value, default=str)
    return json.dumps(json.loads(text, parse_constant=lambda _: None))


def tell_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> None:
    """A table, or the sentence `nothing` where there are no rows."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(shown(value)) for value in row))
    if table.row_count:
        _wide_console().print(table)
    else:
        say(nothing)


def tell_fields(fields: Mapping[str, Any]) -> None:
    """Name and value, one line each."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in fields.items():
        told = json_of(value) if isinstance(value, dict | list) else shown(value)
        table.add_row(name, Text(told))  # what stands in brackets is no markup
    _wide_console().print(table)


def _wide_console() -> Console:
    """As wide as the terminal; wide enough for a line a row where it goes into a file or a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=200)


def shown(value: object) -> str:
    """A value as a cell.

    >>> [shown(value) for value in (None, True, 12345, 0.5, "ana")]
    ['-', 'yes', '12,345', '0.5', 'ana']
    """
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}"
    return str(value)


def moment(at: int) -> str:
    """A time in ms as people read it, in UTC.

    >>> moment(0)
    '1970-01-01 00:00:00'
    """
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at / 1000))
