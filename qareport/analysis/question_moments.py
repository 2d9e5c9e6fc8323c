"""Moments between a question and its answer: silence, a question asked again, an answer that is none."""

from __future__ import annotations

import bisect
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis.context import Scene, salience
from qareport.analysis.word_moments import Mention
from qareport.model import (
    STATE_SILENCE,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Silence,
)
from qareport.text.pinyin import sound
from qareport.text.wordlist import bigrams, containment, dice

#: Two sentences ask the same when this much of the shorter is in the longer …
SAME_BY_CONTAINMENT = 0.8
#: … or when they name the same issue and are this similar.
SAME_BY_DICE = 0.5
#: Shorter sentences (in pairs of letters) are too short to compare.
MIN_BIGRAMS = 3
#: A question is compared with this many before it, which keeps long calls linear.
COMPARED = 12
#: Giving up within this time after the silence belongs to the question that was asked again.
GIVE_UP_WITHIN_MS = 30_000

_DIGIT = re.compile(r"[0-9]")
_NOT_A_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A question (`first`) that the customer asks again (`again`); both are indexes of segments."""

    first: int
    again: int
    #: The silence that follows, if one does.
    silence: Silence | None
    given_up: bool
    #: The words with which it is given up, if there are any.
    churn: int | None


def silence_moments(scene: Scene, mentions: Sequence[Mention], covered: frozenset[int]) -> Iterator[Moment]:
    """Find silences longer than `check_in_ms` after a question or a topic of the customer.

    The moment is the agent's, whose turn it was; its quote is what was left unanswered.

    Args:
        scene: the call.
        mentions: the topics that the customer names.
        covered: starts of the silences that another moment covers already.
    """
    topical = {mention.index for mention in mentions}
    unanswered: dict[int, tuple[Silence, int]] = {}
    for index, _ in scene.of_customer():
        if index in topical or scene.is_question(index):
            silence = scene.silence_after(index)
            if silence is not None and silence.duration_ms > scene.settings.check_in_ms:
                unanswered[silence.start_ms] = (silence, index)
    for silence, index in unanswered.values():
        yield Moment(
            at_ms=silence.start_ms,
            end_ms=silence.end_ms,
            kind=MomentKind.SILENCE,
            role=Role.AGENT if scene.customer_role is Role.CUSTOMER else Role.UNKNOWN,
            label_code=MomentLabel.NOBODY_SPEAKS,
            quote=scene.spoken[index].text,
            tags=(STATE_SILENCE,),
            salience=0.0 if silence.start_ms in covered else salience(MomentKind.SILENCE),
        )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question or topic of the customer, as it is compared with those before it."""

    index: int
    #: Pairs of letters of its sound: the recogniser may have written a homophone the second time.
    letters: frozenset[str]
    issues: frozenset[str]
    #: It asks when, or why still not.
    urges: bool


def find_repeats(scene: Scene, mentions: Sequence[Mention], churn: Sequence[int]) -> list[Repeat]:
    """Find the questions that the customer asks again, in another turn or after a silence of `check_in_ms`.

    The same is asked when the words are alike, or when both ask when or why still not about one issue and the agent has
    answered nothing in between: 怎么还没发货 and 到底什么时候发货 share hardly a word.
    """
    issues: dict[int, set[str]] = defaultdict(set)
    for mention in mentions:
        issues[mention.index].add(mention.issue)
    before: deque[_Asked] = deque(maxlen=COMPARED)
    repeats = []
    for index, _ in scene.of_customer():
        is_question = scene.is_question(index)
        if index not in issues and not is_question:
            continue
        letters = bigrams(_NOT_A_LETTER.sub("", sound(scene.topics.filler.remove_from(scene.words[index]))))
        if len(letters) < MIN_BIGRAMS:
            continue
        # Where nobody is known, an agent who says the question back would seem to ask it again.
        urges = (
            is_question
            and scene.customer_role is Role.CUSTOMER
            and scene.topics.urging.find(scene.words[index]) is not None
        )
        again = _Asked(index, letters, frozenset(issues[index]), urges)
        first = next((asked for asked in reversed(before) if _asks_the_same(scene, asked, again)), None)
        if first is not None:
            repeats.append(_repeat(scene, first.index, index, churn))
        before.append(again)
    return repeats


def _asks_the_same(scene: Scene, first: _Asked, again: _Asked) -> bool:
    if not _is_new_attempt(scene, first.index, again.index):
        return False
    if containment(again.letters, first.letters) >= SAME_BY_CONTAINMENT:
        return True
    if first.issues.isdisjoint(again.issues):
        return False
    if dice(again.letters, first.letters) >= SAME_BY_DICE:
        return True
    return first.urges and again.urges and not _answered_between(scene, first.index, again.index)


def _answered_between(scene: Scene, first: int, again: int) -> bool:
    # A speaker who is not known may be the agent.
    between = range(first + 1, again)
    return any(scene.spoken[index].role is not Role.CUSTOMER and _holds_answer(scene, index) for index in between)


def _is_new_attempt(scene: Scene, earlier: int, index: int) -> bool:
    if scene.turn_of[earlier] != scene.turn_of[index]:
        return True
    return scene.spoken[index].start_ms - scene.spoken[earlier].end_ms > scene.settings.check_in_ms


def _repeat(scene: Scene, first: int, again: int, churn: Sequence[int]) -> Repeat:
    silence = scene.silence_after(again)
    if silence is None:
        return Repeat(first, again, None, False, None)
    place = bisect.bisect_right(churn, again)
    gives_up = churn[place] if place < len(churn) else None
    if gives_up is not None and scene.spoken[gives_up].start_ms - silence.end_ms <= GIVE_UP_WITHIN_MS:
        return Repeat(first, again, silence, True, gives_up)
    return Repeat(first, again, silence, _says_nothing_more(scene, again), None)


def _says_nothing_more(scene: Scene, index: int) -> bool:
    own = scene.roles[scene.customer_role]
    if own[-1] != index or scene.customer_role is Role.UNKNOWN:
        return False
    return not any(_answers(scene, later) for later in range(index + 1, len(scene.spoken)))


def repeat_moments(scene: Scene, repeats: Sequence[Repeat]) -> Iterator[Moment]:
    """Make a moment of each repeated question.

    It is ASK_AGAIN; followed by silence and by giving up (words of churn soon after, or no more word of the customer
    and no answer) it is GIVE_UP. A silence that follows is part of the moment.
    """
    for repeat in repeats:
        segment = scene.spoken[repeat.again]
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=repeat.silence.end_ms if repeat.silence else segment.end_ms,
            kind=MomentKind.REPEAT,
            role=segment.role,
            label_code=MomentLabel.GIVE_UP if repeat.given_up else MomentLabel.ASK_AGAIN,
            quote=segment.text,
            tags=(STATE_SILENCE,) if repeat.silence else (),
            salience=salience(MomentKind.REPEAT, grave=repeat.given_up),
        )


def no_answer_moments(scene: Scene, repeats: Sequence[Repeat]) -> Iterator[Moment]:
    """Find where the agent replied to a question without answering it, and the customer had to ask again.

    An answer holds a digit or one of the `answer` words and none of the `evasive` phrases. One answering segment
    between the question and its repetition is enough.
    """
    covered: set[int] = set()
    for repeat in repeats:
        replies = [index for index in range(repeat.first + 1, repeat.again) if scene.spoken[index].role is Role.AGENT]
        if not replies or any(_answers(scene, index) for index in replies):
            continue
        # The evasive phrase shows it best; without one the first reply does.
        index = next((reply for reply in replies if scene.topics.evasive.find(scene.words[reply])), replies[0])
        if index in covered:
            continue
        covered.add(index)
        segment = scene.spoken[index]
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=segment.end_ms,
            kind=MomentKind.NO_ANSWER,
            role=segment.role,
            label_code=MomentLabel.NO_ANSWER,
            quote=segment.text,
            salience=0.0 if repeat.given_up else salience(MomentKind.NO_ANSWER),
        )


def _answers(scene: Scene, index: int) -> bool:
    return scene.spoken[index].role is Role.AGENT and _holds_answer(scene, index)


def _holds_answer(scene: Scene, index: int) -> bool:
    words = scene.words[index]
    if scene.topics.evasive.find(words):
        return False
    return _DIGIT.search(words) is not None or scene.topics.answer.find(words) is not None
