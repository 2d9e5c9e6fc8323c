"""All key moments of a call, in order of time; what one moment tells, another does not tell again (salience 0)."""

from __future__ import annotations

from collections.abc import Sequence

from qareport.analysis import emotion_moments, question_moments, word_moments
from qareport.analysis.context import Scene
from qareport.model import Interruption, Moment, Segment, TrajectoryState


def find_moments(
    scene: Scene,
    *,
    segments: Sequence[Segment],
    interruptions: Sequence[Interruption],
    trajectory: Sequence[TrajectoryState],
) -> tuple[Moment, ...]:
    """Find the moments of every kind.

    Args:
        scene: the call.
        segments: all segments, also those without words.
        interruptions: as found.
        trajectory: as found.
    """
    mentions = word_moments.find_mentions(scene)
    churn = word_moments.churn_indexes(scene)
    ironic = word_moments.irony_indexes(scene)
    repeats = question_moments.find_repeats(scene, mentions, churn)
    topics = list(word_moments.topic_moments(scene, mentions))
    asked_again = list(question_moments.repeat_moments(scene, repeats))
    carried = {moment.end_ms for moment in (*topics, *asked_again) if moment.tags}
    silences_told = frozenset(silence.start_ms for silence in scene.silences if silence.end_ms in carried)
    ironic_places = frozenset((scene.spoken[index].role, scene.spoken[index].start_ms) for index in ironic)
    found = [
        *topics,
        *asked_again,
        *question_moments.no_answer_moments(scene, repeats),
        *question_moments.silence_moments(scene, mentions, silences_told),
        *word_moments.churn_moments(scene, churn, frozenset(one.churn for one in repeats if one.churn is not None)),
        *word_moments.escalation_moments(scene),
        *word_moments.irony_moments(scene, ironic),
        *word_moments.event_moments(segments, ironic_places),
        *word_moments.interruption_moments(scene, interruptions),
        *emotion_moments.emotion_moments(scene, trajectory),
    ]
    found += emotion_moments.recovery_moments(scene, found)
    return tuple(sorted(found, key=lambda moment: (moment.at_ms, -moment.salience)))
