"""Analyse a transcript: find what happened, and say how far the speech model can be believed.

A model outside its domain loses its emotions and words first (`within_domain`); the notes name what could not be
judged.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from qareport.analysis.context import Scene, find_acts, find_interruptions
from qareport.analysis.emotion import find_curve, find_trajectory, roles_present, state_of, steady_states
from qareport.analysis.issues import find_issues, find_mentions, find_stages
from qareport.analysis.metrics import find_holds, find_music, find_silences, measure_call
from qareport.analysis.moments import find_moments
from qareport.analysis.promises import find_promises
from qareport.analysis.topics import Topics
from qareport.model import (
    GUESSED_SOURCES,
    MOSTLY,
    Analysis,
    AudioEvent,
    CallMetrics,
    CurvePoint,
    Language,
    MomentKind,
    Note,
    NoteCode,
    Role,
    Segment,
    Silence,
    TrajectoryState,
    Transcript,
    find_turns,
)
from qareport.settings import AnalysisSettings
from qareport.text.wordlist import normalise

#: Chinese and Latin that take turns this often within one utterance are no speech: "when 你保，话 妈 打is 我".
SWITCHES = 2
#: A larger share of the talk time in such utterances, or of changes of language from one utterance of a speaker to
#: the next, says that the model does not know the voices. Four bundled calls, one of them in two languages, had at
#: most 0.00 and 0.31; two recordings of English callers 0.82 and 0.60, 0.83 and too few to count.
MIXED, FLIPPED = 0.2, 0.5
#: Flips are counted over this many utterances or more.
FLIPS_NEED = 6
#: Events that are still believed: speech, and music, which distinguishes a hold from a silence.
_KEPT = frozenset({AudioEvent.SPEECH, AudioEvent.BGM})
_SCRIPT = re.compile(r"(?P<han>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)|(?P<latin>[A-Za-z]{2,})")


def within_domain(transcript: Transcript, limited_models: Collection[str]) -> Transcript:
    """Remove emotions where a limited model heard voices outside its domain.

    A model of `limited_models` (the bundled one) that is outside its domain can be recognised: languages mix
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


def find_notes(spoken: Sequence[Segment], metrics: CallMetrics, *, duration_known: bool) -> Iterator[Note]:
    """Name what could not be judged, or only guessed, of those codes of `NoteCode` that an analysis can give.

    Shares of roles are of segments, those of emotion of talk time, as fractions with two decimals.
    """
    if not duration_known:
        yield Note(code=NoteCode.DURATION_UNKNOWN)
    if not spoken:
        yield Note(code=NoteCode.NO_SPEECH)
        return
    count = len(spoken)
    unknown = sum(1 for segment in spoken if segment.role is Role.UNKNOWN)
    if unknown:
        yield Note(code=NoteCode.ROLES_UNKNOWN, values={"share": _share(unknown, count)})
    for source in GUESSED_SOURCES:
        guessed = sum(1 for segment in spoken if segment.role is not Role.UNKNOWN and segment.role_source is source)
        if guessed:
            yield Note(code=NoteCode.ROLES_GUESSED, values={"source": source.value, "share": _share(guessed, count)})
    total_ms = sum(segment.duration_ms for segment in spoken)
    blank_ms = sum(segment.duration_ms for segment in spoken if segment.emotion is None)
    if any(segment.emotion is None for segment in spoken):
        yield Note(code=NoteCode.EMOTION_NOT_JUDGED, values={"share": _share(blank_ms, total_ms)})
    if all(segment.loudness_dbfs is None for segment in spoken):
        yield Note(code=NoteCode.LOUDNESS_UNKNOWN)
    if not any(segment.events for segment in spoken):
        yield Note(code=NoteCode.SOUNDS_NOT_JUDGED)
    if metrics.unknown_emotion_share is not None and metrics.unknown_emotion_share > MOSTLY:
        yield Note(code=NoteCode.EMOTION_MOSTLY_UNKNOWN, values={"share": f"{metrics.unknown_emotion_share:.2f}"})


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "1.00"


#: Moments that rest on no word, no emotion and no sound that a model names.
WORDLESS = frozenset({MomentKind.INTERRUPTION})


def analyse(transcript: Transcript, settings: AnalysisSettings, topics: Topics) -> Analysis:
    """Find what happened in one call.

    Only segments with words count as speech; sounds of wordless ones still become moments. Time is linear in the number
    of segments, apart from sorting.

    Args:
        transcript: of the contract; start, end, role and text are enough.
        settings: what counts as a silence, an interruption, an onset.
        topics: the word lists.
    """
    given_notes = transcript.notes
    transcript = within_domain(transcript, settings.limited_models)
    segments = sorted(transcript.segments, key=lambda segment: (segment.start_ms, segment.channel or 0))
    spoken = [segment for segment in segments if segment.text.strip()]
    duration_ms = transcript.audio.duration_ms if transcript.audio else None
    music = find_music(segments)
    silences = find_silences(spoken, silence_ms=settings.silence_ms, duration_ms=duration_ms, music=music)
    turns, turn_of = find_turns(spoken)
    interruptions = find_interruptions(spoken, interruption_ms=settings.interruption_ms)
    roles = roles_present(spoken)
    states, trajectory, curve = _follow_emotion(spoken, roles, silences, settings.emotion_score)
    acts, places = find_acts(spoken)
    scene = Scene(
        settings=settings,
        topics=topics,
        spoken=spoken,
        words=[normalise(segment.text) for segment in spoken],
        states=states,
        roles=roles,
        turns=turns,
        turn_of=turn_of,
        silences=silences,
        acts=acts,
        places=places,
    )
    mentions = find_mentions(scene)
    metrics = measure_call(
        scene, duration_ms=duration_ms, interruptions=interruptions, curve=curve, holds=find_holds(scene, music)
    )
    analysis = Analysis(
        metrics=metrics,
        silences=silences,
        interruptions=interruptions,
        trajectory=tuple(trajectory),
        curve=tuple(curve),
        moments=find_moments(
            scene, segments=segments, mentions=mentions, interruptions=interruptions, trajectory=trajectory
        ),
        promises=tuple(find_promises(scene, transcript.started_at)),
        issues=find_issues(scene, mentions, transcript.topics),
        stages=find_stages(scene),
        notes=(
            *transcript.notes[len(given_notes) :],
            *(
                note
                for note in find_notes(spoken, metrics, duration_known=duration_ms is not None)
                if note not in transcript.notes
            ),
        ),
    )
    return _without_words(analysis) if is_outside(transcript.notes) else analysis


def _without_words(analysis: Analysis) -> Analysis:
    """Keep what rests on no word: the words of a model outside its domain mean nothing, but who spoke when does."""
    moments = tuple(moment for moment in analysis.moments if moment.kind in WORDLESS)
    return replace(analysis, moments=moments, promises=(), issues=(), stages=())


def _follow_emotion(
    spoken: Sequence[Segment], roles: Mapping[Role, Sequence[int]], silences: Sequence[Silence], emotion_score: float
) -> tuple[list[str], list[TrajectoryState], list[CurvePoint]]:
    """Find each segment's steady state, and the trajectory and curve of each role, one role after the other."""
    states = [state_of(segment) for segment in spoken]
    trajectory: list[TrajectoryState] = []
    curve: list[CurvePoint] = []
    for role, indexes in roles.items():
        own = [spoken[index] for index in indexes]
        steady = steady_states(own, emotion_score=emotion_score)
        for index, state in zip(indexes, steady, strict=True):
            states[index] = state
        trajectory += find_trajectory(role, own, steady, silences)
        curve += find_curve(role, own)
    return states, trajectory, curve
