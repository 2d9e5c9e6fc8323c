"""Speech to transcripts: SenseVoice behind the `Transcriber` protocol. Only `load` imports torch and funasr."""

from qareport.asr.engine import Transcriber
from qareport.asr.loading import (
    EngineFiles,
    describe_detection,
    fetch,
    fetch_speaker_model,
    fetch_vad,
    load,
    locate,
    transcription_key,
)
from qareport.asr.model_files import ModelFiles, check, check_vad, identify, resolve

__all__ = [
    "EngineFiles",
    "ModelFiles",
    "Transcriber",
    "check",
    "check_vad",
    "describe_detection",
    "fetch",
    "fetch_speaker_model",
    "fetch_vad",
    "identify",
    "load",
    "locate",
    "resolve",
    "transcription_key",
]
