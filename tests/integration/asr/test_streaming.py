"""Recognition of an utterance that goes on: what is known of its beginning is not computed again, and is the same."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import pytest
import torch

from qareport.asr.silero_vad import CHUNK, SileroVad
from qareport.asr.streaming import KnownMels, LiveRecogniser, LiveSpeech, ModelTurns, SpeechTrack
from qareport.audio.resampling import Samples
from tests.support.live_calls import engine, telephone

SOUND: Samples = (telephone("c13-escalation.ogg", 16_000)[1, 5 * 16_000 : 8 * 16_000] / 32_768).astype(np.float32)


def test_features_of_an_utterance_that_grows_are_those_of_the_whole_to_the_last_bit() -> None:
    recogniser, known = LiveRecogniser(engine(), ModelTurns()), KnownMels(5000)
    for count in (300, 9600, 20_001, 48_000, 30_000):  # at last its end is trimmed
        speech = LiveSpeech(samples=SOUND[:count], channel=0, start_ms=5000, end_ms=5000 + count // 16, known=known)
        whole = engine().speech.log_mel(SOUND[None, :count])[0]
        assert torch.equal(recogniser._mels(speech), whole)
    assert len(known.rows) == len(engine().speech.log_mel(SOUND[None])[0])


def test_of_another_utterance_nothing_is_known() -> None:
    recogniser, known = LiveRecogniser(engine(), ModelTurns()), KnownMels(0)
    speech = LiveSpeech(samples=SOUND[:9600], channel=0, start_ms=5000, end_ms=5600, known=known)
    assert torch.equal(recogniser._mels(speech), engine().speech.log_mel(SOUND[None, :9600])[0])
    assert len(known.rows) == 0


def test_speech_found_in_pieces_of_many_channels_at_once_is_that_of_each_channel_as_a_whole() -> None:
    recogniser, recordings = LiveRecogniser(engine(), ModelTurns()), SileroVad(engine().asr)
    sounds = [np.roll(SOUND, shift) for shift in (0, 9000, 20_000)]
    tracks, found = [SpeechTrack() for _ in sounds], [list[float]() for _ in sounds]
    chance = np.random.default_rng(5)
    places = [0, 0, 0]
    while any(place < len(SOUND) for place in places):
        ends = [place + int(size) for place, size in zip(places, chance.integers(0, 5000, 3), strict=True)]
        blocks = [sound[place:end] for sound, place, end in zip(sounds, places, ends, strict=True)]
        for own, more in zip(found, recogniser.detect(tracks, blocks), strict=True):
            own += more
        places = ends
    for sound, own in zip(sounds, found, strict=True):
        whole = recordings.probabilities(sound[None, : len(SOUND) // CHUNK * CHUNK])[0]
        np.testing.assert_allclose(own, whole, atol=1e-4)


def test_work_that_two_threads_share_comes_back_in_order_with_the_text_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def parts() -> list[LiveSpeech]:
        whole = [(0, 2100), (900, 1500), (1500, 1500), (0, 3000), (300, 2000)]
        return [
            LiveSpeech(samples=SOUND[at * 16 : (at + ms) * 16], channel=index, start_ms=at, end_ms=at + ms)
            for index, (at, ms) in enumerate(whole)
        ]

    threads, shared = torch.get_num_threads(), list[str]()
    alone, both = (LiveRecogniser(engine(), ModelTurns()) for _ in range(2))
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    both.prepare_thread()
    torch.set_num_threads(threads)
    assert both._helper is not None
    submit = both._helper.submit

    def share(*work: Any) -> Any:
        shared.append("half")
        return submit(*work)

    monkeypatch.setattr(both._helper, "submit", share)
    for by_sentence in (False, True):
        flags = [by_sentence] * 5
        heard = [
            [(part[0].channel, [segment.text for segment in part]) for part in found if not isinstance(part, Exception)]
            for found in (own.recognise(parts(), by_sentence=flags) for own in (alone, both))
        ]
        assert heard[0] == heard[1]
        assert [channel for channel, _ in heard[1]] == list(range(5))
    assert shared
    small = parts()[1:2]
    shared.clear()
    assert both.recognise(small, by_sentence=[False])
    assert not shared


def test_recordings_wait_for_a_quieter_moment_of_live_speech_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def seconds(calls: int, load: float) -> float:
        turns.live_calls, turns.live_load = calls, load
        began = time.monotonic()
        with turns.take(live=False):
            return time.monotonic() - began

    monkeypatch.setattr("qareport.asr.streaming._PATIENCE_S", 0.3)
    turns = ModelTurns()
    assert seconds(50, 0.9) >= 0.3
    assert seconds(50, 0.5) < 0.3
    assert seconds(0, 0.9) < 0.3
