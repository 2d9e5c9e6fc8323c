"""A WAV that is plainly whole is read at once, to the samples that FFmpeg gives; anything else is left to FFmpeg."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from qareport.audio.decode import decode
from qareport.audio.plain_files import read_plain
from qareport.audio.resampling import Samples
from tests.support.asr_fixtures import write_audio
from tests.support.sounds import varied_babble, write_wav

LIMIT_MS = 60_000
CODINGS = [
    ("pcm_u8", 8000),
    ("pcm_s16le", 8000),
    ("pcm_s16le", 16_000),
    ("pcm_s24le", 44_100),
    ("pcm_s32le", 48_000),
    ("pcm_f32le", 22_050),
    ("pcm_f64le", 11_025),
    ("pcm_mulaw", 8000),
    ("pcm_alaw", 8000),
]


def two_voices(rate: int) -> Samples:
    """Speak for six seconds on two channels: more than is filtered at once."""
    return np.stack([varied_babble(6, seed=1, rate=rate), varied_babble(6, seed=2, rate=rate)])


@pytest.mark.parametrize(("codec", "rate"), CODINGS)
def test_samples_and_length_are_those_of_ffmpeg(tmp_path: Path, codec: str, rate: int) -> None:
    sound = two_voices(rate)
    plain = read_plain(write_audio(tmp_path / "a.wav", sound, rate=rate, codec=codec), max_duration_ms=LIMIT_MS)
    other = decode(write_audio(tmp_path / "a.w64", sound, rate=rate, codec=codec), max_duration_ms=LIMIT_MS)
    assert plain is not None
    assert (plain.sample_rate, plain.duration_ms) == (rate, other.info.duration_ms)
    np.testing.assert_array_equal(plain.samples, other.samples)
    for channel in (*plain.samples, *other.samples):
        assert channel.flags.c_contiguous


def test_every_code_of_g711_is_the_value_that_ffmpeg_gives(tmp_path: Path) -> None:
    codes = np.tile(np.arange(256, dtype=np.uint8), 40)
    for name, tag in (("alaw", 6), ("ulaw", 7)):
        layout = struct.pack("<HHIIHH", tag, 1, 8000, 8000, 1, 8)
        chunks = [(b"fmt ", layout), (b"data", codes.tobytes())]
        body = b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in chunks)
        (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body)
        (tmp_path / f"a.{name}").write_bytes(codes.tobytes())
        plain = read_plain(tmp_path / "a.wav", max_duration_ms=LIMIT_MS)
        assert plain is not None
        np.testing.assert_array_equal(plain.samples, decode(tmp_path / f"a.{name}", max_duration_ms=LIMIT_MS).samples)


def wav(tmp_path: Path) -> tuple[Path, bytearray]:
    path = write_wav(tmp_path / "a.wav", two_voices(8000), rate=8000)
    return path, bytearray(path.read_bytes())


def test_chunks_around_the_sound_are_no_part_of_it(tmp_path: Path) -> None:
    path, content = wav(tmp_path)
    expected = read_plain(path, max_duration_ms=LIMIT_MS)
    note = b"LIST" + struct.pack("<I", 5) + b"INFO\0\0"
    at = content.index(b"data")
    path.write_bytes(content[:at] + note + content[at:] + note)
    found = read_plain(path, max_duration_ms=LIMIT_MS)
    assert expected is not None
    assert found is not None
    np.testing.assert_array_equal(found.samples, expected.samples)


def test_what_is_cut_off_or_states_no_length_is_left_to_ffmpeg(tmp_path: Path) -> None:
    path, content = wav(tmp_path)
    at = content.index(b"data") + 4
    for spoilt in (
        content[:-1],
        content[: len(content) // 2],
        content[:at],
        content[:30],
        content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :],
        content[:at] + b"\0\0\0\0" + content[at + 4 :],
        content[:at] + struct.pack("<I", len(content) - at - 5) + content[at + 4 :],  # half a frame
    ):
        path.write_bytes(spoilt)
        assert read_plain(path, max_duration_ms=LIMIT_MS) is None


def test_what_is_too_long_or_strange_is_left_to_ffmpeg_which_says_why(tmp_path: Path) -> None:
    path, content = wav(tmp_path)
    assert read_plain(path, max_duration_ms=5999) is None
    assert read_plain(path, max_duration_ms=6000) is not None
    slow = content[:24] + struct.pack("<I", 2000) + content[28:]
    path.write_bytes(slow)
    assert read_plain(path, max_duration_ms=LIMIT_MS) is None


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "adpcm_ima_wav"), ("a.flac", "flac"), ("a.mp3", "libmp3lame")])
def test_other_codecs_and_formats_are_left_to_ffmpeg(tmp_path: Path, name: str, codec: str) -> None:
    path = write_audio(tmp_path / name, two_voices(8000), rate=8000, codec=codec)
    assert read_plain(path, max_duration_ms=LIMIT_MS) is None
