"""What one frame of events gave: rows, and once each the circumstances and attributes that they point to.

Rows come in their final order and get their sequence here. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from streams.examples import Attributes, ExampleFrame, Row, Shot


@dataclass(frozen=True, slots=True)
class Given:
    """A frame of examples but for what its host knows: lineage, input and config."""

    prev: int
    watermark: int
    rows: tuple[Row, ...]
    shots: tuple[Shot, ...]
    attributes: tuple[Attributes, ...]

    def frame(self, lineage: str, input_offset: int, config: str) -> ExampleFrame:
        return ExampleFrame(
            lineage, input_offset, self.prev, self.watermark, config, self.rows, self.shots, self.attributes
        )


class Gathering:
    """Rows of one frame in the making.

    >>> gathering = Gathering()
    >>> [gathering.shot(b"k", Shot("ana", 5)), gathering.shot(b"k", Shot("ana", 5)), gathering.shot_index(b"k")]
    [0, 0, 0]
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.shots: list[Shot] = []
        self.attributes: list[Attributes] = []
        self._shot_at: dict[bytes, int] = {}
        self.attributes_at: dict[bytes, int] = {}
        """Where the attributes of a reference stand."""

    def add(self, row: Row) -> None:
        self.rows.append(row)

    def shot_index(self, name: bytes) -> int | None:
        """Where the shot of this name stands, if it does."""
        return self._shot_at.get(name)

    def shot(self, name: bytes, shot: Shot) -> int:
        if name not in self._shot_at:
            self._shot_at[name] = len(self.shots)
            self.shots.append(shot)
        return self._shot_at[name]

    def attribute(self, reference: bytes, attributes: Attributes) -> int:
        """Put attributes there that are not there yet."""
        index = self.attributes_at[reference] = len(self.attributes)
        self.attributes.append(attributes)
        return index


def resolved(frames: Iterable[ExampleFrame]) -> list[tuple[Row, Shot | None, Attributes | None]]:
    """The rows of frames with what they point to, without what depends on framing: for comparisons.

    >>> frame = ExampleFrame("", 3, -1, 9, "c", (Row(0, 5, "label", "e", shot=0, input=2),), (Shot("ana", 1),))
    >>> [(row.shot, row.input, shot.user_id) for row, shot, _ in resolved([frame])]
    [(-1, -1, 'ana')]
    """
    return [
        (
            replace(row, shot=-1, attributes=-1, input=-1),
            frame.shots[row.shot] if row.shot >= 0 else None,
            frame.attributes[row.attributes] if row.attributes >= 0 else None,
        )
        for frame in frames
        for row in frame.rows
    ]
