from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.request_ids import mint, version_of


@given(st.integers(0, (1 << 48) - 1), st.integers(0, (1 << 32) - 1), st.binary(min_size=8, max_size=8))
def test_a_request_id_tells_the_version_that_answered(now: int, version: int, random: bytes) -> None:
    assert version_of(mint(now, version, random)) == version


def test_later_ids_sort_later() -> None:
    assert mint(5, 9, b"z" * 8) < mint(6, 0, bytes(8))


@pytest.mark.parametrize(
    "foreign", ["", "42", "018bcfe56800-00000007", "018BCFE56800-0000000A-0000000000000000", "x" * 99]
)
def test_ids_of_other_systems_tell_no_version(foreign: str) -> None:
    assert version_of(foreign) is None


@pytest.mark.parametrize(("now", "version", "random"), [(-1, 0, bytes(8)), (0, 1 << 32, bytes(8)), (0, 0, bytes(7))])
def test_what_does_not_fit_is_refused(now: int, version: int, random: bytes) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        mint(now, version, random)
