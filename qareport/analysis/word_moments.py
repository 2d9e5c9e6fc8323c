"""Moments that a single segment shows: issues and stages, topics, churn, escalation, irony, sounds, interruptions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis.context import Scene, salience
from qareport.analysis.topics import Topic
from qareport.model import (
    STATE_SILENCE,
    AudioEvent,
    Classification,
    Emotion,
    Evidence,
    Interruption,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Segment,
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
#: So many quotations show enough of an issue or a stage.
QUOTES = 3
#: How near another complaint must be for laughter to be read as irony.
IRONY_NEAR_MS = 10_000


def find_issues(scene: Scene) -> tuple[Classification, ...]:
    """Find the issue types that the customer names; the one named in most segments first, then the earlier one.

    Nothing named leaves the tuple empty: unknown, not "other".
    """
    indexes = [index for index, _ in scene.of_customer()]
    counted = [(count, issue) for topic in scene.topics.topics for count, issue in _classify(scene, topic, indexes)]
    counted.sort(key=lambda pair: (-pair[0], pair[1].evidence[0].at_ms))
    return tuple(issue for _, issue in counted)


def find_stages(scene: Scene) -> tuple[Classification, ...]:
    """Find the stages that either side names, in the order of their first evidence; empty when none is named."""
    indexes = range(len(scene.spoken))
    stages = [stage for topic in scene.topics.stages for _, stage in _classify(scene, topic, indexes)]
    return tuple(sorted(stages, key=lambda stage: stage.evidence[0].at_ms))


def _classify(scene: Scene, topic: Topic, indexes: Sequence[int]) -> Iterator[tuple[int, Classification]]:
    matches = [(index, match) for index in indexes if (match := topic.words.match(scene.words[index])) is not None]
    if not matches:
        return
    evidence = tuple(
        Evidence(at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text)
        for segment in (scene.spoken[index] for index, _ in matches[:QUOTES])
    )
    yield (
        len(matches),
        Classification(name=topic.name, evidence=evidence, fuzzy=all(match.fuzzy for _, match in matches)),
    )


@dataclass(frozen=True, slots=True)
class Mention:
    """A segment of the customer names a topic."""

    index: int
    issue: str
    word: str
    #: Known by its sound only.
    fuzzy: bool = False


def find_mentions(scene: Scene) -> list[Mention]:
    """Find every topic that each of the customer's segments names, in order of time."""
    return [
        Mention(index, topic.name, match.word, match.fuzzy)
        for index, _ in scene.of_customer()
        for topic in scene.topics.topics
        if (match := topic.words.match(scene.words[index])) is not None
    ]


def topic_moments(scene: Scene, mentions: Sequence[Mention]) -> Iterator[Moment]:
    """Find the customer's first mention of each topic.

    When it is not answered for longer than `check_in_ms`, it is a DOUBT that carries the silence and lasts
    until its end.
    """
    seen: set[str] = set()
    covered: set[int] = set()
    for mention in mentions:
        if mention.issue in seen:
            continue
        seen.add(mention.issue)
        segment = scene.spoken[mention.index]
        silence = scene.silence_after(mention.index)
        doubt = silence is not None and silence.duration_ms > scene.settings.check_in_ms
        weight = salience(MomentKind.TOPIC_MENTION, grave=doubt)
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=silence.end_ms if silence is not None and doubt else segment.end_ms,
            kind=MomentKind.TOPIC_MENTION,
            role=segment.role,
            label_code=MomentLabel.DOUBT if doubt else MomentLabel.MENTION,
            quote=segment.text,
            tags=(STATE_SILENCE,) if doubt else (),
            topic=mention.word,
            issue=mention.issue,
            fuzzy=mention.fuzzy,
            # One sentence can name several topics; a page shows it once.
            salience=0.0 if mention.index in covered else weight,
        )
        covered.add(mention.index)


def churn_indexes(scene: Scene) -> list[int]:
    """Find the customer's segments in which the order is given up."""
    return [index for index, _ in scene.of_customer() if scene.topics.churn.match(scene.words[index]) is not None]


def churn_moments(scene: Scene, indexes: Sequence[int], covered: frozenset[int]) -> Iterator[Moment]:
    """Make a moment of each signal of churn; `covered` are those that a repeated question covers already."""
    for index in indexes:
        weight = 0.0 if index in covered else salience(MomentKind.CHURN_SIGNAL)
        yield _moment(scene.spoken[index], MomentKind.CHURN_SIGNAL, MomentLabel.GIVE_UP, weight)


def escalation_moments(scene: Scene) -> Iterator[Moment]:
    """Find where the customer takes it further: complaint, authorities, public, superiors."""
    for index, _ in scene.of_customer():
        match = scene.topics.escalation.match(scene.words[index])
        if match is not None:
            weight = salience(MomentKind.ESCALATION)
            moment = _moment(scene.spoken[index], MomentKind.ESCALATION, MomentLabel.ESCALATION, weight)
            yield dataclasses.replace(moment, fuzzy=match.fuzzy)


def irony_indexes(scene: Scene) -> list[int]:
    """Find the customer's laughter, heard or written (呵呵), amid complaint.

    Amid complaint: the segment itself complains by words or emotion, or, unless it sounds happy, the customer's segment
    before or after it does within `IRONY_NEAR_MS`.
    """
    own = [index for index, _ in scene.of_customer()]
    return [index for place, index in enumerate(own) if _laughs(scene, index) and _amid_complaint(scene, own, place)]


def _laughs(scene: Scene, index: int) -> bool:
    return (
        AudioEvent.LAUGHTER in scene.spoken[index].events or scene.topics.laughter.find(scene.words[index]) is not None
    )


def _amid_complaint(scene: Scene, own: Sequence[int], place: int) -> bool:
    index = own[place]
    if scene.is_negative(index):
        return True
    if scene.states[index] == Emotion.HAPPY:
        return False
    segment = scene.spoken[index]
    for near in (*own[max(place - 1, 0) : place], *own[place + 1 : place + 2]):
        neighbour = scene.spoken[near]
        gap_ms = max(neighbour.start_ms - segment.end_ms, segment.start_ms - neighbour.end_ms)
        if gap_ms <= IRONY_NEAR_MS and scene.is_negative(near):
            return True
    return False


def irony_moments(scene: Scene, indexes: Sequence[int]) -> Iterator[Moment]:
    """Make a moment of each irony."""
    for index in indexes:
        weight = salience(MomentKind.IRONY)
        yield _moment(
            scene.spoken[index], MomentKind.IRONY, MomentLabel.IRONY, weight, tags=(AudioEvent.LAUGHTER.upper(),)
        )


def event_moments(segments: Sequence[Segment], ironic: frozenset[tuple[Role, int]]) -> Iterator[Moment]:
    """Find where a sound begins: each kind of sound once per unbroken run of one role's segments.

    Args:
        segments: all segments, also those without words.
        ironic: role and start of the segments whose laughter is irony.
    """
    sounding: dict[Role, frozenset[AudioEvent]] = {}
    for segment in segments:
        before = sounding.get(segment.role, frozenset())
        sounding[segment.role] = frozenset(segment.events)
        for event in dict.fromkeys(segment.events):
            if event in before or event not in EVENT_LABELS:
                continue
            if event is AudioEvent.LAUGHTER and (segment.role, segment.start_ms) in ironic:
                continue
            weight = salience(MomentKind.EVENT, grave=event is AudioEvent.CRY)
            tags = (event.value.upper(),)
            yield _moment(segment, MomentKind.EVENT, EVENT_LABELS[event], weight, tags=tags)


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


def _moment(
    segment: Segment, kind: MomentKind, label: MomentLabel, weight: float, *, tags: tuple[str, ...] = ()
) -> Moment:
    return Moment(
        at_ms=segment.start_ms,
        end_ms=segment.end_ms,
        kind=kind,
        role=segment.role,
        label_code=label,
        quote=segment.text,
        tags=tags,
        salience=weight,
    )
