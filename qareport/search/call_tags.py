"""Tags of a call for tickets of other systems: few, short, sorted, each with what it is based on.

What a reviewer rejected is no tag any more, and what a reviewer added is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from qareport.model import CallReport, CallReview, Evidence, Role, VerdictKind
from qareport.search.facets import SHOWN, facets_of

#: Tags of a call, and characters of one, at most.
MOST, LONGEST = 20, 50
#: How a tag begins, by what it is made from. Tags are names in other systems: always Chinese.
_HEADS: Final = {"risk": "风险", "emotion": "情绪", "issue": "问题", "stage": "阶段", "rule": "规则"}
_RISKS: Final = {"high": "高", "medium": "中", "low": "低"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagEvidence:
    """What a tag is based on: words in the call."""

    tag: str
    at_ms: int
    quote: str
    role: str
    #: How it is known who said it: given, channel, voice or words, from sure to guessed.
    role_source: str | None
    #: The rule that hit there, for tags of rules.
    rule: str | None = None
    #: The words only sound like what was looked for.
    fuzzy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTags:
    """The tags of a call."""

    call_id: str
    order_id: str | None
    external_ref: str | None = None
    #: With what people said of its findings.
    score: int | None
    risk: str
    reviewed: bool = False
    tags: list[str]
    evidence: list[TagEvidence]


def tags_of(
    call: CallReport, *, order_id: str | None, external_ref: str | None = None, review: CallReview | None = None
) -> CallTags:
    """Return the tags of a masked call.

    Args:
        call: the call.
        order_id: the order that it belongs to.
        external_ref: the ticket that it belongs to.
        review: what people said of its findings; None: nothing.
    """
    gone = _rejected(call, review)
    risk = [] if call.score is None else [_tag("risk", _RISKS[call.risk.value])]
    filed = [(kind, value) for kind, value in facets_of(call) if kind in _HEADS]
    named = [_tag(kind, value) for kind, value in filed if (kind, value) not in gone]
    added = [] if review is None else [_tag("rule", item.rule_id) for item in review.findings if item.added]
    tags = sorted({*risk, *named, *added})[:MOST]
    shown = [item for item in _evidence(call, review) if item.tag in tags]
    score = call.score if review is None or review.score is None else review.score
    return CallTags(
        call_id=call.call_id, order_id=order_id, external_ref=external_ref, score=score, risk=call.risk,
        reviewed=review is not None, tags=tags, evidence=shown,
    )  # fmt: skip


def _rejected(call: CallReport, review: CallReview | None) -> set[tuple[str, str]]:
    """Return the rules, as facets, none of whose findings stands."""
    fallen = {(item.rule_id, item.at_ms) for item in review.findings if not item.verdict.stands} if review else set()
    standing = {finding.rule_id for finding in call.findings if (finding.rule_id, finding.at_ms) not in fallen}
    return {("rule", finding.rule_id) for finding in call.findings if finding.rule_id not in standing}


def _tag(kind: str, value: str) -> str:
    return f"{_HEADS[kind]}/{value}"[:LONGEST]


def _evidence(call: CallReport, review: CallReview | None) -> Iterator[TagEvidence]:
    """Yield what each tag is based on: the first sentence that shows it."""
    for kind, classes in (("issue", call.issues), ("stage", call.stages)):
        for item in classes:
            for said in item.evidence[:1]:
                yield _at(call, _tag(kind, item.name), said.at_ms, said.quote)
    for emotion in SHOWN:
        for moment in call.moments:
            if emotion in moment.tags or moment.kind.value == emotion.lower():
                yield _at(call, _tag("emotion", emotion), moment.at_ms, moment.quote)
                break
    given = {(item.rule_id, item.at_ms): item for item in review.findings} if review else {}
    seen: set[str] = set()
    for finding in call.findings:
        verdict = given.get((finding.rule_id, finding.at_ms))
        if finding.rule_id not in seen and (verdict is None or verdict.verdict.stands):
            seen.add(finding.rule_id)
            yield _at_finding(call, finding.rule_id, finding.at_ms, finding.evidence[:1])
    for missed in review.findings if review else ():
        if missed.verdict is VerdictKind.MISSED and missed.rule_id not in seen:
            seen.add(missed.rule_id)
            yield _at_finding(call, missed.rule_id, missed.at_ms, ())


def _at_finding(call: CallReport, rule_id: str, at_ms: int, evidence: tuple[Evidence, ...]) -> TagEvidence:
    quote = evidence[0].quote if evidence else ""
    return _at(call, _tag("rule", rule_id), at_ms, quote, rule=rule_id, fuzzy=any(said.fuzzy for said in evidence))


def _at(
    call: CallReport, tag: str, at_ms: int, quote: str, *, rule: str | None = None, fuzzy: bool = False
) -> TagEvidence:
    said = next((segment for segment in call.segments if segment.start_ms <= at_ms <= segment.end_ms), None)
    return TagEvidence(
        tag=tag, at_ms=at_ms, quote=quote or (said.text if said is not None else ""),
        role=Role.UNKNOWN if said is None else said.role,
        role_source=None if said is None else said.role_source, rule=rule, fuzzy=fuzzy,
    )  # fmt: skip
