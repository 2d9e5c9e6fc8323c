"""Build a model of the published shape with random weights: as fast as the real model, with meaningless output."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
import yaml

from qareport.asr.funasr_modules import import_funasr

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT.parent / "shared" / "assets"
PUBLISHED = ASSETS / "sensevoice-small"
#: Parameters of the published SenseVoiceSmall.
PARAMETERS = 233_999_167


def build(directory: Path, *, seed: int = 7) -> Path:
    """Write a complete model directory: published configuration, tokenizer and normalisation, random weights.

    The output layer is drawn wide, with a lead for the blank, so that the output is varied, with many blanks
    between tokens, as that of a trained model.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for path in PUBLISHED.iterdir():
        if path.is_file():
            shutil.copyfile(path, directory / path.name)
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = _network(_config(), inputs=560, outputs=vocabulary_size())
    with torch.no_grad():
        outputs = model.ctc.ctc_lo
        outputs.weight.normal_()
        outputs.bias.zero_()
        outputs.bias[0] = 4.0 * outputs.weight.shape[1] ** 0.5
    torch.set_rng_state(state)
    count = sum(value.numel() for value in model.parameters())
    if count != PARAMETERS:
        raise RuntimeError(f"the model has {count} parameters, expected {PARAMETERS}")
    torch.save(model.state_dict(), directory / "model.pt")
    return directory


def narrow_network(width: int = 8) -> Any:
    """Return a network as deep as the published one, and so narrow that its arithmetic takes no time."""
    config = _config()
    conf = config["encoder_conf"] | {"output_size": width, "attention_heads": 4, "linear_units": width}
    return _network(config | {"encoder_conf": conf}, inputs=width, outputs=width).eval()


def _config() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((PUBLISHED / "config.yaml").read_text(encoding="utf-8"))
    return config


def _network(config: dict[str, Any], *, inputs: int, outputs: int) -> Any:
    (sense_voice,) = import_funasr("models.sense_voice.model")
    return sense_voice.SenseVoiceSmall(
        input_size=inputs,
        vocab_size=outputs,
        encoder=config["encoder"],
        encoder_conf=config["encoder_conf"],
        **config["model_conf"],
    )


def vocabulary_size() -> int:
    """Count the pieces of the published tokenizer."""
    import sentencepiece

    (path,) = PUBLISHED.glob("*.model")
    size: int = sentencepiece.SentencePieceProcessor(model_file=str(path)).GetPieceSize()
    return size
