"""FSMN-VAD finds exactly what funasr's own code finds with it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qareport.asr.fsmn_vad import Endpointing, FsmnVad, find_utterances
from qareport.asr.loading import fetch_vad
from qareport.asr.model_files import check_vad
from qareport.audio.decode import decode
from qareport.errors import ModelError
from qareport.settings import AsrSettings
from tests.support.asr_fixtures import ASSETS, Samples, babble, stock

PUBLISHED_VAD = ASSETS / "fsmn-vad"
pytestmark = pytest.mark.skipif(not PUBLISHED_VAD.is_dir(), reason="needs ../shared/assets")
RECORDINGS = sorted(path for path in (ASSETS / "audio").rglob("*.*") if path.suffix in {".wav", ".mp3"})
#: As published with the model, at 800 ms.
PUBLISHED_SEGMENTS = [
    (70, 2340), (2620, 6200), (6480, 23670), (23950, 26250), (26780, 28990), (29950, 31430),
    (31750, 37600), (38210, 46900), (47310, 49630), (49910, 56460), (56740, 59540), (59820, 70450),
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ours(**limits: Any) -> FsmnVad:
    single = limits.pop("single", None)
    settings = AsrSettings(max_segment_ms=10_000_000, **limits)
    return FsmnVad(check_vad(PUBLISHED_VAD), settings, max_single_segment_ms=single)


@pytest.fixture(scope="module")
def theirs() -> Any:
    return stock(PUBLISHED_VAD)


def segments(theirs: Any, channel: Samples, **options: Any) -> list[tuple[int, int]]:
    (result,) = theirs.generate(input=channel, **options)
    return [(start, end) for start, end in result["value"]]


@pytest.mark.parametrize("path", RECORDINGS, ids=[path.stem for path in RECORDINGS])
def test_every_real_recording_is_cut_as_funasr_cuts_it(theirs: Any, path: Path) -> None:
    samples = decode(path, max_duration_ms=3_600_000).samples
    theirs.model.vad_opts.max_single_segment_time = 60_000
    for silence in (500, 800):
        expected = [segments(theirs, channel, max_end_silence_time=silence) for channel in samples]
        assert ours(max_end_silence_ms=silence).utterances(samples) == expected
    theirs.model.vad_opts.max_single_segment_time = 4000
    expected = [segments(theirs, channel, max_end_silence_time=800) for channel in samples]
    assert ours(max_end_silence_ms=800, single=4000).utterances(samples) == expected
    assert all(end - start <= 4010 for channel in expected for start, end in channel)
    theirs.model.vad_opts.max_single_segment_time = 60_000


def test_the_published_example_gives_the_published_segments() -> None:
    samples = decode(ASSETS / "audio" / "mandarin" / "vad_example.wav", max_duration_ms=600_000).samples
    assert ours(max_end_silence_ms=800).find(samples) == [PUBLISHED_SEGMENTS]


class Scripted(torch.nn.Module):
    """Says for each frame whether it is speech, in place of the network."""

    speech: np.ndarray[Any, np.dtype[np.bool_]]

    def forward(self, feats: torch.Tensor, cache: Any) -> torch.Tensor:
        return torch.from_numpy(np.where(self.speech, 0.1, 0.9).astype(np.float32))[None, :, None]


def walk(theirs: Any, speech: np.ndarray[Any, np.dtype[np.bool_]], silence_ms: int, single_ms: int) -> Any:
    """Let funasr's own state machine decide."""
    model, network = theirs.model, theirs.model.encoder
    scripted = Scripted()
    scripted.speech = speech
    model.encoder = scripted
    model.vad_opts.max_single_segment_time = single_ms
    try:
        cache: dict[str, Any] = {}
        model.init_cache(cache, max_end_silence_time=silence_ms)
        feats = torch.zeros(1, speech.size, 400)
        waveform = torch.zeros(1, (speech.size - 1) * 160 + 400)
        results = model.forward(feats, waveform, cache=cache, is_final=True, is_streaming_input=False)
    finally:
        model.encoder = network
        model.vad_opts.max_single_segment_time = 60_000
    return [(start, end) for start, end in (results[0] if results else [])]


@pytest.mark.parametrize("silence_ms", [100, 150, 200, 333, 500, 800])
def test_the_walk_is_funasrs_on_any_sequence_of_frames(theirs: Any, silence_ms: int) -> None:
    generator = np.random.default_rng(silence_ms)
    some = 0
    for _ in range(60):
        frames = int(generator.integers(1, 900))
        stretches = generator.integers(1, int(generator.integers(3, 90)), frames)
        speech = np.repeat(np.arange(frames) % 2 == 0, stretches)[:frames] ^ (generator.random(frames) < 0.08)
        single = int(generator.choice([255, 1000, 3000, 60_000]))
        expected = walk(theirs, speech, silence_ms, single)
        options = Endpointing(max_end_silence_ms=silence_ms, max_single_segment_ms=single)
        assert find_utterances(speech, options) == expected
        some += len(expected)
    assert some > 60


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 560, 900, 959_999, 960_000, 960_239, 960_400])
def test_any_length_is_cut_as_funasr_cuts_it(theirs: Any, samples: int) -> None:
    sound = np.concatenate([babble(2, seed=3)] * 31)[:samples]
    expected = segments(theirs, sound, max_end_silence_time=500) if samples >= 400 else []  # funasr raises on less
    assert ours(max_end_silence_ms=500).utterances(sound[None]) == [expected]


def test_channels_together_are_cut_like_each_alone() -> None:
    samples = decode(ASSETS / "audio" / "calls" / "auto_repairs_40.stereo.wav", max_duration_ms=600_000).samples
    vad = ours()
    assert vad.find(samples) == [vad.find(samples[index : index + 1])[0] for index in (0, 1)]


def test_several_threads_may_use_one_detector() -> None:
    samples, vad = np.stack([babble(20, seed=1), babble(20, seed=2)]), ours()
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: vad.find(samples), range(6)))
    assert all(result == results[0] for result in results)


def test_long_utterances_are_cut_and_nothing_is_lost() -> None:
    samples = decode(ASSETS / "audio" / "mandarin" / "vad_example.wav", max_duration_ms=600_000).samples
    whole = ours().find(samples)[0]
    cut = FsmnVad(check_vad(PUBLISHED_VAD), AsrSettings(max_segment_ms=4000)).find(samples)[0]
    assert max(end - start for start, end in cut) <= 4000
    assert sum(end - start for start, end in cut) == sum(end - start for start, end in whole)
    assert all(before[1] <= after[0] for before, after in pairwise(cut))


# --- checked loading --------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PUBLISHED_VAD, tmp_path / "vad")
    for path in [tmp_path / "vad", *(tmp_path / "vad").iterdir()]:
        path.chmod(0o755)
    return tmp_path / "vad"


def refused(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        FsmnVad(check_vad(directory), AsrSettings())
    return str(caught.value)


@pytest.mark.parametrize("name", ["model.pt", "am.mvn", "config.yaml", "configuration.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"{name}: this file of the model is missing" in refused(copy)


def test_weights_that_lack_a_part_or_have_one_too_many_are_refused(copy: Path) -> None:
    state = torch.load(copy / "model.pt", weights_only=True)
    torch.save({**state, "encoder.more": torch.zeros(1)}, copy / "model.pt")
    assert "encoder.more" in refused(copy) or "more" in refused(copy)
    state.pop("encoder.in_linear1.linear.bias")
    torch.save(state, copy / "model.pt")
    assert "in_linear1.linear.bias" in refused(copy)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("do_extend: 1", "do_extend: 0"), ("snr_thres: -100.0", "snr_thres: 5.0"), ("detect_mode: 1", "detect_mode: 0")],
)
def test_a_detector_that_works_otherwise_is_refused(copy: Path, was: str, becomes: str) -> None:
    path = copy / "config.yaml"
    path.write_text(path.read_text().replace(was, becomes))
    assert becomes.split(":")[0] in refused(copy)


def test_another_model_is_refused(copy: Path) -> None:
    path = copy / "config.yaml"
    path.write_text(path.read_text().replace("FsmnVADStreaming", "SenseVoiceSmall"))
    assert "describes the model 'SenseVoiceSmall'; expected FsmnVADStreaming" in refused(copy)


def test_what_is_here_is_fetched_without_a_network(copy: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fetch_vad(str(copy)) == copy


def test_the_revision_changes_with_the_weights(copy: Path) -> None:
    before = check_vad(copy).revision
    state = torch.load(copy / "model.pt", weights_only=True)
    torch.save({name: value * 2 for name, value in state.items()}, copy / "model.pt")
    assert check_vad(copy).revision != before == check_vad(PUBLISHED_VAD).revision
