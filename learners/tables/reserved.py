"""Arrays that grow where they stand: a reserved range of virtual memory, whose pages come as they are written.

Growing copies nothing and stalls nobody, and what was never written is zero. Where no range is to be had (another
system, a limit on addresses), or where it was outgrown, the array doubles by copying. For the host; not for devices.
"""

from __future__ import annotations

import math
import mmap
import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64
"""Bytes of a cache line: where every array begins at a multiple of."""
NO_RESERVE = 0x4000
"""MAP_NORESERVE on Linux: addresses are no promise of memory."""
HUGE = 2 << 20
"""Bytes of a huge page: asked for beyond the first, so that small arrays stay small."""


class Stretch:
    """Lines of `shape` and `dtype`; `array` holds at least as many as `reach` was told. Take it anew after `reach`.

    >>> stretch = Stretch(np.int64, (2,), reserve=1000)
    >>> stretch.reach(3)[2].tolist(), len(stretch.array)
    ([0, 0], 1000)
    """

    def __init__(self, dtype: DTypeLike, shape: tuple[int, ...] = (), *, reserve: int) -> None:
        self._dtype, self._shape = np.dtype(dtype), shape
        self._bytes = self._dtype.itemsize * math.prod(shape)
        self._range = _mapped(reserve * self._bytes)
        self.array: NDArray[Any] = self._lines(reserve) if self._range is not None else self._copied(64)

    def reach(self, lines: int) -> NDArray[Any]:
        """The array, with room for so many lines."""
        if lines > len(self.array):
            self.array = self._copied(max(lines, 2 * len(self.array)))
            self._range = None
        return self.array

    def release(self, start: int, end: int) -> None:
        """Give back the pages that lie wholly between two lines; they read as zeros from now on."""
        if self._range is None:
            self.array[start:end] = 0
            return
        page = mmap.PAGESIZE
        first, last = -(-start * self._bytes // page) * page, end * self._bytes // page * page
        if last > first:
            self._range.madvise(mmap.MADV_DONTNEED, first, last - first)

    def _lines(self, lines: int) -> NDArray[Any]:
        flat: NDArray[Any] = np.frombuffer(self._range, self._dtype, lines * math.prod(self._shape))  # type: ignore[arg-type]
        return flat.reshape(lines, *self._shape)

    def _copied(self, lines: int) -> NDArray[Any]:
        plain = np.zeros(lines * self._bytes + LINE, np.uint8)
        start = -plain.ctypes.data % LINE
        array = plain[start : start + lines * self._bytes].view(self._dtype).reshape(lines, *self._shape)
        if hasattr(self, "array"):
            array[: len(self.array)] = self.array
        return array


def _mapped(length: int) -> mmap.mmap | None:
    """A private range of so many bytes, or None where it is refused."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        found = mmap.mmap(-1, max(length, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
        if length > HUGE:
            found.madvise(mmap.MADV_HUGEPAGE, HUGE, length - HUGE)
    except (OSError, ValueError):  # the second: a kernel that was built without huge pages
        return None
    return found
