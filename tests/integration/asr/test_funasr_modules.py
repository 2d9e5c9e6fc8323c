"""A model is loaded with a few modules of funasr; whoever imports funasr itself gets all of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from qareport.asr.funasr_modules import import_funasr
from qareport.errors import ModelError

#: Loads the bundled model, tells whether funasr and what only its other modules need were imported, then imports it.
PROGRAM = """
import os, sys
from qareport.asr import load
from qareport.settings import AsrSettings, AudioSettings
load("demo", device="cpu", asr=AsrSettings(vad="silero"), audio=AudioSettings())
print(os.environ["OMP_WAIT_POLICY"])
print([name for name in ("funasr.auto.auto_model", "hydra", "modelscope") if name in sys.modules])
import funasr.models.sense_voice.model
from funasr import AutoModel
classes = funasr.register.tables.model_classes
print(classes["SenseVoiceSmall"] is funasr.models.sense_voice.model.SenseVoiceSmall, "Paraformer" in classes)
"""


def test_loading_a_model_leaves_the_rest_of_funasr_alone_and_importable() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    policy, loaded, *_, imported = done.stdout.splitlines()
    assert policy == "PASSIVE"  # threads that wait sleep
    assert loaded == "[]"
    assert imported == "True True"


def test_the_modules_are_funasrs_own() -> None:
    sense_voice, frontend = import_funasr("models.sense_voice.model", "frontends.wav_frontend")
    assert sense_voice.SenseVoiceSmall.__module__ == "funasr.models.sense_voice.model"
    assert frontend.WavFrontend.__module__ == "funasr.frontends.wav_frontend"


def test_a_module_that_is_not_there_is_an_error_with_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"funasr cannot be imported .*no_such_module.*qareport\[engine\]"):
        import_funasr("no_such_module")
