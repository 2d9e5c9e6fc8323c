"""A test case cut from a stored call, with everything masked that could name a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from qareport.model import Analysis, Role, Segment, Transcript
from qareport.rules.judging import match
from qareport.rules.rule import Rule, RuleSet
from qareport.rules.scene import Scene

#: How much is kept before the first and after the last evidence.
MARGIN_MS = 30_000

_DIGITS = re.compile(r"[0-9](?:[\s-]?[0-9]){3,}")
_SPOKEN_DIGITS = re.compile(r"[零〇一二三四五六七八九幺两](?:[，、\s]?[零〇一二三四五六七八九幺两]){4,}")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_NAME = re.compile(r"(?<=我叫|我姓|姓名)(?:是)?[\u4e00-\u9fff]{1,3}")
_PLACE = re.compile(r"[\u4e00-\u9fff]{2,6}(?:路|街|道|巷|小区|大厦)[0-9一二三四五六七八九十]*(?:号|栋|幢)?")
_WHO = {Role.CUSTOMER: "客户", Role.AGENT: "客服", Role.UNKNOWN: "未知"}


def mask(text: str) -> str:
    """Hide numbers of four digits or more, also spoken ones, addresses, e-mail, and names after 我叫 or 我姓.

    A number keeps its length, so that a rule that looks for one still finds it.
    """
    text = _MAIL.sub("某邮箱", text)
    text = _DIGITS.sub(lambda match_: re.sub("[0-9]", "8", match_.group()), text)
    text = _SPOKEN_DIGITS.sub(lambda match_: re.sub(r"[^，、\s]", "八", match_.group()), text)
    return _PLACE.sub("某路", _NAME.sub("某某", text))


def cut_case(transcript: Transcript, rule: Rule, ruleset: RuleSet, analyse: Callable[[Transcript], Analysis]) -> str:
    """Write a case, ready to stand in a `*.test.yaml`: as the rule judges the call now, hit or no hit.

    The cut holds what lies around the hit when it gives the same hit, else the whole call.
    """
    at_ms = _hit(transcript, rule, ruleset, analyse)
    segments = transcript.segments
    if at_ms is not None:
        scene = Scene.of(transcript, analyse(transcript), stages=ruleset.stages)
        (finding, *_) = match(rule, scene) or []
        ends = [one.end_ms for one in finding.evidence] or [at_ms]
        near = tuple(one for one in segments if at_ms - MARGIN_MS <= one.start_ms <= max(ends) + MARGIN_MS)
        part = Transcript(call_id=transcript.call_id, order_id=transcript.order_id, segments=near)
        if _hit(part, rule, ruleset, analyse) == at_ms:
            segments = near
    lines = [f"  - name: {_quoted(f'{rule.title}（实录）')}"]
    if len(segments) == len(transcript.segments) and transcript.audio is not None:
        lines.append(f"    duration: {transcript.audio.duration_ms / 1000:g}s")
    lines.append("    conversation:")
    lines += [f"      - {_line(one)}" for one in segments]
    if at_ms is None:
        lines.append(f"    must_not_hit: [{rule.id}]")
    else:
        lines += ["    must_hit:", f"      - {{rule: {rule.id}, at: {at_ms / 1000:g}}}"]
    return "\n".join(lines) + "\n"


def _hit(transcript: Transcript, rule: Rule, ruleset: RuleSet, analyse: Callable[[Transcript], Analysis]) -> int | None:
    found = match(rule, Scene.of(transcript, analyse(transcript), stages=ruleset.stages))
    return found[0].at_ms if found else None


def _line(segment: Segment) -> str:
    emotion = [] if segment.emotion is None else [segment.emotion.value]
    score = (segment.emotion_scores or {}).get(emotion[0]) if emotion else None
    if score is not None:
        emotion[0] += f"={min(1.0, max(0.0, score)):.2f}"
    level = [] if segment.loudness_dbfs is None else [f"{min(0.0, segment.loudness_dbfs):.1f}dB"]
    level = [one if one.startswith("-") else f"-{one}" for one in level]
    tags = " ".join([*emotion, *(event.value for event in segment.events), *level])
    head = f"{_WHO[segment.role]} {segment.start_ms / 1000:.2f}-{segment.end_ms / 1000:.2f} {tags}".strip()
    return f"{head}: {_quoted(mask(segment.text))}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
