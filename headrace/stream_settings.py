"""The knobs of what happened: labels, the gateway, the sequencer, the joiner, the broker; each with its default.

How they come together, and with what else, is in `settings.py`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from headrace.durations import milliseconds
from learners.label_losses import label_loss

Duration = Annotated[int, BeforeValidator(milliseconds)]
"""Milliseconds inside; "10m", "500ms" or a number of milliseconds where people write."""

CLOSED = ConfigDict(extra="forbid", frozen=True)
"""A word that is not known is a mistake."""


class Label(BaseModel):
    """One thing that the model learns to foresee about an impression; `[labels.NAME]`, any number of them."""

    model_config = CLOSED
    event: str = Field(description="type of interaction that makes the label positive, e.g. click or dwell")
    window: Duration = Field(gt=0, description="how long after the impression the interaction still counts")
    mode: Literal["wait", "fast", "delayed"] = Field(
        default="wait",
        description="`wait` decides at the close of the window; `fast` tells positives at once; `delayed` says no at"
        " once and corrects it when a positive comes",
    )
    horizon: Duration = Field(
        default=0,
        ge=0,
        description="how long after the close an interaction that is late by arrival still corrects the label",
    )
    min_value: float | None = Field(default=None, description="least `value` of the interaction, e.g. seconds of dwell")
    surfaces: dict[str, Duration] = Field(default={}, description="windows of single surfaces, by name")
    graded: bool = Field(
        default=False,
        description="the label is the `value` of the newest such interaction in the window, e.g. seconds of dwell or a"
        " rating; 0 where none came",
    )
    loss: str = Field(
        default="log",
        description="how it is learned: `log` for yes and no; `completion`, `watch_time`, `squared`, `huber`,"
        " `log_dwell` for a graded label; `fnw`, `fnc` for mode `delayed`; `distill`, `pairwise`, `listwise`",
    )
    loss_options: dict[str, Any] = Field(
        default={},
        validate_default=True,
        description="options of the loss, e.g. `{ centre = 3.5, low = 1, high = 5 }` of `squared`",
    )

    @field_validator("loss_options")
    @classmethod
    def _loss_is_one(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        label_loss(info.data.get("loss", "log"), options)
        return options

    @property
    def joined(self) -> dict[str, Any]:
        """What a joiner is told of it; how it is learned is not its business."""
        return {name: value for name, value in self if name not in ("loss", "loss_options")}


class Sequencer(BaseModel):
    """`[sequencer]`: many topics into one ordered log."""

    model_config = CLOSED
    clock_ahead: Duration = Field(default=2_000, ge=0, description="how far a device's clock may run ahead of ours")
    frame_events: int = Field(default=100, ge=1, le=10_000, description="events in one record at most")
    frame_time: Duration = Field(
        default=20, ge=1, description="how long events wait for company before their frame is closed"
    )
    tick: Duration = Field(default=1_000, ge=50, description="how often time passes in a partition without traffic")
    max_event_bytes: int = Field(
        default=65_536, ge=256, description="largest JSON event in a raw topic; larger ones go to the dead letters"
    )
    rate: int = Field(
        default=0,
        ge=0,
        description="events a second that one producer may write to raw topics; those above it are counted (`fast`) and"
        " taken, since a log can't send them back; 0: any number",
    )
    rates: dict[str, int] = Field(default={}, description="rates of single producers, by name, e.g. `web = 500`")
    session: Duration = Field(
        default=15_000,
        ge=6_000,
        le=300_000,
        description="on a broker, how long a sequencer that went away may come back before others take its partitions",
    )


class Join(BaseModel):
    """`[join]`: what was shown with what was done."""

    model_config = CLOSED
    grace: Duration = Field(
        default=1_000, ge=0, description="how long after its window a label stays open for stragglers"
    )
    out_of_orderness: Duration = Field(
        default=5_000, ge=0, description="how far behind the newest event others may come and still be in time"
    )
    history: int = Field(default=20, ge=0, le=1_000, description="last interactions of a user that an example carries")
    history_of: dict[str, int] = Field(
        default={},
        description="by type of interaction, how many of the last ones are kept besides, e.g. `purchase = 10`",
    )
    impressions: Literal["shown", "served"] = Field(
        default="shown", description="what opens labels: what clients report as shown, or all that was served"
    )
    snapshot_every: Duration = Field(
        default=60_000, ge=1_000, description="time between two snapshots of the joiner's state"
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="joiners that `headrace up` runs on a broker, sharing the partitions"
    )
    session: Duration = Field(
        default=15_000,
        ge=6_000,
        le=300_000,
        description="on a broker, how long a joiner that went away may come back before others take its partitions",
    )
    stuck: Duration = Field(
        default=30_000,
        ge=2_000,
        description="on a broker, how long a joiner may stand still while its log goes on, before it is started again",
    )


class Gateway(BaseModel):
    """`[gateway]`: the door for events; its routes also stand at the serving port."""

    model_config = CLOSED
    host: str = Field(default="127.0.0.1", description="address that `headrace gateway` listens on")
    port: int = Field(default=8711, ge=0, le=65535, description="port of `headrace gateway`; 0 takes any free one")
    max_bytes: int = Field(default=8 << 20, ge=1_024, description="largest body of a request, after decompression")
    max_events: int = Field(default=10_000, ge=1, description="most events in one request")
    max_event_bytes: int = Field(default=65_536, ge=256, description="largest event")
    rate: int = Field(
        default=0,
        ge=0,
        description="events a second that one producer may send; a request above it is sent away whole (429); 0: any"
        " number",
    )
    rates: dict[str, int] = Field(default={}, description="rates of single producers, by name, e.g. `web = 500`")
    burst: Duration = Field(
        default=10_000, ge=1, description="time for which a producer's unused rate is saved, to be sent at once"
    )
    waiting_bytes: int = Field(
        default=32 << 20, ge=65_536, description="bytes of requests in hand; who comes when they are full gets a 429"
    )
    waiting_events: int = Field(
        default=100_000, ge=1, description="events that wait for the log; who comes when they are full gets a 429"
    )


class Kafka(BaseModel):
    """`[kafka]`: how a broker is spoken with, and what its topics are like; only where `log` names one."""

    model_config = CLOSED
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how connections are secured: SSL by certificates, SASL by name and password"
    )
    ca: str | None = Field(default=None, description="file of the authority that signed the broker's certificate")
    cert: str | None = Field(default=None, description="file of our own certificate, where the broker wants one")
    key: str | None = Field(default=None, description="file of the key of our own certificate")
    mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = Field(
        default="SCRAM-SHA-512", description="how name and password are proved"
    )
    username: str | None = Field(default=None, description="whom we are on the broker")
    password: SecretStr | None = Field(
        default=None, description="its password; best as HEADRACE_KAFKA__PASSWORD in the environment"
    )
    replication: int = Field(default=1, ge=1, description="copies of each topic on as many brokers")
    raw_retention: Duration = Field(
        default=604_800_000, ge=0, description="how long the broker keeps what producers wrote"
    )
    letters_retention: Duration = Field(
        default=2_592_000_000, ge=0, description="how long the broker keeps dead letters"
    )
