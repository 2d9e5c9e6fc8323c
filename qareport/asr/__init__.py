"""Speech to transcripts: SenseVoice behind the `Transcriber` protocol. Only `load` imports torch and funasr."""

from qareport.asr.engine import Progress, Transcriber, load, transcription_key
from qareport.asr.modeldir import ModelFiles, check, check_vad, fetch, fetch_vad, identify, resolve

__all__ = [
    "ModelFiles",
    "Progress",
    "Transcriber",
    "check",
    "check_vad",
    "fetch",
    "fetch_vad",
    "identify",
    "load",
    "resolve",
    "transcription_key",
]
