"""Build the SentencePiece model of the bundled model: characters, English words and SenseVoice's tags."""

import io
import re
from pathlib import Path

import sentencepiece

from training.grammar import every_text

LANGUAGE_TAGS = ("zh", "en", "yue", "ja", "ko", "nospeech")
EMOTION_TAGS = ("HAPPY", "SAD", "ANGRY", "NEUTRAL", "FEARFUL", "DISGUSTED", "SURPRISED", "OTHER", "EMO_UNKNOWN")
EVENT_TAGS = (
    "Speech", "BGM", "Laughter", "Applause", "Cry", "Sneeze", "Breath", "Cough", "Sing", "Speech_Noise", "GBG",
    "Event_UNK",
)  # fmt: skip
NORM_TAGS = ("withitn", "woitn")


def tag(name: str) -> str:
    """Write `name` as SenseVoice writes tags."""
    return f"<|{name}|>"


def train_tokenizer(path: Path) -> sentencepiece.SentencePieceProcessor:
    """Write the SentencePiece model to `path` and load it.

    Piece 0 is `<unk>`, which is also the CTC blank, as in the published tokenizer. English words are symbols of their
    own, since letters come faster than SenseVoice's 60 ms frames; a space is a symbol between them.
    """
    lines = every_text()
    words = sorted({word for line in lines for word in re.findall(r"[a-z]{2,}", line) if len(word) < 20})
    symbols = [tag(name) for name in (*LANGUAGE_TAGS, *EMOTION_TAGS, *EVENT_TAGS, *NORM_TAGS)] + words
    characters = {c for line in lines for c in line if not c.isspace()}
    written = io.BytesIO()  # a file's path would be stored in the model
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        model_type="char",
        vocab_size=3 + len(symbols) + len(characters) + 1,
        hard_vocab_limit=False,
        use_all_vocab=True,
        character_coverage=1.0,
        required_chars="".join(sorted(characters)),
        user_defined_symbols=symbols,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    path.write_bytes(written.getvalue())
    return sentencepiece.SentencePieceProcessor(model_file=str(path))
