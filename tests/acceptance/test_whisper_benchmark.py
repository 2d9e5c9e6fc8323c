"""The benchmark beside Whisper: what it builds is the published architecture, and does the work that is timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import whisper
from tests.support.sounds import write_wav

TINY = whisper.Shape(encoder=2, decoder=1, width=64, heads=2)


def test_a_random_model_writes_as_many_tokens_for_each_window_as_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(whisper.SHAPES, "base", TINY)
    folder = tmp_path / "whisper"
    assert whisper.build_random(TINY, folder) > 51_865 * 64
    sound = write_wav(tmp_path / "31s.wav", np.zeros((1, 31 * 16_000), np.float32), rate=16_000)
    heard = whisper.windows([sound], mels=TINY.mels)
    assert [window.shape for window in heard] == [(80, 3000), (80, 3000)]
    written = whisper.write_tokens(whisper.open_random(folder, threads=1), heard)
    assert written == [whisper.TOKENS_A_WINDOW] * 2


def test_each_published_shape_has_as_many_parameters_as_the_published_model() -> None:
    # openai/whisper, README: 74 M, 244 M and 809 M.
    assert [round(whisper.parameters(shape) / 1e6) for shape in whisper.SHAPES.values()] == [73, 242, 809]


def test_errors_are_counted_in_letters_whatever_the_writing() -> None:
    assert whisper.character_errors("英国的哲学家曾经说过", "英國的哲學家,曾經說過。") == 0
    assert whisper.character_errors("i did go", "I did. Go") == 0
    assert whisper.character_errors("英国的哲学家", "英国哲学加") == 2


def test_a_folder_without_weights_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        whisper.arguments([f"--weights=base={tmp_path}"])
    assert "holds model.bin" in capsys.readouterr().err
