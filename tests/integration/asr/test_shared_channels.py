"""Two channels that share sound, a channel without a speaker, and music on hold, heard by the bundled model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from qareport.asr import Transcriber, load
from qareport.audio.decode import decode
from qareport.audio.resampling import Samples
from qareport.model import AudioEvent, Call, Role, Transcript
from qareport.settings import AsrSettings, AudioSettings, bundled_calls, bundled_model
from tests.support.sounds import late, tune, write_wav

pytestmark = pytest.mark.skipif(not (bundled_model() / "model.pt").is_file(), reason="needs the bundled model")
A, C, U = Role.AGENT, Role.CUSTOMER, Role.UNKNOWN


@pytest.fixture(scope="module")
def engine() -> Iterator[Transcriber]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load("demo", device="cpu", asr=AsrSettings(vad="silero"), audio=AudioSettings())
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def call() -> Samples:
    """24 seconds of a bundled call: agent and customer in turn, three sentences each."""
    path = next(bundled_calls().glob("c01*"))
    return decode(path, max_duration_ms=3_600_000).samples[:, : 24 * 16_000]


def hear(engine: Transcriber, folder: Path, *channels: Samples) -> Transcript:
    path = write_wav(folder / "call.wav", np.stack(channels)[:, ::2], rate=8000)
    (transcript,) = engine.transcribe([Call(call_id="c", audio_path=str(path), channel_roles=(A, C))])
    assert isinstance(transcript, Transcript)
    return transcript


def notes(transcript: Transcript) -> list[str]:
    return [note.code for note in transcript.notes]


@pytest.mark.parametrize(("gain", "lag_ms"), [(0.5, 0), (0.25, 200)], ids=["crosstalk", "echo"])
def test_every_sentence_is_heard_once_and_from_its_speaker(
    engine: Transcriber, tmp_path: Path, call: Samples, gain: float, lag_ms: float
) -> None:
    agent, customer = call
    transcript = hear(engine, tmp_path, agent + gain * late(customer, lag_ms), customer + gain * late(agent, lag_ms))
    assert [segment.role for segment in transcript.segments] == [A, C] * 3
    assert notes(transcript) == ["crosstalk"]
    assert 15 < float(transcript.notes[0].values["seconds"]) < 30


@pytest.mark.parametrize("lag_ms", [1, 200])
def test_the_same_mix_with_a_lag_is_heard_as_one_channel(
    engine: Transcriber, tmp_path: Path, call: Samples, lag_ms: float
) -> None:
    mix = call.sum(axis=0)
    transcript = hear(engine, tmp_path, mix, late(mix, lag_ms))
    assert notes(transcript) == ["fake_stereo", "roles_from_words"]
    assert len(transcript.segments) == 6


@pytest.mark.parametrize("dead", ["hum", "hiss", "offset", "clicks"])
def test_a_channel_without_a_speaker_is_noted_and_the_map_not_believed(
    engine: Transcriber, tmp_path: Path, call: Samples, dead: str
) -> None:
    mix, generator = call.sum(axis=0), np.random.default_rng(0)
    time = np.arange(mix.size) / 16_000
    other = {
        "hum": 0.02 * np.sin(2 * np.pi * 50 * time),
        "hiss": 0.01 * generator.standard_normal(mix.size),
        "offset": np.full(mix.size, 0.1),
        "clicks": 0.5 * (generator.random(mix.size) > 0.9999),
    }[dead].astype(np.float32)
    transcript = hear(engine, tmp_path, mix, other)
    assert notes(transcript) == ["one_channel_sounds", "roles_from_words"]
    assert {segment.role for segment in transcript.segments} == {A, C, U}


def test_an_agent_who_is_alone_keeps_the_role(engine: Transcriber, tmp_path: Path, call: Samples) -> None:
    transcript = hear(engine, tmp_path, call[0], np.zeros_like(call[0]))
    assert notes(transcript) == ["one_channel_sounds"]
    assert {segment.role for segment in transcript.segments} == {A}


def test_music_on_hold_is_background_music_without_words(engine: Transcriber, tmp_path: Path, call: Samples) -> None:
    pause = np.zeros((2, 14 * 16_000), np.float32)
    pause[1, 16_000 : 13 * 16_000] = tune(12, dbfs=-26)
    transcript = hear(engine, tmp_path, *np.concatenate([call, pause], axis=1))
    last = transcript.segments[-1]
    assert (last.text, last.role, last.emotion) == ("", U, None)
    assert AudioEvent.BGM in last.events
    # The silence before the music may count to it: the detector's edges differ by processor.
    assert (last.start_ms, last.end_ms) == (pytest.approx(25_000, abs=1_000), pytest.approx(37_000, abs=600))
    assert sum(bool(segment.text) for segment in transcript.segments) == 6
