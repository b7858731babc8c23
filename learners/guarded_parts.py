"""The parts of a guarded learner that have a state of their own, as arrays behind a name each, and back. Forms only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from learners.keeping import Arrays, under

DOCUMENT = "document"


class HasState(Protocol):
    """Becomes by `load` what `state` gave."""

    def state(self) -> Arrays: ...

    def load(self, arrays: Arrays) -> None: ...


def written(parts: Mapping[str, HasState], document: Mapping[str, Any]) -> Arrays:
    """The arrays of all parts, their names behind the parts' own, and a document of plain values."""
    told = {DOCUMENT: np.frombuffer(json.dumps(document, sort_keys=True).encode(), np.uint8)}
    for name, part in parts.items():
        told |= {name + array: value for array, value in part.state().items()}
    return told


def read_into(parts: Mapping[str, HasState], told: Mapping[str, Any]) -> Any:
    """Let the parts become what `written` was given; the document.

    >>> read_into({}, written({}, {"broken": 3}))
    {'broken': 3}
    """
    arrays = dict(told)
    document = json.loads(arrays.pop(DOCUMENT).tobytes())
    for name, part in parts.items():
        part.load(under(name, arrays))
    return document
