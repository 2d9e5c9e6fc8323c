"""Recordings in every format come back as 16 kHz channels; bad ones come back with their reason."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from qareport.audio.containers import sha256_of
from qareport.audio.decode import decode
from qareport.audio.levels import channels_identical, loudness_dbfs
from qareport.errors import AudioError, UnavailableError
from tests.support.asr_fixtures import ASSETS, Samples, babble, write_audio

LIMIT_MS = 60 * 60_000


def tones(seconds: float, rate: int, *hertz: float) -> Samples:
    time = np.arange(int(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * pitch * time) for pitch in hertz]).astype(np.float32)


def loudest_hertz(channel: Samples) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(channel)))) * 16_000 / channel.size


FORMATS = [
    ("u8.wav", "pcm_u8", 8000),
    ("s16.wav", "pcm_s16le", 8000),
    ("s24.wav", "pcm_s24le", 44_100),
    ("s32.wav", "pcm_s32le", 48_000),
    ("f32.wav", "pcm_f32le", 16_000),
    ("f64.wav", "pcm_f64le", 22_050),
    ("mulaw.wav", "pcm_mulaw", 8000),
    ("alaw.wav", "pcm_alaw", 8000),
    ("adpcm.wav", "adpcm_ima_wav", 8000),
    ("lame.mp3", "libmp3lame", 16_000),
    ("aac.m4a", "aac", 44_100),
    ("opus.ogg", "libopus", 48_000),
    ("opus.webm", "libopus", 48_000),
    ("flac.flac", "flac", 11_025),
    ("windows.wma", "wmav2", 44_100),
    ("sony.w64", "pcm_s16le", 8000),
    ("apple.caf", "pcm_s16le", 16_000),
    ("wavpack.wv", "wavpack", 16_000),
    ("true.tta", "tta", 16_000),
    ("editor.mov", "pcm_s16le", 16_000),
    ("opus.mka", "libopus", 48_000),
    ("layer2.mp2", "mp2", 16_000),
    ("apple.aifc", "pcm_s16be", 16_000),
]


@pytest.mark.parametrize(("name", "codec", "rate"), FORMATS, ids=[name for name, _, _ in FORMATS])
def test_each_format_keeps_its_channels_apart_and_its_length(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    path = write_audio(tmp_path / name, tones(3, rate, 440, 700), rate=rate, codec=codec)
    recording = decode(path, max_duration_ms=LIMIT_MS)
    assert recording.samples.dtype == np.float32
    assert recording.info.channels == 2
    assert recording.info.sample_rate == rate
    assert recording.info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recording.info.duration_ms == pytest.approx(3000, abs=130)  # codecs pad to whole frames
    assert recording.samples.shape[1] == pytest.approx(recording.info.duration_ms * 16, abs=16)
    assert loudest_hertz(recording.samples[0]) == pytest.approx(440, abs=2)
    assert loudest_hertz(recording.samples[1]) == pytest.approx(700, abs=2)
    middle = recording.samples[:, 8000:-8000]
    assert float(np.sqrt(np.mean(middle**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.06)


def test_amr_is_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "phone.amr", tones(2, 8000, 440), rate=8000, codec="libopencore_amrnb")
    recording = decode(path, max_duration_ms=LIMIT_MS)
    assert recording.info.channels == 1
    assert loudest_hertz(recording.samples[0]) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_any_number_of_channels_is_kept_in_order(tmp_path: Path, channels: int) -> None:
    hertz = [300.0 + 150 * index for index in range(channels)]
    path = tmp_path / "many.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((tones(1, 8000, *hertz).T * 32767).astype("<i2").tobytes())
    recording = decode(path, max_duration_ms=LIMIT_MS)
    assert [loudest_hertz(channel) for channel in recording.samples] == pytest.approx(hertz, abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "layout"),
    [("surround.m4a", "aac", "7.1"), ("surround.ogg", "libopus", "7.1"), ("many.wv", "wavpack", "16c")],
)
def test_eight_and_more_channels_are_read_from_codecs_that_keep_them_in_planes(
    tmp_path: Path, name: str, codec: str, layout: str
) -> None:
    count = 8 if layout == "7.1" else 16
    hertz = [300.0 + 100 * index for index in range(count)]
    packed = np.ascontiguousarray(tones(2, 48_000, *hertz).T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.sample_rate = 48_000
    with av.open(str(tmp_path / name), "w") as container:
        stream: Any = container.add_stream(codec, rate=48_000, layout=layout)
        stream.codec_context.open(strict=False)
        context = stream.codec_context
        resampler = av.AudioResampler(context.format.name, layout, 48_000, context.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    recording = decode(tmp_path / name, max_duration_ms=LIMIT_MS)
    assert recording.info.channels == count
    loudest = [loudest_hertz(channel) for channel in recording.samples]
    if layout == "7.1":  # its fourth channel is for low tones alone
        del loudest[3], hertz[3]
    assert loudest == pytest.approx(hertz, abs=2)


def test_samples_at_16_khz_come_back_exactly(tmp_path: Path) -> None:
    samples = (np.random.default_rng(1).integers(-32768, 32768, (2, 16_000)) / 32768).astype(np.float32)
    path = write_audio(tmp_path / "exact.wav", samples, rate=16_000, codec="pcm_f32le")
    np.testing.assert_array_equal(decode(path, max_duration_ms=LIMIT_MS).samples, samples)


def test_resampling_keeps_speech_and_folds_nothing_back(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", tones(2, 44_100, 3000, 9000), rate=44_100, codec="pcm_f32le")
    low, high = decode(path, max_duration_ms=LIMIT_MS).samples[:, 4000:-4000]
    assert float(np.sqrt(np.mean(low**2))) == pytest.approx(0.3 / np.sqrt(2), rel=0.005)
    assert 20 * np.log10(float(np.sqrt(np.mean(high**2)))) < -85


def test_silence_is_a_valid_recording(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "silent.wav", np.zeros((2, 8000), np.float32), rate=8000)
    recording = decode(path, max_duration_ms=LIMIT_MS)
    assert recording.info.duration_ms == 1000
    assert loudness_dbfs(recording.samples, 0, 1000) == -90.0


def test_floats_beyond_full_scale_and_no_numbers_are_brought_into_range(tmp_path: Path) -> None:
    samples = np.full((1, 16_000), 3.0, np.float32)
    samples[0, 10], samples[0, 11] = np.nan, -np.inf
    path = write_audio(tmp_path / "wild.wav", samples, rate=16_000, codec="pcm_f32le")
    decoded = decode(path, max_duration_ms=LIMIT_MS).samples[0]
    assert decoded[10] == 0.0
    assert decoded[11] == -1.0
    assert decoded[12] == 1.0


def test_floats_in_the_units_of_16_bits_are_scaled_with_a_note(tmp_path: Path) -> None:
    samples = np.sin(np.arange(48_000) / 20, dtype=np.float32)[None] * 0.5
    usual, loud = (
        write_audio(tmp_path / name, sound, rate=16_000, codec="pcm_f32le")
        for name, sound in (("usual.wav", samples), ("loud.wav", samples * 32768))
    )
    read = decode(loud, max_duration_ms=LIMIT_MS)
    assert np.abs(read.samples - decode(usual, max_duration_ms=LIMIT_MS).samples).max() < 1e-4
    assert [note.code for note in read.notes] == ["floats_scaled"]


@pytest.mark.parametrize("name", ["loud.caf", "loud.aiff", "loud.w64", "loud.wav"])
def test_floats_that_only_ffmpeg_reads_are_scaled_too(tmp_path: Path, name: str) -> None:
    samples = np.sin(np.arange(48_000) / 20, dtype=np.float32)[None].repeat(2, axis=0) * 0.5
    codec = "pcm_f32be" if name.endswith("aiff") else "pcm_f64le" if name.endswith("w64") else "pcm_f32le"
    path = write_audio(tmp_path / name, samples * 32768, rate=16_000, codec=codec)
    if name.endswith("wav"):  # what is cut off a little is left to FFmpeg
        path.write_bytes(path.read_bytes()[:-40])
    read = decode(path, max_duration_ms=LIMIT_MS)
    length = min(read.samples.shape[1], samples.shape[1])
    assert length > 47_900
    assert np.abs(read.samples[:, :length] - samples[:, :length]).max() < 1e-4
    assert "floats_scaled" in [note.code for note in read.notes]


def test_floats_that_are_only_too_loud_are_not_scaled(tmp_path: Path) -> None:
    samples = np.sin(np.arange(48_000) / 20, dtype=np.float32)[None]
    samples[0, 100] = 20_000  # a damaged sample
    path = write_audio(tmp_path / "loud.wav", samples, rate=16_000, codec="pcm_f32le")
    read = decode(path, max_duration_ms=LIMIT_MS)
    assert np.abs(read.samples).max() == 1.0
    assert np.abs(read.samples).mean() > 0.5
    assert read.notes == ()


def refused(path: Path | str, *, max_duration_ms: int = LIMIT_MS) -> str:
    with pytest.raises(AudioError) as caught:
        decode(path, max_duration_ms=max_duration_ms)
    text = str(caught.value)
    assert text.startswith(str(path))
    return text


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "gone.wav")
    assert "not a file" in refused(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    assert "empty" in refused(path)


@pytest.mark.parametrize(
    "content", [b"Dear sir, here is the call.\n" * 50, b"RIFF\x00\x00", os.urandom(4000), b"\0" * 999]
)
def test_what_is_not_audio_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    assert "expected" in refused(path)


def test_a_picture_is_refused_as_without_sound(tmp_path: Path) -> None:
    import av

    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "no audio stream (only video)" in refused(path)


def test_a_recording_over_the_limit_is_refused_with_the_limit(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "long.wav", tones(5, 8000, 440), rate=8000)
    assert "longer than 0.05 minutes" in refused(path, max_duration_ms=3000)
    assert decode(path, max_duration_ms=5000).info.duration_ms == 5000


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.w64", "pcm_s16le"),
        ("a.caf", "pcm_s16le"),
        ("a.aiff", "pcm_s16be"),
        ("a.au", "pcm_s16be"),
        ("a.flac", "flac"),
        ("a.wv", "wavpack"),
        ("a.tta", "tta"),
        ("a.mp3", "libmp3lame"),
        ("a.webm", "libopus"),
        ("a.mka", "aac"),
    ],
)
def test_a_recording_cut_off_half_way_is_refused_with_both_durations(tmp_path: Path, name: str, codec: str) -> None:
    sound = np.stack([babble(8, seed=1, rate=48_000), babble(8, seed=2, rate=48_000)])
    path = write_audio(tmp_path / name, sound, rate=48_000, codec=codec)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    text = refused(path)
    assert "cut off: the file promises 8." in text
    assert "can be decoded" in text


def without_xing(path: Path) -> None:
    """Take the frame that counts frames out of an MP3, as recorders write them that stream."""
    data = path.read_bytes()
    tag = 10 + int.from_bytes(bytes(data[6:10])) if data.startswith(b"ID3") else 0
    frames = [
        at
        for at in range(tag, 4000)
        if (data[at] == 0xFF and data[at + 1] & 0xFE == 0xFA) or data[at : at + 2] == b"\xff\xf3"
    ]
    second = next(at for at in frames if at > data.index(b"Info" if b"Info" in data else b"Xing"))
    path.write_bytes(data[second:])


ENDLESS = [
    ("a.ogg", "libopus", 48_000),
    ("a.aac", "aac", 16_000),
    ("a.amr", "libopencore_amrnb", 8000),
    ("a.mp3", "libmp3lame", 16_000),
]


@pytest.mark.parametrize(("name", "codec", "rate"), ENDLESS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_cut_is_noticed_where_no_length_is_written_down(
    tmp_path: Path, name: str, codec: str, rate: int, share: float
) -> None:
    path = write_audio(tmp_path / name, babble(8, seed=1, rate=rate)[None], rate=rate, codec=codec)
    if name == "a.mp3":
        without_xing(path)
    assert decode(path, max_duration_ms=LIMIT_MS).info.duration_ms == pytest.approx(8000, abs=150)
    whole = path.read_bytes()
    size = int(len(whole) * share) | 1
    if name == "a.amr":  # in the middle of a frame of 13 bytes
        size += (6 + 6 - size) % 13
    path.write_bytes(whole[:size])
    text = refused(path)
    assert "cut off after" in text
    assert "incomplete" in text


def codes(path: Path) -> list[str]:
    return [note.code for note in decode(path, max_duration_ms=LIMIT_MS).notes]


def test_an_ogg_without_an_end_mark_is_used_with_a_note(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.ogg", babble(8, seed=1, rate=48_000)[None], rate=48_000, codec="libopus")
    assert codes(path) == []
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"OggS")])
    assert codes(path) == ["end_uncertain"]


def test_an_ogg_whose_marked_last_page_lacks_less_than_a_second_is_used_with_a_note(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.ogg", babble(8, seed=1, rate=48_000)[None], rate=48_000, codec="libopus")
    path.write_bytes(path.read_bytes()[:-30])
    assert codes(path) == ["end_uncertain"]
    assert decode(path, max_duration_ms=LIMIT_MS).info.duration_ms == pytest.approx(8000, abs=1000)


@pytest.mark.parametrize(("name", "codec", "rate"), ENDLESS[1:])
def test_a_last_frame_that_lacks_a_byte_or_has_one_too_many_is_no_cut(
    tmp_path: Path, name: str, codec: str, rate: int
) -> None:
    path = write_audio(tmp_path / name, babble(8, seed=1, rate=rate)[None], rate=rate, codec=codec)
    if name == "a.mp3":
        without_xing(path)
    whole = path.read_bytes()
    for content in (whole[:-1], whole + whole[6:7] if name == "a.amr" else whole[:-1]):
        path.write_bytes(content)
        assert codes(path) == ["end_uncertain"]
        assert decode(path, max_duration_ms=LIMIT_MS).info.duration_ms == pytest.approx(8000, abs=150)


def test_a_wav_that_lacks_half_a_second_is_used_with_a_note(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", babble(8, seed=1)[None], rate=16_000)
    path.write_bytes(path.read_bytes()[:-16_000])
    assert codes(path) == ["end_uncertain"]


def test_tags_after_the_sound_are_no_cut(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp3", babble(4, seed=1)[None], rate=16_000, codec="libmp3lame")
    without_xing(path)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    assert decode(path, max_duration_ms=LIMIT_MS).info.duration_ms == pytest.approx(4000, abs=150)


def test_a_recording_cut_off_at_its_header_is_refused(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", tones(3, 8000, 440), rate=8000)
    path.write_bytes(path.read_bytes()[:50])
    assert refused(path)


def test_a_wav_that_was_streamed_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", tones(3, 8000, 440), rate=8000)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    content[4:8] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(content))
    assert decode(path, max_duration_ms=LIMIT_MS).info.duration_ms == 3000


@pytest.mark.parametrize("seed", range(12))
def test_damaged_bytes_give_a_recording_or_a_reason_and_nothing_else(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    name, codec, rate = FORMATS[seed % len(FORMATS)]
    path = write_audio(tmp_path / name, tones(2, rate, 440, 700), rate=rate, codec=codec)
    content = bytearray(path.read_bytes())
    for at in generator.integers(0, len(content), 60):
        content[at] = int(generator.integers(0, 256))
    path.write_bytes(bytes(content))
    try:
        samples = decode(path, max_duration_ms=LIMIT_MS).samples
    except AudioError as error:
        assert str(path) in str(error)
    else:
        assert np.isfinite(samples).all()
        assert float(np.abs(samples).max()) <= 1.0


def test_the_same_sound_coded_on_two_channels_is_fake_stereo(tmp_path: Path) -> None:
    voice = babble(4, seed=3)
    path = write_audio(tmp_path / "fake.mp3", np.stack([voice, 0.6 * voice]), rate=16_000, codec="libmp3lame")
    assert channels_identical(decode(path, max_duration_ms=LIMIT_MS).samples)


def test_a_digest_of_a_missing_file_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be read"):
        sha256_of(tmp_path / "gone")


needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="needs ../shared/assets")


@needs_assets
@pytest.mark.parametrize(
    ("name", "duration_ms", "rate", "channels", "identical"),
    [
        ("auto_repairs_40.stereo.wav", 245_380, 8000, 2, False),
        ("auto0.mono.u8.wav", 277_660, 8000, 1, False),
        ("sample1.dual_mono.mp3", 39_628, 44_100, 2, True),
        ("speechmatics_10s.stereo.wav", 9984, 16_000, 2, False),
        ("mulaw_16k.wav", 2030, 16_000, 1, False),
    ],
)
def test_real_calls_are_read(name: str, duration_ms: int, rate: int, channels: int, identical: bool) -> None:
    recording = decode(ASSETS / "audio" / "calls" / name, max_duration_ms=LIMIT_MS)
    assert recording.info.duration_ms == duration_ms
    assert (recording.info.sample_rate, recording.info.channels) == (rate, channels)
    assert channels_identical(recording.samples) is identical


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile whole.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3.0,\nwhole.wav\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:3.0,\nwhole.wav\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
)
@pytest.mark.parametrize("name", ["list.wav", "list.ffconcat", "list.m3u8"])
def test_a_play_list_is_not_followed_whatever_it_is_called(tmp_path: Path, text: str, name: str) -> None:
    write_audio(tmp_path / "whole.wav", tones(3, 8000, 440), rate=8000)
    path = tmp_path / name
    path.write_text(text)
    assert "not audio that can be read" in refused(path)


def test_a_name_that_looks_like_a_protocol_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_audio(tmp_path / "whole.wav", tones(3, 8000, 440), rate=8000).rename(tmp_path / "concat:50%.wav")
    assert decode("concat:50%.wav", max_duration_ms=LIMIT_MS).info.duration_ms == 3000


def test_what_the_machine_lacks_is_no_fault_of_the_recording(tmp_path: Path) -> None:
    """Under a memory limit a healthy recording is to be tried again, not kept as damaged."""
    path = write_audio(tmp_path / "long.wav", tones(600, 8000, 440, 500), rate=8000)
    code = (
        "import resource, sys\n"
        "from qareport.audio.decode import decode\n"
        "from qareport.errors import UnavailableError\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2)\n"
        "try:\n    decode(sys.argv[1], max_duration_ms=3_600_000)\n"
        "except UnavailableError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "memory" in done.stdout, done.stderr


def test_a_missing_file_can_come_back(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no such file"):
        decode(tmp_path / "gone.wav", max_duration_ms=LIMIT_MS)


HEADERLESS = [
    ("a.ulaw", b"\xff\x7e" * 8000, 2000, 8000),
    ("a.al", b"\xd5\x55" * 8000, 2000, 8000),
    ("a.sln", b"\0\1" * 16_000, 2000, 8000),
    ("a.sln16", b"\0\1" * 16_000, 1000, 16_000),
    ("a.g722", b"\x5a" * 8000, 1000, 16_000),
    ("a.g729", bytes(range(10)) * 100, 1000, 8000),
    ("a.gsm", (b"\xd2" + b"\x11" * 32) * 100, 2000, 8000),
]


@pytest.mark.parametrize(("name", "content", "duration_ms", "rate"), HEADERLESS, ids=[row[0] for row in HEADERLESS])
def test_what_exchanges_write_without_a_header_is_read_by_its_ending(
    tmp_path: Path, name: str, content: bytes, duration_ms: int, rate: int
) -> None:
    (tmp_path / name).write_bytes(content)
    info = decode(tmp_path / name, max_duration_ms=LIMIT_MS).info
    assert (info.duration_ms, info.sample_rate, info.channels) == (duration_ms, rate, 1)


def whole_wav(tmp_path: Path) -> bytes:
    return write_audio(tmp_path / "whole.wav", babble(3, seed=1, rate=8000)[None], rate=8000).read_bytes()


def test_sound_behind_the_length_that_a_header_states_is_read(tmp_path: Path) -> None:
    whole = whole_wav(tmp_path)
    at = whole.index(b"data") + 4
    (tmp_path / "stale.wav").write_bytes(whole[:at] + (32_000).to_bytes(4, "little") + whole[at + 4 :])
    assert decode(tmp_path / "stale.wav", max_duration_ms=LIMIT_MS).info.duration_ms == 3000


@pytest.mark.parametrize(
    ("name", "codec"), [("joined.wav", "pcm_s16le"), ("joined.m4a", "aac"), ("joined.aif", "pcm_s16be")]
)
def test_of_two_recordings_in_one_file_none_is_lost_without_a_word(tmp_path: Path, name: str, codec: str) -> None:
    path = write_audio(tmp_path / name, tones(3, 16_000, 300), rate=16_000, codec=codec)
    path.write_bytes(path.read_bytes() * 2)
    assert refused(path).startswith(
        f"{path}: another recording follows in the same file; expected one recording a file"
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("<!DOCTYPE html><title>登录</title>".encode(), "a web page or XML"),
        (b'{"code": 401}', "JSON"),
        (b"PK\x03\x04" + bytes(200), "an archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"\x02#!SILK_V3" + bytes(range(200)), "a voice message of WeChat or QQ (SILK)"),
        (bytes(9000), "zeros"),
        (b"UklGRiQAAABXQVZF" * 99, "text"),
    ],
)
def test_what_a_file_holds_in_place_of_sound_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    assert refused(tmp_path / "a.wav").startswith(f"{tmp_path}/a.wav: not audio that can be read: it holds {what}")


@pytest.mark.parametrize(
    "broken", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: data.decode("utf-8", "replace").encode()]
)
def test_a_copy_in_text_mode_is_named_and_not_heard_as_noise(tmp_path: Path, broken: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.wav").write_bytes(broken(whole_wav(tmp_path)))
    assert refused(tmp_path / "a.wav").startswith(f"{tmp_path}/a.wav: was copied as if it were text")
