from __future__ import annotations

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from qareport.audio.resampling import SAMPLE_RATE, Resampler, Samples
from tests.support.sounds import varied_babble


def resample(sound: Samples, rate: int, block: int) -> Samples:
    """Push a sound in blocks."""
    resampler = Resampler(rate, len(sound))
    for first in range(0, sound.shape[1], block):
        resampler.push(sound[:, first : first + block])
    return resampler.finish()


def resample_with_ffmpeg(sound: Samples, rate: int) -> Samples:
    """Resample two channels with libswresample and the filter that ours names."""
    graph = av.filter.Graph()
    source = graph.add("abuffer", f"time_base=1/{rate}:sample_rate={rate}:sample_fmt=fltp:channel_layout=stereo")
    resampler = graph.add("aresample", f"sample_rate={SAMPLE_RATE}:filter_size=64:cutoff=0.97")
    sink = graph.add("abuffersink")
    source.link_to(resampler)
    resampler.link_to(sink)
    graph.configure()
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
    frame.sample_rate = rate
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            pulled = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return np.concatenate(parts, axis=1)
        assert isinstance(pulled, AudioFrame)
        parts.append(pulled.to_ndarray())


@pytest.mark.parametrize("rate", [4000, 8000, 8001, 11_025, 12_000, 32_000, 44_100, 48_000, 96_000])
def test_samples_are_those_of_libswresample_to_a_millionth(rate: int) -> None:
    sound = np.stack([varied_babble(5, seed=seed, rate=rate) for seed in (1, 2)])[:, : rate * 5 - 13]
    ours, theirs = resample(sound, rate, 7777), resample_with_ffmpeg(sound, rate)
    assert abs(ours.shape[1] - theirs.shape[1]) <= 1
    shorter = min(ours.shape[1], theirs.shape[1])
    assert float(np.abs(theirs).max()) > 0.1
    np.testing.assert_allclose(ours[:, :shorter], theirs[:, :shorter], rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 383_999])
def test_samples_do_not_depend_on_the_size_of_blocks(rate: int) -> None:
    sound = np.random.default_rng(1).uniform(-1, 1, (3, rate // 2)).astype(np.float32)
    whole = resample(sound, rate, rate)
    assert whole.shape == (3, SAMPLE_RATE // 2)
    for block in (rate // 100, 12_345):
        np.testing.assert_array_equal(resample(sound, rate, block), whole)


@pytest.mark.parametrize("rate", [8000, 48_000])
@pytest.mark.parametrize("count", [0, 1, 5, 70])
def test_a_sound_shorter_than_the_filter_keeps_its_length(rate: int, count: int) -> None:
    result = resample(np.full((2, count), 0.5, np.float32), rate, 100)
    assert result.shape == (2, round(count * SAMPLE_RATE / rate))
    assert not result.size or 0.1 < float(result.min()) <= float(result.max()) < 0.7


def test_sound_that_overshoots_and_no_numbers_stay_in_range() -> None:
    square = np.sign(np.sin(np.arange(8000) / 9)).astype(np.float32)[None] * 3
    square[0, 4000] = np.nan
    result = resample(square, 8000, 1000)
    assert float(np.abs(result).max()) == 1.0
    assert np.isfinite(result).all()
