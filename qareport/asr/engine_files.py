"""The files that an engine is loaded from: located, checked and hashed before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.asr.model_files import ModelFiles, VadFiles, VoiceFiles
from qareport.model import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFiles:
    """The checked files of a speech model and of the parts that work beside it."""

    model: ModelFiles
    #: Name and revision of the model.
    info: ModelInfo
    #: None: silero finds speech.
    vad: VadFiles | None
    #: None: there is no speaker embedding model.
    voices: VoiceFiles | None
