"""Music where nobody speaks is found, noise and pauses are not."""

from __future__ import annotations

import numpy as np
import pytest

from qareport.asr.background_sounds import find_sounds
from qareport.audio.resampling import Samples
from tests.support.sounds import tune, varied_babble

#: Someone speaks in the first four seconds and the last two of twenty.
SPOKEN = [[(0, 4000), (18_000, 20_000)], []]


def call(sound: Samples | None = None, *, channel: int = 0) -> Samples:
    samples = 0.0005 * np.random.default_rng(0).standard_normal((2, 20 * 16_000)).astype(np.float32)
    samples[0, : 4 * 16_000] += varied_babble(4, seed=1)
    samples[0, 18 * 16_000 :] += varied_babble(2, seed=2)
    if sound is not None:
        samples[channel, 6 * 16_000 : 6 * 16_000 + sound.size] += sound
    return samples


@pytest.mark.parametrize("dbfs", [-18, -26, -36])
@pytest.mark.parametrize("channel", [0, 1])
def test_music_on_hold_is_found_on_its_channel(dbfs: float, channel: int) -> None:
    [(found, start, end)] = find_sounds(call(tune(10, dbfs=dbfs), channel=channel), SPOKEN)
    assert found == channel
    assert (start, end) == (pytest.approx(6000, abs=150), pytest.approx(16_000, abs=400))
    assert start % 10 == end % 10 == 0


@pytest.mark.parametrize("dbfs", [-20, -30, -40])
def test_noise_is_no_music(dbfs: float) -> None:
    noise = np.random.default_rng(2).standard_normal(10 * 16_000).astype(np.float32) * 10 ** (dbfs / 20)
    rumble = np.convolve(noise, np.ones(16) / 4, mode="same").astype(np.float32)
    assert find_sounds(call(noise), SPOKEN) == []
    assert find_sounds(call(rumble), SPOKEN) == []


def test_a_pause_and_a_short_chime_are_nothing() -> None:
    assert find_sounds(call(), SPOKEN) == []
    assert find_sounds(call(tune(1.2, dbfs=-20)), SPOKEN) == []


def test_what_sounds_while_someone_speaks_is_not_looked_at() -> None:
    assert find_sounds(call(tune(10, dbfs=-26)), [SPOKEN[0], [(5000, 17_000)]]) == []


def test_an_empty_recording_has_no_sounds() -> None:
    assert find_sounds(np.zeros((1, 0), np.float32), [[]]) == []
