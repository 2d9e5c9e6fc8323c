"""Loudness and fake stereo."""

from __future__ import annotations

import numpy as np
import pytest

from qareport.audio.levels import channels_identical, loudness_dbfs, without_offset


def noise(seed: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(16_000)).astype(np.float32)


def test_a_full_scale_square_wave_is_0_dbfs_and_a_sine_3_below() -> None:
    square = np.where(np.arange(16_000) % 32 < 16, 1.0, -1.0).astype(np.float32)
    sine = np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000).astype(np.float32)
    assert loudness_dbfs(square, 0, 1000) == 0.0
    assert loudness_dbfs(sine, 0, 1000) == pytest.approx(-3.01, abs=0.01)


def test_loudness_is_that_of_the_stretch_alone() -> None:
    samples = np.concatenate([np.full(8000, 0.1), np.full(8000, 0.01)]).astype(np.float32)
    assert loudness_dbfs(samples, 0, 500) == pytest.approx(-20)
    assert loudness_dbfs(samples, 500, 1000) == pytest.approx(-40)
    assert loudness_dbfs(np.stack([samples, samples]), 500, 1000) == pytest.approx(-40)


@pytest.mark.parametrize(("start", "end"), [(0, 0), (500, 400), (5000, 6000)])
def test_an_empty_stretch_has_the_floor_level(start: int, end: int) -> None:
    assert loudness_dbfs(noise(0), start, end) == -90.0


def test_silence_has_the_floor_level() -> None:
    assert loudness_dbfs(np.zeros(16_000, np.float32), 0, 1000) == -90.0


def test_equal_channels_are_identical_whatever_their_gain_or_sign() -> None:
    sound = noise(1)
    assert channels_identical(np.stack([sound, sound]))
    assert channels_identical(np.stack([sound, 0.3 * sound]))
    assert channels_identical(np.stack([sound, -sound, sound]))


def test_a_little_codec_noise_leaves_channels_identical() -> None:
    assert channels_identical(np.stack([noise(1), noise(1) + 0.03 * noise(2)]))


def test_different_speakers_are_not_identical_even_with_strong_crosstalk() -> None:
    first, second = noise(1), noise(2)
    assert not channels_identical(np.stack([first, second]))
    assert not channels_identical(np.stack([first + 0.5 * second, second + 0.5 * first]))
    assert not channels_identical(np.stack([first, first, second]))


def test_a_silent_channel_beside_speech_is_not_identical_but_two_silent_ones_are() -> None:
    silent = np.zeros(16_000, np.float32)
    assert not channels_identical(np.stack([silent, noise(1)]))
    assert not channels_identical(np.stack([noise(1), silent]))
    assert channels_identical(np.stack([silent, silent]))


def test_one_channel_is_not_fake_stereo() -> None:
    assert not channels_identical(noise(1)[None])


def test_channels_off_zero_are_centred_and_others_stay_as_they_are() -> None:
    voice = (0.1 * np.sin(np.arange(16_000) / 5)).astype(np.float32)
    centred = without_offset(np.stack([voice + np.float32(0.4), voice]))
    assert abs(float(centred[0].mean())) < 1e-4
    assert np.array_equal(centred[1], voice)
