"""Log-mel features: computed once, as kaldi computes them, on any device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qareport.asr.fbank import Stacker, check_front_end, log_mel_batched, log_mel_kaldi
from qareport.asr.fsmn_vad import FsmnVad
from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.model_files import check, check_vad, identify
from qareport.asr.sensevoice import SenseVoice
from qareport.asr.silero_vad import SileroVad
from qareport.audio.decode import decode
from qareport.errors import ModelError
from qareport.settings import AsrSettings
from tests.support.asr_fixtures import ASSETS, Samples, babble

SPEECH = sorted((ASSETS / "audio").rglob("*.wav"))
needs_assets = pytest.mark.skipif(not SPEECH, reason="needs ../shared/assets")


def recording(path: Path) -> Samples:
    return decode(path, max_duration_ms=3_600_000).samples[:, : 60 * 16_000]


def test_the_features_of_a_stretch_are_a_slice_of_those_of_the_recording() -> None:
    samples = np.stack([babble(5, seed=1), babble(5, seed=2)])
    whole, part = log_mel_kaldi(samples), log_mel_kaldi(samples[:, 1230 * 16 : 3450 * 16])
    assert torch.equal(whole[:, 123 : 123 + part.shape[1]], part)


@pytest.mark.parametrize("length", [0, 1, 399, 400, 559, 560])
def test_the_shortest_sounds_have_as_many_frames_on_any_device(length: int) -> None:
    samples = np.zeros((2, length), np.float32)
    assert log_mel_kaldi(samples).shape == log_mel_batched(torch.from_numpy(samples)).shape


@needs_assets
@pytest.mark.parametrize("path", SPEECH, ids=[path.stem for path in SPEECH])
def test_the_batched_transform_is_kaldis(path: Path) -> None:
    samples = recording(path)
    ours, theirs = log_mel_batched(torch.from_numpy(samples)), log_mel_kaldi(samples)
    difference = (ours - theirs).abs()
    # Where a band holds next to nothing, rounding is all there is: such bands are left out of the largest difference.
    assert difference[theirs > 0].max() < 1e-2
    assert difference.mean() < 2e-5


@needs_assets
@pytest.mark.parametrize("path", SPEECH, ids=[path.stem for path in SPEECH])
def test_the_detector_finds_the_same_utterances_from_either(path: Path) -> None:
    samples = recording(path)
    vad = FsmnVad(check_vad(ASSETS / "fsmn-vad"), AsrSettings())
    assert vad.find(samples, log_mel_batched(torch.from_numpy(samples))) == vad.find(samples, log_mel_kaldi(samples))


def test_the_bundled_model_hears_the_same_words_from_either() -> None:
    from qareport.settings import bundled_calls, bundled_model

    files = check(bundled_model())
    model = SenseVoice(files, identify("demo", files), device="cpu", settings=AsrSettings())
    samples = decode(sorted(bundled_calls().glob("c01*"))[0], max_duration_ms=600_000).samples
    spans = SileroVad(AsrSettings()).find(samples)

    def words(mels: torch.Tensor) -> list[str]:
        chunks = []
        for channel, utterances in enumerate(spans):
            for start, end in utterances:
                features = model.features(mels[channel, start // 10 : end // 10 - 2])
                powers = np.ones(len(features), np.float32)
                chunks.append(
                    SpeechChunk(
                        channel=channel,
                        start_ms=start,
                        end_ms=end,
                        loudness_dbfs=-20.0,
                        features=features,
                        powers=powers,
                    )
                )
        return [result.raw for result in model.recognise(chunks) if isinstance(result, Recognition)]

    expected = words(log_mel_kaldi(samples))
    assert len(expected) > 20
    assert words(log_mel_batched(torch.from_numpy(samples))) == expected


def test_stacking_takes_each_frame_between_its_neighbours_and_repeats_the_edges() -> None:
    frames = torch.arange(8.0)[:, None].expand(8, 80)
    stack = Stacker(around=7, step=6, cmvn=torch.stack((torch.zeros(560), torch.ones(560))), device="cpu")
    assert stack(frames)[:, ::80].tolist() == [[0, 0, 0, 0, 1, 2, 3], [3, 4, 5, 6, 7, 7, 7]]
    assert torch.equal(stack(frames, 1, 2), stack(frames)[1:])


def test_a_front_end_that_makes_other_features_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="n_mels is 40"):
        check_front_end({"n_mels": 40}, "config.yaml")
