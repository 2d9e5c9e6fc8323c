"""Recordings that were found twice, or under a name that another one had: each is one call, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from qareport import settings
from qareport.asr import Transcriber, load
from qareport.events import Progress
from qareport.model import Call, CallMetrics, CallReport, FailedCall
from qareport.store import Store
from qareport.workflows import transcribe
from tests.support.recordings import cut_recording as recording

METRICS = CallMetrics(
    duration_ms=9, talk_ms=5, non_talk_ms=4, overlap_ms=0, silence_count=0, silence_ms=0, longest_silence_ms=0
)


@pytest.fixture(scope="module")
def demo() -> Transcriber:
    return load("demo", device="cpu", asr=settings.AsrSettings(), audio=settings.AudioSettings())


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store(store_url) as opened:
        yield opened


def listen(store: Store, transcriber: Transcriber, calls: Sequence[Call]) -> transcribe.Transcription:
    outcome = transcribe.transcribe_calls(
        calls,
        store,
        engine_key="e1",
        load_transcriber=lambda: transcribe.EngineTranscriber(transcriber),
        on_progress=lambda *_: None,
    )
    for item in outcome.calls:
        call, audio = item.call, item.transcript.audio
        report = CallReport(call_id=call.call_id, started_at=call.started_at, metrics=METRICS, audio=audio)
        store.results.put(f"{call.call_id}-{item.key[:32]}", call, report, rules_sha256="r1")
    return outcome


def call(path: Path, **known: str) -> Call:
    return Call(call_id=known.pop("call_id", path.stem), audio_path=str(path), **known)


def test_the_same_recording_under_two_names_is_one_call_in_one_run(
    store: Store, demo: Transcriber, tmp_path: Path
) -> None:
    first, copy = recording(tmp_path / "a.wav"), recording(tmp_path / "b.wav")
    heard = listen(store, demo, [call(first), call(copy), call(recording(tmp_path / "c.wav", second=3))])
    assert [item.call.call_id for item in heard.calls] == ["a", "c"]
    assert [str(twin) for twin in heard.duplicates] == [f"{copy}: the same recording as a ({first})"]
    assert not store.calls.has_result("b")


class Cluster:
    """Transcribes recordings elsewhere: outcomes come in the order in which they are done, the last one first."""

    def __init__(self, engine: Transcriber) -> None:
        self._engine = transcribe.EngineTranscriber(engine)

    def transcribe_many(
        self, recordings: Sequence[transcribe.Recording], *, on_progress: Progress
    ) -> Iterator[transcribe.TranscribedCall | FailedCall]:
        yield from reversed(list(self._engine.transcribe_many(recordings, on_progress=on_progress)))


def test_outcomes_may_come_in_any_order_and_belong_to_their_calls(
    store: Store, demo: Transcriber, tmp_path: Path
) -> None:
    (tmp_path / "b.wav").write_bytes(b"not audio")
    calls = [
        call(recording(tmp_path / "a.wav")),
        call(tmp_path / "b.wav"),
        call(recording(tmp_path / "c.wav", second=3)),
    ]
    outcome = transcribe.transcribe_calls(
        calls, store, engine_key="e1", load_transcriber=lambda: Cluster(demo), on_progress=lambda *_: None
    )
    assert [item.call for item in outcome.calls] == [calls[0], calls[2]]
    assert [item.transcript.call_id for item in outcome.calls] == ["a", "c"]
    assert [store.transcripts.find(item.key) for item in outcome.calls] == [item.transcript for item in outcome.calls]
    assert [failure.call.call_id for failure in outcome.failures] == ["b"]


def test_calls_that_are_handed_on_at_once_are_not_held_together(
    store: Store, demo: Transcriber, tmp_path: Path
) -> None:
    calls = [call(recording(tmp_path / "a.wav")), call(recording(tmp_path / "c.wav", second=3))]
    for reused in (0, 2):
        taken: list[transcribe.TranscribedCall] = []
        outcome = transcribe.transcribe_calls(
            calls,
            store,
            engine_key="e1",
            load_transcriber=lambda: transcribe.EngineTranscriber(demo),
            on_progress=lambda *_: None,
            on_transcribed=taken.append,
        )
        assert [item.call for item in taken] == calls
        assert (outcome.calls, outcome.reused) == ((), reused)
        assert outcome.audio_ms == sum(item.transcript.audio.duration_ms for item in taken if item.transcript.audio)


def test_a_copy_that_comes_on_another_day_is_no_second_call(store: Store, demo: Transcriber, tmp_path: Path) -> None:
    listen(store, demo, [call(recording(tmp_path / "a.wav"))])
    copy = call(recording(tmp_path / "archive" / "a-final.wav"))
    store.calls.put(copy)
    heard = listen(store, demo, [copy])
    assert ([twin.first.call_id for twin in heard.duplicates], heard.calls) == (["a"], ())
    assert not store.calls.list_recordings(["a-final"])
    assert [item.call.call_id for item in listen(store, demo, [call(tmp_path / "a.wav")]).calls] == ["a"]


def test_one_recording_that_two_rows_name_is_two_calls(store: Store, demo: Transcriber, tmp_path: Path) -> None:
    path = recording(tmp_path / "a.wav")
    rows = [call(path, call_id="c1", order_id="o1"), call(path, call_id="c2", order_id="o2")]
    for _ in range(2):
        heard = listen(store, demo, rows)
        assert [(item.call.call_id, item.call.order_id) for item in heard.calls] == [("c1", "o1"), ("c2", "o2")]
        assert not heard.duplicates


def test_files_that_are_alike_in_being_empty_are_failures_each_of_its_own(
    store: Store, demo: Transcriber, tmp_path: Path
) -> None:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"")
    heard = listen(store, demo, [call(tmp_path / "a.wav"), call(tmp_path / "b.wav")])
    assert ([failure.call_id for failure in heard.failures], heard.duplicates) == (["a", "b"], ())
    assert [Path(failure.audio_path).name in failure.reason for failure in heard.failures] == [True, True]
    again = listen(store, demo, [call(tmp_path / "b.wav")])
    assert [failure.call_id for failure in again.failures] == ["b"]


def test_what_the_machine_could_not_do_is_tried_again_and_what_is_damaged_is_not(
    store: Store, demo: Transcriber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy, damaged = recording(tmp_path / "a.wav"), tmp_path / "b.wav"
    damaged.write_bytes(b"no audio")
    with monkeypatch.context() as short_of_memory:

        def fail(*_: object, **__: object) -> None:
            raise MemoryError

        short_of_memory.setattr("qareport.audio.decode.read_plain", lambda *_, **__: None)
        short_of_memory.setattr("qareport.audio.decode._Reader", fail)
        first = listen(store, demo, [call(healthy)])
    assert "memory" in first.failures[0].reason
    again = listen(store, demo, [call(healthy), call(damaged)])
    assert [item.call.call_id for item in again.calls] == ["a"]
    assert [(failure.call_id, failure.step) for failure in again.failures] == [("b", "decode")]


def test_a_recorder_that_begins_each_day_with_the_same_name_loses_no_call(
    store: Store, demo: Transcriber, tmp_path: Path
) -> None:
    monday = call(recording(tmp_path / "monday" / "0001.wav"))
    listen(store, demo, transcribe.disambiguate_ids([monday], {"0001"}, store))
    tuesday = call(recording(tmp_path / "tuesday" / "0001.wav", second=3))
    for _ in range(2):
        (found,) = transcribe.disambiguate_ids([tuesday], {"0001"}, store)
        assert found.call_id.startswith("0001-")
        assert len(found.call_id) == len("0001-") + 8
        listen(store, demo, [found])
    assert sorted(store.calls.list_recordings(["0001", found.call_id])) == ["0001", found.call_id]


def test_a_recording_that_was_moved_or_has_an_id_of_its_own_keeps_it(
    store: Store, demo: Transcriber, tmp_path: Path
) -> None:
    listen(store, demo, [call(recording(tmp_path / "a.wav"))])
    moved = call(recording(tmp_path / "archive" / "a.wav"))
    other = call(recording(tmp_path / "new" / "a.wav", second=3))
    assert transcribe.disambiguate_ids([moved], {"a"}, store) == (moved,)
    assert transcribe.disambiguate_ids([other], set(), store) == (other,)


def test_a_recording_that_failed_gives_its_name_to_no_other_while_it_is_there(store: Store, tmp_path: Path) -> None:
    broken = call(recording(tmp_path / "monday" / "0001.wav"))
    store.calls.put(broken)
    tuesday = call(recording(tmp_path / "tuesday" / "0001.wav", second=3))
    (found,) = transcribe.disambiguate_ids([tuesday], {"0001"}, store)
    assert found.call_id != "0001"
    Path(broken.audio_path).unlink()
    assert transcribe.disambiguate_ids([tuesday], {"0001"}, store) == (tuesday,)
