"""What two channels have in common is found whatever its lag; what they do not have in common is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from qareport.audio.crosstalk import find_shared_sound, remove_copies
from qareport.audio.resampling import Samples
from tests.support.sounds import late, varied_babble

SECONDS = 40


def speakers() -> tuple[Samples, Samples]:
    """Two voices that take turns of about three seconds, with a little line noise."""
    agent, customer = np.zeros((2, SECONDS * 16_000), np.float32)
    for turn in range(SECONDS // 4):
        voice = varied_babble(3.2, seed=turn)
        begin = (turn * 4 + 1) * 16_000
        (agent, customer)[turn % 2][begin : begin + voice.size] = voice[: agent.size - begin]
    noise = 0.0005 * np.random.default_rng(1).standard_normal((2, agent.size)).astype(np.float32)
    return agent + noise[0], customer + noise[1]


AGENT, CUSTOMER = speakers()


def level_db(samples: Samples, seconds: range) -> float:
    power = np.mean([np.mean(np.square(samples[at * 16_000 : (at + 1) * 16_000])) for at in seconds])
    return float(10 * np.log10(power + 1e-12))


def test_speakers_who_take_turns_share_nothing() -> None:
    shared = find_shared_sound(np.stack([AGENT, CUSTOMER]))
    assert (shared.identical, shared.leaks) == (False, ())


@pytest.mark.parametrize("lag_ms", [-300, -20, 0, 1, 2.3, 20, 200, 300])
@pytest.mark.parametrize("gain", [1.0, 0.4])
def test_the_same_mix_is_recognised_at_any_lag(lag_ms: float, gain: float) -> None:
    mix = AGENT + CUSTOMER
    other = gain * late(mix, abs(lag_ms))
    channels = np.stack([mix, other] if lag_ms >= 0 else [other, mix])
    assert find_shared_sound(channels).identical


def test_the_same_mix_on_three_channels_is_recognised() -> None:
    mix = AGENT + CUSTOMER
    assert find_shared_sound(np.stack([mix, late(mix, 5), late(mix, 40)])).identical
    assert not find_shared_sound(np.stack([mix, late(mix, 5), CUSTOMER])).identical


@pytest.mark.parametrize(("gain", "lag_ms"), [(0.7, 0), (0.5, 0), (0.5, 5), (0.25, 200), (0.1, 0)])
def test_crosstalk_is_taken_out_and_speech_stays(gain: float, lag_ms: float) -> None:
    channels = np.stack([AGENT + gain * late(CUSTOMER, lag_ms), CUSTOMER + gain * late(AGENT, lag_ms)])
    shared = find_shared_sound(channels)
    assert not shared.identical
    assert {(leak.source, leak.target) for leak in shared.leaks} == {(0, 1), (1, 0)}
    before = channels.copy()
    separate, seconds = remove_copies(channels, shared.leaks)
    np.testing.assert_array_equal(channels, before)
    assert seconds > 15
    agents, customers = range(2, 4), range(6, 8)  # inside the first turn of each
    assert level_db(separate[1], agents) < -60
    assert level_db(separate[0], customers) < -60
    assert level_db(separate[0], agents) == pytest.approx(level_db(AGENT, agents), abs=0.5)
    assert level_db(separate[1], customers) == pytest.approx(level_db(CUSTOMER, customers), abs=0.5)


def test_an_echo_one_way_leaves_the_other_channel_untouched() -> None:
    channels = np.stack([AGENT, CUSTOMER + 0.25 * late(AGENT, 200)])
    [leak] = find_shared_sound(channels).leaks
    assert (leak.source, leak.target) == (0, 1)
    separate, _ = remove_copies(channels, (leak,))
    np.testing.assert_array_equal(separate[0], AGENT)


def test_who_speaks_over_an_echo_is_heard() -> None:
    both = np.stack([AGENT, 0.8 * late(AGENT, 1500)])  # the same voice long after itself is no echo but speech
    channels = np.stack([both[0], both[1] + 0.1 * late(AGENT, 50)])
    leaks = find_shared_sound(channels).leaks
    separate, _ = remove_copies(channels, leaks)
    assert level_db(separate[1], range(3, 5)) == pytest.approx(level_db(both[1], range(3, 5)), abs=2)


@pytest.mark.parametrize("size", [0, 10, 16_000])
def test_what_is_too_short_to_tell_shares_nothing(size: int) -> None:
    sound = np.stack([AGENT[:size], CUSTOMER[:size]])
    assert find_shared_sound(sound).leaks == ()
    assert not find_shared_sound(sound).identical


def test_one_channel_and_silence_share_nothing() -> None:
    assert not find_shared_sound(AGENT[None]).identical
    assert find_shared_sound(np.stack([AGENT, np.zeros_like(AGENT)])).leaks == ()
    assert not find_shared_sound(np.zeros((2, 160_000), np.float32)).identical
