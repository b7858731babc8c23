"""The arrays of a safetensors file as they lie on the disk: mapped, shared by all who read them, never copied.

The library's own reader copies each array with the interpreter lock held, which is a quarter of a second of silence for
a million items. The format: eight bytes that say how long the head is, the head as JSON, the data. A file that says
otherwise is refused. Each page is touched at once: the first requests would wait for that. Whether the bytes are the
right ones is for digests (`generation_files.py`).
"""

from __future__ import annotations

import json
import mmap
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from learners.keeping import Arrays

LENGTH = 8
KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1"}
KINDS |= {"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "<?"}


def mapped_tensors(path: Path) -> tuple[dict[str, str], Arrays]:
    """What the file says of itself, and its arrays, read-only. Raises OSError, or ValueError where it is none."""
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        length = int.from_bytes(data[:LENGTH], "little")
        head: dict[str, Any] = json.loads(data[LENGTH : LENGTH + length])
        told: dict[str, str] = head.pop("__metadata__", {})
        np.frombuffer(data, np.uint8)[:: mmap.PAGESIZE].max(initial=0)
        whole = memoryview(data)[LENGTH + length :]
        return told, {name: _array(whole, **one) for name, one in head.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no file of arrays ({error}): it was torn or changed; make it anew") from error


def _array(whole: memoryview, *, dtype: str, shape: list[int], data_offsets: list[int]) -> np.ndarray[Any, Any]:
    kind, (start, end) = np.dtype(KINDS[dtype]), data_offsets
    if min([0, start, *shape]) < 0 or end > len(whole) or end - start != prod(shape) * kind.itemsize:
        raise ValueError(f"{shape} of {dtype} from {start} to {end} of {len(whole)} bytes")
    if end == start:
        return np.zeros(shape, kind)
    array = np.frombuffer(whole[start:end], kind).reshape(shape)
    return array if array.flags.aligned else array.copy()
