"""What only a GPU can show; skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path

import pytest
import torch

from qareport.asr import load
from qareport.asr.fsmn_vad import FsmnVad
from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.model_files import check, check_vad, identify
from qareport.asr.sensevoice import SenseVoice
from qareport.audio.decode import decode
from qareport.model import Call, Transcript
from qareport.settings import AsrSettings, AudioSettings, bundled_calls, bundled_model
from tests.support.asr_fixtures import ASSETS, babble

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
GPU = "cuda"
SPEECH = sorted((ASSETS / "audio").rglob("*.wav"))


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Leave this process 2 GiB beside what it holds."""
    whole = torch.cuda.get_device_properties(GPU).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(GPU) + 2 * 1024**3) / whole, GPU)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, GPU)


def model_on(device: str, *, bf16: bool | None = None) -> SenseVoice:
    files = check(bundled_model())
    return SenseVoice(files, identify("demo", files), device=device, settings=AsrSettings(), bf16=bf16)


def chunks_for(model: SenseVoice, count: int) -> list[SpeechChunk]:
    made = []
    for seed in range(20):
        features = model.features(model.log_mel(babble(10, seed=seed)[None])[0])
        powers = babble(1, seed=0)[: len(features)]
        made.append(
            SpeechChunk(channel=0, start_ms=0, end_ms=10_000, loudness_dbfs=-20.0, features=features, powers=powers)
        )
    return [made[index % len(made)] for index in range(count)]


def raws(results: list[Recognition | Exception]) -> list[str]:
    return [result.raw if isinstance(result, Recognition) else repr(result) for result in results]


def test_a_gpu_hears_the_words_that_a_processor_hears() -> None:
    calls = [Call(call_id=path.stem, audio_path=str(path)) for path in sorted(bundled_calls().glob("c0[1-6]*"))]
    transcripts = []
    for device in ("cpu", GPU):
        engine = load("demo", device=device, asr=AsrSettings(), audio=AudioSettings())
        results = list(engine.transcribe(calls))
        assert [result.call_id for result in results] == [call.call_id for call in calls]
        assert all(isinstance(result, Transcript) for result in results), results
        transcripts.append(
            [segment.text for result in results if isinstance(result, Transcript) for segment in result.segments]
        )
    first, second = ("\n".join(texts) for texts in transcripts)
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    assert len(first) > 500
    assert sum(block.size for block in blocks) / max(len(first), len(second)) >= 0.99


@pytest.mark.skipif(not SPEECH, reason="needs ../shared/assets")
@pytest.mark.parametrize("path", SPEECH, ids=[path.stem for path in SPEECH])
def test_a_gpu_finds_the_utterances_that_a_processor_finds(path: Path) -> None:
    samples = decode(path, max_duration_ms=3_600_000).samples
    files = check_vad(ASSETS / "fsmn-vad")
    there, here = (FsmnVad(files, AsrSettings(), device=device).find(samples) for device in (GPU, "cpu"))
    assert there == here


@pytest.mark.usefixtures("little_memory")
def test_a_batch_for_which_a_gpu_has_no_room_is_heard_in_smaller_ones() -> None:
    model = model_on(GPU, bf16=False)  # in bf16 the size of a batch may change a word
    chunks = chunks_for(model, 4000)
    expected = raws(model.recognise(chunks[:20]))
    model._budget = whole = 10**9
    results = raws(model.recognise(chunks))
    assert model._budget < whole, "it had room after all"
    assert results == [expected[index % 20] for index in range(len(chunks))]


def test_features_of_a_gpu_stay_there_and_results_come_back() -> None:
    model = model_on(GPU)
    (chunk,) = chunks_for(model, 1)
    assert chunk.features.device.type == torch.device(GPU).type
    (result,) = model.recognise([replace(chunk, start_ms=5000, end_ms=15_000)])
    assert isinstance(result, Recognition)
    assert all(5000 <= token.start_ms <= token.end_ms <= 15_000 for token in result.tokens)
    assert sum(result.emotion_scores.values()) == pytest.approx(1, abs=1e-3)
