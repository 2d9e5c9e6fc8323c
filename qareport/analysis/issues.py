"""What a call is about: its topics and its stages, with the segments that show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis.context import Scene, salience
from qareport.analysis.topics import Topic
from qareport.model import (
    STATE_SILENCE,
    Act,
    Classification,
    Evidence,
    Moment,
    MomentKind,
    MomentLabel,
    Silence,
    TopicScore,
)
from qareport.text.wordlist import Match

#: So many quotations show enough of a topic or a stage.
QUOTES = 3
#: What the customer does where the topic of a call shows, the plainest first.
_SHOWN_BY = (Act.COMPLAIN, Act.REQUEST, Act.ASK, Act.REMIND_PROMISE, Act.INFORM)


@dataclass(frozen=True, slots=True)
class Mention:
    """A segment of the customer names a topic."""

    index: int
    issue: str
    word: str
    #: Known by its sound only.
    fuzzy: bool = False
    #: The words alone make the call one of this topic.
    sure: bool = False


def find_mentions(scene: Scene) -> list[Mention]:
    """Find every topic that each of the customer's segments names, in order of time."""
    return [
        Mention(index, topic.name, match.word, match.fuzzy, _is_sure(topic, scene.words[index]))
        for index, _ in scene.of_customer()
        for topic in scene.topics.topics
        if (match := _match(topic, scene.words[index])) is not None
    ]


def _match(topic: Topic, words: str) -> Match | None:
    match = topic.words.match(words)
    return topic.sure.match(words) if match is None and topic.sure is not None else match


def _is_sure(topic: Topic, words: str) -> bool:
    return topic.sure is not None and topic.sure.match(words) is not None


def find_issues(scene: Scene, mentions: Sequence[Mention], claims: Sequence[TopicScore]) -> tuple[Classification, ...]:
    """Find what the customer calls about; nothing known leaves the tuple empty, which is not "other".

    First what a reader claims, the surest first, then what the customer's sure words name (`Topic.sure`), the more
    often named and then the earlier one first. A word in passing makes no topic. A claim is shown by the segments that
    name it, or else by the first in which the customer complains, demands or asks.
    """
    named: dict[str, list[Mention]] = {}
    for mention in mentions:
        named.setdefault(mention.issue, []).append(mention)
    sure = [name for name, own in named.items() if any(mention.sure for mention in own)]
    by_words = sorted(sure, key=lambda name: (-len(named[name]), named[name][0].index))
    issues = []
    for name in dict.fromkeys([*(claim.name for claim in claims), *by_words]):
        own = named.get(name, ())
        indexes = [mention.index for mention in own] or _shown_without_words(scene)
        if indexes:
            fuzzy = bool(own) and all(mention.fuzzy for mention in own)
            issues.append(Classification(name=name, evidence=_evidence(scene, indexes), fuzzy=fuzzy))
    return tuple(issues)


def _shown_without_words(scene: Scene) -> list[int]:
    own = [index for index, _ in scene.of_customer()]
    return next(([index] for act in _SHOWN_BY for index in own if scene.does(index, act)), own[:1])


def find_stages(scene: Scene) -> tuple[Classification, ...]:
    """Find the stages that either side names, in the order of their first evidence; empty when none is named."""
    stages = [stage for topic in scene.topics.stages for stage in _stage(scene, topic)]
    return tuple(sorted(stages, key=lambda stage: stage.evidence[0].at_ms))


def _stage(scene: Scene, topic: Topic) -> Iterator[Classification]:
    found = {index: match for index, words in enumerate(scene.words) if (match := topic.words.match(words)) is not None}
    if found:
        fuzzy = all(match.fuzzy for match in found.values())
        yield Classification(name=topic.name, evidence=_evidence(scene, list(found)), fuzzy=fuzzy)


def _evidence(scene: Scene, indexes: Sequence[int]) -> tuple[Evidence, ...]:
    segments = (scene.spoken[index] for index in indexes[:QUOTES])
    return tuple(
        Evidence(at_ms=segment.start_ms, end_ms=segment.end_ms, role=segment.role, quote=segment.text)
        for segment in segments
    )


def topic_moments(scene: Scene, mentions: Sequence[Mention], waits: dict[int, Silence]) -> Iterator[Moment]:
    """Find the customer's first mention of each topic.

    Followed by a telling silence it is a DOUBT that carries the silence and lasts until its end.

    Args:
        scene: the call.
        mentions: the topics that the customer names.
        waits: the telling silences in which nobody answers, by the segment that they follow.
    """
    seen: set[str] = set()
    covered: set[int] = set()
    for mention in mentions:
        if mention.issue in seen:
            continue
        seen.add(mention.issue)
        segment = scene.spoken[mention.index]
        silence = waits.get(mention.index)
        weight = salience(MomentKind.TOPIC_MENTION, grave=silence is not None)
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=segment.end_ms if silence is None else silence.end_ms,
            kind=MomentKind.TOPIC_MENTION,
            role=segment.role,
            label_code=MomentLabel.MENTION if silence is None else MomentLabel.DOUBT,
            quote=segment.text,
            tags=() if silence is None else (STATE_SILENCE,),
            topic=mention.word,
            issue=mention.issue,
            fuzzy=mention.fuzzy,
            # One sentence can name several topics; a page shows it once.
            salience=0.0 if mention.index in covered else weight,
        )
        covered.add(mention.index)
