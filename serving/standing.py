"""Which version needs a generation, which generations may go, which bundle should serve. Pure: numbers in and out."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def wanted(
    live: int | None, published: Sequence[int], have: Collection[int], tried: Collection[int] = ()
) -> int | None:
    """The version to build next: the live one first, else what is `tried`, else the newest published; those between
    are skipped.

    >>> wanted(3, [1, 2, 3, 4], have=[1]), wanted(3, [1, 2, 3, 4], have=[3]), wanted(3, [3], have=[3])
    (3, 4, None)
    """
    newest = published[-1] if published else None
    return next((v for v in (live, *sorted(tried), newest) if v is not None and v not in have), None)


def outpaced(building: int, live: int | None, have: Collection[int]) -> bool:
    """Whether to drop what is being built: someone went back to a version that has no generation.

    A newer live version is no reason: versions come faster than large graphs, and none would ever be finished.

    >>> outpaced(9, live=4, have=[9]), outpaced(9, live=4, have=[4]), outpaced(9, live=11, have=[])
    (True, False, False)
    """
    return live is not None and live < building and live not in have


def spare(
    have: Collection[int], live: int | None, fallback: int | None, keep: int, tried: Collection[int] = ()
) -> list[int]:
    """The generations that nothing needs: all but the newest `keep`, the live one, the one it would go back to, and
    what is `tried`.

    >>> spare(range(1, 9), live=2, fallback=1, keep=3)
    [3, 4, 5]
    """
    return sorted(set(have) - set(sorted(have)[-keep:]) - {live, fallback, *tried})


def serving(live: int | None, current: int | None, ready: Collection[int], published: Collection[int]) -> int | None:
    """Who should answer: the live version if it is ready; on the way up to it, the newest that is.

    On the way down nothing between is taken: what stands keeps answering until the version gone back to is ready.

    >>> serving(5, 3, ready=[3, 4], published=[3, 4, 5]), serving(5, 7, ready=[6, 7], published=[6, 7])
    (4, 7)
    >>> serving(5, None, ready=[6, 7], published=[6, 7])
    """
    if live is None or live in ready:
        return live
    if current is not None and current > live:
        return current
    before = [version for version in ready if version < live and version in published]
    return max([*before, *([] if current is None else [current])], default=None)
