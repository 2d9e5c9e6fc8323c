"""The lines of a conversation in a rule test, read and written: `客户 [ask_again, complain=0.8] 12.0-14.5 ANGRY: …`.

role: 客户, 客服, 未知, or customer, agent, unknown. acts: in square brackets, perhaps with a score; optional.
start-end: in seconds. tags: an emotion, perhaps with its score (ANGRY=0.8), sounds (Laughter), a loudness (-20dB).
"""

from __future__ import annotations

import json
import re
from typing import Any

from qareport.model import ACTS_OF, AudioEvent, Emotion, Role, Segment, SpokenAct
from qareport.presentation.act_wording import act_of
from qareport.rules.diagnostics import Diagnostics, did_you_mean
from qareport.strict_yaml import NodePath

_LINE = re.compile(r"(\S+)\s+(?:\[([^\[\]]*)\]\s+)?([0-9]{1,6}(?:\.[0-9]+)?)-([0-9]{1,6}(?:\.[0-9]+)?)((?:\s+\S+)*)")
_SCORE = re.compile(r"0(\.[0-9]+)?|1(\.0+)?")
_LEVEL = re.compile(r"-[0-9]{1,3}(\.[0-9]+)?dB")
_ROLES = {"客户": Role.CUSTOMER, "客服": Role.AGENT, "未知": Role.UNKNOWN, **{role.value: role for role in Role}}
_EMOTIONS = frozenset(tag.value for tag in Emotion)
_EVENTS = frozenset(tag.value for tag in AudioEvent)
EXPECTED_LINE = (
    "`客户 12.0-14.5 ANGRY: 说的话` (role, start-end in seconds, perhaps an emotion or sounds), "
    "with acts `客户 [ask_again, complain=0.8] 12.0-14.5: 说的话`"
)
_SPEAKERS = {Role.CUSTOMER: "客户", Role.AGENT: "客服", Role.UNKNOWN: "未知"}


def read_line(head: str, text: Any, path: NodePath, diagnostics: Diagnostics) -> Segment | None:
    """Read one line; errors go to `diagnostics`, and give None where nothing can be read."""
    match_ = _LINE.fullmatch(head.strip())
    if match_ is None or isinstance(text, dict | list):
        diagnostics.add("invalid-utterance", path, f"got {head!r}", expected=EXPECTED_LINE)
        return None
    who, acts, start, end, tags = match_.groups()
    start_ms, end_ms = round(float(start) * 1000), round(float(end) * 1000)
    if who not in _ROLES:
        expected = "客户, 客服, customer or agent"
        diagnostics.add("invalid-utterance", path, f"unknown speaker {who!r}", expected=expected)
    if end_ms < start_ms:
        diagnostics.add("invalid-utterance", path, f"ends at {end} s, before it starts at {start} s")
    emotion: Emotion | None = None
    scores: dict[str, float] | None = None
    loudness: float | None = None
    events: list[AudioEvent] = []
    for tag in tags.split():
        name, _, score = tag.partition("=")
        if name in _EMOTIONS and (not score or _SCORE.fullmatch(score)):
            emotion = Emotion(name)
            scores = {name: float(score)} if score else None
        elif _LEVEL.fullmatch(tag):
            loudness = float(tag[:-2])
        elif tag in _EVENTS:
            events.append(AudioEvent(tag))
        else:
            near = did_you_mean(tag, _EMOTIONS | _EVENTS)
            diagnostics.add("invalid-utterance", path, f"unknown tag {tag!r}", to_do=near)
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


def _acts(written: str, role: Role, path: NodePath, diagnostics: Diagnostics) -> tuple[SpokenAct, ...]:
    """Read `ask_again, complain=0.8`: what the line does, and how sure a reader is of it."""
    acts = []
    for part in filter(None, re.split(r"[,，、\s]+", written)):
        name, _, score = part.partition("=")
        act = act_of(name)
        if act is None or act not in ACTS_OF[role] or (score and not _SCORE.fullmatch(score)):
            near = did_you_mean(name, [known.value for known in ACTS_OF[role]])
            diagnostics.add("invalid-utterance", path, f"unknown act {part!r} of {role.value}", to_do=near)
        else:
            acts.append(SpokenAct(act=act, score=float(score) if score else 1.0))
    return tuple(acts)


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
