"""The interpreter's habits that hold up requests, and what a server does about them.

A thread that computes keeps the interpreter lock for 5 ms before another gets it; a tenth of that costs nothing here. A
full collection of garbage looks at every module and compiled kernel: what stands when the first version serves is
passed over from then on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from learners.collecting import pass_over

Version = TypeVar("Version")

TURN = 0.0005
"""Seconds that one thread may compute while others wait."""


def short_turns(then: Callable[[Version], None]) -> Callable[[Version], None]:
    """Shorten the turns now. What comes back is to be called with each version before it serves: the first time it
    passes over what there is, and always does `then`."""
    sys.setswitchinterval(TURN)
    first = [pass_over]

    def ready(version: Version) -> None:
        if first:
            first.pop()()
        then(version)

    return ready
