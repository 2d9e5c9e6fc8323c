"""Build a model of the published shape with random weights: as fast as the real model, with meaningless output."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import torch
import yaml

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import funasr  # noqa: F401
        from funasr.register import tables
    config: dict[str, Any] = yaml.safe_load((PUBLISHED / "config.yaml").read_text(encoding="utf-8"))
    state = torch.get_rng_state()
    torch.manual_seed(seed)
    model = tables.model_classes["SenseVoiceSmall"](
        input_size=560,
        vocab_size=vocabulary_size(),
        encoder=config["encoder"],
        encoder_conf=config["encoder_conf"],
        **config["model_conf"],
    )
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


def vocabulary_size() -> int:
    """Count the pieces of the published tokenizer."""
    import sentencepiece

    (path,) = PUBLISHED.glob("*.model")
    size: int = sentencepiece.SentencePieceProcessor(model_file=str(path)).GetPieceSize()
    return size
