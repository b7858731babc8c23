"""Who may listen where."""

from __future__ import annotations

import pytest

from serving.access import OpenToAll, check_host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_keys(host: str) -> None:
    check_host(host, [])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "example.org"])
def test_no_other_address_is_open_without_keys(host: str) -> None:
    with pytest.raises(OpenToAll, match="no API key is set"):
        check_host(host, [])
    check_host(host, ["a key"])
