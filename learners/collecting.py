"""What the collector passes over: everything that was there before a trainer began to learn.

A full collection looks at each object that could stand in a ring; with torch and a model of a million items these are
so many that a trainer would stand still for a tenth of a second and more, now and then, for nothing. Changes how long
things take, and nothing else.
"""

from __future__ import annotations

import gc


def pass_over() -> None:
    """What there is now stays for good, as far as the collector knows; what was passed over before, and is of no use
    any more, goes first."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
