"""A process of the cluster: it names what it has loaded, and a recording by its own path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qareport import messages
from qareport.messages import say
from qareport.model import AudioInfo, Call, FailedCall, Transcript
from qareport.settings import AsrSettings, AudioSettings
from qareport.workflows.distributed.process import EngineSetup, RecordingBytes, TranscribingProcess


def setup(model: str = "demo", *, report_language: str = "en") -> EngineSetup:
    return EngineSetup(
        model=model,
        device="cpu",
        asr=AsrSettings(),
        audio=AudioSettings(),
        language="en",
        report_language=report_language,
    )


class Echo:
    """Hears in a recording what it holds; "bad" is no recording."""

    def transcribe(self, calls: Iterable[Call]) -> Iterator[Transcript | FailedCall]:
        for call in calls:
            content = Path(call.audio_path).read_text("utf-8")
            if content == "bad":
                yield FailedCall.of(call, "decode", f"{call.audio_path}: {say('no such file or folder')}")
            else:
                audio = AudioInfo(path=call.audio_path, sha256=content, duration_ms=1, sample_rate=1, channels=1)
                yield Transcript(call_id=call.call_id, audio=audio)


def loaded(given: EngineSetup) -> TranscribingProcess:
    process = TranscribingProcess()
    engine: Any = Echo()
    process._engine, process._setup = engine, given
    return process


def item(path: str, content: bytes) -> RecordingBytes:
    return RecordingBytes(call=Call(call_id=Path(path).stem, audio_path=path), content=content)


def test_recordings_of_one_name_are_not_mixed_up_and_keep_their_paths() -> None:
    part = [item("/a/0001.wav", b"first"), item("/b/0001.wav", b"second"), item("/c/x.wav", b"bad")]
    first, second, bad = loaded(setup()).transcribe(part)
    assert isinstance(first, Transcript)
    assert isinstance(second, Transcript)
    assert [result.audio and (result.audio.path, result.audio.sha256) for result in (first, second)] == [
        ("/a/0001.wav", "first"),
        ("/b/0001.wav", "second"),
    ]
    assert isinstance(bad, FailedCall)
    assert (bad.audio_path, bad.reason) == ("/c/x.wav", "/c/x.wav: no such file or folder")


def test_reasons_are_in_the_language_of_the_report() -> None:
    (bad,) = loaded(setup(report_language="zh")).transcribe([item("/c/x.wav", b"bad")])
    assert isinstance(bad, FailedCall)
    assert bad.reason == "/c/x.wav: 没有这个文件或文件夹"


def test_nothing_of_a_recording_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    loaded(setup()).transcribe([item("/a/0001.wav", b"first")])
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_not_on_the_node_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_process_language", "en")
    answer = TranscribingProcess().load(setup("/no/such/model"))
    assert answer.engine_key == ""
    assert answer.fault.startswith("/no/such/model: there is no such directory")
    assert answer.node


def test_a_process_that_has_loaded_nothing_transcribes_nothing() -> None:
    with pytest.raises(RuntimeError, match="no engine"):
        TranscribingProcess().transcribe([])
