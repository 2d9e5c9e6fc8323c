"""Processes of a cluster that transcribe without a model: they start quickly, and may be killed without regret."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from qareport.model import AudioInfo, FailedCall, Segment, Transcript
from qareport.workflows.distributed.process import EngineSetup, LoadedEngine, RecordingBytes, TranscribingProcess

#: What a recording holds that does something to the process that is given it.
POISON, SLOW = b"poison", b"slow"
#: As `tests.support.ray_cluster.TITLE`.
STUB_TITLE = b"ray::StubProcess.transcribe"


class StubProcess(TranscribingProcess):
    """Transcribes without a model: what it says is what the recording holds."""

    def load(self, setup: EngineSetup) -> LoadedEngine:
        return LoadedEngine(node="stub", engine_key=setup.model)

    def transcribe(self, part: Sequence[RecordingBytes]) -> list[Transcript | FailedCall]:
        results: list[Transcript | FailedCall] = []
        for item in part:
            if item.content.startswith(POISON):
                os.kill(os.getpid(), signal.SIGKILL)
            if item.content.startswith(SLOW):
                time.sleep(1)
            segment = Segment(start_ms=0, end_ms=10, text=item.content.decode())
            audio = AudioInfo(path=item.call.audio_path, sha256="0", duration_ms=10, sample_rate=8000, channels=1)
            results.append(Transcript(call_id=item.call.call_id, audio=audio, segments=(segment,)))
        return results
