"""Calls become transcripts in order; a bad one becomes a failure and stops no other."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qareport.asr import load
from qareport.asr.engine import Engine
from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.sensevoice import SenseVoice
from qareport.audio.containers import sha256_of
from qareport.codec import read_transcript, to_json
from qareport.errors import ModelError
from qareport.model import (
    AudioEvent,
    Call,
    Emotion,
    FailedCall,
    Language,
    ModelInfo,
    Role,
    RoleSource,
    Token,
    Transcript,
)
from qareport.settings import AsrSettings, AudioSettings
from tests.support.asr_fixtures import ASSETS, Samples, babble, make_model, write_audio
from tests.support.patience import scaled


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class LoudVad:
    """Takes each whole second with sound in it for an utterance."""

    def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
        return [
            [
                (at * 1000, at * 1000 + 1000)
                for at in range(channel.size // 16_000)
                if float(np.abs(channel[at * 16_000 : (at + 1) * 16_000]).max()) > 0.01
            ]
            for channel in samples
        ]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def engine(directory: Path) -> Engine:
    loaded = load(str(directory), device="cpu", asr=AsrSettings(batch_seconds=4, merge=False), audio=AudioSettings())
    assert isinstance(loaded, Engine)
    return replace(loaded, vad=LoudVad(), workers=2, round_seconds=16)


def stereo(path: Path, *, seed: int, seconds: int = 4) -> Path:
    """Write a call whose speakers take turns by the second."""
    left, right = babble(seconds, seed=seed, rate=8000), babble(seconds, seed=seed + 100, rate=8000)
    turn = np.arange(left.size) // 8000 % 2 == 0
    return write_audio(path, np.stack([left * turn, right * ~turn]).astype(np.float32), rate=8000)


def make_calls(folder: Path, count: int) -> list[Call]:
    return [
        Call(
            call_id=f"call-{index}",
            audio_path=str(stereo(folder / f"{index}.wav", seed=index, seconds=2 + index % 3)),
            channel_roles=(Role.AGENT, Role.CUSTOMER),
        )
        for index in range(count)
    ]


def transcribe(engine: Engine, *calls: Call) -> list[Transcript]:
    results = list(engine.transcribe(calls))
    assert all(isinstance(result, Transcript) for result in results), results
    return [result for result in results if isinstance(result, Transcript)]


def test_a_transcript_carries_everything_that_is_known(engine: Engine, tmp_path: Path) -> None:
    path = stereo(tmp_path / "a.wav", seed=1)
    call = Call(
        call_id="c1",
        audio_path=str(path),
        order_id="o1",
        agent_id="a1",
        started_at=datetime(2026, 11, 21, 9, 0, tzinfo=UTC),
        channel_roles=(Role.AGENT, Role.CUSTOMER),
    )
    (transcript,) = transcribe(engine, call)
    assert (transcript.call_id, transcript.order_id, transcript.agent_id) == ("c1", "o1", "a1")
    assert transcript.started_at == call.started_at
    assert transcript.model == engine.info
    assert transcript.audio is not None
    assert (transcript.audio.duration_ms, transcript.audio.sample_rate, transcript.audio.channels) == (4000, 8000, 2)
    assert transcript.audio.sha256 == sha256_of(path)
    assert [(segment.start_ms, segment.channel, segment.role) for segment in transcript.segments] == [
        (0, 0, Role.AGENT), (1000, 1, Role.CUSTOMER), (2000, 0, Role.AGENT), (3000, 1, Role.CUSTOMER),
    ]  # fmt: skip
    for segment in transcript.segments:
        assert segment.role_source is RoleSource.CHANNEL
        assert segment.raw is not None
        assert segment.emotion_scores is not None
        assert len(segment.emotion_scores) == 9
        assert segment.loudness_dbfs is not None
        assert -60 < segment.loudness_dbfs < 0
    assert read_transcript(to_json(transcript).encode(), where="here") == transcript


def test_results_keep_the_order_whatever_is_batched_with_what(engine: Engine, tmp_path: Path) -> None:
    calls = make_calls(tmp_path, 9)
    together = transcribe(engine, *calls)
    assert [transcript.call_id for transcript in together] == [call.call_id for call in calls]
    alone = [transcribe(engine, call)[0] for call in calls]
    assert [[segment.raw for segment in transcript.segments] for transcript in together] == [
        [segment.raw for segment in transcript.segments] for transcript in alone
    ]


def test_a_bad_call_is_reported_in_its_place_and_stops_no_other(engine: Engine, tmp_path: Path) -> None:
    good = make_calls(tmp_path, 3)
    (tmp_path / "bad.wav").write_text("no audio")
    bad = Call(call_id="bad", audio_path=str(tmp_path / "bad.wav"), order_id="o7", agent_id="a7")
    gone = Call(call_id="gone", audio_path=str(tmp_path / "gone.wav"))
    results = list(engine.transcribe([good[0], bad, good[1], gone, good[2]]))
    assert [result.call_id for result in results] == ["call-0", "bad", "call-1", "gone", "call-2"]
    failed = [result for result in results if isinstance(result, FailedCall)]
    assert [(failure.call_id, failure.step, failure.order_id) for failure in failed] == [
        ("bad", "decode", "o7"),
        ("gone", "ingest", None),
    ]
    assert "not audio" in failed[0].reason
    assert "no such file" in failed[1].reason


def test_a_call_that_the_model_fails_on_fails_alone(engine: Engine, tmp_path: Path) -> None:
    class Moody:
        """Fails on chunks that begin at three seconds, like a model that meets something it cannot take."""

        info: ModelInfo = engine.info

        log_mel = staticmethod(engine.speech.log_mel)
        features = staticmethod(engine.speech.features)

        def recognise(self, chunks: list[SpeechChunk]) -> list[Recognition | Exception]:
            results = engine.speech.recognise(chunks)
            return [
                RuntimeError("cannot") if chunk.start_ms == 3000 else result
                for chunk, result in zip(chunks, results, strict=True)
            ]

    calls = make_calls(tmp_path, 4)
    results = list(replace(engine, speech=Moody()).transcribe(calls))
    kinds = [(result.call_id, type(result).__name__) for result in results]
    assert kinds == [
        ("call-0", "Transcript"), ("call-1", "Transcript"), ("call-2", "FailedCall"), ("call-3", "Transcript"),
    ]  # fmt: skip
    assert isinstance(results[2], FailedCall)
    assert (results[2].step, results[2].reason) == ("transcribe", "RuntimeError: cannot")


def test_a_detector_that_fails_on_one_call_stops_no_other(engine: Engine, tmp_path: Path) -> None:
    class Moody(LoudVad):
        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            if samples.shape[1] > 2 * 16_000:
                raise RuntimeError("out of breath")
            return super().find(samples, mels)

    results = list(replace(engine, vad=Moody()).transcribe(make_calls(tmp_path, 2)))
    assert [type(result) for result in results] == [Transcript, FailedCall]


def test_a_call_that_a_gpu_has_no_room_for_beside_a_batch_is_prepared_again_alone(
    engine: Engine, tmp_path: Path
) -> None:
    class Tight(LoudVad):
        """Finds no room on the threads that work beside the model."""

        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            if threading.current_thread() is not threading.main_thread() and samples.shape[1] > 2 * 16_000:
                raise torch.OutOfMemoryError("no room")
            return super().find(samples, mels)

    calls = make_calls(tmp_path, 4)
    assert transcribe(replace(engine, vad=Tight()), *calls) == transcribe(engine, *calls)


def test_a_call_that_a_gpu_has_no_room_for_at_all_fails_alone(engine: Engine, tmp_path: Path) -> None:
    class Full(LoudVad):
        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            if samples.shape[1] > 2 * 16_000:
                raise torch.OutOfMemoryError("no room")
            return super().find(samples, mels)

    results = list(replace(engine, vad=Full()).transcribe(make_calls(tmp_path, 2)))
    assert isinstance(results[0], Transcript)
    assert isinstance(results[1], FailedCall)
    assert results[1].reason == "OutOfMemoryError: no room"


def test_a_silent_call_is_a_transcript_with_a_note(engine: Engine, tmp_path: Path) -> None:
    path = write_audio(tmp_path / "silent.wav", np.zeros((1, 16_000), np.float32), rate=8000)
    (transcript,) = transcribe(engine, Call(call_id="s", audio_path=str(path)))
    assert transcript.segments == ()
    assert [note.code for note in transcript.notes] == ["no_speech"]


def test_fake_stereo_is_transcribed_once(engine: Engine, tmp_path: Path) -> None:
    voice = babble(3, seed=5, rate=8000)
    path = write_audio(tmp_path / "fake.wav", np.stack([voice, voice]), rate=8000)
    call = Call(call_id="f", audio_path=str(path), channel_roles=(Role.AGENT, Role.CUSTOMER))
    (transcript,) = transcribe(engine, call)
    assert [segment.channel for segment in transcript.segments] == [0, 0, 0]
    assert {segment.role_source for segment in transcript.segments} == {RoleSource.WORDS}
    assert [note.code for note in transcript.notes] == ["fake_stereo", "roles_from_words"]


def test_a_recording_on_the_right_channel_alone_is_heard_as_a_mono_one(engine: Engine, tmp_path: Path) -> None:
    sound = babble(3, seed=5, rate=8000)
    right = write_audio(tmp_path / "right.wav", np.stack([sound * 0, sound]), rate=8000, codec="pcm_alaw")
    mono = write_audio(tmp_path / "mono.wav", sound[None], rate=8000, codec="pcm_alaw")
    alone, same = transcribe(engine, Call(call_id="r", audio_path=str(right)), Call(call_id="m", audio_path=str(mono)))
    assert alone.notes[0].code == "one_channel_sounds"
    assert {segment.channel for segment in alone.segments} == {1}
    assert [segment.raw for segment in alone.segments] == [segment.raw for segment in same.segments]


def test_a_recording_over_the_limit_is_refused_by_name_of_the_setting(engine: Engine, tmp_path: Path) -> None:
    strict = replace(engine, audio=AudioSettings(max_duration_minutes=0))
    (result,) = strict.transcribe(make_calls(tmp_path, 1))
    assert isinstance(result, FailedCall)
    assert "audio.max_duration_minutes" in result.reason


def test_progress_counts_each_step_of_each_call(engine: Engine, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    list(engine.transcribe(make_calls(tmp_path, 3), on_progress=lambda *step: told.append(step)))
    assert [step for step in told if step[0] == "decode"] == [("decode", n, 3) for n in (1, 2, 3)]
    assert [step for step in told if step[0] == "transcribe"] == [("transcribe", n, 3) for n in (1, 2, 3)]


def test_calls_are_taken_as_they_are_needed(engine: Engine, tmp_path: Path) -> None:
    call = make_calls(tmp_path, 1)[0]
    taken = 0

    def endless() -> Iterator[Call]:
        nonlocal taken
        while True:
            taken += 1
            yield call

    results = engine.transcribe(endless())
    for _ in range(3):
        next(results)
    assert taken < 40
    results.close()  # type: ignore[attr-defined]


def test_while_the_model_works_calls_are_prepared_until_they_fill_its_next_round(
    engine: Engine, tmp_path: Path
) -> None:
    path = stereo(tmp_path / "a.wav", seed=1, seconds=1)
    calls = [Call(call_id=str(number), audio_path=str(path)) for number in range(60)]
    prepared, enough, filled = itertools.count(1), threading.Event(), []

    class Counting(LoudVad):
        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            if next(prepared) >= 16 + 14:  # a round of 16 s, and most of the next
                enough.set()
            return super().find(samples, mels)

    class Waiting:
        def __getattr__(self, name: str) -> Any:
            return getattr(engine.speech, name)

        def recognise(self, chunks: Sequence[SpeechChunk]) -> list[Recognition | Exception]:
            filled.append(enough.wait(timeout=scaled(20)))
            return engine.speech.recognise(chunks)

    waiting = replace(engine, vad=Counting(), speech=Waiting())
    assert len(list(waiting.transcribe(calls))) == 60
    assert all(filled)


def test_long_recordings_are_decoded_one_at_a_time(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = make_calls(tmp_path, 8)
    under_way, most = 0, 0

    class Counting(LoudVad):
        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            nonlocal under_way, most
            with counting:
                under_way += 1
                most = max(most, under_way)
            spans = super().find(samples, mels)
            with counting:
                under_way -= 1
            return spans

    counting = threading.Lock()
    monkeypatch.setattr("qareport.asr.engine._AHEAD_MS", 1)
    monkeypatch.setattr("qareport.asr.engine._AHEAD_ROUNDS", 0)
    results = list(replace(engine, vad=Counting(), workers=4).transcribe(calls))
    assert [result.call_id for result in results] == [call.call_id for call in calls]
    assert most == 1


def test_failures_do_not_wait_for_speech(engine: Engine) -> None:
    gone = Call(call_id="gone", audio_path="gone.wav")
    results = engine.transcribe(itertools.repeat(gone))
    assert isinstance(next(results), FailedCall)
    results.close()  # type: ignore[attr-defined]


def test_no_calls_give_no_results(engine: Engine) -> None:
    assert list(engine.transcribe([])) == []


def test_threads_of_the_caller_are_left_alone(engine: Engine, tmp_path: Path) -> None:
    torch.set_num_threads(2)
    list(engine.transcribe(make_calls(tmp_path, 2)))
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_a_device_that_is_not_there_is_refused(directory: Path) -> None:
    for device in ("cuda:99", "tpu", "cuda:x"):
        with pytest.raises(ModelError, match="--device: there is no device"):
            load(str(directory), device=device, asr=AsrSettings(), audio=AudioSettings())


@pytest.mark.skipif(not ASSETS.is_dir(), reason="needs ../shared/assets")
def test_a_real_call_goes_through_the_real_detector(directory: Path) -> None:
    loaded = load(str(directory), device="cpu", asr=AsrSettings(), audio=AudioSettings())
    assert isinstance(loaded, Engine)
    assert isinstance(loaded.speech, SenseVoice)
    call = Call(
        call_id="r",
        audio_path=str(ASSETS / "audio" / "calls" / "speechmatics_10s.stereo.wav"),
        channel_roles=(Role.AGENT, Role.CUSTOMER),
    )
    (transcript,) = transcribe(loaded, call)
    assert {segment.role for segment in transcript.segments} == {Role.AGENT, Role.CUSTOMER}
    order = [(segment.start_ms, segment.channel) for segment in transcript.segments]
    assert order == sorted(order)


def test_sentences_of_one_utterance_are_segments_with_emotions_of_their_own(engine: Engine, tmp_path: Path) -> None:
    class Loud:
        """Recognises two sentences in what is long; calls the loud sentence angry."""

        info: ModelInfo = engine.info

        log_mel = staticmethod(engine.speech.log_mel)
        features = staticmethod(engine.speech.features)

        def recognise(self, chunks: list[SpeechChunk]) -> list[Recognition | Exception]:
            return [self._recognise(chunk) for chunk in chunks]

        def _recognise(self, chunk: SpeechChunk) -> Recognition:
            whole = chunk.end_ms - chunk.start_ms > 3000
            emotion = Emotion.ANGRY if chunk.loudness_dbfs > -35 else Emotion.NEUTRAL
            words = [
                ("我", 300),
                ("要", 600),
                ("退", 900),
                ("货", 1200),
                ("。", 1500),
                ("快", 2700),
                ("点", 3300),
                ("！", 3600),
            ]
            return Recognition(
                raw="<|zh|><|NEUTRAL|><|Speech|><|withitn|>我要退货。快点！" if whole else "<|zh|>",
                text="我要退货。快点！" if whole else "",
                language=Language.ZH,
                emotion=emotion,
                emotion_scores={emotion.value: 0.75, "OTHER": 0.25},
                event_scores={"Speech": 1.0},
                events=(AudioEvent.SPEECH,),
                tokens=tuple(Token(text, at, at + 60) for text, at in words) if whole else (),
            )

    class Whole(LoudVad):
        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            return [[(0, 4000)] for _ in samples]

    voice = babble(4, seed=5)
    voice[: 2 * 16_000] *= 0.02
    path = write_audio(tmp_path / "a.wav", voice[None], rate=16_000)
    call = Call(call_id="c", audio_path=str(path))
    told = replace(engine, speech=Loud(), vad=Whole())
    (transcript,) = transcribe(told, call)
    assert [(segment.text, segment.emotion) for segment in transcript.segments] == [
        ("我要退货。", Emotion.NEUTRAL),
        ("快点！", Emotion.ANGRY),
    ]
    first, second = transcript.segments
    assert (first.start_ms, first.end_ms == second.start_ms, second.end_ms) == (0, True, 4000)
    assert first.loudness_dbfs is not None
    assert second.loudness_dbfs is not None
    assert first.loudness_dbfs + 20 < second.loudness_dbfs
    assert second.emotion_view == {"HAPPY": 0.0, "SAD": 0.0, "ANGRY": 1.0, "NEUTRAL": 0.0}
    assert second.event_scores == {"Speech": 1.0}
    assert read_transcript(to_json(transcript).encode(), where="here") == transcript
    (plain,) = transcribe(replace(told, asr=AsrSettings(sentence_emotion=False)), call)
    assert [segment.text for segment in plain.segments] == ["我要退货。快点！"]


def test_short_utterances_of_one_speaker_are_joined_where_the_settings_say_so(engine: Engine, tmp_path: Path) -> None:
    (call,) = make_calls(tmp_path, 1)

    class Near(LoudVad):
        def find(self, samples: Samples, mels: torch.Tensor) -> list[list[tuple[int, int]]]:
            return [[(0, 500), (900, 1800)] for _ in samples]

    def spans(merge: bool, asked: Call) -> set[tuple[int, int]]:
        told = replace(engine, vad=Near(), asr=AsrSettings(merge=merge, sentence_emotion=False))
        return {(segment.start_ms, segment.end_ms) for segment in transcribe(told, asked)[0].segments}

    assert spans(True, call) == {(0, 1800)}
    assert spans(False, call) == {(0, 500), (900, 1800)}
    mono = write_audio(tmp_path / "mono.wav", babble(2, seed=1)[None], rate=16_000)
    assert spans(True, Call(call_id="m", audio_path=str(mono))) == {(0, 500), (900, 1800)}  # whose is which?
