"""Moments that one segment shows by itself: topics, churn, escalation, irony, sounds, interruptions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis.context import Scene, salience
from qareport.model import AudioEvent, Emotion, Interruption, Moment, MomentKind, Role, Segment

LABEL_DOUBT = "疑虑"
LABEL_MENTION = "提及"
LABEL_GIVE_UP = "放弃"
LABEL_ESCALATION = "要求升级"
LABEL_IRONY = "反讽"
LABEL_INTERRUPTION = "抢话"

#: Sounds worth a moment. Speech and the classes that mean "some noise" are not.
EVENT_LABELS = {
    AudioEvent.CRY: "哭声",
    AudioEvent.LAUGHTER: "笑声",
    AudioEvent.APPLAUSE: "掌声",
    AudioEvent.COUGH: "咳嗽",
    AudioEvent.SNEEZE: "喷嚏",
    AudioEvent.BREATH: "呼吸声",
    AudioEvent.BGM: "背景音乐",
    AudioEvent.SING: "歌声",
}
#: How near another complaint must stand for laughter to be read as irony.
IRONY_NEAR_MS = 10_000


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

    When nobody answers it for longer than `check_in_ms`, it is a doubt (疑虑) that carries the silence and lasts
    until its end.
    """
    seen: set[str] = set()
    told: set[int] = set()
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
            label=LABEL_DOUBT if doubt else LABEL_MENTION,
            quote=segment.text,
            tags=("SILENCE",) if doubt else (),
            topic=mention.word,
            issue=mention.issue,
            fuzzy=mention.fuzzy,
            # One sentence can name several topics; a page tells of it once.
            salience=0.0 if mention.index in told else weight,
        )
        told.add(mention.index)


def churn_indexes(scene: Scene) -> list[int]:
    """Find the customer's segments in which the order is given up."""
    return [index for index, _ in scene.of_customer() if scene.topics.churn.match(scene.words[index]) is not None]


def churn_moments(scene: Scene, indexes: Sequence[int], told: frozenset[int]) -> Iterator[Moment]:
    """Make a moment of each signal of churn; `told` are those that a repeated question already tells of."""
    for index in indexes:
        weight = 0.0 if index in told else salience(MomentKind.CHURN_SIGNAL)
        yield _moment(scene.spoken[index], MomentKind.CHURN_SIGNAL, LABEL_GIVE_UP, weight)


def escalation_moments(scene: Scene) -> Iterator[Moment]:
    """Find where the customer takes it further: complaint, authorities, public, superiors."""
    for index, _ in scene.of_customer():
        match = scene.topics.escalation.match(scene.words[index])
        if match is not None:
            weight = salience(MomentKind.ESCALATION)
            found = _moment(scene.spoken[index], MomentKind.ESCALATION, LABEL_ESCALATION, weight)
            yield dataclasses.replace(found, fuzzy=match.fuzzy)


def irony_indexes(scene: Scene) -> list[int]:
    """Find the customer's laughter, heard or written (呵呵), that stands amid complaint.

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
    here = scene.spoken[index]
    for near in (own[place - 1] if place else None, own[place + 1] if place + 1 < len(own) else None):
        if near is None:
            continue
        there = scene.spoken[near]
        gap_ms = max(there.start_ms - here.end_ms, here.start_ms - there.end_ms)
        if gap_ms <= IRONY_NEAR_MS and scene.is_negative(near):
            return True
    return False


def irony_moments(scene: Scene, indexes: Sequence[int]) -> Iterator[Moment]:
    """Make a moment of each irony."""
    for index in indexes:
        weight = salience(MomentKind.IRONY)
        yield _moment(scene.spoken[index], MomentKind.IRONY, LABEL_IRONY, weight, tags=("LAUGHTER",))


def event_moments(segments: Sequence[Segment], ironic: frozenset[tuple[Role, int]]) -> Iterator[Moment]:
    """Find where a sound begins: each kind of sound once per unbroken run of one role's segments.

    Args:
        segments: all segments, also those without words.
        ironic: role and start of the segments whose laughter is told as irony.
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
    for one in interruptions:
        yield Moment(
            at_ms=one.start_ms,
            end_ms=one.end_ms,
            kind=MomentKind.INTERRUPTION,
            role=one.by,
            label=LABEL_INTERRUPTION,
            quote=quotes.get((one.by, one.start_ms), ""),
            salience=salience(MomentKind.INTERRUPTION, grave=one.by is Role.AGENT),
        )


def _moment(segment: Segment, kind: MomentKind, label: str, weight: float, *, tags: tuple[str, ...] = ()) -> Moment:
    return Moment(
        at_ms=segment.start_ms,
        end_ms=segment.end_ms,
        kind=kind,
        role=segment.role,
        label=label,
        quote=segment.text,
        tags=tags,
        salience=weight,
    )
