import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.durations import milliseconds, written


@given(st.integers(0, 10**12))
def test_what_is_written_is_read_back(ms: int) -> None:
    assert milliseconds(written(ms)) == ms


@pytest.mark.parametrize("wrong", ["", "10 minutes", "-5s", "m", "1h30m", True, None, -1])
def test_what_is_no_duration_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        milliseconds(wrong)  # type: ignore[arg-type]
