"""Utterances are found as the published silero-vad finds them, only faster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch

from qareport.asr.silero_vad import MIN_SPEECH_MS, SPEECH_PAD_MS, SileroVad
from qareport.audio.decode import decode
from qareport.settings import AsrSettings, bundled_calls
from tests.support.asr_fixtures import ASSETS, Samples, babble

needs_assets = pytest.mark.skipif(not ASSETS.is_dir(), reason="needs ../shared/assets")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad(AsrSettings(max_segment_ms=10_000_000))


def call(name: str) -> Samples:
    return decode(ASSETS / "audio" / name, max_duration_ms=600_000).samples


def published_probabilities(vad: SileroVad, channel: Samples) -> Samples:
    """Run the published model chunk by chunk, as its own code does."""
    vad._model.reset_states()
    chunks = torch.from_numpy(channel[: channel.size // 512 * 512]).reshape(-1, 512)
    with torch.inference_mode():
        return np.array([vad._model(chunk, 16_000).item() for chunk in chunks], np.float32)


def test_probabilities_are_those_of_the_published_loop_past_the_end_of_a_block(vad: SileroVad) -> None:
    samples = np.stack([babble(70, seed=1), babble(70, seed=2)])
    ours = vad.probabilities(samples)
    for channel, row in zip(samples, ours, strict=True):
        theirs = published_probabilities(vad, channel)
        np.testing.assert_allclose(row[: theirs.size], theirs, atol=1e-4)


@needs_assets
@pytest.mark.parametrize("name", ["mandarin/vad_example.wav", "calls/speechmatics_10s.stereo.wav"])
def test_utterances_are_those_of_the_published_code(vad: SileroVad, name: str) -> None:
    from silero_vad import get_speech_timestamps

    samples = call(name)
    for channel, row in zip(samples, vad.probabilities(samples), strict=True):
        spans = vad.spans(row, channel.size)
        expected = get_speech_timestamps(
            torch.from_numpy(channel),
            vad._model,
            min_speech_duration_ms=MIN_SPEECH_MS,
            min_silence_duration_ms=AsrSettings().max_end_silence_ms,
            speech_pad_ms=SPEECH_PAD_MS,
        )
        assert spans == [(span["start"] // 160 * 10, span["end"] // 160 * 10) for span in expected]


@needs_assets
def test_channels_do_not_disturb_each_other_nor_one_call_the_next(vad: SileroVad) -> None:
    samples = call("calls/speechmatics_10s.stereo.wav")
    together = vad.find(samples)
    assert [vad.find(samples[index : index + 1])[0] for index in (0, 1)] == together
    assert all(together)


@needs_assets
def test_several_threads_may_use_one_detector(vad: SileroVad) -> None:
    samples = call("calls/speechmatics_10s.stereo.wav")
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: vad.find(samples), range(6)))
    assert all(result == results[0] for result in results)


@needs_assets
def test_long_utterances_are_cut_and_nothing_is_lost(vad: SileroVad) -> None:
    samples = call("mandarin/vad_example.wav")
    whole, cut = vad.find(samples)[0], SileroVad(AsrSettings(max_segment_ms=4000)).find(samples)[0]
    assert max(end - start for start, end in cut) <= 4000
    assert sum(end - start for start, end in cut) == sum(end - start for start, end in whole)
    assert all(before[1] <= after[0] for before, after in pairwise(cut))


@needs_assets
def test_only_quiet_ends_are_taken_off_what_the_published_code_finds(vad: SileroVad) -> None:
    samples = call("mandarin/vad_example.wav")
    (ours,), published = vad.find(samples), vad.spans(vad.probabilities(samples)[0], samples.shape[1])
    assert [start for start, _ in ours] == [start for start, _ in published]
    assert all(0 <= whole - trimmed <= 240 for (_, trimmed), (_, whole) in zip(ours, published, strict=True))


def bundled(name: str) -> Samples:
    return decode(bundled_calls() / name, max_duration_ms=600_000).samples


def test_a_voice_that_is_missed_after_a_long_silence_is_found_in_a_second_pass(vad: SileroVad) -> None:
    samples = bundled("c15-good-call.wav")
    customer = vad.find(samples)[1]
    assert any(start < 58_500 < end for start, end in customer)
    first_look = vad.spans(vad.probabilities(samples)[1], samples.shape[1])
    assert not any(start < 58_500 < end for start, end in first_look)


def test_hold_music_and_coughs_are_no_speech_however_often_they_are_heard(vad: SileroVad) -> None:
    truth = json.loads((bundled_calls() / "truth.json").read_text("utf-8"))["calls"]
    for name in ("c14-hold-music.ogg", "c16-cough.ogg"):
        turns = next(call["turns"] for call in truth if call["audio"] == name)
        for start, end in (span for channel in vad.find(bundled(name)) for span in channel):
            assert any(start < turn["end_ms"] and turn["start_ms"] < end for turn in turns), (name, start, end)


def test_silence_and_noise_hold_no_utterance(vad: SileroVad) -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(160_000)
    assert vad.find(np.stack([np.zeros(160_000), noise]).astype(np.float32)) == [[], []]


@pytest.mark.parametrize("length", [0, 1, 511, 512, 513])
def test_the_shortest_recordings_are_no_fault(vad: SileroVad, length: int) -> None:
    assert vad.find(np.zeros((2, length), np.float32)) == [[], []]


def test_loading_leaves_the_number_of_threads_alone() -> None:
    torch.set_num_threads(2)
    SileroVad(AsrSettings())
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
