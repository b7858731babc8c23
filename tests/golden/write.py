"""Writes the golden files that are not there yet: `python -m tests.golden.write`.

It refuses to write one again: what a release wrote stays readable for ever. A format that changed gets a file of a new
name, and its readers keep reading the old one.
"""

from __future__ import annotations

import sys

from tests.golden.formats import FILES, FORMATS


def main() -> int:
    """Write what is missing; 1 where a file stands there with other bytes."""
    FILES.mkdir(exist_ok=True)
    differing = []
    for one in FORMATS:
        if not one.file.exists():
            one.file.write_text("".join(f"{data.hex()}\n" for data in one.written))
            sys.stdout.write(f"{one.name}: written\n")
        elif one.kept != one.written:
            differing.append(one.name)
    for name in differing:
        sys.stderr.write(f"{name}: today's bytes are others; add a file of a new name, and keep this one readable\n")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
