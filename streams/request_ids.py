"""Request ids that tell when a slate was answered and by which version: `{ms}-{version}-{random}`, in hex.

Their lengths are 12, 8 and 16 digits. A click that names its request names its model by that. Ids of other systems
are taken as they are: they tell nothing.
"""

from __future__ import annotations

import re

_OURS = re.compile(r"[0-9a-f]{12}-([0-9a-f]{8})-[0-9a-f]{16}")


def mint(now: int, version: int, random: bytes) -> str:
    """The id of a slate answered at `now` by `version` (0: no model); `random` is 8 bytes.

    >>> mint(1_700_000_000_000, 7, bytes(8))
    '018bcfe56800-00000007-0000000000000000'
    """
    if len(random) != 8 or not 0 <= now < 1 << 48 or not 0 <= version < 1 << 32:
        raise ValueError(
            f"a request id holds 48 bits of ms, 32 of version, 8 random bytes: {now}, {version}, {random!r}"
        )
    return f"{now:012x}-{version:08x}-{random.hex()}"


def version_of(request_id: str) -> int | None:
    """The version that answered; None where another system made the id.

    >>> version_of(mint(5, 7, bytes(8))), version_of("order-18")
    (7, None)
    """
    ours = _OURS.fullmatch(request_id)
    return int(ours[1], 16) if ours else None
