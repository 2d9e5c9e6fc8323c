"""Find all key moments of a call in order of time: those on acts, topics, silences, emotions, sounds, interruptions.

A moment that another one covers already has a salience of 0.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

from qareport.analysis.act_moments import act_moments
from qareport.analysis.context import Scene, emotion_salience, salience
from qareport.analysis.emotion import WEIGHTS, score_of
from qareport.analysis.issues import Mention, topic_moments
from qareport.analysis.silences import find_telling_silences, silence_moments
from qareport.model import (
    Act,
    AudioEvent,
    Emotion,
    Interruption,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Segment,
    TrajectoryState,
)

#: Sounds worth a moment. Speech and the classes that mean "some noise" are not.
EVENT_LABELS = {
    AudioEvent.CRY: MomentLabel.CRY,
    AudioEvent.LAUGHTER: MomentLabel.LAUGHTER,
    AudioEvent.APPLAUSE: MomentLabel.APPLAUSE,
    AudioEvent.COUGH: MomentLabel.COUGH,
    AudioEvent.SNEEZE: MomentLabel.SNEEZE,
    AudioEvent.BREATH: MomentLabel.BREATH,
    AudioEvent.BGM: MomentLabel.BGM,
    AudioEvent.SING: MomentLabel.SING,
}


def find_moments(
    scene: Scene,
    *,
    segments: Sequence[Segment],
    mentions: Sequence[Mention],
    interruptions: Sequence[Interruption],
    trajectory: Sequence[TrajectoryState],
) -> tuple[Moment, ...]:
    """Find the moments of every kind.

    Args:
        scene: the call.
        segments: all segments, also those without words.
        mentions: the topics that the customer names.
        interruptions: as found.
        trajectory: as found.
    """
    telling = find_telling_silences(scene)
    waits = {item.last: item.silence for item in telling if not item.is_customers}
    found = [*topic_moments(scene, mentions, waits), *act_moments(scene, telling)]
    carried = {moment.end_ms for moment in found if moment.tags}
    covered = frozenset(item.silence.start_ms for item in telling if item.silence.end_ms in carried)
    sarcastic = frozenset(scene.spoken[index].start_ms for index in scene.places.get(Act.SARCASM, ()))
    found += [
        *silence_moments(scene, telling, covered),
        *event_moments(segments, sarcastic),
        *interruption_moments(scene, interruptions),
        *emotion_moments(scene, trajectory),
    ]
    return tuple(sorted(found, key=lambda moment: (moment.at_ms, -moment.salience)))


def event_moments(segments: Sequence[Segment], sarcastic: frozenset[int]) -> Iterator[Moment]:
    """Find where a sound begins: each kind of sound once per unbroken run of one role's segments.

    Args:
        segments: all segments, also those without words.
        sarcastic: starts of the customer's segments whose laughter is no laughter.
    """
    sounding: dict[Role, frozenset[AudioEvent]] = {}
    for segment in segments:
        before = sounding.get(segment.role, frozenset())
        sounding[segment.role] = frozenset(segment.events)
        for event in dict.fromkeys(segment.events):
            if event in before or event not in EVENT_LABELS:
                continue
            if event is AudioEvent.LAUGHTER and segment.role is Role.CUSTOMER and segment.start_ms in sarcastic:
                continue
            yield Moment(
                at_ms=segment.start_ms,
                end_ms=segment.end_ms,
                kind=MomentKind.EVENT,
                role=segment.role,
                label_code=EVENT_LABELS[event],
                quote=segment.text,
                tags=(event.value.upper(),),
                salience=salience(MomentKind.EVENT, grave=event is AudioEvent.CRY),
            )


def interruption_moments(scene: Scene, interruptions: Sequence[Interruption]) -> Iterator[Moment]:
    """Make a moment of each interruption; the quote is what the interrupting role says."""
    quotes = {(segment.role, segment.start_ms): segment.text for segment in scene.spoken}
    for interruption in interruptions:
        yield Moment(
            at_ms=interruption.start_ms,
            end_ms=interruption.end_ms,
            kind=MomentKind.INTERRUPTION,
            role=interruption.by,
            label_code=MomentLabel.INTERRUPTION,
            quote=quotes.get((interruption.by, interruption.start_ms), ""),
            salience=salience(MomentKind.INTERRUPTION, grave=interruption.by is Role.AGENT),
        )


#: Emotions whose onset is a moment, by the label of it.
ONSETS: dict[str, MomentLabel] = {
    Emotion.ANGRY: MomentLabel.ANGRY,
    Emotion.DISGUSTED: MomentLabel.DISGUSTED,
    Emotion.SAD: MomentLabel.SAD,
    Emotion.FEARFUL: MomentLabel.FEARFUL,
    Emotion.SURPRISED: MomentLabel.SURPRISED,
    Emotion.HAPPY: MomentLabel.HAPPY,
}


def emotion_moments(scene: Scene, trajectory: Sequence[TrajectoryState]) -> Iterator[Moment]:
    """Find where the customer's emotion turns to something else than NEUTRAL.

    An onset needs a score of `emotion_score` (a tag without scores counts). It lasts as long as its state in the
    trajectory; the same emotion after a silence, or after segments that were not judged, is no new onset. Anger amid
    words of distrust is TRUST_BROKEN.
    """
    runs = [state for state in trajectory if state.role is scene.customer_role]
    starts = [run.start_ms for run in runs]
    current: str | None = None
    for index, segment in scene.of_customer():
        state = scene.states[index]
        if state == current or state not in WEIGHTS:
            continue
        if state in ONSETS and score_of(segment) < scene.settings.emotion_score:
            continue
        current = state
        if state not in ONSETS:
            continue
        run = runs[bisect.bisect_right(starts, segment.start_ms) - 1]
        end_ms = max(run.end_ms, segment.end_ms) if run.state == state else segment.end_ms
        distrust = state == Emotion.ANGRY and scene.topics.distrust.match(scene.words[index]) is not None
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=end_ms,
            kind=MomentKind.EMOTION,
            role=segment.role,
            label_code=MomentLabel.TRUST_BROKEN if distrust else ONSETS[state],
            quote=segment.text,
            tags=(state,),
            salience=emotion_salience(state, end_ms - segment.start_ms),
        )
