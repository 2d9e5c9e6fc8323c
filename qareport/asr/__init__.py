"""Speech to transcripts: SenseVoice behind the `Transcriber` protocol. Only `load` imports torch and funasr."""

from qareport.asr.engine import Progress, Transcriber, describe_detection, find_files, load, transcription_key
from qareport.asr.engine_files import EngineFiles
from qareport.asr.model_files import ModelFiles, check, check_vad, fetch, fetch_vad, fetch_voices, identify, resolve

__all__ = [
    "EngineFiles",
    "ModelFiles",
    "Progress",
    "Transcriber",
    "check",
    "check_vad",
    "describe_detection",
    "fetch",
    "fetch_vad",
    "fetch_voices",
    "find_files",
    "identify",
    "load",
    "resolve",
    "transcription_key",
]
