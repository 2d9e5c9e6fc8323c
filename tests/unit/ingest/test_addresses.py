"""Addresses: what a manifest may reach, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport import settings
from qareport.errors import ConfigError
from qareport.ingest.addresses import file_name, refusal, shown

ALLOWED = ("https://rec.example.com/calls", "s3://calls/2026/", "http://10.0.0.5:8080/")


@pytest.mark.parametrize(
    "url",
    [
        "https://rec.example.com/calls/a.wav",
        "https://rec.example.com/calls/2026/a.wav?key=1",
        "HTTPS://REC.example.com/calls/a.wav",
        "https://user:pw@rec.example.com/calls/a.wav",
        "s3://calls/2026/11/a.wav",
        "http://10.0.0.5:8080/a.wav",
    ],
)
def test_a_manifest_may_name_what_the_settings_allow(tmp_path: Path, url: str) -> None:
    assert refusal(url, allowed=ALLOWED, beside=tmp_path) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://rec.example.com/calls-2/a.wav",
        "https://rec.example.com/calls/../secret/a.wav",
        "https://rec.example.com/calls/%2e%2e/secret/a.wav",
        "https://rec.example.com.evil.org/calls/a.wav",
        "https://rec.example.com@evil.org/calls/a.wav",
        "https://rec.example.com:8443/calls/a.wav",
        "http://rec.example.com/calls/a.wav",
        "http://127.0.0.1/a.wav",
        "http://[::1]/a.wav",
        "http://169.254.169.254/latest/meta-data",
        "s3://calls/2025/a.wav",
        "file:///etc/passwd",
        "simplecache::s3://calls/2026/a.wav",
        "reference://::file:///tmp/x.json",
        "ftp://user:pw@host/a.wav",
        "https://rec.example.com:port/calls/a.wav",
        "http://[",
    ],
)
def test_a_manifest_reaches_nothing_else(tmp_path: Path, url: str) -> None:
    assert refusal(url, allowed=ALLOWED, beside=tmp_path) is not None
    assert refusal(url, allowed=(), beside=tmp_path) is not None


def test_files_below_the_folder_of_the_manifest_may_be_named_as_urls(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "out").symlink_to("/etc")
    assert refusal(f"file://{tmp_path}/m/day/a.wav", allowed=(), beside=tmp_path / "m") is None
    assert refusal(f"file://{tmp_path}/m/../b.wav", allowed=(), beside=tmp_path / "m") is not None
    assert refusal(f"file://{tmp_path}/m/out/passwd", allowed=(), beside=tmp_path / "m") is not None


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://user:secret@host/a.wav", "ftp://host/a.wav"),
        ("https://host/a.wav?token=secret#secret", "https://host/a.wav?…"),
        ("http://[secret", "http://…"),
    ],
)
def test_no_message_shows_a_secret(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/calls/a%20b.wav?x=/y.mp3", "a b.wav"),
        ("https://host/", "recording"),
        ("s3://bucket/day/a.wav", "a.wav"),
    ],
)
def test_a_recording_has_the_name_that_its_address_ends_in(url: str, name: str) -> None:
    assert file_name(url) == name


@pytest.mark.parametrize("text", ["rec.example.com", "https://", "https://u:p@host/", "a::b://c/", "https://h/?x=1"])
def test_a_setting_that_is_no_beginning_of_an_address_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "qareport.yaml").write_text(f"ingest: {{manifest_urls: ['{text}']}}")
    with pytest.raises(ConfigError, match="the beginning of an address such as https://recordings.example.com/2026/"):
        settings.load(tmp_path)
