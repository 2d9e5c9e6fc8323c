"""Which addresses requests may go to."""

from __future__ import annotations

import ipaddress

import pytest

from qareport.outgoing import OutgoingReach, is_public, place_of


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.9", "10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "0.1.2.3", "255.255.255.255",
        "169.254.169.254", "168.63.129.16", "192.0.0.192", "100.100.100.200", "224.0.0.1", "239.1.2.3", "240.0.0.1",
        "198.18.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
        "2001:0:1:2:3:4:f5ff:fffe", "::ffff:0:7f00:1", "2001:db8::1",
    ],
)  # fmt: skip
def test_no_address_of_a_machine_or_an_inner_network_is_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    assert not OutgoingReach().allows("crm.example.com", 443, ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://crm.example.com/", "without encryption"),
        ("https://127.0.0.1/", "of this machine or of a private network"),
        ("https://[::ffff:127.0.0.1]/", "of this machine or of a private network"),
        ("https://[::1]:8443/", "of this machine or of a private network"),
        ("https://[fe80::1%25eth0]/", "zone of a network interface"),
        ("https://2130706433/", "not written as 192.0.2.1"),
        ("https://0x7f000001/", "not written as 192.0.2.1"),
        ("https://0177.0.0.1/", "not written as 192.0.2.1"),
        ("https://127.1/", "not written as 192.0.2.1"),
        ("https://crm.example.0x1/", "not written as 192.0.2.1"),
        ("https://１２７.０.０.１/", "of this machine or of a private network"),
        ("https://127.0.0.1./", "of this machine or of a private network"),
        ("https://li:secret@crm.example.com/", "with a user name"),
        ("https://crm.example.com@127.0.0.1/", "with a user name"),
        ("https://127.0.0.1\\@crm.example.com/", "backslashes"),
        ("https://crm.example.com/\r\nHost: inside", "control characters"),
        ("ftp://crm.example.com/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("gopher://127.0.0.1:25/", "begins with https://"),
        ("https:///path", "not the name of a host"),
        ("https://-a.example.com/", "not the name of a host"),
        ("https://crm.example.com:99999/", "not an address"),
        ("crm.example.com", "begins with https://"),
    ],
)
def test_what_may_not_be_reached_is_refused_before_anything_is_asked(url: str, says: str) -> None:
    assert says in str(OutgoingReach().refusal(url))


def test_the_settings_open_networks_and_hosts_and_http_only_where_they_say_so() -> None:
    reach = OutgoingReach(allow=("10.1.0.0/16", "crm.internal", "http://10.2.0.9:8080", "fd00:1::/32"))
    assert reach.refusal("https://10.1.2.3/hook") is None
    assert reach.refusal("https://[::ffff:10.1.2.3]/hook") is None
    assert reach.refusal("https://[fd00:1::5]/hook") is None
    assert reach.refusal("http://10.2.0.9:8080/hook") is None
    assert reach.refusal("http://10.1.2.3/hook") is not None
    assert reach.refusal("http://10.2.0.9/hook") is not None
    assert reach.refusal("https://10.2.0.9/hook") is not None, "a port opens no other"
    assert reach.refusal("https://10.3.0.1/hook") is not None
    assert reach.allows("crm.internal", 443, ipaddress.ip_address("192.168.7.7"))
    assert not reach.allows("crm.internal", 443, ipaddress.ip_address("169.254.169.254")), "a name opens no metadata"
    assert not reach.allows("crm.internal.example.com", 443, ipaddress.ip_address("192.168.7.7"))


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "http://10.0.0.0/8", "ftp://crm", "crm internal", "http://crm/?q=1"])
def test_an_entry_that_opens_nothing_is_refused(entry: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of ipaddress, or our own
        OutgoingReach(allow=(entry,))


def test_messages_name_no_more_of_an_address_than_its_host() -> None:
    assert place_of("https://li:secret@hooks.example.com:8443/T0/B0?token=x#y") == "https://hooks.example.com:8443"
