"""Tests beside rules: `*.test.yaml` read and run; and a test exported from a stored call.

schema: 1
cases:
  - name: 问发货后沉默
    conversation:
      - 客户 12.0-14.5 ANGRY: 我昨天下的单，什么时候发货
      - 客服 [greet] 20.0-22.0: 您好
    must_hit:
      - {rule: logistics.shipping-doubt, at: 12}
    must_not_hit: [price.no-answer]
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import pydantic

from qareport.errors import ConfigError, Problem, SourceLocation
from qareport.messages import say
from qareport.model import (
    Analysis,
    AudioInfo,
    Finding,
    Segment,
    Transcript,
)
from qareport.presentation.locale import _
from qareport.privacy import mask_segments
from qareport.rules.aliases import did_you_mean
from qareport.rules.diagnostics import Diagnostics
from qareport.rules.explain import draw, explain
from qareport.rules.file_forms import ExpectedHit, RuleTestFileForm, RuleTestForm
from qareport.rules.judge import match
from qareport.rules.match_context import MatchContext
from qareport.rules.rule import Rule, RuleSet, RuleStatus
from qareport.rules.rule_test_lines import EXPECTED_LINE, quoted, read_line, write_line
from qareport.rules.translation import read_english, slot_of
from qareport.strict_yaml import NodePath, YamlSource

Analyse = Callable[[Transcript], Analysis]
Read = Callable[[Transcript], Transcript]
FindStored = Callable[[str], Transcript | None]
FindHit = Callable[[Transcript], Finding | None]

#: A hit is the expected one if it is at most so far from the expected second.
TOLERANCE_MS = 1000
#: When the call of a test begins if it has earlier calls and no `started_at`.
DEFAULT_START = datetime.fromisoformat("2026-11-05T10:00:00+08:00")
TEST_ORDER_ID = "20241105000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """One conversation, and which rules must and must not hit it."""

    name: str
    location: SourceLocation
    #: The document that holds the test.
    source: YamlSource
    transcript: Transcript
    #: Id of a stored call that replaces the transcript.
    call_id: str | None = None
    earlier: tuple[datetime, ...] | None
    must_hit: tuple[ExpectedHit, ...]
    must_not_hit: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTestResult:
    """The outcome of one test; `failures` says why it failed, a sentence each, in the current language."""

    name: str
    location: SourceLocation
    failures: tuple[str, ...] = ()
    #: Why rules missed that must hit: their conditions as `explain` draws them.
    why: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Tell whether everything was as expected."""
        return not self.failures


def run_rule_tests(
    ruleset: RuleSet,
    analyse: Analyse,
    stored: FindStored | None = None,
    *,
    tests: Sequence[RuleTest] | None = None,
    read: Read | None = None,
    time_zone: tzinfo | None = None,
) -> tuple[RuleTestResult, ...]:
    """Run the tests beside the rules. Draft rules are tested, too.

    Args:
        ruleset: the rules, with the files that they were read from.
        analyse: turns a transcript into an analysis, with the settings and topics in use.
        stored: finds the transcript of a stored call by its id, for tests that name one.
        tests: from `load_rule_tests`; None: read from the files of the rule set.
        read: tells what the lines do that are written without acts; None: nothing is known of them.
        time_zone: by whose clock days and hours count; None: by that of each call's own start.

    Raises:
        ConfigError: every problem in every test file, with line and column.
    """
    return tuple(
        _run(test, ruleset, analyse, stored, read, time_zone)
        for test in (load_rule_tests(ruleset) if tests is None else tests)
    )


def load_rule_tests(ruleset: RuleSet) -> tuple[RuleTest, ...]:
    """Read the tests beside the rules. See `run_rule_tests`."""
    problems: list[Problem] = []
    tests: list[RuleTest] = []
    for name in ruleset.origin.test_names:
        try:
            source, twins = read_english(ruleset.origin.contents[name], ruleset.origin.path_of(name), "tests")
        except ConfigError as error:
            problems += error.problems
            continue
        problems += twins
        diagnostics = Diagnostics(source, slot_of("tests"))
        tests += _read_file(source, ruleset, diagnostics)
        problems += diagnostics.errors
    if problems:
        raise ConfigError(problems)
    return tuple(tests)


def _read_file(source: YamlSource, ruleset: RuleSet, diagnostics: Diagnostics) -> list[RuleTest]:
    try:
        file = RuleTestFileForm.model_validate(source.data)
    except pydantic.ValidationError as error:
        diagnostics.explain(error, ())
        return []
    return [_read_test(form, ("cases", index), ruleset, diagnostics) for index, form in enumerate(file.cases)]


def _read_test(form: RuleTestForm, path: NodePath, ruleset: RuleSet, diagnostics: Diagnostics) -> RuleTest:
    diagnostics.subject = form.name
    expected = [(hit.rule, (*path, "must_hit", place)) for place, hit in enumerate(form.must_hit)]
    expected += [(rule_id, (*path, "must_not_hit", place)) for place, rule_id in enumerate(form.must_not_hit)]
    if not expected:
        to_do = say("add `must_hit:` or `must_not_hit:`")
        diagnostics.add("test-without-expectation", path, say("nothing is expected"), to_do=to_do)
    for rule_id, place in expected:
        if ruleset.find(rule_id) is None:
            near = did_you_mean(rule_id, [rule.id for rule in ruleset.rules])
            diagnostics.add("unknown-rule", place, say("no rule {rule!r}", rule=rule_id), to_do=near)
    if (form.conversation is None) == (form.call is None):
        to_do = say("give either `conversation:` or `call:`")
        diagnostics.add("test-without-call", path, say("needs one thing to look at"), to_do=to_do)
    transcript = _conversation(form, (*path, "conversation"), diagnostics)
    earlier = None
    if form.earlier_calls is not None:
        began = form.started_at or DEFAULT_START
        transcript = dataclasses.replace(transcript, started_at=began)
        try:
            earlier = tuple(began - timedelta(milliseconds=before_ms) for before_ms in form.earlier_calls)
        except OverflowError:
            what, expected_text = say("earlier_calls: before the year 1"), say("a length of time such as 7d")
            diagnostics.add("invalid-length", (*path, "earlier_calls"), what, expected=expected_text)
    return RuleTest(
        name=form.name,
        location=diagnostics.source.locate((*path, "name")),
        source=diagnostics.source,
        transcript=transcript,
        call_id=form.call,
        earlier=earlier,
        must_hit=form.must_hit,
        must_not_hit=form.must_not_hit,
    )


def _conversation(test: RuleTestForm, path: NodePath, diagnostics: Diagnostics) -> Transcript:
    segments = []
    for index, line in enumerate(test.conversation or ()):
        if len(line) != 1:
            what = say("{count} utterances in one item", count=len(line))
            diagnostics.add("invalid-utterance", (*path, index), what, expected=EXPECTED_LINE)
            continue
        ((head, text),) = line.items()
        segment = read_line(head, text, (*path, index, head), diagnostics)
        if segment is not None:
            segments.append(segment)
    audio = None
    if test.duration is not None:
        audio = AudioInfo(path=test.name, sha256="", duration_ms=test.duration, sample_rate=8000, channels=2)
    segments.sort(key=lambda segment: segment.start_ms)
    return Transcript(
        call_id=test.name,
        order_id=TEST_ORDER_ID,
        started_at=test.started_at,
        audio=audio,
        segments=tuple(segments),
    )


def _heard(transcript: Transcript, read: Read | None) -> Transcript:
    """Read what the lines do that are written without acts."""
    if read is None or all(segment.acts for segment in transcript.segments):
        return transcript
    bare = (dataclasses.replace(segment, acts=()) for segment in transcript.segments)
    heard = read(dataclasses.replace(transcript, segments=tuple(bare)))
    pairs = zip(transcript.segments, heard.segments, strict=True)
    segments = tuple(given if given.acts else by_reader for given, by_reader in pairs)
    return dataclasses.replace(heard, segments=segments)


def _run(
    test: RuleTest,
    ruleset: RuleSet,
    analyse: Analyse,
    stored: FindStored | None,
    read: Read | None,
    time_zone: tzinfo | None,
) -> RuleTestResult:
    call = stored(test.call_id) if test.call_id is not None and stored is not None else None
    if test.call_id is not None and call is None:
        why = _("库里没有通话 {call}：用 --store 指定库").format(call=test.call_id)
        return RuleTestResult(name=test.name, location=test.location, failures=(why,))
    # A stored call was read when it was judged.
    is_read = call is not None and any(segment.acts for segment in call.segments)
    transcript = call if call is not None and is_read else _heard(call or test.transcript, read)
    context = MatchContext.of(
        transcript, analyse(transcript), earlier=test.earlier, stages=ruleset.stages, time_zone=time_zone
    )
    findings: dict[str, list[Finding]] = {
        rule.id: match(rule, context) or [] for rule in ruleset.rules if rule.status is not RuleStatus.RETIRED
    }
    retired = {rule.id for rule in ruleset.rules if rule.status is RuleStatus.RETIRED}
    failures = [
        _("{rule} 已停用，请删掉这个例子").format(rule=hit.rule) for hit in test.must_hit if hit.rule in retired
    ]
    expected = [hit for hit in test.must_hit if hit.rule not in retired]
    failures += [failure for hit in expected for failure in _missing(hit, findings.get(hit.rule, []))]
    for rule_id in test.must_not_hit:
        for finding in findings.get(rule_id, []):
            quotes = _("；").join(f"“{evidence.quote}”" for evidence in finding.evidence) or _("没有出现该说的话")
            text = _("{rule} 不该命中，却在第 {second} 秒命中：{quotes}")
            failures.append(text.format(rule=rule_id, second=f"{finding.at_ms / 1000:g}", quotes=quotes))
    missed = [rule for hit in expected if not findings.get(hit.rule) and (rule := ruleset.find(hit.rule)) is not None]
    trees = [line for rule in missed for line in draw(explain(rule, context, lists=ruleset.shared.lists))]
    return RuleTestResult(name=test.name, location=test.location, failures=tuple(failures), why=tuple(trees))


def _missing(expected: ExpectedHit, findings: Sequence[Finding]) -> Iterator[str]:
    """Say what is wrong with the hits of a rule that must hit."""
    if not findings and expected.at is None:
        yield _("{rule} 没有命中，应当命中").format(rule=expected.rule)
    elif not findings:
        yield _("{rule} 没有命中，应当命中在第 {second} 秒").format(rule=expected.rule, second=f"{expected.at:g}")
    elif expected.at is not None and not any(_is_at(finding, expected.at) for finding in findings):
        places = _("、").join(_("第 {second} 秒").format(second=f"{finding.at_ms / 1000:g}") for finding in findings)
        text = _("{rule} 命中在{places}，应当在第 {second} 秒")
        yield text.format(rule=expected.rule, places=places, second=f"{expected.at:g}")


def _is_at(finding: Finding, second: float) -> bool:
    return abs(finding.at_ms - second * 1000) < TOLERANCE_MS


#: How much is exported before the first and after the last evidence.
MARGIN_MS = 30_000


def export_rule_test(
    transcript: Transcript,
    rule: Rule,
    ruleset: RuleSet,
    analyse: Analyse,
    read: Read | None = None,
    *,
    wrong_at_ms: int | None = None,
) -> str:
    """Write a test for a `*.test.yaml` from a call, with personal data masked, as the rule judges it now.

    It holds what lies around the hit if that gives the same hit, else the whole call. Where the rule judges the masked
    words in another way than the call itself, the test expects that, and a comment says so. Another comment asks to
    check what remains before the test is kept.

    Args:
        transcript: the call.
        rule: what the test is about.
        ruleset: the rules, with the words of the stages.
        analyse: turns a transcript into an analysis.
        read: tells what the lines do that are written without acts.
        wrong_at_ms: the hit at this time is wrong, so the rule must not hit; None: the rule's first hit is right.
    """

    def find_hit(shown: Transcript) -> Finding | None:
        heard = _heard(shown, read)
        findings = match(rule, MatchContext.of(heard, analyse(heard), stages=ruleset.stages)) or []
        if wrong_at_ms is None:
            return findings[0] if findings else None
        return min(findings, key=lambda finding: abs(finding.at_ms - wrong_at_ms), default=None)

    found = find_hit(transcript)
    segments = transcript.segments if found is None else _around(found, transcript, find_hit)
    whole = len(segments) == len(transcript.segments)
    masked = dataclasses.replace(
        transcript, segments=mask_segments(segments).segments, audio=transcript.audio if whole else None
    )
    expected = find_hit(masked)
    lines = ["  # " + _("个人信息已遮住，请检查有没有漏掉的，再保存")]
    if wrong_at_ms is not None:
        lines.append("  # " + _("复核认为这里不该命中"))
        expected = None
    elif (expected and expected.at_ms) != (found and found.at_ms):
        lines.append("  # " + _("遮住个人信息以后，这条规则的判定和原来的通话不同"))
    return "\n".join([*lines, *_test_lines(rule, masked, expected)]) + "\n"


def _around(found: Finding, transcript: Transcript, find_hit: FindHit) -> tuple[Segment, ...]:
    """Return what lies around a hit if the rule hits it there, too; else the whole call."""
    start_ms = found.at_ms - MARGIN_MS
    end_ms = max((evidence.end_ms for evidence in found.evidence), default=found.at_ms) + MARGIN_MS
    near = tuple(segment for segment in transcript.segments if start_ms <= segment.start_ms <= end_ms)
    again = find_hit(Transcript(call_id=transcript.call_id, order_id=transcript.order_id, segments=near))
    return near if again is not None and again.at_ms == found.at_ms else transcript.segments


def _test_lines(rule: Rule, masked: Transcript, expected: Finding | None) -> Iterator[str]:
    yield f"  - name: {quoted(_('{title}（实录）').format(title=rule.title))}"
    if masked.audio is not None:
        yield f"    duration: {masked.audio.duration_ms / 1000:.7g}s"
    yield "    conversation:"
    for segment in masked.segments:
        yield f"      - {write_line(segment)}"
    if expected is None:
        yield f"    must_not_hit: [{rule.id}]"
    else:
        yield "    must_hit:"
        yield f"      - {{rule: {rule.id}, at: {expected.at_ms / 1000:g}}}"
