"""SenseVoice's tags: `<|zh|><|ANGRY|><|Speech|><|withitn|>我要退货。` to values and back to plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qareport.model import AudioEvent, Emotion, Language

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
