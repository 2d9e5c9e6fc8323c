"""Find all key moments of a call in order of time: silences, repeated questions, missing answers, emotions, recoveries.

Moments that a single segment shows are in `word_moments`. A moment that another one covers already has a salience of
0.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qareport.analysis import word_moments
from qareport.analysis.context import Scene, emotion_salience, salience
from qareport.analysis.emotion import WEIGHTS, score_of
from qareport.analysis.word_moments import Mention
from qareport.model import (
    NEGATIVE_EMOTIONS,
    STATE_SILENCE,
    TROUBLE_KINDS,
    Emotion,
    Interruption,
    Moment,
    MomentKind,
    MomentLabel,
    Role,
    Segment,
    Silence,
    TrajectoryState,
)
from qareport.text.pinyin import sound
from qareport.text.wordlist import bigrams, containment, dice


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
    repeats = find_repeats(scene, mentions, churn)
    topics = list(word_moments.topic_moments(scene, mentions))
    asked_again = list(repeat_moments(scene, repeats))
    ends = {moment.end_ms for moment in (*topics, *asked_again) if moment.tags}
    covered_silences = frozenset(silence.start_ms for silence in scene.silences if silence.end_ms in ends)
    covered_churn = frozenset(repeat.churn for repeat in repeats if repeat.churn is not None)
    ironic_places = frozenset((scene.spoken[index].role, scene.spoken[index].start_ms) for index in ironic)
    moments = [
        *topics,
        *asked_again,
        *no_answer_moments(scene, repeats),
        *silence_moments(scene, mentions, covered_silences),
        *word_moments.churn_moments(scene, churn, covered_churn),
        *word_moments.escalation_moments(scene),
        *word_moments.irony_moments(scene, ironic),
        *word_moments.event_moments(segments, ironic_places),
        *word_moments.interruption_moments(scene, interruptions),
        *emotion_moments(scene, trajectory),
    ]
    moments += recovery_moments(scene, moments)
    return tuple(sorted(moments, key=lambda moment: (moment.at_ms, -moment.salience)))


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
        # Without known speakers, an agent who says the question back would seem to ask it again.
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


#: Emotions whose onset is a moment, by the label of it.
ONSETS: dict[str, MomentLabel] = {
    Emotion.ANGRY: MomentLabel.ANGRY,
    Emotion.DISGUSTED: MomentLabel.DISGUSTED,
    Emotion.SAD: MomentLabel.SAD,
    Emotion.FEARFUL: MomentLabel.FEARFUL,
    Emotion.SURPRISED: MomentLabel.SURPRISED,
    Emotion.HAPPY: MomentLabel.HAPPY,
}
#: Calm must last for this many segments, or this long, to be more than a breath.
CALM_SEGMENTS, CALM_MS = 2, 3000
#: Thanks count as recovery among this many last segments of the customer.
LAST_SEGMENTS = 3


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


def recovery_moments(scene: Scene, moments: Sequence[Moment]) -> Iterator[Moment]:
    """Find where a customer who was in trouble is calm again and stays so: at most one a call.

    Calm after a negative emotion: a HAPPY segment, or NEUTRAL ones that last (`CALM_SEGMENTS` or `CALM_MS`). After any
    trouble: thanks among the customer's last segments. Nothing negative may follow.
    """
    own = list(scene.of_customer())
    negative = [
        segment.start_ms
        for index, segment in own
        if scene.states[index] in NEGATIVE_EMOTIONS and score_of(segment) >= scene.settings.emotion_score
    ]
    trouble = [moment.at_ms for moment in moments if moment.kind in TROUBLE_KINDS]
    if not negative and not trouble:
        return
    last_ms = max(negative + trouble)
    after = [index for index, segment in own if segment.start_ms > last_ms]
    last_segments = {index for index, _ in own[-LAST_SEGMENTS:]}
    thanks = [
        index for index in after if index in last_segments and scene.topics.thanks.find(scene.words[index]) is not None
    ]
    calm = [*(_calm(scene, after) if negative else []), *thanks]
    if calm:
        segment = scene.spoken[min(calm)]
        yield Moment(
            at_ms=segment.start_ms,
            end_ms=segment.end_ms,
            kind=MomentKind.RECOVERY,
            role=segment.role,
            label_code=MomentLabel.RECOVERY,
            quote=segment.text,
            salience=salience(MomentKind.RECOVERY),
        )


def _calm(scene: Scene, after: Sequence[int]) -> list[int]:
    happy = [index for index in after if scene.states[index] == Emotion.HAPPY]
    neutral = [index for index in after if scene.states[index] == Emotion.NEUTRAL]
    calm_ms = sum(scene.spoken[index].duration_ms for index in neutral)
    lasts = len(neutral) >= CALM_SEGMENTS or calm_ms >= CALM_MS
    return [*happy[:1], *(neutral[:1] if lasts else [])]
