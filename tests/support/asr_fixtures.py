"""Small model directories of the real class with random weights, stock funasr beside ours, and test sounds."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import av
import numpy as np
import sentencepiece
import torch
import yaml

from qareport.asr.funasr_modules import import_funasr
from qareport.audio.resampling import Samples
from qareport.model import AudioEvent, Emotion
from tests.support.paths import SHARED

ASSETS = SHARED / "assets"
PUBLISHED = ASSETS / "sensevoice-small"

_CONFIG: dict[str, Any] = {
    "encoder": "SenseVoiceEncoderSmall",
    "encoder_conf": {
        "output_size": 64,
        "attention_heads": 2,
        "linear_units": 128,
        "num_blocks": 3,
        "tp_blocks": 2,
        "dropout_rate": 0.1,
        "attention_dropout_rate": 0.1,
        "input_layer": "pe",
        "pos_enc_class": "SinusoidalPositionEncoder",
        "normalize_before": True,
        "kernel_size": 11,
        "sanm_shfit": 0,
        "selfattention_layer_type": "sanm",
    },
    "model": "SenseVoiceSmall",
    "model_conf": {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1},
    "tokenizer": "SentencepiecesTokenizer",
    "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
    "frontend": "WavFrontend",
    "frontend_conf": {
        "fs": 16000,
        "window": "hamming",
        "n_mels": 80,
        "frame_length": 25,
        "frame_shift": 10,
        "lfr_m": 7,
        "lfr_n": 6,
        "cmvn_file": None,
    },
}


def make_model(directory: Path, *, published_tokenizer: bool = False) -> Path:
    """Write a complete model directory with random weights and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = directory / "bpe.model"
    if published_tokenizer:
        shutil.copyfile(PUBLISHED / "chn_jpn_yue_eng_ko_spectok.bpe.model", tokenizer)
    else:
        _train_tokenizer(tokenizer)
    (directory / "config.yaml").write_text(yaml.safe_dump(_CONFIG), encoding="utf-8")
    metas = {
        "init_param": "model.pt",
        "config": "config.yaml",
        "tokenizer_conf": {"bpemodel": "bpe.model"},
        "frontend_conf": {"cmvn_file": "am.mvn"},
    }
    (directory / "configuration.json").write_text(json.dumps({"file_path_metas": metas}), encoding="utf-8")
    rows = " ".join(["-12.5"] * 560), " ".join(["0.25"] * 560)
    (directory / "am.mvn").write_text(
        "<Nnet>\n<Splice> 560 560\n[ 0 ]\n"
        f"<AddShift> 560 560\n<LearnRateCoef> 0 [ {rows[0]} ]\n"
        f"<Rescale> 560 560\n<LearnRateCoef> 0 [ {rows[1]} ]\n</Nnet>\n"
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tokenizer))
    torch.save(_weights(processor), directory / "model.pt")
    return directory


def _weights(processor: Any) -> dict[str, torch.Tensor]:
    """Make random weights with varied output: a uniform network would repeat a single token for ever."""
    (sense_voice,) = import_funasr("models.sense_voice.model")
    generator = torch.Generator().manual_seed(7)
    vocabulary = processor.GetPieceSize()
    model = sense_voice.SenseVoiceSmall(
        input_size=560, vocab_size=vocabulary, encoder=_CONFIG["encoder"], encoder_conf=_CONFIG["encoder_conf"]
    )
    state: dict[str, torch.Tensor] = model.state_dict()
    for name, value in state.items():
        if name.endswith("norm1.weight") or "norm" in name:
            continue
        state[name] = torch.randn(value.shape, generator=generator) * (0.15 if value.dim() > 1 else 0.05)
    state["ctc.ctc_lo.weight"] = torch.randn((vocabulary, 64), generator=generator)
    state["ctc.ctc_lo.bias"][0] = 9.0  # the blank comes up often, as in a trained model
    return state


def _train_tokenizer(path: Path) -> None:
    tags = ["zh", "en", "yue", "ja", "ko", "nospeech", "withitn", "woitn", *Emotion, *AudioEvent]
    words = "我昨天下的单今天还没发货你们是不是压单请问有什么可以帮您 where is my order please"
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter([words] * 20),
        model_prefix=str(path.with_suffix("")),
        model_type="char",
        vocab_size=90,
        hard_vocab_limit=False,
        add_dummy_prefix=False,
        user_defined_symbols=[f"<|{name}|>" for name in tags],
        minloglevel=2,
    )


def stock(directory: Path) -> Any:
    """Load a model the way funasr's own users do, without dither."""
    import logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from funasr import AutoModel

        model = AutoModel(
            model=str(directory),
            device="cpu",
            disable_update=True,
            disable_pbar=True,
            ncpu=1,
            frontend_conf={"dither": 0.0},
        )
    root.handlers[:] = handlers
    root.setLevel(level)
    return model


def babble(seconds: float, *, seed: int, rate: int = 16_000) -> Samples:
    """Make sound with the rise and fall of speech, float32 [samples]."""
    generator = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    pitch = 120 + 40 * generator.random() + 30 * np.sin(2 * np.pi * 0.7 * time)
    voice = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / rate) / k for k in range(1, 20))
    envelope = np.clip(np.sin(2 * np.pi * (3 + generator.random()) * time + generator.random()), 0, 1)
    sound = 0.15 * voice * envelope + 0.003 * generator.standard_normal(time.size)
    return np.clip(sound, -1, 1).astype(np.float32)


def write_audio(path: Path, samples: Samples, *, rate: int, codec: str = "pcm_s16le") -> Path:
    """Write float32 [channels, n] to a file; its ending gives the container."""
    channels = samples.shape[0]
    layout = {1: "mono", 2: "stereo"}.get(channels, f"{channels}c")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        if codec == "wmav2":
            stream.bit_rate = 64_000
        stream.codec_context.open(strict=False)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name,
            layout=layout,
            rate=rate,
            frame_size=stream.codec_context.frame_size,
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path
