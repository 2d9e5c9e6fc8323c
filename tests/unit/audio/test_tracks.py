"""A recording lasts as long as its container says, and every track of it is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qareport.audio.decode import DecodedRecording, decode
from qareport.audio.resampling import Samples
from qareport.errors import AudioError
from tests.support.sounds import varied_babble, write_wav
from tests.support.timed_recordings import write_timed

LIMIT_MS = 60 * 60_000
PACKETS = [
    ("a.webm", "libopus", 48_000),
    ("a.mka", "libopus", 48_000),
    ("a.ogg", "libopus", 48_000),
    ("a.m4a", "aac", 16_000),
    ("a.3gp", "libopencore_amrnb", 8000),
]


def read(path: Path) -> DecodedRecording:
    return decode(path, max_duration_ms=LIMIT_MS)


def codes(recording: DecodedRecording) -> list[str]:
    return [note.code for note in recording.notes]


def loudness(samples: Samples, start_s: float, end_s: float) -> float:
    return float(np.abs(samples[int(start_s * 16_000) : int(end_s * 16_000)]).max())


@pytest.mark.parametrize(("name", "codec", "rate"), PACKETS, ids=[name for name, *_ in PACKETS])
def test_a_pause_that_was_not_sent_is_silence_of_its_length(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    sound = varied_babble(12, seed=1, rate=rate)
    path = write_timed(tmp_path / name, [sound], rate=rate, codec=codec, unsent=[(4, 9)])
    recording = read(path)
    assert recording.info.duration_ms == pytest.approx(12_000, abs=150)
    [note] = recording.notes
    assert (note.code, float(note.values["seconds"])) == ("gaps_filled", pytest.approx(5, abs=0.3))
    voice = recording.samples[0]
    assert loudness(voice, 2, 3.9) > 0.1
    assert loudness(voice, 5.2, 8.8) < 0.001
    assert loudness(voice, 9.3, 11) > 0.1


@pytest.mark.parametrize(("name", "codec", "rate"), PACKETS[:2])
def test_many_short_pauses_add_up(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    unsent = [(second + 0.5, second + 0.9) for second in range(12)]
    sound = varied_babble(12, seed=1, rate=rate)
    recording = read(write_timed(tmp_path / name, [sound], rate=rate, codec=codec, unsent=unsent))
    assert recording.info.duration_ms == pytest.approx(12_000, abs=150)


def test_a_side_that_was_muted_at_first_begins_late(tmp_path: Path) -> None:
    sound = varied_babble(4, seed=1, rate=48_000)
    recording = read(write_timed(tmp_path / "a.webm", [sound], rate=48_000, codec="libopus", delays=[8.0]))
    assert recording.info.duration_ms == pytest.approx(12_000, abs=100)
    assert loudness(recording.samples[0], 0, 7.9) < 0.001


def test_a_time_stamp_that_leaps_over_hours_is_not_believed(tmp_path: Path) -> None:
    sound = varied_babble(4, seed=1, rate=48_000)
    path = write_timed(tmp_path / "a.ogg", [sound, sound], rate=48_000, codec="libopus", delays=[0, 7200])
    recording = read(path)
    assert recording.info.duration_ms == pytest.approx(4000, abs=100)


def test_an_amr_of_a_telephone_keeps_its_pauses(tmp_path: Path) -> None:
    """Telephones send frames of silence (DTX) that FFmpeg's own decoder refuses."""
    sound = varied_babble(12, seed=1, rate=8000)
    sound[3 * 8000 : 9 * 8000] = 0
    path = write_timed(tmp_path / "a.amr", [sound], rate=8000, codec="libopencore_amrnb")
    assert b"\x7c" * 5 in path.read_bytes()  # frames without data
    recording = read(path)
    assert recording.info.duration_ms == pytest.approx(12_000, abs=60)
    assert recording.notes == ()
    assert loudness(recording.samples[0], 9.5, 11.5) > 0.1


def test_a_wide_band_amr_keeps_its_pauses_too(tmp_path: Path) -> None:
    path = tmp_path / "a.awb"
    path.write_bytes(b"#!AMR-WB\n" + b"\x7c" * 50 + b"\x4c\0\0\0\0\0" * 50)
    assert read(path).info.duration_ms == 2000


@pytest.mark.parametrize("name", ["a.mp4", "a.mka", "a.webm"])
def test_two_tracks_are_two_channels(tmp_path: Path, name: str) -> None:
    codec, rate = ("aac", 16_000) if name == "a.mp4" else ("libopus", 48_000)
    agent, customer = varied_babble(8, seed=1, rate=rate), varied_babble(4, seed=2, rate=rate)
    path = write_timed(tmp_path / name, [agent, customer], rate=rate, codec=codec, delays=[0, 3.0])
    recording = read(path)
    assert (recording.info.channels, codes(recording)[-1]) == (2, "tracks_joined")
    first, second = recording.samples
    assert recording.info.duration_ms == pytest.approx(8000, abs=100)
    assert loudness(first, 0.5, 2.5) > 0.1
    assert loudness(second, 0, 2.9) < 0.001
    assert loudness(second, 3.5, 6.5) > 0.1
    assert loudness(second, 7.2, 7.9) < 0.001


def test_a_stereo_track_with_the_same_sound_twice_is_one_channel_beside_another_track(tmp_path: Path) -> None:
    agent, customer = varied_babble(4, seed=1), varied_babble(4, seed=2)
    path = write_timed(tmp_path / "a.mka", [np.stack([agent, agent]), customer], rate=16_000, codec="aac")
    recording = read(path)
    assert recording.samples.shape[0] == 2
    assert recording.notes[-1].values == {"tracks": "2", "channels": "2"}


def refused(path: Path, *, max_duration_ms: int = LIMIT_MS) -> str:
    with pytest.raises(AudioError) as caught:
        decode(path, max_duration_ms=max_duration_ms)
    return str(caught.value)


def test_a_rate_that_no_recorder_has_is_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "slow.wav", np.zeros((1, 2000), np.float32), rate=1)
    assert "is sampled at 1 Hz; expected 4000 to 384000 Hz" in refused(path)


def test_a_hundred_channels_are_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "wide.wav", np.zeros((100, 8000), np.float32), rate=8000)
    assert "has 100 channels; expected at most 32 channels" in refused(path)


def test_channels_and_length_are_bounded_together(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "wide.wav", np.zeros((8, 10 * 8000), np.float32), rate=8000)
    assert decode(path, max_duration_ms=40_000).samples.shape == (8, 160_000)
    assert "has 8 channels and is longer than 0.1 minutes" in refused(path, max_duration_ms=20_000)
