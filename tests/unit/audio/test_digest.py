"""A file is hashed once for as long as it stays unchanged, and again whenever it may have changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from qareport.audio import containers
from qareport.errors import AudioError


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read and hashed; those of a test count as settled at once."""
    paths: list[str] = []
    compute = containers._digest

    def counted(path: str) -> str:
        paths.append(Path(path).name)
        return compute(path)

    monkeypatch.setattr(containers, "_digest", counted)
    monkeypatch.setattr(containers, "_SETTLED_NS", 0)
    return paths


def test_the_digest_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    assert containers.sha256_of(path) == hashlib.sha256(b"sound").hexdigest()


def test_an_unchanged_file_is_read_once(tmp_path: Path, hashed: list[str]) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    assert containers.sha256_of(path) == containers.sha256_of(str(path))
    assert hashed == ["a.wav"]


def test_a_changed_file_is_read_again_even_if_its_size_and_time_are_put_back(tmp_path: Path, hashed: list[str]) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    before, status = containers.sha256_of(path), path.stat()
    while path.stat().st_ctime_ns == status.st_ctime_ns:  # until the clock of the file system has ticked
        path.write_bytes(b"SOUND")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert containers.sha256_of(path) == hashlib.sha256(b"SOUND").hexdigest() != before


def test_a_file_that_was_written_just_now_is_read_each_time(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_SETTLED_NS", 10**18)
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    containers.sha256_of(path)
    containers.sha256_of(path)
    assert hashed == ["a.wav", "a.wav"]


def test_a_file_that_cannot_be_read_is_an_audio_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.wav"):
        with pytest.raises(AudioError, match="cannot be read"):
            containers.sha256_of(path)
