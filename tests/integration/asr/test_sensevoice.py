"""Our batches hear exactly what `AutoModel.generate` hears, and what does not fit is refused."""

from __future__ import annotations

import json
import logging
import random
import shutil
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.model_files import check, identify
from qareport.asr.sensevoice import PackedLinear, SenseVoice, has_amx, pack
from qareport.errors import ModelError
from qareport.settings import AsrSettings
from tests.support.asr_fixtures import ASSETS, PUBLISHED, Samples, babble, make_model, stock


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


TOKENIZERS = [
    pytest.param(False, id="own-tokenizer"),
    pytest.param(
        True,
        id="published-tokenizer",
        marks=pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs ../shared/assets"),
    ),
]


@pytest.fixture(scope="module", params=TOKENIZERS)
def directory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny", published_tokenizer=request.param)


def load(directory: Path, **settings: Any) -> SenseVoice:
    files = check(directory)
    return SenseVoice(files, identify(str(directory), files), device="cpu", settings=AsrSettings(**settings))


def chunk(model: SenseVoice, samples: Samples, *, start_ms: int = 0) -> SpeechChunk:
    end_ms = start_ms + samples.size // 16
    features = model.features(model.log_mel(samples[None])[0])
    powers = np.ones(len(features), np.float32)
    return SpeechChunk(
        channel=0, start_ms=start_ms, end_ms=end_ms, loudness_dbfs=-20.0, features=features, powers=powers
    )


def recognise(model: SenseVoice, *sounds: Samples) -> list[Recognition]:
    results = model.recognise([chunk(model, samples) for samples in sounds])
    recognised = [result for result in results if isinstance(result, Recognition)]
    assert len(recognised) == len(sounds)
    return recognised


SOUNDS = [babble(seconds, seed=seed) for seed, seconds in enumerate([0.3, 2.0, 5.5, 0.9, 11.0, 3.2, 1.0])]


def shared_sounds() -> list[Samples]:
    if not ASSETS.is_dir():
        return []
    from qareport.audio.decode import decode

    paths = sorted((ASSETS / "audio" / "emotion").glob("*.wav"))[:3]
    return [decode(path, max_duration_ms=60_000).samples[0] for path in paths]


@pytest.mark.parametrize("use_itn", [True, False])
@pytest.mark.parametrize("language", ["auto", "zh"])
def test_batches_say_exactly_what_generate_says(directory: Path, use_itn: bool, language: str) -> None:
    sounds = SOUNDS + shared_sounds()
    reference = stock(directory)
    expected = [reference.generate(input=sound, language=language, use_itn=use_itn)[0]["text"] for sound in sounds]
    results = recognise(load(directory, use_itn=use_itn, language=language), *sounds)
    assert [result.raw for result in results] == expected
    assert len(set(expected)) > len(expected) // 2  # the random model does say different things


def test_the_size_of_batches_changes_nothing(directory: Path) -> None:
    alone = recognise(load(directory, batch_seconds=1), *SOUNDS)
    together = recognise(load(directory, batch_seconds=1000), *SOUNDS)
    assert [result.raw for result in alone] == [result.raw for result in together]
    assert [result.tokens for result in alone] == [result.tokens for result in together]
    for first, second in zip(alone, together, strict=True):
        assert first.emotion_scores == pytest.approx(second.emotion_scores, abs=2e-4)


def test_features_are_the_same_each_time_and_are_those_of_funasr(directory: Path) -> None:
    model, reference = load(directory), stock(directory)
    samples = babble(2, seed=9)
    frontend = reference.kwargs["frontend"]
    expected, _ = frontend(torch.from_numpy(samples)[None], [samples.size])
    first, second = (model.features(model.log_mel(samples[None])[0]) for _ in range(2))
    assert torch.equal(first, expected[0])
    assert torch.equal(first, second)


def test_emotion_scores_are_the_softmax_over_the_emotion_tags_on_the_emotion_frame(directory: Path) -> None:
    model, reference = load(directory), stock(directory)
    samples = babble(2, seed=4)
    seen: list[torch.Tensor] = []
    hook = reference.model.encoder.register_forward_hook(lambda *parts: seen.append(parts[2][0].clone()))
    reference.generate(input=samples, language="auto", use_itn=True)
    hook.remove()
    logits = reference.model.ctc.ctc_lo(seen[0])[0, 1]
    tokenizer = reference.kwargs["tokenizer"].sp
    names = list(recognise(model, samples)[0].emotion_scores)
    assert len(names) == 9
    expected = logits[[tokenizer.PieceToId(f"<|{name}|>") for name in names]].softmax(-1).tolist()
    scores = recognise(model, samples)[0].emotion_scores
    assert scores == pytest.approx(dict(zip(names, expected, strict=True)), abs=1e-4)
    assert sum(scores.values()) == pytest.approx(1, abs=1e-3)


def test_tokens_spell_the_text_in_order_inside_the_chunk(directory: Path) -> None:
    model = load(directory)
    results = model.recognise([chunk(model, sound, start_ms=42_000) for sound in SOUNDS])
    some = 0
    for sound, result in zip(SOUNDS, results, strict=True):
        assert isinstance(result, Recognition)
        some += len(result.tokens)
        starts = [token.start_ms for token in result.tokens]
        assert starts == sorted(starts)
        for token in result.tokens:
            assert 42_000 <= token.start_ms <= token.end_ms <= 42_000 + sound.size // 16
            assert "<|" not in token.text
        spelled = "".join(token.text for token in result.tokens)
        assert spelled.replace(" ", "") == result.text.replace(" ", "")
    assert some > 10


def test_a_chunk_that_fails_fails_alone(directory: Path) -> None:
    model = load(directory)
    chunks = [chunk(model, sound) for sound in SOUNDS[:4]]
    bad = replace(chunks[0], features=torch.zeros(15, 7))
    results = model.recognise([*chunks[:2], bad, *chunks[2:]])
    assert [isinstance(result, Recognition) for result in results] == [True, True, False, True, True]
    assert isinstance(results[2], Exception)


def watch_batches(model: SenseVoice, monkeypatch: pytest.MonkeyPatch, *, room: int) -> list[tuple[str, int]]:
    """Write down what the model does, and let it run out of memory on more than `room` padded frames at once."""
    forward, read = model._forward, model._read_batch
    done: list[tuple[str, int]] = []
    held: list[int] = []

    def tight(chunks: Sequence[SpeechChunk]) -> Any:
        frames = len(chunks) * (max(len(chunk.features) for chunk in chunks) + 4)
        if sum(held) + frames > room:
            done.append(("no room", frames))
            raise torch.OutOfMemoryError("no room")
        done.append(("forward", frames))
        held.append(frames)
        return forward(chunks)

    def reading(chunks: Sequence[SpeechChunk], output: Any) -> list[Recognition]:
        done.append(("read", held.pop(0)))
        return read(chunks, output)

    monkeypatch.setattr(model, "_forward", tight)
    monkeypatch.setattr(model, "_read_batch", reading)
    return done


def test_when_memory_runs_out_the_batch_is_halved_and_later_ones_stay_small(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(directory)
    model._budget = 100_000
    expected = [result.raw for result in recognise(model, *SOUNDS)]
    done = watch_batches(model, monkeypatch, room=500)
    assert [result.raw for result in recognise(model, *SOUNDS)] == expected
    assert done[0][0] == "no room"
    assert done[0][1] > 2 * 500
    assert done.count(("no room", done[0][1])) == 1
    assert max(frames for what, frames in done if what == "forward") <= 500
    done.clear()
    assert [result.raw for result in recognise(model, *SOUNDS)] == expected
    assert ("no room", model._budget) not in done
    assert max(frames for _, frames in done) <= model._budget


def test_a_batch_that_only_finds_no_room_beside_another_is_tried_again_alone(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(directory, batch_seconds=1)  # every chunk over a second is a batch of its own
    expected = [result.raw for result in recognise(model, *SOUNDS)]
    done = watch_batches(model, monkeypatch, room=200)
    assert [result.raw for result in recognise(model, *SOUNDS)] == expected
    assert [what for what, _ in done[:4]] == ["forward", "no room", "read", "forward"]


def test_what_a_failed_batch_had_computed_is_let_go_before_it_is_tried_again(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(directory)
    computed: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def full(*_: object) -> None:
        half_done = torch.zeros(1)
        computed.append(weakref.ref(half_done))
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(
        torch.cuda, "empty_cache", lambda: alive.append(sum(reference() is not None for reference in computed))
    )
    hook = model._model.encoder.register_forward_hook(full)
    results = model.recognise([chunk(model, sound) for sound in SOUNDS])
    hook.remove()
    assert [type(result) for result in results] == [torch.OutOfMemoryError] * len(SOUNDS)
    assert len(alive) == len(computed) > len(SOUNDS)
    assert set(alive) == {0}


def test_the_next_batch_is_under_way_before_the_words_of_one_are_read(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(directory, batch_seconds=1)
    done = watch_batches(model, monkeypatch, room=100_000)
    recognise(model, *SOUNDS[1:5])
    assert [what for what, _ in done] == ["forward", "forward", "read", "forward", "read", "forward", "read", "read"]


def test_the_frames_that_ask_for_language_and_emotion_count_towards_a_batch(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(directory, batch_seconds=2)
    done = watch_batches(model, monkeypatch, room=100_000)
    recognise(model, *[babble(0.3, seed=seed) for seed in range(20)])
    assert max(frames for _, frames in done) <= 2000 // 60


def test_nothing_to_hear_is_nothing_heard(directory: Path) -> None:
    assert load(directory).recognise([]) == []


def test_loading_leaves_no_trace_outside(directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, root.manager.disable, torch.get_num_threads()
    states = random.getstate(), torch.get_rng_state()
    load(directory)
    assert (root.handlers[:], root.level, root.manager.disable, torch.get_num_threads()) == before
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])
    captured = capfd.readouterr()
    assert captured.out == ""


def test_a_first_load_prints_nothing_and_warns_of_nothing(directory: Path) -> None:
    code = (
        "import sys\n"
        "from qareport.asr import load\n"
        "from qareport.settings import AsrSettings, AudioSettings\n"
        "print(load(sys.argv[1], device='cpu', asr=AsrSettings(), audio=AudioSettings()).info.name)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "tiny\n", "")


def test_the_encoder_runs_in_bf16_beside_scores_in_fp32(directory: Path) -> None:
    files = check(directory)
    info = identify(str(directory), files)
    model = load(directory)
    rough_model = SenseVoice(files, info, device="cpu", settings=AsrSettings(), bf16=True)
    (rough,), (exact,) = recognise(rough_model, SOUNDS[1]), recognise(model, SOUNDS[1])
    assert rough.emotion_scores == pytest.approx(exact.emotion_scores, abs=0.1)


def test_a_cpu_without_amx_recognises_in_fp32_whatever_the_settings_say(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qareport.asr.sensevoice.has_amx", lambda: False)
    asked = SenseVoice(
        check(directory), identify(str(directory), check(directory)), device="cpu", settings=AsrSettings(cpu_bf16=True)
    )
    assert recognise(asked, *SOUNDS[:3]) == recognise(load(directory), *SOUNDS[:3])


@pytest.mark.skipif(not has_amx(), reason="needs a processor with AMX")
def test_a_cpu_with_amx_multiplies_in_bf16_where_that_is_asked_for(directory: Path) -> None:
    asked = SenseVoice(
        check(directory), identify(str(directory), check(directory)), device="cpu", settings=AsrSettings(cpu_bf16=True)
    )
    (rough,), (exact,) = recognise(asked, SOUNDS[1]), recognise(load(directory), SOUNDS[1])
    assert rough.emotion_scores == pytest.approx(exact.emotion_scores, abs=0.1)
    kinds = {layer._kind for layer in asked._model.encoder.modules() if isinstance(layer, PackedLinear)}
    assert kinds == {torch.bfloat16}
    assert asked._model.ctc.ctc_lo._kind is torch.float32  # in bf16 neighbouring outputs are often equal


def test_layers_in_bf16_take_and_give_fp32() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(64, 32))
    values = torch.randn(5, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        exact = layer(values)
        pack(layer, torch.bfloat16)
        rough = layer(values)
    assert rough.dtype is torch.float32
    torch.testing.assert_close(rough, exact, atol=0.02, rtol=0.02)


def test_an_unknown_language_is_refused(directory: Path) -> None:
    with pytest.raises(ModelError, match=r"asr.language: .*'fr'; expected one of auto, zh"):
        load(directory, language="fr")


# --- what does not fit ------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(directory: Path, tmp_path: Path) -> Path:
    return shutil.copytree(directory, tmp_path / "copy")


def change_weights(directory: Path, change: Any) -> None:
    state = torch.load(directory / "model.pt", weights_only=True)
    change(state)
    torch.save(state, directory / "model.pt")


def test_weights_that_lack_a_part_are_refused(copy: Path) -> None:
    change_weights(copy, lambda state: state.pop("ctc.ctc_lo.bias"))
    with pytest.raises(ModelError, match=r"model.pt: does not fit config.yaml: lacks ctc.ctc_lo.bias"):
        load(copy)


def test_weights_of_a_larger_network_are_refused(copy: Path) -> None:
    change_weights(copy, lambda state: state.update({"encoder.encoders.9.norm1.bias": torch.zeros(64)}))
    with pytest.raises(ModelError, match=r"has besides encoder.encoders.9.norm1.bias"):
        load(copy)


def test_weights_of_another_width_are_refused(copy: Path) -> None:
    change_weights(copy, lambda state: state.update({"encoder.after_norm.bias": torch.zeros(63)}))
    with pytest.raises(ModelError, match=r"has in another shape encoder.after_norm.bias"):
        load(copy)


def test_parts_that_only_training_uses_are_no_fault(copy: Path) -> None:
    change_weights(copy, lambda state: state.update({"decoder.output.bias": torch.zeros(3)}))
    assert load(copy).info.name == "copy"


def test_weights_in_half_precision_and_wrapped_are_taken(copy: Path) -> None:
    state = torch.load(copy / "model.pt", weights_only=True)
    torch.save({"state_dict": {name: value.half() for name, value in state.items()}}, copy / "model.pt")
    assert recognise(load(copy), SOUNDS[1])


def test_something_else_than_weights_is_refused(copy: Path) -> None:
    torch.save([1, 2, 3], copy / "model.pt")
    with pytest.raises(ModelError):
        load(copy)


def test_a_tokenizer_of_another_size_is_refused(copy: Path, tmp_path: Path) -> None:
    import sentencepiece

    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(["我要退货"] * 20),
        model_prefix=str(tmp_path / "other"),
        model_type="char",
        vocab_size=30,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    shutil.copyfile(tmp_path / "other.model", copy / "bpe.model")
    with pytest.raises(ModelError, match="does not fit"):
        load(copy)


def test_a_configuration_that_names_another_file_of_normalisation_is_followed(copy: Path) -> None:
    path = copy / "configuration.json"
    data = json.loads(path.read_text())
    data["file_path_metas"]["frontend_conf"]["cmvn_file"] = "elsewhere.mvn"
    path.write_text(json.dumps(data))
    with pytest.raises(ModelError, match="elsewhere.mvn: this file of the model is missing"):
        load(copy)
