"""Conversations built beat by beat; each beat writes down what it is, so the truth comes from the script alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from qareport.model import AudioEvent, AudioInfo, Emotion, MomentKind, Role, Segment, Token, Transcript
from tests.corpus import values
from tests.corpus.phrases import HELD_OUT, TUNED, Phrases

AGENT, CUSTOMER = Role.AGENT, Role.CUSTOMER
#: Conversations of each split; together 300.
PER_SPLIT = 150
_MS_PER_LETTER = 230
_TROUBLE = frozenset(
    {MomentKind.REPEAT, MomentKind.NO_ANSWER, MomentKind.IRONY, MomentKind.CHURN_SIGNAL, MomentKind.ESCALATION}
)


@dataclass(frozen=True, slots=True)
class PersonalTruth:
    """A value (or its part) that stands in one segment."""

    segment: int
    kind: str
    value: str


@dataclass(slots=True)
class Truth:
    """What happens in a conversation, as it was written."""

    moments: list[tuple[MomentKind, Role, int]] = field(default_factory=list)
    silences: list[tuple[int, int]] = field(default_factory=list)
    overlaps: list[tuple[int, int]] = field(default_factory=list)
    #: When it is said, what is promised, hours from the start of the call (None: that day).
    promises: list[tuple[int, str, float | None]] = field(default_factory=list)
    personal: list[PersonalTruth] = field(default_factory=list)
    issues: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A transcript and its truth."""

    transcript: Transcript
    truth: Truth


class _Script:
    """A conversation while it is written."""

    def __init__(self, random: Random, phrases: Phrases, *, held_out: bool) -> None:
        self.random, self.phrases, self.held_out = random, phrases, held_out
        self.segments: list[Segment] = []
        self.truth = Truth()
        self.at_ms = 0
        self.mood: Emotion = Emotion.NEUTRAL
        self.used: set[str] = set()

    def pick(self, among: tuple[str, ...]) -> str:
        fresh = [text for text in among if text not in self.used] or list(among)
        text = self.random.choice(fresh)
        self.used.add(text)
        return text

    def say(
        self,
        role: Role,
        text: str,
        emotion: Emotion = Emotion.NEUTRAL,
        *,
        gap_ms: int | None = None,
        events: tuple[AudioEvent, ...] = (),
        score: float | None = None,
    ) -> Segment:
        gap_ms = self.random.randint(250, 1000) if gap_ms is None else gap_ms
        start_ms = self.at_ms + gap_ms
        length_ms = max(1200, len(text) * _MS_PER_LETTER + self.random.randint(-100, 200))
        score = score if score is not None else self.random.uniform(0.7, 0.98)
        other = Emotion.NEUTRAL if emotion is not Emotion.NEUTRAL else Emotion.EMO_UNKNOWN
        segment = Segment(
            start_ms=start_ms,
            end_ms=start_ms + length_ms,
            role=role,
            text=text,
            emotion=emotion,
            emotion_scores={emotion.value: round(score, 3), other.value: round(1 - score, 3)},
            events=(AudioEvent.SPEECH, *events),
            loudness_dbfs=round(self.random.uniform(-28, -18), 1),
            tokens=tuple(
                Token(
                    letter, start_ms + length_ms * place // len(text), start_ms + length_ms * (place + 1) // len(text)
                )
                for place, letter in enumerate(text)
            ),
        )
        self.segments.append(segment)
        self.at_ms = max(self.at_ms, segment.end_ms)
        if role is CUSTOMER:
            if issue := self.phrases.also_names.get(text):
                self.name(issue, segment)
            if emotion is not self.mood and emotion is not Emotion.NEUTRAL:
                self.note(MomentKind.EMOTION, segment)
            self.mood = emotion
        return segment

    def note(self, kind: MomentKind, segment: Segment) -> None:
        self.truth.moments.append((kind, segment.role, segment.start_ms))

    def pause(self, low_ms: int, high_ms: int) -> tuple[int, int]:
        length_ms = self.random.randint(low_ms, high_ms)
        self.truth.silences.append((self.at_ms, self.at_ms + length_ms))
        self.at_ms += length_ms
        return self.truth.silences[-1]

    def name(self, issue: str, segment: Segment) -> None:
        if issue not in self.truth.issues:
            self.note(MomentKind.TOPIC_MENTION, segment)
        self.truth.issues.add(issue)

    def reply(self) -> None:
        self.say(AGENT, self.pick(self.phrases.agent_talk))


def _mention(script: _Script) -> None:
    issue = script.random.choice(sorted(script.phrases.mentions))
    script.name(issue, script.say(CUSTOMER, script.pick(script.phrases.mentions[issue])))
    script.reply()


def _question_into_silence(script: _Script) -> None:
    asked = script.say(CUSTOMER, script.pick(script.phrases.plain_questions))
    start_ms, _ = script.pause(2300, 6000)
    script.truth.moments.append((MomentKind.SILENCE, AGENT, start_ms))
    assert asked.end_ms == start_ms
    script.say(AGENT, script.pick(script.phrases.answers), gap_ms=0)


def _pause(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.small_talk))
    script.pause(1300, 1900)
    script.say(AGENT, script.pick(script.phrases.agent_talk), gap_ms=0)


def _no_pause(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.small_talk))
    script.say(AGENT, script.pick(script.phrases.agent_talk), gap_ms=script.random.randint(1000, 1190))


def _ask(script: _Script, questions: Sequence[tuple[str, str, str]]) -> str:
    """Let the customer ask one that was not asked yet; returns how it is asked again, nothing where it was."""
    issue, first, again = script.random.choice(questions)
    if first in script.used:
        return ""
    script.used.add(first)
    script.name(issue, script.say(CUSTOMER, first))
    return again


def _repeat(script: _Script) -> None:
    again = _ask(script, script.phrases.questions)
    if not again:
        return
    evades = script.random.random() < 0.7
    reply = script.say(AGENT, script.pick(script.phrases.evasions if evades else script.phrases.answers))
    if evades:
        script.note(MomentKind.NO_ANSWER, reply)
    repeated = script.say(CUSTOMER, again)
    script.note(MomentKind.REPEAT, repeated)
    if script.random.random() < 0.4:
        start_ms, _ = script.pause(2300, 5000)
        script.truth.moments.append((MomentKind.SILENCE, AGENT, start_ms))
        script.say(AGENT, script.pick(script.phrases.answers), gap_ms=0)
    else:
        script.say(AGENT, script.pick(script.phrases.answers))


def _urging(script: _Script) -> None:
    again = _ask(script, script.phrases.urgings)
    if not again:
        return
    if script.random.random() < 0.7:
        script.note(MomentKind.NO_ANSWER, script.say(AGENT, script.pick(script.phrases.evasions)))
    else:
        start_ms, _ = script.pause(2300, 6000)
        script.truth.moments.append((MomentKind.SILENCE, AGENT, start_ms))
    script.note(MomentKind.REPEAT, script.say(CUSTOMER, again, gap_ms=0))
    script.say(AGENT, script.pick(script.phrases.answers))


def _other_question(script: _Script) -> None:
    issue, first, other = script.random.choice(script.phrases.other_questions)
    script.name(issue, script.say(CUSTOMER, first))
    script.reply()
    script.say(CUSTOMER, other)
    script.say(AGENT, script.pick(script.phrases.answers))


def _follow_up(script: _Script) -> None:
    issue, first, answer, after = script.random.choice(script.phrases.follow_ups)
    script.name(issue, script.say(CUSTOMER, first))
    script.say(AGENT, answer)
    script.say(CUSTOMER, after)
    script.say(AGENT, script.pick(script.phrases.answers))


def _interruption(script: _Script) -> None:
    by = script.random.choice((AGENT, CUSTOMER))
    other = CUSTOMER if by is AGENT else AGENT
    talk = script.phrases.small_talk if other is CUSTOMER else script.phrases.agent_talk
    first = script.say(other, script.pick(talk) + script.pick(talk))
    over_ms = script.random.randint(700, 1100)
    own = script.phrases.agent_talk if by is AGENT else script.phrases.small_talk
    second = script.say(by, script.pick(own), gap_ms=-over_ms)
    end_ms = min(first.end_ms, second.end_ms)
    script.truth.overlaps.append((second.start_ms, end_ms))
    script.note(MomentKind.INTERRUPTION, second)


def _back_channel(script: _Script) -> None:
    long = script.say(CUSTOMER, script.pick(script.phrases.small_talk) + script.pick(script.phrases.small_talk))
    start_ms = long.start_ms + 900
    script.segments.append(Segment(start_ms=start_ms, end_ms=start_ms + 350, role=AGENT, text="嗯。"))
    script.reply()


def _wobble(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.small_talk))
    start_ms = script.at_ms + 300
    scores = {Emotion.ANGRY.value: 0.42, Emotion.NEUTRAL.value: 0.38}
    script.segments.append(
        Segment(
            start_ms=start_ms,
            end_ms=start_ms + 700,
            role=CUSTOMER,
            text="对。",
            emotion=Emotion.ANGRY,
            emotion_scores=scores,
        )
    )
    script.at_ms = start_ms + 700
    script.say(CUSTOMER, script.pick(script.phrases.small_talk))
    script.reply()


def _anger(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.anger), Emotion.ANGRY)
    script.reply()


def _sadness(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.sadness), Emotion.SAD)
    script.reply()


def _cue(kind: MomentKind, phrases: Callable[[Phrases], tuple[str, ...]]) -> Callable[[_Script], None]:
    def beat(script: _Script) -> None:
        script.note(kind, script.say(CUSTOMER, script.pick(phrases(script.phrases))))
        script.reply()

    return beat


def _irony(script: _Script) -> None:
    heard = (AudioEvent.LAUGHTER,) if script.random.random() < 0.5 else ()
    script.note(MomentKind.IRONY, script.say(CUSTOMER, script.pick(script.phrases.ironic), events=heard))
    script.reply()


def _cough(script: _Script) -> None:
    event = script.random.choice((AudioEvent.COUGH, AudioEvent.SNEEZE))
    script.note(MomentKind.EVENT, script.say(CUSTOMER, script.pick(script.phrases.small_talk), events=(event,)))
    script.reply()


def _look_alike(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.look_alikes))
    script.reply()


def _numbers(script: _Script) -> None:
    script.say(CUSTOMER, script.pick(script.phrases.numbers))
    script.reply()


def _promise(script: _Script) -> None:
    text, action, hours = script.random.choice(script.phrases.promises)
    script.truth.promises.append((script.say(AGENT, text).start_ms, action, hours))
    script.say(CUSTOMER, script.pick(script.phrases.small_talk))


def _personal(script: _Script) -> None:
    kind = script.random.choice(sorted(values.MAKERS))
    value = values.MAKERS[kind](script.random, held_out=script.held_out)
    text = script.pick(script.phrases.personal[kind]).format(value)
    place = text.index(value)
    splits = kind in ("phone", "bank_card", "id_card") and value.isalnum() and len(value) > 9
    if splits and script.random.random() < 0.4:
        cut = place + script.random.randint(3, 8)
        _personal_piece(script, text[:cut], kind, text[place:cut])
        if script.random.random() < 0.5:
            script.say(AGENT, "嗯。")
        _personal_piece(script, text[cut:], kind, text[cut : place + len(value)])
    else:
        _personal_piece(script, text, kind, value)
    script.reply()


def _personal_piece(script: _Script, text: str, kind: str, value: str) -> None:
    script.say(CUSTOMER, text)
    # Of an address, province, city and district are not personal.
    below = value.rpartition("区")[2] if kind == "address" else value
    script.truth.personal.append(PersonalTruth(len(script.segments) - 1, kind, below))


_PLAIN_BEATS: tuple[Callable[[_Script], None], ...] = (
    _mention,
    _mention,
    _question_into_silence,
    _other_question,
    _follow_up,
    _pause,
    _no_pause,
    _interruption,
    _back_channel,
    _wobble,
    _cough,
    _look_alike,
    _numbers,
    _numbers,
    _promise,
    _personal,
    _personal,
)
_TROUBLE_BEATS: tuple[Callable[[_Script], None], ...] = (
    _repeat,
    _repeat,
    _urging,
    _anger,
    _anger,
    _sadness,
    _irony,
    _cue(MomentKind.CHURN_SIGNAL, lambda phrases: phrases.churn),
    _cue(MomentKind.ESCALATION, lambda phrases: phrases.escalation),
)


def _ending(script: _Script) -> None:
    upset = any(kind in _TROUBLE or kind is MomentKind.EMOTION for kind, *_ in script.truth.moments)
    if not upset:
        laugh = script.random.random() < 0.3
        if laugh:
            script.say(CUSTOMER, script.pick(script.phrases.happy_laughs), Emotion.HAPPY, events=(AudioEvent.LAUGHTER,))
            # A laugh that is no irony is a sound worth a moment.
            script.note(MomentKind.EVENT, script.segments[-1])
        script.say(CUSTOMER, script.pick(script.phrases.thanks))
    elif script.random.random() < 0.5:
        felt = any(kind is MomentKind.EMOTION for kind, *_ in script.truth.moments)
        if felt:
            script.note(MomentKind.RECOVERY, script.say(CUSTOMER, script.pick(script.phrases.calm)))
            script.reply()
            script.say(CUSTOMER, script.pick(script.phrases.thanks))
        else:
            script.note(MomentKind.RECOVERY, script.say(CUSTOMER, script.pick(script.phrases.thanks)))
    script.say(AGENT, "好的，再见。")


def write_conversation(number: int, *, held_out: bool) -> Conversation:
    """Write one conversation; the same number gives the same one."""
    script = _Script(
        Random(f"{'held-out' if held_out else 'tuned'}-{number}"), HELD_OUT if held_out else TUNED, held_out=held_out
    )
    script.say(AGENT, script.pick(script.phrases.greetings))
    script.say(CUSTOMER, script.pick(script.phrases.customer_starts))
    script.reply()
    plain = script.random.sample(_PLAIN_BEATS, script.random.randint(4, 8))
    trouble = script.random.sample(_TROUBLE_BEATS, script.random.choice((0, 1, 2, 3, 4)))
    last = trouble[-1:]
    beats = [*plain, *trouble[:-1]]
    script.random.shuffle(beats)
    for beat in (*beats, *last):
        beat(script)
    _ending(script)
    end_ms = script.at_ms + script.random.randint(0, 900)
    order = sorted(range(len(script.segments)), key=lambda index: script.segments[index].start_ms)
    script.truth.personal = [
        PersonalTruth(order.index(item.segment), item.kind, item.value) for item in script.truth.personal
    ]
    return Conversation(
        transcript=Transcript(
            call_id=f"{'held' if held_out else 'tuned'}-{number:03}",
            audio=AudioInfo(path="", sha256="", duration_ms=end_ms, sample_rate=8000, channels=2),
            segments=tuple(script.segments[index] for index in order),
        ),
        truth=script.truth,
    )


def write_split(*, held_out: bool) -> list[Conversation]:
    """Write all conversations of a split."""
    return [write_conversation(number, held_out=held_out) for number in range(PER_SPLIT)]
