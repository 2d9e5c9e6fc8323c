"""cam++ describes voices as funasr has it do. The weights here are random: this holds the plumbing, not the hearing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from qareport.asr import load
from qareport.asr.engine import Engine, transcription_key
from qareport.asr.model_files import check_voices
from qareport.asr.speaker_embedding import Voices
from qareport.errors import ModelError
from qareport.model import Call, ModelInfo, Transcript
from qareport.settings import AsrSettings, AudioSettings
from tests.support.asr_fixtures import babble, make_model, write_audio


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a directory of the published layout with random weights."""
    folder = tmp_path_factory.mktemp("voices")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from funasr.models.campplus.model import CAMPPlus
    torch.manual_seed(3)
    torch.save(CAMPPlus().state_dict(), folder / "campplus_cn_common.bin")
    (folder / "config.yaml").write_text(yaml.safe_dump({"model": "CAMPPlus", "model_conf": {"embedding_size": 192}}))
    metas = {"init_param": "campplus_cn_common.bin", "config": "config.yaml"}
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": metas}))
    return folder


@pytest.mark.parametrize("seconds", [0.3, 1.5, 1.6, 4.0])
def test_a_voice_is_described_from_funasrs_own_pieces_and_features(directory: Path, seconds: float) -> None:
    from funasr.models.campplus.utils import extract_feature, sv_chunk

    voices, samples = Voices(check_voices(directory)), babble(seconds, seed=2)
    chunks = [torch.from_numpy(chunk) for _, _, chunk in sv_chunk([[0.0, seconds, samples]])]
    features, _, _ = extract_feature(chunks)
    with torch.inference_mode():
        each = torch.nn.functional.normalize(voices._model(features), dim=1)
    expected = torch.nn.functional.normalize(each.mean(dim=0), dim=0).numpy()
    np.testing.assert_allclose(voices(samples), expected, atol=1e-5)
    assert expected.shape == (192,)


def test_voices_are_asked_where_one_channel_holds_both(directory: Path, tmp_path: Path) -> None:
    settings = AsrSettings(vad="silero", voices=str(directory))
    loaded = load(str(make_model(tmp_path / "tiny")), device="cpu", asr=settings, audio=AudioSettings())
    assert isinstance(loaded, Engine)
    assert loaded.voice is not None
    path = write_audio(tmp_path / "mono.wav", babble(6, seed=1)[None], rate=16_000)
    (result,) = loaded.transcribe([Call(call_id="m", audio_path=str(path))])
    assert isinstance(result, Transcript)


def test_another_voice_model_changes_the_key(directory: Path) -> None:
    model = ModelInfo(name="demo", revision="0")
    assert transcription_key(model, AsrSettings(voices=str(directory)), AudioSettings()) != transcription_key(
        model, AsrSettings(voices="nobody/nothing"), AudioSettings()
    )


def test_weights_of_another_network_are_refused(directory: Path, tmp_path: Path) -> None:
    for path in directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save({"some": torch.zeros(3)}, tmp_path / "campplus_cn_common.bin")
    with pytest.raises(ModelError, match=r"campplus_cn_common.bin: does not fit config.yaml"):
        Voices(check_voices(tmp_path))
