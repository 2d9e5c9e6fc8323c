"""Turn the model's output into segments: read its tags, cut its text into sentences with times.

SenseVoice gives a single emotion for an utterance. Where its punctuation says that an utterance holds several
sentences, each sentence goes through the model once more, alone: words and times stay those of the complete
utterance, which were recognised in context; emotion, events and their scores are those of the sentence.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qareport.asr.interfaces import ENCODER_FRAME_MS, Recognition, SpeechChunk
from qareport.audio.levels import FLOOR_DBFS
from qareport.model import AudioEvent, Emotion, Language, Token

_TAG = re.compile(r"<\|([^|<>]*)\|>")
#: Spellings that differ between published outputs and the tokenizer.
_ALIASES = {
    "Unknown_Emo": Emotion.EMO_UNKNOWN,
    "EMO_UNK": Emotion.EMO_UNKNOWN,
    "Unknown_Event": AudioEvent.EVENT_UNK,
    "Unknown_Evt": AudioEvent.EVENT_UNK,
}
_FOUR = (Emotion.HAPPY, Emotion.SAD, Emotion.ANGRY, Emotion.NEUTRAL)
_LANGUAGES = {language.value: language for language in Language}
_EMOTIONS = {emotion.value: emotion for emotion in Emotion}
_EVENTS = {event.value: event for event in AudioEvent}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The values in a tagged string. None means that the model gave no such tag."""

    language: Language | None = None
    emotion: Emotion | None = None
    #: Without repetition, in the order of their tags.
    events: tuple[AudioEvent, ...] = ()
    #: The words alone.
    text: str = ""


def parse(raw: str) -> Labels:
    """Read a tagged string.

    A string may hold several groups of tags, each before its own words (as joined outputs do): the first language and
    the first emotion count, events add up, the words are joined. Tags not known here are dropped from the text.
    """
    names = _TAG.findall(raw)
    tags = [_ALIASES.get(name, name) for name in names]
    languages = [_LANGUAGES[tag] for tag in tags if tag in _LANGUAGES]
    emotions = [_EMOTIONS[tag] for tag in tags if tag in _EMOTIONS]
    events = [_EVENTS[tag] for tag in tags if tag in _EVENTS]
    return Labels(
        language=languages[0] if languages else None,
        emotion=emotions[0] if emotions else None,
        events=tuple(dict.fromkeys(events)),
        text=plain_text(raw),
    )


def plain_text(raw: str) -> str:
    """Return the words of a tagged string; words that only tags kept apart get a space where their script has it."""
    text = ""
    for part in _TAG.split(raw)[::2]:
        words = part.strip()
        if text and words and (part[0].isspace() or (_spaced(text[-1]) and _spaced(words[0]))):
            text += " "
        text += words
    return text


def four_classes(scores: Mapping[str, float]) -> dict[str, float] | None:
    """Normalise the scores of the four common emotions to a sum of 1; None where all four are 0."""
    view = {emotion.value: scores.get(emotion.value, 0.0) for emotion in _FOUR}
    total = sum(view.values())
    return {name: round(score / total, 4) for name, score in view.items()} if total > 0 else None


def is_tag(piece: str) -> bool:
    """Tell whether a vocabulary piece is a tag."""
    return _TAG.fullmatch(piece) is not None


def tag(name: str) -> str:
    """Return the vocabulary piece of a tag: `zh` → `<|zh|>`."""
    return f"<|{name}|>"


def _spaced(character: str) -> bool:
    """Tell whether a character belongs to a script, or its punctuation, that puts spaces between words."""
    return character.isascii() or "가" <= character <= "힣"


#: A shorter sentence is no basis for an emotion: it stays with its neighbour.
SHORTEST_MS = 600
_ENDS = frozenset("。！？!?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sentence:
    """A sentence within an utterance: its tokens, and the speech around them."""

    chunk: SpeechChunk
    tokens: tuple[Token, ...]


def split(chunk: SpeechChunk, recognition: Recognition) -> list[Sentence]:
    """Split an utterance into sentences; a single sentence, or none, gives an empty list.

    Sentences are cut at the quietest 60 ms between the last word of a sentence and the first of the next, and together
    cover the utterance. A sentence shorter than `SHORTEST_MS` is joined to the next, the last to the one before it.
    """
    groups = _groups(recognition.tokens)
    if len(groups) < 2:
        return []
    cuts = [_cut(chunk, before, after) for before, after in itertools.pairwise(groups)]
    frames = len(chunk.features)
    bounds = [0, *cuts, frames]
    tokens: list[tuple[Token, ...]] = []
    edges = [0]
    held: tuple[Token, ...] = ()
    for group, end in zip(groups, bounds[1:], strict=True):
        held += group
        if (end - edges[-1]) * ENCODER_FRAME_MS >= SHORTEST_MS:
            tokens.append(held)
            edges.append(end)
            held = ()
    if held and tokens:
        tokens[-1] += held
        edges[-1] = frames
    if len(tokens) < 2:
        return []
    parts = [_part(chunk, first, last) for first, last in itertools.pairwise(edges)]
    return [Sentence(chunk=part, tokens=tuple(_inside(part, group))) for part, group in zip(parts, tokens, strict=True)]


def combine(sentence: Sentence, whole: Recognition, alone: Recognition) -> Recognition:
    """Combine the recognition of a sentence in context with that of the sentence alone.

    Returns:
        Words, times and language of the utterance; emotion, events and scores of the sentence. `raw` is composed from
        both, in the model's own order of tags.
    """
    text = "".join(token.text for token in sentence.tokens).strip()
    names = [
        whole.language.value if whole.language else None,
        alone.emotion.value if alone.emotion else None,
        *(event.value for event in alone.events),
    ]
    norm = next((name for name in ("withitn", "woitn") if tag(name) in whole.raw), None)
    tags = "".join(tag(name) for name in [*names, norm] if name)
    return replace(
        whole,
        raw=tags + text,
        text=plain_text(text),
        emotion=alone.emotion,
        emotion_scores=alone.emotion_scores,
        events=alone.events,
        event_scores=alone.event_scores,
        tokens=sentence.tokens,
    )


def _groups(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Group tokens by sentence; punctuation marks that follow each other end a single sentence."""
    groups: list[tuple[Token, ...]] = []
    begun: list[Token] = []
    for index, token in enumerate(tokens):
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        begun.append(token)
        if _ends(token, after) and not (after is not None and _is_mark(after)):
            groups.append(tuple(begun))
            begun = []
    if begun:
        groups.append(tuple(begun))
    return groups


def _ends(token: Token, after: Token | None) -> bool:
    text = token.text.rstrip()
    if text[-1:] in _ENDS:
        return True
    return text.endswith(".") and after is not None and after.text.startswith(" ")  # not the point in 3.5


def _is_mark(token: Token) -> bool:
    text = token.text.strip()
    return bool(text) and all(not character.isalnum() for character in text)


def _cut(chunk: SpeechChunk, before: Sequence[Token], after: Sequence[Token]) -> int:
    """Return the frame at which the next sentence begins: the quietest between the words on both sides."""
    last = next((token for token in reversed(before) if not _is_mark(token)), before[-1])
    first = _frame(chunk, last.end_ms)
    until = max(first, _frame(chunk, after[0].start_ms))
    if until <= first:
        return first
    return first + int(np.argmin(chunk.powers[first : until + 1]))


def _inside(chunk: SpeechChunk, tokens: Sequence[Token]) -> Iterator[Token]:
    """Clip a sentence's tokens, above all its marks, to its time; strip the first token's leading space."""
    for index, token in enumerate(tokens):
        text = token.text if index else token.text.lstrip()
        start, end = (min(max(at, chunk.start_ms), chunk.end_ms) for at in (token.start_ms, token.end_ms))
        if text:
            yield Token(text, start, end)


def _frame(chunk: SpeechChunk, at_ms: int) -> int:
    return min(max((at_ms - chunk.start_ms) // ENCODER_FRAME_MS, 0), len(chunk.features) - 1)


def _part(chunk: SpeechChunk, first: int, last: int) -> SpeechChunk:
    whole = len(chunk.features)
    power = float(np.mean(chunk.powers[first:last])) if last > first else 0.0
    return replace(
        chunk,
        start_ms=chunk.start_ms + first * ENCODER_FRAME_MS,
        end_ms=chunk.end_ms if last == whole else chunk.start_ms + last * ENCODER_FRAME_MS,
        loudness_dbfs=max(FLOOR_DBFS, round(10 * float(np.log10(power)), 2)) if power > 0 else FLOOR_DBFS,
        features=chunk.features[first:last],
        powers=chunk.powers[first:last],
    )
