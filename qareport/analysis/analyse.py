"""What a reader must know before trusting an analysis."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from qareport.analysis.context import Scene
from qareport.analysis.emotion import find_curve, find_trajectory, roles_present, state_of, steady_states
from qareport.analysis.metrics import measure_call
from qareport.analysis.model_domain import is_outside, within_domain
from qareport.analysis.moments import find_moments
from qareport.analysis.promises import find_promises
from qareport.analysis.silences import find_holds, find_music, find_silences
from qareport.analysis.topics import Topics
from qareport.analysis.turns import find_interruptions, find_turns
from qareport.analysis.word_moments import find_issues, find_stages
from qareport.model import (
    GUESSED_SOURCES,
    MOSTLY,
    Analysis,
    CallMetrics,
    CurvePoint,
    MomentKind,
    Note,
    NoteCode,
    Role,
    Segment,
    Silence,
    TrajectoryState,
    Transcript,
)
from qareport.settings import AnalysisSettings
from qareport.text.wordlist import normalise


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
    )
    metrics = measure_call(
        scene, duration_ms=duration_ms, interruptions=interruptions, curve=curve, holds=find_holds(scene, music)
    )
    analysis = Analysis(
        metrics=metrics,
        silences=silences,
        interruptions=interruptions,
        trajectory=tuple(trajectory),
        curve=tuple(curve),
        moments=find_moments(scene, segments=segments, interruptions=interruptions, trajectory=trajectory),
        promises=tuple(find_promises(scene, transcript.started_at)),
        issues=find_issues(scene),
        stages=find_stages(scene),
        notes=(
            *transcript.notes[len(given_notes) :],
            *find_notes(spoken, metrics, duration_known=duration_ms is not None),
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
