"""Sound that arrives while a call is on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qareport.audio.decode import decode
from qareport.audio.streaming import Encoding, StreamResampler, WavAppender, decode_samples, encode_samples, repair_wav


def sine(rate: int, hertz: float, seconds: float) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


def test_g711_decodes_to_the_values_of_the_standard() -> None:
    mulaw = decode_samples(bytes([0x00, 0x80, 0x7F, 0xFF]), Encoding.MULAW)
    assert mulaw.tolist() == [-32124, 32124, 0, 0]
    alaw = decode_samples(bytes([0x2A, 0xAA, 0xD5, 0x55]), Encoding.ALAW)
    assert alaw.tolist() == [-32256, 32256, 8, -8]


@pytest.mark.parametrize("encoding", list(Encoding))
def test_what_is_encoded_is_decoded_again(encoding: Encoding) -> None:
    loud = sine(8000, 440, 0.2)
    again = decode_samples(encode_samples(loud, encoding), encoding)
    assert np.abs(again.astype(int) - loud).max() <= (0 if encoding is Encoding.S16LE else 260)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        decode_samples(b"abc", Encoding.S16LE)


def test_resampling_in_frames_of_20_ms_holds_back_no_more_than_3_ms_and_keeps_the_tone() -> None:
    resampler, tone = StreamResampler(8000), sine(8000, 1000, 1)
    pieces = [resampler.push(tone[at : at + 160]) for at in range(0, tone.size, 160)]
    assert sum(piece.size for piece in pieces[:10]) >= 10 * 320 - 48
    whole = np.concatenate(pieces)
    spectrum = np.abs(np.fft.rfft(whole[1000:9192] * np.hanning(8192)))
    assert np.argmax(spectrum) * 16000 / 8192 == pytest.approx(1000, abs=3)
    assert np.abs(whole[1000:]).max() == pytest.approx(8000 / 32768, rel=0.02)


def test_what_was_synced_before_a_kill_is_read_and_the_rest_of_the_file_too(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    wav = WavAppender(path, 8000, 2)
    wav.append(np.stack([sine(8000, 440, 1), sine(8000, 600, 1)], axis=1))
    wav.sync()
    assert decode(str(path), max_duration_ms=60_000).info.duration_ms == 1000
    wav.append(np.zeros((800, 2), np.int16))
    wav._file.close()  # as a kill does: the header does not know of what was written last
    assert repair_wav(path) == 1100
    recording = decode(str(path), max_duration_ms=60_000)
    assert (recording.info.duration_ms, recording.info.channels) == (1100, 2)


def test_a_file_without_sound_has_no_length(tmp_path: Path) -> None:
    WavAppender(tmp_path / "a.wav", 8000, 1).close()
    assert repair_wav(tmp_path / "a.wav") == 0
    (tmp_path / "b.wav").write_bytes(b"RI")
    assert repair_wav(tmp_path / "b.wav") == 0
