"""Every knob of Headrace, in groups, each with its default and one sentence of what it is for.

Settings stop at `wiring.py`: no component ever sees an object of this file. Reading the file and the environment, and
telling what is wrong with them, is the work of `settings_file.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.sources import PydanticBaseSettingsSource

from headrace.access_settings import Access
from headrace.feature_settings import Feature, declared_of
from headrace.gate_settings import Gate, Rollback
from headrace.gorse_settings import GorseRoutes
from headrace.guard_settings import Guard
from headrace.list_settings import Bid, Caps, Promotion, WatchNext, unlearned
from headrace.row_settings import Rows
from headrace.store_settings import Retention, Store
from headrace.stream_settings import CLOSED, Duration, Gateway, Join, Kafka, Label, Sequencer
from learners.fields import check
from learners.optimizers.told_rules import rules_of

ENVIRONMENT = "HEADRACE_"


class Challengers(BaseModel):
    """`[trainer.challengers]`: simple models on the same rows, so that one sees what the real one is worth."""

    model_config = CLOSED
    on: bool = Field(default=True, description="whether River's regression and popularity ride along")
    every: int = Field(default=64, ge=1, description="of so many rows they see one, which bounds what they cost")
    largest_copy: int = Field(
        default=32 << 20,
        ge=0,
        description="bytes of a model of which copies an hour and a day old ride along too; they stand in each version",
    )


class Trainer(BaseModel):
    """`[trainer]`: what the labels mean."""

    model_config = CLOSED
    device: str = Field(default="cpu", description="`cpu`, `cuda` or `cuda:N`")
    model: str = Field(default="two_tower_deepfm", description="name of a registered model")
    context: tuple[str, ...] = Field(
        default=("hour",), description="keys of an impression's context that the model reads, besides its surface"
    )
    seed: int = Field(
        default=0, description="seed of the first weights; later randomness derives from what was accepted"
    )
    bucket: Duration = Field(default=10_000, ge=1, description="event time that one batch spans at most")
    batch_size: int = Field(default=1_024, ge=1, description="rows in one batch at most")
    commit: Duration = Field(default=10_000, ge=0, description="time between two versions")
    updates: dict[Literal["rank", "seek"], dict[str, Any]] = Field(
        default={},
        description="how weights move, by stage: tables rows, dense, clip, schedule; see docs/learning.md",
    )

    rows: Rows = Rows()
    guard: Guard = Guard()
    challengers: Challengers = Challengers()

    @field_validator("updates")
    @classmethod
    def _updates_are_rules(cls, updates: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for told in updates.values():
            rules_of(told)
        return updates


class Follower(BaseModel):
    """`[follower]`: from a version to an index that servers map."""

    model_config = CLOSED
    keep: int = Field(default=5, ge=1, description="generations kept ready, so that a way back is a pointer")


class Quotas(BaseModel):
    """`[serving.quotas]`: most candidates that each source brings to be ranked."""

    model_config = CLOSED
    vectors: int = Field(default=200, ge=0, description="nearest items to the user's vector")
    recent: int = Field(default=60, ge=0, description="nearest items to each of the user's interests of late")
    similar: int = Field(default=60, ge=0, description="nearest items to the one that a request asks about")
    covisited: int = Field(default=60, ge=0, description="items wanted together with the user's last ones")
    walked: int = Field(default=0, ge=0, description="items that random walks over wanted-together items come to")
    categories: int = Field(default=20, ge=0, description="best items of the categories that the user follows")
    popular: int = Field(default=60, ge=0, description="items that most people want")
    trending: int = Field(default=20, ge=0, description="items that more people want than a while ago")
    fresh: int = Field(default=30, ge=0, description="newest items")
    random: int = Field(default=0, ge=0, description="any items; each may be explored as new ones are")
    promoted: int = Field(default=30, ge=0, description="best of the items that are promoted")


class Seen(BaseModel):
    """`[serving.seen]`: when a user has had enough of an item."""

    model_config = CLOSED
    wanted_for: Duration = Field(default=600_000, ge=0, description="how long an item that was wanted stays away")
    showings: int = Field(default=6, ge=1, description="showings in vain after which an item stays away")
    shown_for: Duration = Field(default=3_600_000, ge=0, description="how long it stays away then")


class Serving(BaseModel):
    """`[serving]`: what we show."""

    model_config = CLOSED
    host: str = Field(default="127.0.0.1", description="address that the API listens on")
    port: int = Field(default=8710, ge=0, le=65535, description="port of the API; 0 takes any free one")
    workers: int = Field(
        default=1, ge=1, le=64, description="server processes on this machine that share the port, each for itself"
    )
    snapshot_every: Duration = Field(
        default=60_000, ge=1_000, description="time between two snapshots of the server's folds"
    )
    deadline: Duration = Field(default=100, ge=1, description="time that a slate may take before a simpler one is sent")
    weights: dict[str, float] = Field(
        default={}, description="worth of each label in the value that orders a slate; empty: 1 each"
    )
    diversity: float = Field(default=0.05, ge=0, le=1, description="share of the unlike in choosing; 0: by value alone")
    epsilon: float = Field(default=0.02, ge=0, le=1, description="share of places given to chance, with propensities")
    fatigue: float = Field(
        default=0.97, ge=0, le=1, description="part of its value that an item keeps for each showing in vain"
    )
    log_features: float = Field(
        default=0.02, ge=0, le=1, description="share of slates that say what they read, for the skew check"
    )
    exploration: Literal["epsilon", "thompson"] = Field(
        default="epsilon", description="thompson: values are drawn as uncertain as few views leave them, beside epsilon"
    )
    boldness: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="how many times as wide thompson draws")
    quotas: Quotas = Quotas()
    seen: Seen = Seen()
    caps: Caps = Caps()
    promotion: Promotion = Promotion()
    bid: Bid = Bid()
    watch_next: WatchNext = WatchNext()

    @property
    def labels_named(self) -> dict[str, str]:
        """The labels that lists go by, under the settings that name them."""
        told = {f"weights.{label}": label for label in self.weights}
        told |= {"bid.label": self.bid.label} if self.bid.attribute else {}
        return told | ({"watch_next.label": self.watch_next.label} if self.watch_next.weight else {})


DEFAULT_LABELS = {
    "click": Label(event="click", window=120_000, mode="wait", horizon=600_000),
    "long_view": Label(event="dwell", window=600_000, mode="wait", horizon=600_000, min_value=18),
    "purchase": Label(event="purchase", window=21_600_000, mode="wait", horizon=600_000),
}


class Settings(BaseSettings):
    """The top of `headrace.toml`. Made by hand it reads nothing but its arguments."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENVIRONMENT, env_nested_delimiter="__", validate_default=True
    )
    var: Path = Field(default=Path("var"), description="folder of everything that is written at run time")
    log: str = Field(
        default="sqlite://{var}/log",
        description="where the log is: sqlite://FOLDER or kafka://HOST:PORT[,HOST:PORT][/PREFIX]; `{var}` stands for"
        " the folder above",
    )
    synchronous: Literal["NORMAL", "FULL"] = Field(
        default="NORMAL",
        description="SQLite's care: FULL also outlives a loss of power, at the price of slower appends",
    )
    partitions: int = Field(
        default=4, ge=1, le=1_024, description="partitions of each topic; fixed once the log is made"
    )
    kafka: Kafka = Kafka()
    labels: dict[str, Label] = Field(
        default=DEFAULT_LABELS, min_length=1, description="what is learned; naming one drops these"
    )
    sequencer: Sequencer = Sequencer()
    join: Join = Join()
    trainer: Trainer = Trainer()
    features: dict[str, Feature] = Field(
        default={}, description="what the model reads beside what it always reads; see docs/features.md"
    )
    follower: Follower = Follower()
    gateway: Gateway = Gateway()
    serving: Serving = Serving()
    access: Access = Access()
    gorse: GorseRoutes = GorseRoutes()
    store: Store = Store()
    gate: Gate = Gate()
    rollback: Rollback = Rollback()
    retention: Retention = Retention()

    @field_validator("features")
    @classmethod
    def _features_can_be_meant(cls, features: dict[str, Feature]) -> dict[str, Feature]:
        for name, feature in features.items():
            check(name, declared_of(feature))
        return features

    @field_validator("serving")
    @classmethod
    def _lists_go_by_labels(cls, serving: Serving, info: Any) -> Serving:
        if "labels" in info.data and (fault := unlearned(serving.labels_named, info.data["labels"])):
            raise ValueError(fault)
        return serving

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @property
    def log_url(self) -> str:
        return self.log.replace("{var}", str(self.var))
