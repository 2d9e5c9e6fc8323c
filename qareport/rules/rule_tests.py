"""Tests beside rules: `*.test.yaml` read, run and explained; and a test written out of a stored call.

schema: 1
cases:
  - name: 问发货后沉默
    conversation:
      - 客户 12.0-14.5 ANGRY: 我昨天下的单，什么时候发货
      - 客服 20.0-22.0: 您好
    must_hit:
      - {rule: logistics.shipping-doubt, at: 12}
    must_not_hit: [price.no-answer]
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pydantic
from pydantic import Field, StrictInt

from qareport.errors import ConfigError, Problem, SourceLocation
from qareport.model import Analysis, AudioEvent, AudioInfo, Emotion, Finding, Role, Segment, Transcript
from qareport.rules.condition_parser import keys_of
from qareport.rules.diagnostics import Complaints, Path_, did_you_mean
from qareport.rules.judge import match
from qareport.rules.loader import TEST_SUFFIX
from qareport.rules.match_context import Scene
from qareport.rules.rule import Rule, RuleSet, Status
from qareport.rules.schema_types import DurationMs, Form, Word
from qareport.strict_yaml import YamlSource, read_yaml

Analyse = Callable[[Transcript], Analysis]
FindStored = Callable[[str], Transcript | None]

#: A hit counts as the expected one when it is not farther from the expected second than this.
TOLERANCE_MS = 1000
#: When a case's call begins if it has earlier calls and does not say.
DEFAULT_START = datetime.fromisoformat("2026-11-05T10:00:00+08:00")
TEST_ORDER_ID = "20241105000001"

_LINE = re.compile(r"(\S+)\s+([0-9]+(?:\.[0-9]+)?)-([0-9]+(?:\.[0-9]+)?)((?:\s+\S+)*)")
_SCORE = re.compile(r"0(\.[0-9]+)?|1(\.0+)?")
_LEVEL = re.compile(r"-[0-9]+(\.[0-9]+)?dB")
_ROLES = {"客户": Role.CUSTOMER, "客服": Role.AGENT, "未知": Role.UNKNOWN, **{role.value: role for role in Role}}
_EMOTIONS = frozenset(tag.value for tag in Emotion)
_EVENTS = frozenset(tag.value for tag in AudioEvent)
_EXPECTED_LINE = "`客户 12.0-14.5 ANGRY: 说的话` (role, start-end in seconds, perhaps an emotion or sounds)"


class ExpectedHit(Form):
    """A rule that must hit, perhaps at a second."""

    bare: ClassVar[str | None] = "rule"

    rule: str
    at: Annotated[float, Field(ge=0)] | None = None


class CaseForm(Form):
    """One case as it is written."""

    name: Word
    conversation: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    #: Id of a stored call, in place of a conversation.
    call: Word | None = None
    #: Length of the recording; without it the pause after the last word is unknown.
    duration: DurationMs | None = None
    #: When the call began, for rules about the time of day and earlier calls.
    started_at: datetime | None = None
    #: How long before this call the earlier calls of its order began.
    earlier_calls: tuple[DurationMs, ...] | None = None
    must_hit: tuple[ExpectedHit, ...] = ()
    must_not_hit: tuple[str, ...] = ()


class CaseFileForm(Form):
    """A test file as it is written."""

    schema_: Annotated[StrictInt, Field(alias="schema", ge=1, le=1)]
    cases: Annotated[list[CaseForm], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One conversation and what the rules must say of it."""

    name: str
    location: SourceLocation
    transcript: Transcript
    #: A stored call stands in for the transcript.
    call_id: str | None = None
    earlier: tuple[datetime, ...] | None
    must_hit: tuple[ExpectedHit, ...]
    must_not_hit: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """The outcome of one case; `failures` says why it failed, one sentence each."""

    name: str
    location: SourceLocation
    failures: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Tell whether everything was as expected."""
        return not self.failures


def run_cases(
    ruleset: RuleSet, rules_dir: Path, analyse: Analyse, stored: FindStored | None = None
) -> tuple[CaseResult, ...]:
    """Run every case of every `*.test.yaml` below a folder. Draft rules are tested too.

    Args:
        ruleset: the rules of that folder.
        rules_dir: where the tests stand.
        analyse: turns a transcript into an analysis, with the settings and topics in use.
        stored: finds the transcript of a stored call by its id, for cases that name one.

    Raises:
        ConfigError: every problem in every test file, with line and column.
    """
    return tuple(_run(case, ruleset, analyse, stored) for case in load_cases(ruleset, rules_dir))


def load_cases(ruleset: RuleSet, rules_dir: Path) -> tuple[Case, ...]:
    """Read every case below a folder. See `run_cases`."""
    problems: list[Problem] = []
    cases: list[Case] = []
    for path in sorted(rules_dir.rglob(f"*{TEST_SUFFIX}")):
        try:
            source = read_yaml(path)
        except ConfigError as error:
            problems += error.problems
            continue
        complaints = Complaints(source)
        cases += _read_file(source, ruleset, complaints)
        problems += complaints.problems
    if problems:
        raise ConfigError(problems)
    return tuple(cases)


def _read_file(source: YamlSource, ruleset: RuleSet, complaints: Complaints) -> list[Case]:
    try:
        form = CaseFileForm.model_validate(source.data)
    except pydantic.ValidationError as error:
        complaints.explain(error, (), [*keys_of(CaseFileForm), *keys_of(CaseForm), *keys_of(ExpectedHit)])
        return []
    cases = []
    for index, case in enumerate(form.cases):
        path: Path_ = ("cases", index)
        complaints.subject = case.name
        expected = [(hit.rule, (*path, "must_hit", place)) for place, hit in enumerate(case.must_hit)]
        expected += [(rule, (*path, "must_not_hit", place)) for place, rule in enumerate(case.must_not_hit)]
        if not expected:
            complaints.add(path, "nothing is expected", to_do="add `must_hit:` or `must_not_hit:`")
        for rule_id, place in expected:
            if ruleset.find(rule_id) is None:
                near = did_you_mean(rule_id, [rule.id for rule in ruleset.rules])
                complaints.add(place, f"no rule {rule_id!r}", to_do=near)
        if (case.conversation is None) == (case.call is None):
            complaints.add(path, "needs one thing to look at", to_do="give either `conversation:` or `call:`")
        transcript = _conversation(case, (*path, "conversation"), complaints)
        where = source.locate((*path, "name"))
        earlier = None
        if case.earlier_calls is not None:
            began = case.started_at or DEFAULT_START
            transcript = dataclasses.replace(transcript, started_at=began)
            earlier = tuple(began - timedelta(milliseconds=before_ms) for before_ms in case.earlier_calls)
        cases.append(
            Case(
                name=case.name,
                location=where,
                transcript=transcript,
                call_id=case.call,
                earlier=earlier,
                must_hit=case.must_hit,
                must_not_hit=case.must_not_hit,
            )
        )
    complaints.subject = ""
    return cases


def _conversation(case: CaseForm, path: Path_, complaints: Complaints) -> Transcript:
    segments = []
    for index, line in enumerate(case.conversation or ()):
        if len(line) != 1:
            complaints.add((*path, index), f"{len(line)} utterances in one item", expected=_EXPECTED_LINE)
            continue
        ((head, text),) = line.items()
        segment = _segment(head, text, (*path, index, head), complaints)
        if segment is not None:
            segments.append(segment)
    audio = None
    if case.duration is not None:
        audio = AudioInfo(path=case.name, sha256="", duration_ms=case.duration, sample_rate=8000, channels=2)
    segments.sort(key=lambda segment: segment.start_ms)
    return Transcript(
        call_id=case.name,
        order_id=TEST_ORDER_ID,
        started_at=case.started_at,
        audio=audio,
        segments=tuple(segments),
    )


def _segment(head: str, text: Any, path: Path_, complaints: Complaints) -> Segment | None:
    match_ = _LINE.fullmatch(head.strip())
    if match_ is None or isinstance(text, dict | list):
        complaints.add(path, f"got {head!r}", expected=_EXPECTED_LINE)
        return None
    who, start, end, tags = match_.groups()
    start_ms, end_ms = round(float(start) * 1000), round(float(end) * 1000)
    if who not in _ROLES:
        complaints.add(path, f"unknown speaker {who!r}", expected="客户, 客服, customer or agent")
    if end_ms < start_ms:
        complaints.add(path, f"ends at {end} s, before it starts at {start} s")
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
            complaints.add(path, f"unknown tag {tag!r}", to_do=did_you_mean(tag, _EMOTIONS | _EVENTS))
    return Segment(
        start_ms=start_ms,
        end_ms=end_ms,
        role=_ROLES.get(who, Role.UNKNOWN),
        text="" if text is None else str(text),
        emotion=emotion,
        emotion_scores=scores,
        events=tuple(events),
        loudness_dbfs=loudness,
    )


def _run(case: Case, ruleset: RuleSet, analyse: Analyse, stored: FindStored | None) -> CaseResult:
    transcript = case.transcript
    if case.call_id is not None:
        found_call = stored(case.call_id) if stored is not None else None
        if found_call is None:
            why = f"no stored call {case.call_id!r}: name the store with --store"
            return CaseResult(name=case.name, location=case.location, failures=(why,))
        transcript = found_call
    scene = Scene.of(transcript, analyse(transcript), earlier=case.earlier, stages=ruleset.stages)
    found: dict[str, list[Finding]] = {
        rule.id: match(rule, scene) or [] for rule in ruleset.rules if rule.status is not Status.RETIRED
    }
    failures = []
    for expected in case.must_hit:
        hits = found.get(expected.rule, [])
        if not hits:
            failures.append(f"{expected.rule} 没有命中，应当命中" + _at(expected.at))
        elif expected.at is not None and not any(_is_at(hit, expected.at) for hit in hits):
            places = "、".join(f"第 {hit.at_ms / 1000:g} 秒" for hit in hits)
            failures.append(f"{expected.rule} 命中在{places}，应当在第 {expected.at:g} 秒")
    for rule_id in case.must_not_hit:
        for hit in found.get(rule_id, []):
            quotes = "；".join(f"“{one.quote}”" for one in hit.evidence) or "没有出现该说的话"
            failures.append(f"{rule_id} 不该命中，却在第 {hit.at_ms / 1000:g} 秒命中：{quotes}")
    return CaseResult(name=case.name, location=case.location, failures=tuple(failures))


def _at(second: float | None) -> str:
    return "" if second is None else f"在第 {second:g} 秒"


def _is_at(hit: Finding, second: float) -> bool:
    return abs(hit.at_ms - second * 1000) < TOLERANCE_MS


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
