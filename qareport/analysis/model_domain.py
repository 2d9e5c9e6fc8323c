"""Whether a model was listening to what it was made for; what it says of other voices is not believed."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from qareport.model import (
    AudioEvent,
    Language,
    Note,
    NoteCode,
    Role,
    Segment,
    Transcript,
)

#: Chinese and Latin that take turns this often within one utterance are no speech: "when 你保，话 妈 打is 我".
SWITCHES = 2
#: A larger share of the talk time in such utterances, or of changes of language from one utterance of a speaker to
#: the next, says that the model does not know the voices. Four bundled calls, one of them in two languages, had at
#: most 0.00 and 0.31; two recordings of English callers 0.82 and 0.60, 0.83 and too few to count.
MIXED, FLIPPED = 0.2, 0.5
#: Flips are counted over this many utterances or more.
FLIPS_NEED = 6
#: What is still believed: that there is speech, or music, by which a hold is told from a silence.
_KEPT = frozenset({AudioEvent.SPEECH, AudioEvent.BGM})
_SCRIPT = re.compile(r"(?P<han>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)|(?P<latin>[A-Za-z]{2,})")


def within_domain(transcript: Transcript, limited_models: Collection[str]) -> Transcript:
    """Take emotions back where a limited model listened to voices that it was not made for.

    A model of `limited_models` (the bundled one) that is outside its domain gives itself away: languages mixed
    letter by letter. Then emotion, scores and sounds such as laughter are removed from every segment, so that nothing
    after this can claim them, and the note `outside_model_domain` {model, share} says why. Anything else is returned as
    it is. Text and times stay: pauses and turns are still right.
    """
    if transcript.model is None or transcript.model.name not in limited_models:
        return transcript
    if is_outside(transcript.notes):
        return transcript
    spoken = [segment for segment in transcript.segments if segment.text.strip()]
    mixed, flipped = mixed_share(spoken), flipped_share(spoken)
    if mixed <= MIXED and flipped <= FLIPPED:
        return transcript
    note = Note(
        code=NoteCode.OUTSIDE_MODEL_DOMAIN,
        values={"model": transcript.model.name, "share": f"{max(mixed, flipped):.2f}"},
    )
    return dataclasses.replace(
        transcript,
        segments=tuple(_without_emotion(segment) for segment in transcript.segments),
        notes=(*transcript.notes, note),
    )


def is_outside(notes: Iterable[Note]) -> bool:
    """Tell from the notes whether a model was found outside its domain."""
    return any(note.code == NoteCode.OUTSIDE_MODEL_DOMAIN for note in notes)


def mixed_share(spoken: Sequence[Segment]) -> float:
    """Return the share of the talk time in utterances whose script changes `SWITCHES` times or more."""
    total_ms = sum(segment.duration_ms for segment in spoken)
    mixed_ms = sum(segment.duration_ms for segment in spoken if _switches(segment.text) >= SWITCHES)
    return mixed_ms / total_ms if total_ms else 0.0


def flipped_share(spoken: Sequence[Segment]) -> float:
    """Return how often a speaker's language changes from one utterance to the next; 0 for few utterances."""
    languages: dict[Role, list[Language]] = defaultdict(list)
    for segment in spoken:
        if segment.language is not None:
            languages[segment.role].append(segment.language)
    changes = [pair for spoken_languages in languages.values() for pair in itertools.pairwise(spoken_languages)]
    return sum(first is not second for first, second in changes) / len(changes) if len(changes) >= FLIPS_NEED else 0.0


def _switches(text: str) -> int:
    scripts = [match.lastgroup for match in _SCRIPT.finditer(text)]
    return sum(first != second for first, second in itertools.pairwise(scripts))


def _without_emotion(segment: Segment) -> Segment:
    events = tuple(event for event in segment.events if event in _KEPT)
    return dataclasses.replace(segment, emotion=None, emotion_scores=None, events=events)
