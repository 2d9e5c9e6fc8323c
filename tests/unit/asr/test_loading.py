"""Importing the engine's package stays quick; what decides a transcript decides its key."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from qareport.asr import locate, transcription_key
from qareport.asr.loading import _not_imported
from qareport.model import Role
from qareport.settings import AsrSettings, AudioSettings


def test_importing_the_package_loads_neither_torch_nor_funasr() -> None:
    code = (
        "import sys, qareport.asr as asr\n"
        "from qareport.settings import AsrSettings, AudioSettings\n"
        "asr.transcription_key(asr.locate('demo', AsrSettings()), AsrSettings(), AudioSettings())\n"
        "print(sorted({'torch', 'funasr', 'silero_vad', 'modelscope', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def key(asr: AsrSettings | None = None, audio: AudioSettings | None = None, revision: str | None = None) -> str:
    files = locate("demo", AsrSettings())
    info = dataclasses.replace(files.info, revision=revision or files.info.revision)
    return transcription_key(dataclasses.replace(files, info=info), asr or AsrSettings(), audio or AudioSettings())


def test_the_key_is_the_same_for_the_same_settings() -> None:
    assert key() == key()
    assert len(key()) == 64


@pytest.mark.parametrize(
    "asr",
    [
        AsrSettings(max_end_silence_ms=800),
        AsrSettings(max_segment_ms=9000),
        AsrSettings(language="zh"),
        AsrSettings(use_itn=False),
        AsrSettings(merge=False),
        AsrSettings(merge_gap_ms=100),
        AsrSettings(sentence_emotion=False),
        AsrSettings(cpu_bf16=True),
    ],
)
def test_settings_that_decide_the_transcript_change_the_key(asr: AsrSettings) -> None:
    assert key(asr) != key()


def test_model_and_channel_map_change_the_key() -> None:
    assert key(revision="ffffffffffff") != key()
    assert key(audio=AudioSettings(channel_roles=(Role.AGENT, Role.CUSTOMER))) != key()


def test_settings_that_only_decide_speed_or_limits_keep_the_key() -> None:
    assert key(AsrSettings(batch_seconds=7)) == key()
    assert key(audio=AudioSettings(max_duration_minutes=5)) == key()


def test_an_engine_that_does_not_fit_into_memory_is_not_called_missing() -> None:
    said = str(_not_imported(ImportError("libtorch_cpu.so: failed to map segment from shared object")))
    assert said.startswith("the memory that this process may use is not enough")
    assert str(_not_imported(RuntimeError("std::bad_alloc"))).startswith("the memory that this process may use")
    assert "pip install" in str(_not_imported(ImportError("No module named 'torch'")))
