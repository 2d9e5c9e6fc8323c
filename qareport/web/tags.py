"""Tags of a call for tickets of other systems: few, short, sorted, each with what it is based on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from qareport.model import CallReport, Role
from qareport.search import SHOWN, facets_of

#: Tags of a call, and characters of one, at most.
MOST, LONGEST = 20, 50
#: How a tag begins, by what it is made from. Tags are names in other systems: always Chinese.
_HEADS: Final = {"risk": "风险", "emotion": "情绪", "issue": "问题", "stage": "阶段", "rule": "规则"}
_RISKS: Final = {"high": "高", "medium": "中", "low": "低"}


class TagEvidence(BaseModel):
    """What a tag is based on: words in the call."""

    tag: str
    at_ms: int
    quote: str
    role: str
    role_source: str | None


class CallTags(BaseModel):
    """The tags of a call."""

    call_id: str
    order_id: str | None
    external_ref: str | None = None
    score: int | None
    risk: str
    reviewed: bool = False
    tags: list[str]
    evidence: list[TagEvidence]


def tags_of(call: CallReport, order_id: str | None, external_ref: str | None = None) -> CallTags:
    """Return the tags of a masked call, and the order and the ticket that it belongs to."""
    facets = facets_of(call)
    risk = [] if call.score is None else [_tag("risk", _RISKS[call.risk.value])]
    named = [_tag(kind, value) for kind, value in facets]
    tags = sorted([*risk, *named])[:MOST]
    shown = [item for item in _evidence(call) if item.tag in tags]
    return CallTags(
        call_id=call.call_id, order_id=order_id, external_ref=external_ref, score=call.score, risk=call.risk,
        tags=tags, evidence=shown,
    )  # fmt: skip


def _tag(kind: str, value: str) -> str:
    return f"{_HEADS[kind]}/{value}"[:LONGEST]


def _evidence(call: CallReport) -> Iterator[TagEvidence]:
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
    for rule_id in dict.fromkeys(finding.rule_id for finding in call.findings):
        finding = next(finding for finding in call.findings if finding.rule_id == rule_id)
        quote = finding.evidence[0].quote if finding.evidence else ""
        yield _at(call, _tag("rule", rule_id), finding.at_ms, quote)


def _at(call: CallReport, tag: str, at_ms: int, quote: str) -> TagEvidence:
    said = next((segment for segment in call.segments if segment.start_ms <= at_ms <= segment.end_ms), None)
    return TagEvidence(
        tag=tag,
        at_ms=at_ms,
        quote=quote,
        role=Role.UNKNOWN if said is None else said.role,
        role_source=None if said is None else said.role_source,
    )
