"""Configure the small SenseVoice, with funasr's own classes, and feed it."""

from typing import Any

import sentencepiece
import torch
from funasr.models.sense_voice.model import SenseVoiceSmall

from training.features import INPUT_SIZE
from training.vocabulary import LANGUAGE_TAGS, tag

ENCODER_CONF: dict[str, Any] = {
    "output_size": 160,
    "attention_heads": 4,
    "linear_units": 640,
    "num_blocks": 8,
    "tp_blocks": 2,
    "dropout_rate": 0.1,
    "positional_dropout_rate": 0.1,
    "attention_dropout_rate": 0.0,
    "input_layer": "pe",
    "pos_enc_class": "SinusoidalPositionEncoder",
    "normalize_before": True,
    "kernel_size": 11,
    "sanm_shfit": 0,
    "selfattention_layer_type": "sanm",
}
MODEL_CONF: dict[str, Any] = {"length_normalized_loss": True, "sos": 1, "eos": 2, "ignore_id": -1}


def new_model(vocabulary: sentencepiece.SentencePieceProcessor) -> SenseVoiceSmall:
    """Make an untrained model whose training labels are ids of `vocabulary`."""
    model = SenseVoiceSmall(
        encoder="SenseVoiceEncoderSmall",
        encoder_conf=ENCODER_CONF,
        input_size=INPUT_SIZE,
        vocab_size=len(vocabulary),
        **MODEL_CONF,
    )
    model.textnorm_int_dict = {vocabulary.PieceToId(tag(n)): row for n, row in model.textnorm_dict.items()}
    return model


def language_rows(
    model: SenseVoiceSmall, vocabulary: sentencepiece.SentencePieceProcessor, *, tell: bool
) -> dict[int, int]:
    """Map language label ids to query rows; empty unless `tell`, so that every query is `auto`."""
    if not tell:
        return {}
    return {vocabulary.PieceToId(tag(name)): model.lid_dict[name] for name in LANGUAGE_TAGS}


def label_ids(
    vocabulary: sentencepiece.SentencePieceProcessor,
    *,
    language: str,
    emotion: str,
    event: str,
    norm: str,
    text: str,
) -> list[int]:
    """Return the label of an utterance: four tags, then the text.

    Raises ValueError for a character that is not in `vocabulary`: its id would be the CTC blank.
    """
    ids: list[int] = [
        vocabulary.PieceToId(tag(name)) for name in (language, emotion, event, norm)
    ] + vocabulary.EncodeAsIds(text)
    if vocabulary.unk_id() in ids:
        raise ValueError(f"{text!r}: a character is not in the vocabulary; add it to training/sentences")
    return ids


def pad(rows: list[torch.Tensor], value: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad `rows` to the same length; return them with their lengths."""
    lengths = torch.tensor([len(row) for row in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value), lengths
