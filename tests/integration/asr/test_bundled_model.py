"""The bundled model says through our engine what it says through `AutoModel.generate`, to the letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
import torch

from qareport.asr.frontend import prepare_call
from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.model_files import check, identify
from qareport.asr.sensevoice import SenseVoice
from qareport.asr.sentences import is_tag
from qareport.asr.silero_vad import SileroVad
from qareport.audio.decode import decode
from qareport.model import Call, Role
from qareport.settings import AsrSettings, AudioSettings, bundled_calls, bundled_model
from tests.support.asr_fixtures import ASSETS, Samples, stock

pytestmark = pytest.mark.skipif(
    not (bundled_model() / "model.pt").is_file() or not bundled_calls().is_dir(), reason="needs the bundled model"
)
#: Plain, angry, Cantonese, mixed languages: enough to tell, few enough to wait for.
CALLS = ("c02", "c08", "c12")
WHOLE = AsrSettings(merge=False, sentence_emotion=False)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def load(**options: Any) -> SenseVoice:
    files = check(bundled_model())
    return SenseVoice(files, identify("demo", files), device="cpu", settings=WHOLE, **options)


@pytest.fixture(scope="module")
def model() -> SenseVoice:
    return load()


def recordings(*names: str) -> list[Path]:
    """The readable bundled calls whose file names begin like this; without names, all."""
    paths = sorted(path for path in bundled_calls().iterdir() if path.suffix in (".ogg", ".mp3", ".flac", ".wav"))
    return [path for path in paths if path.name.startswith(names or ("c",)) and "broken" not in path.name]


@pytest.fixture(scope="module")
def spoken(model: SenseVoice) -> list[tuple[SpeechChunk, Samples]]:
    """Cut the speech out of some bundled calls and real recordings."""
    paths = recordings(*CALLS)
    if ASSETS.is_dir():
        paths += sorted((ASSETS / "audio" / "emotion").glob("*.wav"))
    spoken = cut(model, paths)
    assert len(spoken) > 50
    return spoken


def cut(model: SenseVoice, paths: Sequence[Path]) -> list[tuple[SpeechChunk, Samples]]:
    """Cut the speech out of recordings."""
    vad, chunks = SileroVad(WHOLE), []
    for path in paths:
        call = Call(call_id=path.stem, audio_path=str(path), channel_roles=(Role.AGENT, Role.CUSTOMER))
        ready = prepare_call(
            call,
            vad=vad,
            log_mel=model.log_mel,
            features=model.features,
            embed_speaker=None,
            audio=AudioSettings(),
            asr=WHOLE,
        )
        samples = decode(path, max_duration_ms=600_000).samples
        chunks += [(chunk, samples[chunk.channel, chunk.start_ms * 16 : chunk.end_ms * 16]) for chunk in ready.chunks]
    return chunks


@pytest.fixture(scope="module")
def expected(spoken: list[tuple[SpeechChunk, Samples]]) -> list[dict[str, Any]]:
    reference = stock(bundled_model())
    options = {"language": "auto", "use_itn": True, "output_timestamp": True}
    return [reference.generate(input=samples, **options)[0] for _, samples in spoken]


def recognise(model: SenseVoice, chunks: Sequence[SpeechChunk]) -> list[Recognition]:
    results = [result for result in model.recognise(chunks) if isinstance(result, Recognition)]
    assert len(results) == len(chunks)
    return results


def test_text_and_tags_are_those_of_generate(
    model: SenseVoice, spoken: list[tuple[SpeechChunk, Samples]], expected: list[dict[str, Any]]
) -> None:
    results = recognise(model, [chunk for chunk, _ in spoken])
    assert [result.raw for result in results] == [result["text"] for result in expected]
    assert len({result.raw for result in results}) > 40


def test_token_times_are_those_of_funasr_within_a_frame(
    model: SenseVoice, spoken: list[tuple[SpeechChunk, Samples]], expected: list[dict[str, Any]]
) -> None:
    compared = 0
    for (chunk, _), result, reference in zip(
        spoken, recognise(model, [each for each, _ in spoken]), expected, strict=True
    ):
        tokens = [token for token in result.tokens if token.text.strip()]
        times = reference.get("timestamp", [])
        if len(times) != len(tokens):
            continue  # funasr joins English letters into words
        for (start, end), token in zip(times, tokens, strict=True):
            assert abs(token.start_ms - chunk.start_ms - start) <= 60
            assert abs(token.end_ms - chunk.start_ms - end) <= 60
            compared += 1
    assert compared > 300


def test_order_and_company_change_nothing(model: SenseVoice, spoken: list[tuple[SpeechChunk, Samples]]) -> None:
    chunks = [chunk for chunk, _ in spoken]
    together = recognise(model, chunks)
    backwards = recognise(model, chunks[::-1])[::-1]
    alone = [recognise(model, [chunk])[0] for chunk in chunks[::5]]
    assert [result.raw for result in backwards] == [result.raw for result in together]
    assert [result.tokens for result in backwards] == [result.tokens for result in together]
    assert [result.raw for result in alone] == [result.raw for result in together[::5]]


def test_bf16_changes_at_most_one_in_two_hundred_characters_and_tags(
    model: SenseVoice,
) -> None:
    chunks = [chunk for chunk, _ in cut(model, recordings())]
    exact, rough = recognise(model, chunks), recognise(load(bf16=True), chunks)
    same = total = 0
    for first, second in zip(exact, rough, strict=True):
        left, right = _symbols(first.raw), _symbols(second.raw)
        same += sum(block.size for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks())
        total += max(len(left), len(right))
    assert total > 6_000
    assert same / total >= 0.995


def _symbols(raw: str) -> list[str]:
    parts = raw.replace("<|", "\n<|").replace("|>", "|>\n").split("\n")
    return [symbol for part in parts for symbol in ([part] if is_tag(part) else part)]
