"""Bundled calls are heard live by the bundled model, on a clock that the tests move."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from qareport.audio.streaming import WavAppender
from qareport.model import Call, LiveEvent, Role, Signal
from qareport.workflows.live.load import BOUNDS_S
from tests.support.live_calls import ROLES, VirtualCalls, engine, telephone

#: The first seconds of a customer who calls for the third time, gets angry and demands the supervisor.
NAME, SECONDS = "c13-escalation.ogg", 20


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def played() -> VirtualCalls:
    calls = VirtualCalls.begin()
    calls.open()
    calls.play(telephone(NAME)[:, : SECONDS * 8000])
    return calls


def text_of(events: list[LiveEvent], role: Role) -> str:
    return "".join(event.data["text"] for event in events if event.data["role"] is role)


def test_the_text_is_that_of_the_recording_heard_without_joining(played: VirtualCalls, tmp_path: Path) -> None:
    wav = WavAppender(tmp_path / "same.wav", 8000, 2)
    wav.append(telephone(NAME)[:, : SECONDS * 8000].T)
    wav.close()
    whole = replace(engine(), asr=replace(engine().asr, merge=False))
    call = Call(call_id="x", audio_path=str(tmp_path / "same.wav"), channel_roles=ROLES)
    transcript = whole.transcribe_aloud(call, on_lines=lambda lines: None)
    for role in ROLES:
        lines = [event for _, event in played.of_type("live.line")]
        heard = text_of(lines, role)
        recorded = "".join(segment.text for segment in transcript.segments if segment.role is role)
        assert difflib.SequenceMatcher(None, recorded, heard, autojunk=False).ratio() >= 0.95


def test_a_sentence_is_final_within_900_ms_of_its_last_word_and_first_told_within_1200_of_its_first(
    played: VirtualCalls,
) -> None:
    lines = [(at_s, event.data) for at_s, event in played.of_type("live.line")]
    assert len(lines) >= 4
    delays = [at_s * 1000 - data["end_ms"] for at_s, data in lines[:-1]]
    assert np.median(delays) <= 700
    first = next(data["start_ms"] for _, data in lines)
    told = next(at_s for at_s, event in played.of_type("live.partial") if event.data["text"])
    assert told * 1000 - first <= 1200


def test_how_late_sentences_were_is_counted(played: VirtualCalls) -> None:
    delays_s = [at_s - event.data["end_ms"] / 1000 for at_s, event in played.of_type("live.line")]
    counted = played.core.final_delays
    assert 4 <= sum(counted.counts) <= len(delays_s)  # an utterance may be several sentences
    assert sum(counted.counts[: BOUNDS_S.index(1.0) + 1]) == sum(counted.counts)
    assert counted.total_s / sum(counted.counts) == pytest.approx(np.median(delays_s), abs=0.25)


def test_anger_is_signalled_before_the_sentence_ends(played: VirtualCalls) -> None:
    signals = [(at_s, event.data["noticed"]) for at_s, event in played.of_type("live.signal")]
    anger_s, anger = next(item for item in signals if item[1].signal is Signal.ANGER)
    angry = next(
        data for _, data in ((s, e.data) for s, e in played.of_type("live.line")) if data["emotion"] == "ANGRY"
    )
    assert anger.quote
    assert anger_s * 1000 <= angry["end_ms"] + 900


def test_one_channel_with_both_voices_tells_that_somebody_is_angry_and_blames_nobody() -> None:
    calls = VirtualCalls.begin()
    calls.open(roles=(Role.UNKNOWN,))
    both = telephone(NAME)[:, : 12 * 8000].astype(np.int32).sum(axis=0).clip(-32768, 32767).astype(np.int16)
    events = calls.play(both[None])
    noticed = [event.data["noticed"] for event in events if event.type == "live.signal"]
    assert {(each.signal, each.speaker) for each in noticed} == {(Signal.ANGER, Role.UNKNOWN)}
    assert not [event for event in events if event.type == "live.finding"]
    assert {event.data["role"] for event in events if event.type == "live.line"} == {Role.UNKNOWN}


def test_a_side_that_hangs_up_is_heard_to_its_end_while_the_other_goes_on() -> None:
    calls = VirtualCalls.begin()
    calls.open()
    sound = telephone(NAME)[:, : 3 * 8000]  # the agent is in the middle of the greeting
    calls.play(sound, end=False)
    calls.core.end_channel("a", 0)
    calls.tick()
    told = [(event.type, event.data["channel"]) for _, event in calls.events if event.type != "live.partial"]
    assert told == [("live.line", 0), ("live.channel_ended", 0)]
    assert "a" in calls.core.calls


def test_a_call_that_ends_in_the_middle_of_a_sentence_loses_none_of_it(played: VirtualCalls) -> None:
    assert played.core.calls == {}
    ended = [event for _, event in played.of_type("live.ended")]
    assert len(ended) == 1
    assert played.events[-1][1].type == "live.ended"


def test_a_channel_that_sends_nothing_keeps_nobody_waiting_and_the_clock_goes_on() -> None:
    calls = VirtualCalls.begin()
    calls.open()
    sound = telephone(NAME)[:, : 6 * 8000]
    calls.play(sound[:1], end=False)  # the agent greets; the customer's side sends no sound at all
    for _ in range(30):
        calls.tick()
    call = calls.core.calls["a"]
    assert [event.data["role"] for _, event in calls.of_type("live.line")] == [Role.AGENT]
    assert call.now_ms(calls.now_s) == pytest.approx(9000, abs=200)
    assert call.channels[1].position_ms >= 4500


def test_silence_that_a_telephone_system_left_out_is_put_back() -> None:
    calls = VirtualCalls.begin()
    calls.open(roles=(Role.AGENT,))
    calls.push("a", 0, np.zeros(800, np.int16), 0)
    calls.push("a", 0, np.zeros(800, np.int16), 1600)
    calls.tick()
    assert calls.core.calls["a"].channels[0].position_ms == 1700
