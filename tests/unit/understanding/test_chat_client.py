"""What is sent in the clear stays in the house."""

from __future__ import annotations

import pytest

from qareport.understanding.chat_client import is_private


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "172.16.0.9", "192.168.1.5", "::1", "fd00::1", "fe80::1%eth0"]
)
def test_this_machine_and_private_networks_are_the_house(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2001:4860:4860::8888"])
def test_a_public_address_is_outside(address: str) -> None:
    assert not is_private(address)
