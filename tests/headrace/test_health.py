from pathlib import Path

import pytest

from headrace.health import Unwell, well
from headrace.telemetry import Status

RUN = Path("var/run")
SAID = {"join": Status("join", 7, 0, updated_at=10_000)}


@pytest.mark.parametrize("now", [10_000, 40_000, 9_000])
def test_who_spoke_in_time_is_well_also_when_the_clock_was_set_back(now: int) -> None:
    assert well("join", SAID, now, within=30_000, run=RUN).startswith("join (pid 7) spoke")


def test_who_is_silent_for_longer_is_not(tmp_path: Path) -> None:
    with pytest.raises(Unwell, match=r"nothing for 30 s, and 30 s are allowed.*var/run/join\.log"):
        well("join", SAID, 40_001, within=30_000, run=RUN)


def test_who_never_spoke_is_told_from_the_others() -> None:
    with pytest.raises(Unwell, match="train has said nothing in var/run yet; those that spoke: join"):
        well("train", SAID, 10_000, within=30_000, run=RUN)
    with pytest.raises(Unwell, match="nobody else has"):
        well("train", {}, 10_000, within=30_000, run=RUN)
