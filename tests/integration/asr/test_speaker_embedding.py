"""Speaker embeddings equal funasr's own. The weights are random: how well speakers are told apart is not tested."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from qareport.asr import load, locate, transcription_key
from qareport.asr.engine import Engine
from qareport.asr.model_files import check_speaker_model
from qareport.asr.speaker_embedding import SpeakerEmbedding
from qareport.errors import ModelError
from qareport.model import Call, Transcript
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
    folder = tmp_path_factory.mktemp("speaker_model")
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
def test_an_embedding_comes_from_funasrs_own_windows_and_features(directory: Path, seconds: float) -> None:
    from funasr.models.campplus.utils import extract_feature, sv_chunk

    embed, samples = SpeakerEmbedding(check_speaker_model(directory)), babble(seconds, seed=2)
    chunks = [torch.from_numpy(chunk) for _, _, chunk in sv_chunk([[0.0, seconds, samples]])]
    features, _, _ = extract_feature(chunks)
    with torch.inference_mode():
        each = torch.nn.functional.normalize(embed._model(features), dim=1)
    expected = torch.nn.functional.normalize(each.mean(dim=0), dim=0).numpy()
    np.testing.assert_allclose(embed(samples), expected, atol=1e-5)
    assert expected.shape == (192,)


def test_speakers_are_embedded_where_one_channel_holds_both(directory: Path, tmp_path: Path) -> None:
    settings = AsrSettings(vad="silero", speaker_model=str(directory))
    loaded = load(str(make_model(tmp_path / "tiny")), device="cpu", asr=settings, audio=AudioSettings())
    assert isinstance(loaded, Engine)
    assert loaded.embed_speaker is not None
    path = write_audio(tmp_path / "mono.wav", babble(6, seed=1)[None], rate=16_000)
    (result,) = loaded.transcribe([Call(call_id="m", audio_path=str(path))])
    assert isinstance(result, Transcript)


def test_another_speaker_model_changes_the_key(directory: Path) -> None:
    def key(settings: AsrSettings) -> str:
        return transcription_key(locate("demo", settings), settings, AudioSettings())

    assert key(AsrSettings(speaker_model=str(directory))) != key(AsrSettings(speaker_model="nobody/nothing"))


def test_weights_of_another_network_are_refused(directory: Path, tmp_path: Path) -> None:
    for path in directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save({"some": torch.zeros(3)}, tmp_path / "campplus_cn_common.bin")
    with pytest.raises(ModelError, match=r"campplus_cn_common.bin: does not fit config.yaml"):
        SpeakerEmbedding(check_speaker_model(tmp_path))
