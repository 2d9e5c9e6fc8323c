"""Judging a call: it is read first, and what the reader understood is in its report."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qareport import rules
from qareport.model import Act, Call, CallReport, MomentKind, Segment, SpokenAct, Transcript
from qareport.settings import Settings
from qareport.understanding import GivenReader, Reader
from qareport.workflows.judge import RuleBook, judge_call
from tests.support.calls import AGENT, CUSTOMER, TOPICS, call, say

RULE = (
    "schema: 1\nrules: [{id: a, title: 标题, severity: info, points: 0, category: 物流, advice: 好, "
    "when: {customer says: 没有}}]\n"
)
TALK = call(say(0, 2, CUSTOMER, "那就这样"), say(3, 4, AGENT, "好的"))


@dataclass(frozen=True)
class ThreatReader:
    """Hears a threat in every sentence of the customer's."""

    key: str = "threats"

    def read(self, transcript: Transcript) -> Transcript:
        return replace(transcript, segments=tuple(map(self._segment, transcript.segments)))

    def _segment(self, segment: Segment) -> Segment:
        acts = (SpokenAct(act=Act.THREATEN, score=0.9, reader=self.key),) if segment.role is CUSTOMER else ()
        return replace(segment, acts=acts)


def book(reader: Reader) -> RuleBook:
    ruleset = rules.load(rules.RuleFiles.from_texts({"a.yaml": RULE}, where="test"))
    return RuleBook(settings=Settings(), topics=TOPICS, ruleset=ruleset, reader=reader)


def judged(reader: Reader) -> CallReport:
    return judge_call(Call(call_id="c", audio_path=""), TALK, book(reader))


def test_a_call_is_read_before_it_is_analysed_and_its_report_keeps_the_acts() -> None:
    report = judged(ThreatReader())
    assert [(moment.kind, moment.reader, moment.score) for moment in report.moments] == [
        (MomentKind.ESCALATION, "threats", 0.9)
    ]
    assert [claim.act for claim in report.segments[0].acts] == [Act.THREATEN]


def test_a_transcript_that_brings_its_acts_is_taken_as_it_is() -> None:
    assert judged(GivenReader()).moments == ()


def test_another_reader_is_another_judgement() -> None:
    assert book(ThreatReader()).key != book(GivenReader()).key
