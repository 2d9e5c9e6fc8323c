"""Uploads are decoded in a process with limits first: what crashes or blows up there ends nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.audio.containers import open_options
from qareport.audio.trial_decode import survives
from tests.support.recordings import cut_recording


def is_survived(path: Path, *, bytes: int = 2 << 30) -> bool:
    format, options = open_options(path)
    return survives(path, format=format, options=options, most_s=3600, cpu_s=60, bytes=bytes)


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"not audio at all" * 100])
def test_what_the_decoders_can_say_something_of_is_survived(tmp_path: Path, content: bytes | None) -> None:
    path = cut_recording(tmp_path / "a.wav")
    if content is not None:
        path.write_bytes(content)
    assert is_survived(path)


def test_what_takes_more_memory_than_is_allowed_is_not(tmp_path: Path) -> None:
    assert not is_survived(cut_recording(tmp_path / "a.wav"), bytes=32 << 20)


def test_what_takes_more_processor_time_than_is_allowed_is_not_and_what_is_too_long_is_left_early() -> None:
    endless = {"path": Path("/dev/zero"), "format": "s16le", "options": {"sample_rate": "8000"}}
    assert not survives(**endless, most_s=10**9, cpu_s=1)  # type: ignore[arg-type]
    assert survives(**endless, most_s=600, cpu_s=10)  # type: ignore[arg-type]
