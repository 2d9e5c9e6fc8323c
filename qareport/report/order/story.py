"""Tell a call in one or two sentences: what it was about, what the agent did not do, where the customer turned.

The story is composed from the moments by kind, each kind once with its count. What badge and facts say already (risk,
score, points, trend) is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qareport.model import (
    STATE_SILENCE,
    CallReport,
    Emotion,
    Moment,
    MomentKind,
    MomentLabel,
    NoteCode,
    Role,
    Silence,
)
from qareport.presentation import topic_wording, wording
from qareport.presentation.locale import N_, Translated, _, plural
from qareport.report.order.transcript_lines import Speakers

#: A quotation in the story is no longer than this.
_QUOTE = 16
#: How many turns of the customer are told at most; the weightiest are.
_TURNS = 4
#: How the customer's mood turns; {at} says at which second, or nothing.
_MOODS: Mapping[str, str] = Translated(
    {
        Emotion.ANGRY: N_("{at}发怒"),
        Emotion.SAD: N_("{at}情绪低落"),
        Emotion.DISGUSTED: N_("{at}厌烦"),
        Emotion.FEARFUL: N_("{at}担忧"),
    }
)
#: What else the customer does; {quote} is what was said, or nothing.
_TURNING: Mapping[MomentKind, str] = Translated(
    {
        MomentKind.BROKEN_PROMISE: N_("{at}指出承诺没有兑现"),
        MomentKind.IRONY: N_("{at}说反话{quote}"),
        MomentKind.ESCALATION: N_("{at}要求升级或投诉{quote}"),
        MomentKind.CHURN_SIGNAL: N_("{at}要放弃{quote}"),
        MomentKind.RECOVERY: N_("{at}情绪缓和"),
    }
)
_QUOTED = frozenset({MomentKind.IRONY, MomentKind.ESCALATION, MomentKind.CHURN_SIGNAL})


def story(call: CallReport, speakers: Speakers) -> str:
    """Tell the call, and what limits the judgement of it."""
    if not call.segments:
        return _("录音中没有识别到语音，无法判断。")
    moments = [moment for moment in call.moments if moment.salience > 0]
    customer = _subject(speakers, Role.CUSTOMER, moments)
    asks, turns = list(_asks(call, moments)), list(_turns(moments, speakers))
    failings = list(_failings(moments, speakers))
    parts: Sequence[tuple[str, Sequence[str]]]
    parts = ((customer, asks), (_subject(speakers, Role.AGENT, moments), failings), (customer, turns))
    if not failings:
        parts = ((customer, [*asks, *turns]),)
    clauses = [_("{who}{what}").format(who=who, what=_("，").join(what)) for who, what in parts if what]
    if clauses:
        told = wording.capital(_("{text}。").format(text=wording.clauses(clauses)))
    else:
        told = _("没有发现需要关注的节点。")
    for caveat in _caveats(call):
        told = _("{before}{after}").format(before=told, after=caveat)
    return told


def main_topic(call: CallReport) -> str:
    """Return what the call is about: the issue with most evidence, by the customer's word if that is a name, too."""
    mentions = [m for m in call.moments if m.kind is MomentKind.TOPIC_MENTION and m.role is not Role.AGENT and m.topic]
    issue = max(call.issues, key=lambda issue: len(issue.evidence)).name if call.issues else None
    named = [mention for mention in mentions if issue is None or mention.issue == issue]
    first = max(named, key=lambda mention: mention.salience, default=None)
    if first is None or first.topic is None:
        return topic_wording.named(issue or "")
    return topic_wording.named(first.topic if first.topic in topic_wording.SHIPPED else first.issue or first.topic)


def unscored(call: CallReport) -> str:
    """Say in short why a call has no score."""
    if NoteCode.NOT_SCORED_SPEAKERS in {note.code for note in call.notes}:
        return _("未评分：说话人不明")
    return _("无法评分")


def _subject(speakers: Speakers, role: Role, moments: Sequence[Moment]) -> str:
    """Name a speaker inside a sentence; a guess is marked if the first thing told of the speaker rests on one."""
    first = next((moment.at_ms for moment in moments if moment.role is role), None)
    name = speakers.name(role, first)
    return name[:1].lower() + name[1:]


def _asks(call: CallReport, moments: Sequence[Moment]) -> Iterator[str]:
    if topic := main_topic(call):
        yield _("为“{topic}”来电").format(topic=topic)
    if asked := _times(moment for moment in moments if moment.kind is MomentKind.REPEAT):
        yield plural("追问{count}次", asked, count=asked)


def _failings(moments: Sequence[Moment], speakers: Speakers) -> Iterator[str]:
    """Say how often the agent did not answer, the longest time without a word, and interruptions."""
    if evaded := _times(moment for moment in moments if moment.kind is MomentKind.NO_ANSWER):
        yield _("没有正面回应") if evaded == 1 else _("{count}次没有正面回应").format(count=evaded)
    silences = [pause for moment in moments if (pause := _unanswered(moment, speakers)) is not None]
    if silences:
        longest = max(silences, key=lambda pause: pause.duration_ms)
        at, span = wording.second(longest.start_ms), wording.duration(longest.duration_ms)
        yield _("{at}起{span}没有接话").format(at=at, span=span)
    taken = [moment for moment in moments if moment.kind is MomentKind.INTERRUPTION and moment.role is Role.AGENT]
    if taken:
        yield plural("抢话{count}次", len(taken), count=len(taken))


def _unanswered(moment: Moment, speakers: Speakers) -> Silence | None:
    if moment.kind is MomentKind.SILENCE and moment.role is Role.CUSTOMER:
        return None
    if STATE_SILENCE not in {tag.strip("[]") for tag in moment.tags}:
        return None
    pause = speakers.pause_after(moment)
    return pause if pause is not None and pause.after is Role.CUSTOMER else None


def _turns(moments: Sequence[Moment], speakers: Speakers) -> Iterator[str]:
    """Tell where the customer turned: each kind at its first time, in order of time, the weightiest few."""
    first: dict[object, list[Moment]] = {}
    for moment in moments:
        if moment.role is not Role.AGENT and (kind := _turn_kind(moment)) is not None:
            first.setdefault(kind, []).append(moment)
    weightiest = sorted(first.values(), key=lambda same: -max(moment.salience for moment in same))[:_TURNS]
    says_so = any(same[0].kind is MomentKind.CHURN_SIGNAL for same in weightiest)
    told = ""
    for same in sorted(weightiest, key=lambda same: same[0].at_ms):
        at = wording.second(same[0].at_ms)
        yield _turn(same, "" if at == told else _("{second}").format(second=at), says_so=says_so)
        told = at


def _turn_kind(moment: Moment) -> object | None:
    if moment.kind is MomentKind.EMOTION:
        tag = moment.tags[0].strip("[]") if moment.tags else ""
        return tag if tag in _MOODS else None
    if moment.kind is MomentKind.SILENCE and moment.label_code in (MomentLabel.GIVE_UP, MomentLabel.FALLS_SILENT):
        return moment.kind
    return moment.kind if moment.kind in _TURNING else None


def _turn(same: Sequence[Moment], at: str, *, says_so: bool) -> str:
    """Word a turn.

    Args:
        same: its moments.
        at: when it was; nothing where the turn before says it.
        says_so: another turn says that the customer gives up.
    """
    moment = same[0]
    count = _times(same)
    if moment.kind is MomentKind.EMOTION:
        text = _MOODS[moment.tags[0].strip("[]")].format(at=at)
    elif moment.kind is MomentKind.SILENCE:
        gives_up = moment.label_code is MomentLabel.GIVE_UP and not says_so
        silent = _("{at}沉默{span}后放弃") if gives_up else _("{at}沉默{span}")
        return silent.format(at=at, span=wording.duration(moment.duration_ms))
    else:
        text = _TURNING[moment.kind].format(at=at, quote=_short_quote(same))
    return text + (plural("（{count}次）", count, count=count) if count > 1 else "")


def _times(moments: Iterable[Moment]) -> int:
    """Count as the key moments do: sentences in a row are one time."""
    return len({moment.at_ms for moment in moments})


def _short_quote(same: Sequence[Moment]) -> str:
    words = (moment.quote.strip(" 。，,.") for moment in same if moment.kind in _QUOTED)
    return next((wording.quoted(text) for text in words if 0 < len(text) <= _QUOTE), "")


def _caveats(call: CallReport) -> Iterator[str]:
    """Say what limits the judgement: no emotion was judged, or no score could be given."""
    if all(segment.emotion is None for segment in call.segments):
        yield _("情绪未判定，结论只依据文字与停顿。")
    if call.score is None:
        yield _("{text}。").format(text=unscored(call))
