"""One utterance, several sentences: where each begins and ends, and whose emotion is whose.

SenseVoice gives one emotion an utterance. Where its punctuation says that an utterance holds several sentences, each
sentence goes through the model once more, alone: its words and their times stay those of the whole utterance, which
were heard in context; emotion, events and their scores are those of the sentence.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qareport.asr.interfaces import FRAME_MS, Heard, Piece
from qareport.asr.tags import plain_text, tag
from qareport.audio.decode import FLOOR_DBFS
from qareport.model import Token

#: A shorter sentence is no basis for an emotion: it stays with its neighbour.
SHORTEST_MS = 600
_ENDS = frozenset("。！？!?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sentence:
    """A sentence within an utterance: its tokens, and the stretch of sound around them."""

    piece: Piece
    tokens: tuple[Token, ...]


def split(piece: Piece, heard: Heard) -> list[Sentence]:
    """Split an utterance into sentences; a single one, or none, gives no sentences.

    Sentences are cut at the quietest 60 ms between the last word of one and the first of the next, and together cover
    the utterance. One shorter than `SHORTEST_MS` stays with the next, the last one with the one before it.
    """
    groups = _groups(heard.tokens)
    if len(groups) < 2:
        return []
    cuts = [_cut(piece, before, after) for before, after in itertools.pairwise(groups)]
    frames = len(piece.features)
    bounds = [0, *cuts, frames]
    tokens: list[tuple[Token, ...]] = []
    edges = [0]
    held: tuple[Token, ...] = ()
    for group, end in zip(groups, bounds[1:], strict=True):
        held += group
        if (end - edges[-1]) * FRAME_MS >= SHORTEST_MS:
            tokens.append(held)
            edges.append(end)
            held = ()
    if held and tokens:
        tokens[-1] += held
        edges[-1] = frames
    if len(tokens) < 2:
        return []
    parts = [_part(piece, first, last) for first, last in itertools.pairwise(edges)]
    return [Sentence(piece=part, tokens=tuple(_inside(part, group))) for part, group in zip(parts, tokens, strict=True)]


def judged(sentence: Sentence, whole: Heard, alone: Heard) -> Heard:
    """Join what was heard of a sentence in context with what was heard of it alone.

    Returns:
        Words, times and language of the utterance; emotion, events and scores of the sentence. `raw` is written anew
        from both, in the model's own order of tags.
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
    """Group tokens by sentence; marks that follow each other end one sentence."""
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


def _cut(piece: Piece, before: Sequence[Token], after: Sequence[Token]) -> int:
    """Return the frame at which the next sentence begins: the quietest between the words on both sides."""
    last = next((token for token in reversed(before) if not _is_mark(token)), before[-1])
    first = _frame(piece, last.end_ms)
    until = max(first, _frame(piece, after[0].start_ms))
    if until <= first:
        return first
    return first + int(np.argmin(piece.powers[first : until + 1]))


def _inside(piece: Piece, tokens: Sequence[Token]) -> Iterator[Token]:
    """Keep a sentence's tokens, marks above all, within its time; the first one sheds its space."""
    for index, token in enumerate(tokens):
        text = token.text if index else token.text.lstrip()
        start, end = (min(max(at, piece.start_ms), piece.end_ms) for at in (token.start_ms, token.end_ms))
        if text:
            yield Token(text, start, end)


def _frame(piece: Piece, at_ms: int) -> int:
    return min(max((at_ms - piece.start_ms) // FRAME_MS, 0), len(piece.features) - 1)


def _part(piece: Piece, first: int, last: int) -> Piece:
    whole = len(piece.features)
    power = float(np.mean(piece.powers[first:last])) if last > first else 0.0
    return replace(
        piece,
        start_ms=piece.start_ms + first * FRAME_MS,
        end_ms=piece.end_ms if last == whole else piece.start_ms + last * FRAME_MS,
        loudness_dbfs=max(FLOOR_DBFS, round(10 * float(np.log10(power)), 2)) if power > 0 else FLOOR_DBFS,
        features=piece.features[first:last],
        powers=piece.powers[first:last],
    )
