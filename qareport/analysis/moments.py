"""All key moments of a call, in order of time; what one moment tells, another does not tell again (salience 0)."""

from __future__ import annotations

from collections.abc import Sequence

from qareport.analysis import cues, feelings, questions
from qareport.analysis.scene import Scene
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
    mentions = cues.find_mentions(scene)
    churn = cues.churn_indexes(scene)
    ironic = cues.irony_indexes(scene)
    repeats = questions.find_repeats(scene, mentions, churn)
    topics = list(cues.topic_moments(scene, mentions))
    asked_again = list(questions.repeat_moments(scene, repeats))
    carried = {moment.end_ms for moment in (*topics, *asked_again) if moment.tags}
    silences_told = frozenset(silence.start_ms for silence in scene.silences if silence.end_ms in carried)
    ironic_places = frozenset((scene.spoken[index].role, scene.spoken[index].start_ms) for index in ironic)
    found = [
        *topics,
        *asked_again,
        *questions.no_answer_moments(scene, repeats),
        *questions.silence_moments(scene, mentions, silences_told),
        *cues.churn_moments(scene, churn, frozenset(one.churn for one in repeats if one.churn is not None)),
        *cues.escalation_moments(scene),
        *cues.irony_moments(scene, ironic),
        *cues.event_moments(segments, ironic_places),
        *cues.interruption_moments(scene, interruptions),
        *feelings.emotion_moments(scene, trajectory),
    ]
    found += feelings.recovery_moments(scene, found)
    return tuple(sorted(found, key=lambda moment: (moment.at_ms, -moment.salience)))
