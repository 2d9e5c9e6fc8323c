"""Recognition of an utterance that goes on: what is known of its beginning is not computed again, and is the same."""

from __future__ import annotations

import numpy as np
import torch

from qareport.asr.streaming import KnownMels, LiveRecogniser, LiveSpeech, ModelTurns
from tests.support.live_calls import engine, telephone

SOUND = telephone("c13-escalation.ogg", 16_000)[1, 5 * 16_000 : 8 * 16_000].astype(np.float32) / 32_768


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
