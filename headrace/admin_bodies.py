"""Bodies of the operator's requests. An unknown key is refused: a misspelt filter would mask far too much."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from checkpoints.quarantine import Order
from headrace.quarantine_terms import not_seconds

_CLOSED = ConfigDict(extra="forbid", strict=True)
Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Reason = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S")]
"""Not blank."""
Version = Annotated[int, Field(ge=1)]
Moment = Annotated[int, AfterValidator(not_seconds)]
Offset = Annotated[int, Field(ge=0, lt=1 << 44)]
Partition = Annotated[int, Field(ge=0, strict=False)]
"""JSON has no numbers as keys."""


class Why(BaseModel):
    """What every change needs: the reason. `who` stands in the decisions beside it; `dry_run` writes nothing."""

    model_config = _CLOSED
    why: Reason
    who: Reason | None = None
    dry_run: bool = False


class OrderBody(BaseModel):
    """What is to be masked: ms of the events' own ts, or positions instead, and filters; at least one of them."""

    model_config = _CLOSED
    t0: Moment | None = None
    t1: Moment | None = None
    producer: Text | None = None
    app_version: Text | None = None
    surface: Text | None = None
    model_versions: list[Annotated[int, Field(ge=0)]] | None = None
    start: dict[Partition, Offset] | None = None
    stop: dict[Partition, Offset] | None = None
    labels: list[Text] | None = None

    def order(self) -> Order:
        """The same, as the mask's writers take it."""
        versions = None if self.model_versions is None else tuple(sorted(set(self.model_versions)))
        labels = None if self.labels is None else tuple(sorted(set(self.labels)))
        return Order(**(self.model_dump() | {"model_versions": versions, "labels": labels}))


class BackBody(Why):
    """`POST /v1/admin/rollback`."""

    version: Version | Literal["last-good"]
    quarantine: list[OrderBody] = []
    ripple: bool = False
    then: Literal["replay", "pause"] | None = None

    @field_validator("version", mode="before")
    @classmethod
    def _named(cls, version: object) -> object:
        if version != "last-good" and (not isinstance(version, int) or isinstance(version, bool) or version < 1):
            raise ValueError(f"{version!r} is neither the number of a version nor 'last-good'")
        return version


class PublishBody(Why):
    """`POST /v1/admin/publish`."""

    version: Version
    anyway: bool = False
    """Also where its figures failed the gate."""


class PreviewBody(BaseModel):
    """`POST /v1/admin/quarantines/preview`: nothing is written, so no reason is needed."""

    model_config = _CLOSED
    quarantine: Annotated[list[OrderBody], Field(min_length=1)]


class QuarantineBody(Why):
    """`POST /v1/admin/quarantines`."""

    quarantine: Annotated[list[OrderBody], Field(min_length=1)]
    ripple: bool = False
