"""The lines of a conversation in a rule test, read and written: `客户 [ask_again, complain=0.8] 12.0-14.5 ANGRY: …`.

role: 客户, 客服, 未知, or customer, agent, unknown. acts: in square brackets, perhaps with a score; optional.
start-end: in seconds. tags: an emotion, perhaps with its score (ANGRY=0.8), sounds (Laughter), a loudness (-20dB).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Literal

from qareport.messages import Message, say
from qareport.model import ACTS_OF, AudioEvent, Emotion, Role, Segment, SpokenAct
from qareport.presentation.act_wording import act_of
from qareport.rules.aliases import VALUES, Choices, did_you_mean
from qareport.rules.diagnostics import Diagnostics
from qareport.rules.remedies import mistyped_colon, of_choice
from qareport.strict_yaml import NodePath

_LINE = re.compile(r"(\S+)\s+(?:\[([^\[\]]*)\]\s+)?([0-9]{1,6}(?:\.[0-9]+)?)-([0-9]{1,6}(?:\.[0-9]+)?)((?:\s+\S+)*)")
_SCORE = re.compile(r"0(\.[0-9]+)?|1(\.0+)?")
_LEVEL = re.compile(r"-[0-9]{1,3}(\.[0-9]+)?dB")
_ROLES = {word: role for role in Role for word in (role.value, *VALUES[role])}
_EMOTIONS = frozenset(tag.value for tag in Emotion)
_EVENTS = frozenset(tag.value for tag in AudioEvent)
#: Emotions and sounds by what they may be called.
_TAGS = {word: tag for tag in (*_EMOTIONS, *_EVENTS) for word in (tag, *VALUES[tag])}
_SECONDS = r"[0-9]{1,6}(\.[0-9]+)?-[0-9]{1,6}(\.[0-9]+)?"
_WORD = re.compile(r"[^\s,，、=]+")
EXPECTED_LINE = say(
    "`客户 12.0-14.5 ANGRY: 说的话` (role, start-end in seconds, perhaps an emotion or sounds), "
    "with acts `客户 [ask_again, complain=0.8] 12.0-14.5: 说的话`"
)


def _line_pattern() -> str:
    """Write the form of a line as JSON Schema has it, with the words of the language."""
    score = r"(=(0(\.[0-9]+)?|1(\.0+)?))?"
    tags = [f"({_any(tag for tag, name in _TAGS.items() if name in _EMOTIONS)}){score}", _LEVEL.pattern]
    tags.append(_any(tag for tag, name in _TAGS.items() if name in _EVENTS))
    lines = []
    for role in Role:
        words = _any(word for word, own in _ROLES.items() if own is role)
        acts = f"({_any(word for act in ACTS_OF[role] for word in (act.value, *VALUES[act]))}){score}"
        between = r"[,，、\s]"
        acts = rf"(\[{between}*({acts}({between}+{acts})*)?{between}*\]\s+)?" if ACTS_OF[role] else r"(\[\s*\]\s+)?"
        lines.append(rf"({words})\s+{acts}")
    return rf"^\s*({'|'.join(lines)}){_SECONDS}(\s+({'|'.join(tags)}))*\s*$"


def _any(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, words))


#: What is before the colon, as JSON Schema has it.
LINE_PATTERN = _line_pattern()
_SPEAKERS = {Role.CUSTOMER: "客户", Role.AGENT: "客服", Role.UNKNOWN: "未知"}


def read_line(head: str, text: Any, path: NodePath, diagnostics: Diagnostics) -> Segment | None:
    """Read one line; errors go to `diagnostics`, and give None where nothing can be read."""
    match_ = _LINE.fullmatch(head.strip())
    if match_ is None or isinstance(text, dict | list):
        what = say("got {line!r}", line=head)
        to_do = mistyped_colon(head) or _mended(head)
        diagnostics.add("invalid-utterance", path, what, expected=EXPECTED_LINE, to_do=to_do)
        return None
    who, acts, start, end, tags = match_.groups()
    start_ms, end_ms = round(float(start) * 1000), round(float(end) * 1000)
    if who not in _ROLES:
        expected = say("客户, 客服, customer or agent")
        what, near = say("unknown speaker {name!r}", name=who), of_choice(who, _ROLES)
        diagnostics.add("invalid-utterance", path, what, expected=expected, to_do=near)
    if end_ms < start_ms:
        what = say("ends at {end} s, before it starts at {start} s", end=end, start=start)
        diagnostics.add("invalid-utterance", path, what)
    emotion: Emotion | None = None
    scores: dict[str, float] | None = None
    loudness: float | None = None
    events: list[AudioEvent] = []
    for tag in tags.split():
        word, _, score = tag.partition("=")
        name = _TAGS.get(word, word)
        if name in _EMOTIONS and (not score or _SCORE.fullmatch(score)):
            emotion = Emotion(name)
            scores = {name: float(score)} if score else None
        elif _LEVEL.fullmatch(tag):
            loudness = float(tag[:-2])
        elif name in _EVENTS and not score:
            events.append(AudioEvent(name))
        else:
            expected = say("an emotion or a sound: {tags}", tags=Choices.of_values((*Emotion, *AudioEvent)))
            what, near = say("unknown tag {tag!r}", tag=tag), did_you_mean(tag, _TAGS)
            diagnostics.add("invalid-utterance", path, what, expected=expected, to_do=near)
    return Segment(
        start_ms=start_ms,
        end_ms=end_ms,
        role=_ROLES.get(who, Role.UNKNOWN),
        text="" if text is None else str(text),
        emotion=emotion,
        emotion_scores=scores,
        # As a recogniser marks it: who speaks is heard.
        events=tuple(events) or ((AudioEvent.SPEECH,) if text else ()),
        loudness_dbfs=loudness,
        acts=_acts(acts or "", _ROLES.get(who, Role.UNKNOWN), path, diagnostics),
    )


#: A place in seconds, perhaps as a clock has it (1:05), and two of them.
_PLACE = r"(?:([0-9]+):)?([0-9]+(?:\.[0-9]+)?)\s*(?:秒|s(?![a-z]))?"
_PLACES = re.compile(rf"(?:第\s*)?{_PLACE}\s*[-~—–−至到]+\s*{_PLACE}")


def _mended(head: str) -> Message | None:
    """Say how a line is written whose parts stand in another order, or whose signs and times have other forms."""
    plain = unicodedata.normalize("NFKC", head).translate({ord("【"): "[", ord("】"): "]"}).strip()
    places, acts = _PLACES.search(plain), re.search(r"\[[^\[\]]*\]", plain)
    if places is None:
        return None
    minutes, first, more, last = places.groups()
    times = f"{_seconds(minutes, first)}-{_seconds(more, last)}"
    rest = plain.replace(places.group(), " ").replace(acts.group() if acts else " ", " ").split()
    who = next((word for word in rest if word in _ROLES), None)
    if who is None:
        return None
    rest.remove(who)
    text = " ".join([who, *([acts.group()] if acts else []), times, *rest])
    return say("write {text}", text=text) if text != head and _LINE.fullmatch(text) else None


def _seconds(minutes: str | None, seconds: str) -> str:
    return seconds if minutes is None else f"{int(minutes) * 60 + float(seconds):g}"


def _acts(written: str, role: Role, path: NodePath, diagnostics: Diagnostics) -> tuple[SpokenAct, ...]:
    """Read `ask_again, complain=0.8`: what the line does, and how sure a reader is of it."""
    acts = []
    for part in filter(None, re.split(r"[,，、\s]+", written)):
        name, _, score = part.partition("=")
        act = act_of(name)
        if act is None or act not in ACTS_OF[role] or (score and not _SCORE.fullmatch(score)):
            known = [act.value for act in ACTS_OF[role]]
            words = [word for act in known for word in (act, *VALUES[act])]
            near = did_you_mean(name, words) if act is None else say("only the other side does that")
            if act in ACTS_OF[role]:
                near = say("a score is a number from 0 to 1: {text}", text=f"{name}=0.8")
            what = say("unknown act {act!r} of {role}", act=part, role=Choices.of_values([role.value]))
            expected = say("one of {choices}", choices=Choices.of_values(known))
            diagnostics.add("invalid-utterance", path, what, expected=expected, to_do=near)
        else:
            acts.append(SpokenAct(act=act, score=float(score) if score else 1.0))
    return tuple(acts)


def rewrite_head(head: str, tongue: Literal["english", "chinese"]) -> str:
    """Write what is before the colon of a line in one language; a head that cannot be read stays."""
    match_ = _LINE.fullmatch(head)
    if match_ is None or match_.group(1) not in _ROLES:
        return head
    words = [match_.span(1)]
    for group in (2, 5):  # acts and tags
        start = match_.start(group)
        words += [(start + word.start(), start + word.end()) for word in _WORD.finditer(match_[group] or "")]
    for start, end in reversed(words):
        head = head[:start] + _in_tongue(head[start:end], tongue) + head[end:]
    return head


def _in_tongue(word: str, tongue: Literal["english", "chinese"]) -> str:
    """Write a role, an act, an emotion or a sound in one language."""
    role, act = _ROLES.get(word), act_of(word)
    english = role.value if role else act.value if act else _TAGS.get(word, word)
    return english if tongue == "english" or english not in VALUES else VALUES[english][0]


def write_line(segment: Segment) -> str:
    """Write an utterance as a line of a test."""
    tags = []
    if segment.emotion is not None:
        score = (segment.emotion_scores or {}).get(segment.emotion)
        value = "" if score is None else f"={min(1.0, max(0.0, score)):.2f}"
        tags.append(segment.emotion.value + value)
    tags += [event.value for event in segment.events]
    if segment.loudness_dbfs is not None:
        tags.append(f"-{abs(min(0.0, segment.loudness_dbfs)):.1f}dB")
    acts = ", ".join(
        spoken.act.value + ("" if spoken.score >= 1 else f"={spoken.score:.3f}") for spoken in segment.acts
    )
    who = f"{_SPEAKERS[segment.role]} [{acts}]" if acts else _SPEAKERS[segment.role]
    head = f"{who} {segment.start_ms / 1000:.2f}-{segment.end_ms / 1000:.2f} {' '.join(tags)}"
    return f"{head.strip()}: {quoted(segment.text)}"


def quoted(text: str) -> str:
    """Write a text as YAML takes it, whatever is in it."""
    return json.dumps(text, ensure_ascii=False)
