"""Decode labels and text from encoder outputs, in batches, as SenseVoice's own inference does."""

from dataclasses import dataclass

import sentencepiece
import torch
from funasr.models.sense_voice.model import SenseVoiceSmall

from training.network import pad
from training.vocabulary import EMOTION_TAGS, EVENT_TAGS, LANGUAGE_TAGS, tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What the model recognises in a segment."""

    text: str
    language: str
    emotion: str
    event: str


def _best(logits: torch.Tensor, names: tuple[str, ...], vocabulary: sentencepiece.SentencePieceProcessor) -> list[str]:
    ids = [vocabulary.PieceToId(tag(name)) for name in names]
    return [names[i] for i in logits[:, ids].argmax(dim=1).tolist()]


@torch.inference_mode()
def transcribe(
    model: SenseVoiceSmall,
    vocabulary: sentencepiece.SentencePieceProcessor,
    stacked: list[torch.Tensor],
    *,
    norm: str = "woitn",
    batch: int = 32,
) -> list[Recognition]:
    """Transcribe normalised, stacked features, each (frames, 560), with the language query `auto`."""
    model.eval()
    device = next(model.parameters()).device
    order = sorted(range(len(stacked)), key=lambda i: len(stacked[i]))
    recognitions: dict[int, Recognition] = {}
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        speech, lengths = pad([stacked[i] for i in chosen], 0.0)
        speech, lengths = speech.to(device), lengths.to(device)
        rows = torch.tensor([model.lid_dict["auto"], 1, 2, model.textnorm_dict[norm]], device=device)
        query = model.embed(rows)[None].expand(len(chosen), -1, -1)
        output, _ = model.encoder(torch.cat([query, speech], dim=1).clone(), lengths + 4)
        logits = model.ctc.ctc_lo(output)
        languages = _best(logits[:, 0], LANGUAGE_TAGS, vocabulary)
        emotions = _best(logits[:, 1], EMOTION_TAGS, vocabulary)
        events = _best(logits[:, 2], EVENT_TAGS, vocabulary)
        for row, index in enumerate(chosen):
            ids = torch.unique_consecutive(logits[row, 4 : 4 + int(lengths[row])].argmax(dim=-1)).tolist()
            text = vocabulary.DecodeIds([i for i in ids if i != vocabulary.unk_id()])
            recognitions[index] = Recognition(
                text=text, language=languages[row], emotion=emotions[row], event=events[row]
            )
    return [recognitions[i] for i in range(len(stacked))]
