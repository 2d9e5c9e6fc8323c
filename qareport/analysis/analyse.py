"""The one way in: a transcript becomes an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qareport.analysis.classes import find_issues, find_stages
from qareport.analysis.domain import NOTE, is_outside, within_domain
from qareport.analysis.emotion import state_of, steady_states
from qareport.analysis.holds import find_holds, find_music
from qareport.analysis.metrics import measure_call
from qareport.analysis.moments import find_moments
from qareport.analysis.notes import find_notes
from qareport.analysis.promises import find_promises
from qareport.analysis.scene import Scene
from qareport.analysis.silence import find_silences
from qareport.analysis.topics import Topics
from qareport.analysis.trajectory import find_curve, find_trajectory, roles_present
from qareport.analysis.turns import find_interruptions, find_turns
from qareport.model import Analysis, CurvePoint, MomentKind, Role, Segment, Silence, TrajectoryState, Transcript
from qareport.settings import AnalysisSettings
from qareport.text.wordlist import normalise

#: Moments that rest on no word, no emotion and no sound that a model names.
WORDLESS = frozenset({MomentKind.INTERRUPTION})


def analyse(
    transcript: Transcript,
    settings: AnalysisSettings,
    topics: Topics,
    *,
    levels: Mapping[Role, Sequence[float | None]] | None = None,
) -> Analysis:
    """Find what happened in one call.

    Only segments with words count as speech; sounds of wordless ones still become moments. Time is linear in the number
    of segments, apart from sorting.

    Args:
        transcript: of the contract; start, end, role and text are enough.
        settings: what counts as a silence, an interruption, an onset.
        topics: the word lists.
        levels: level in dBFS of each second of each role's channel, where the recording was measured; without it the
            loudness curve is made of the segments' levels.
    """
    given = transcript.notes
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
    moments = find_moments(scene, segments=segments, interruptions=interruptions, trajectory=trajectory)
    promises = tuple(find_promises(scene, transcript.started_at))
    believed = not is_outside(transcript.notes)
    if not believed:
        # The words of such a transcript mean nothing; who spoke when does.
        moments = tuple(moment for moment in moments if moment.kind in WORDLESS)
        promises = ()
    metrics = measure_call(
        scene,
        duration_ms=duration_ms,
        interruptions=interruptions,
        curve=curve,
        holds=find_holds(scene, music),
        levels=levels or {},
    )
    return Analysis(
        metrics=metrics,
        silences=silences,
        interruptions=interruptions,
        trajectory=tuple(trajectory),
        curve=tuple(curve),
        moments=moments,
        promises=promises,
        issues=find_issues(scene) if believed else (),
        stages=find_stages(scene) if believed else (),
        notes=(
            *(note for note in transcript.notes if note.code == NOTE and note not in given),
            *find_notes(spoken, metrics, duration_known=duration_ms is not None),
        ),
    )


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
