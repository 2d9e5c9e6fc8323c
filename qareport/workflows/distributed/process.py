"""What runs on the cluster: a process with one loaded engine, which is handed recordings and hands back transcripts.

It neither reaches the store nor needs the files of the recordings: their bytes come with the part.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qareport import __version__, asr, messages
from qareport.errors import QareportError
from qareport.files import private_files
from qareport.model import Call, FailedCall, Transcript
from qareport.settings import AsrSettings, AudioSettings

if TYPE_CHECKING:
    from qareport.asr import Transcriber


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSetup:
    """What a process loads, and the language in which it words failures."""

    model: str
    device: str
    asr: AsrSettings
    audio: AudioSettings
    #: Of the process that began the run, and of its report.
    language: str
    report_language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedEngine:
    """What a process has loaded: the same as the run wants, or a reason why not."""

    node: str
    #: As `Workspace.engine_key`; "" where nothing was loaded.
    engine_key: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingBytes:
    """A recording on its way to a process."""

    call: Call
    content: bytes


def installed_version() -> str:
    """Return the version of qareport that a node has installed."""
    return __version__


class TranscribingProcess:
    """An actor of the cluster: loads the engine once, then transcribes one part after the other."""

    def __init__(self) -> None:
        """Load nothing yet: what goes wrong with that is told by `load`."""
        self._engine: Transcriber | None = None
        self._setup: EngineSetup | None = None

    def load(self, setup: EngineSetup) -> LoadedEngine:
        """Load the engine, and tell by its key whether it is the one of the run."""
        messages.use(setup.language)
        node = platform.node()
        try:
            files = asr.locate(setup.model, setup.asr)
            self._engine = asr.load(files, device=setup.device, asr=setup.asr, audio=setup.audio)
        except QareportError as error:
            return LoadedEngine(node=node, fault=str(error))
        self._setup = setup
        return LoadedEngine(node=node, engine_key=asr.transcription_key(files, setup.asr, setup.audio))

    def transcribe(self, part: Sequence[RecordingBytes]) -> list[Transcript | FailedCall]:
        """Transcribe the recordings of a part, in their order. What is said of a recording names its own path."""
        if self._engine is None or self._setup is None:
            raise RuntimeError("no engine was loaded")
        with (
            messages.speaking(self._setup.report_language),
            private_files(),
            tempfile.TemporaryDirectory(prefix="qareport-ray-") as folder,
        ):
            calls = [_written(item, Path(folder) / str(number)) for number, item in enumerate(part)]
            results = self._engine.transcribe(calls)
            return [
                _renamed(result, call.audio_path, item.call.audio_path)
                for result, call, item in zip(results, calls, part, strict=True)
            ]


def _written(item: RecordingBytes, folder: Path) -> Call:
    """Write a recording under its own name: what it holds is partly known by that."""
    folder.mkdir()
    path = folder / Path(item.call.audio_path).name
    path.write_bytes(item.content)
    return replace(item.call, audio_path=str(path))


def _renamed(result: Transcript | FailedCall, written: str, path: str) -> Transcript | FailedCall:
    if isinstance(result, FailedCall):
        return replace(result.reworded(lambda text: text.replace(written, path)), audio_path=path)
    return replace(result, audio=result.audio and replace(result.audio, path=path))
