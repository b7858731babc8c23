"""Lengths of files as people write them: "20GB", "512MiB"; inside they are bytes."""

from __future__ import annotations

import re

UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b)?", re.IGNORECASE)


def length(written: str | int) -> int:
    """The bytes of a written length; a bare number already is bytes.

    >>> [length(one) for one in ("20GB", "1.5 MiB", "12", 7)]
    [20000000000, 1572864, 12, 7]
    """
    found = None if isinstance(written, bool) else _WRITTEN.fullmatch(str(written).strip())
    if found is None:
        raise ValueError(f'{written!r} is no length; write "20GB", "512MiB" or a number of bytes')
    number, unit, binary = found[1], (found[2] or "").lower(), found[3]
    return int(float(number) * (1024 if binary else 1000) ** UNITS[unit])
