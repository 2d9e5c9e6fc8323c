"""Write a model directory that `funasr.AutoModel` loads."""

import json
from pathlib import Path

import torch
import yaml
from funasr.models.sense_voice.model import SenseVoiceSmall

from training.network import ENCODER_CONF, MODEL_CONF

TOKENIZER_FILE = "qareport_demo.bpe.model"


def write_configuration(folder: Path) -> None:
    """Write `config.yaml` and `configuration.json` beside the tokenizer and `am.mvn`."""
    config = {
        "encoder": "SenseVoiceEncoderSmall",
        "encoder_conf": ENCODER_CONF,
        "model": "SenseVoiceSmall",
        "model_conf": MODEL_CONF,
        "tokenizer": "SentencepiecesTokenizer",
        "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
        "frontend": "WavFrontend",
        "frontend_conf": {
            "fs": 16000, "window": "hamming", "n_mels": 80, "frame_length": 25, "frame_shift": 10,
            "lfr_m": 7, "lfr_n": 6, "dither": 0.0, "cmvn_file": None,
        },
    }  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    configuration = {
        "framework": "pytorch",
        "task": "auto-speech-recognition",
        "model": {"type": "funasr"},
        "pipeline": {"type": "funasr-pipeline"},
        "file_path_metas": {
            "init_param": "model.pt",
            "config": "config.yaml",
            "tokenizer_conf": {"bpemodel": TOKENIZER_FILE},
            "frontend_conf": {"cmvn_file": "am.mvn"},
        },
    }
    (folder / "configuration.json").write_text(json.dumps(configuration, indent=2) + "\n", encoding="utf-8")


def write_weights(model: SenseVoiceSmall, folder: Path) -> None:
    """Write `model.pt` in half precision."""
    weights = {name: value.detach().to("cpu", torch.float16).clone() for name, value in model.state_dict().items()}
    torch.save(weights, folder / "model.pt")
