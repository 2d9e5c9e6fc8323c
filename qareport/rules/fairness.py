"""What keeps findings fair: a sentence costs once, a rule no more than its `most`, and no untimely praise.

Several rules may see the same fault: a question that is evaded, asked again, and given up. Of the findings that cost
points and rest on the same sentence the heaviest counts; the others are kept, without points, and name it in
`covered_by`. Of equal ones that with more evidence counts, because its rule says more about the situation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qareport.model import FATAL_POINTS, Act, Emotion, Evidence, Finding, Role
from qareport.rules.match_context import MatchContext

#: What a customer does who is not content, and what one does who is content again.
_UNSETTLED = frozenset({Act.ASK_AGAIN, Act.COMPLAIN, Act.THREATEN, Act.GIVE_UP, Act.SARCASM, Act.REMIND_PROMISE})
_SETTLED = frozenset({Act.CALM, Act.ACCEPT, Act.THANK})
_UPSET = frozenset({Emotion.ANGRY, Emotion.DISGUSTED})


def charge_once(findings: Sequence[Finding]) -> list[Finding]:
    """Let each sentence cost once.

    Args:
        findings: of one call, with the points of their rules.

    Returns:
        The same findings in the same order; those that a heavier one covers cost nothing.
    """
    taken: list[tuple[Evidence, str]] = []
    covered: dict[int, str] = {}
    weighed = sorted(enumerate(findings), key=lambda pair: _weight(pair[1]))
    for index, finding in weighed:
        if finding.points >= 0 and not finding.fatal:
            continue
        spoken = [evidence for evidence in finding.evidence if evidence.end_ms > evidence.at_ms]
        by = next((rule_id for known, rule_id in taken for mine in spoken if _meet(known, mine)), None)
        if by is not None and not finding.fatal:
            covered[index] = by
        else:
            taken += [(evidence, finding.rule_id) for evidence in spoken]
    return [
        replace(finding, points=0, covered_by=covered[index]) if index in covered else finding
        for index, finding in enumerate(findings)
    ]


def limit_rules(findings: Iterable[Finding], most: Mapping[str, int]) -> list[Finding]:
    """Let a rule that hits every time cost or earn no more than its `most`: what comes first counts.

    Args:
        findings: in order of time.
        most: by rule id; rules without a limit are missing.
    """
    limited = []
    left = dict(most)
    for finding in findings:
        room = left.get(finding.rule_id)
        if room is not None:
            points = max(finding.points, room) if room <= 0 else min(finding.points, room)
            left[finding.rule_id] = room - points
            limited.append(finding if points == finding.points else replace(finding, points=points))
        else:
            limited.append(finding)
    return limited


def _weight(finding: Finding) -> tuple[int, int, int, str]:
    points = -FATAL_POINTS if finding.fatal else finding.points
    return (points, -len(finding.evidence), finding.at_ms, finding.rule_id)


def _meet(first: Evidence, second: Evidence) -> bool:
    """Tell whether two pieces of evidence are, at least in part, the same sentence or pause."""
    return first.role is second.role and first.at_ms < second.end_ms and second.at_ms < first.end_ms


def without_untimely_praise(findings: Iterable[Finding], context: MatchContext) -> list[Finding]:
    """Leave out praise where the customer is unsettled at the end of the call."""
    kept = list(findings)
    if any(finding.is_praise for finding in kept) and is_unsettled(context):
        return [finding for finding in kept if not finding.is_praise]
    return kept


def is_unsettled(context: MatchContext) -> bool:
    """Tell whether the customer is not content at the end: by the last telling act, else by the last emotion."""
    for segment in reversed(context.speech(Role.CUSTOMER).segments):
        acts = {spoken.act for spoken in segment.acts}
        if acts & _UNSETTLED or segment.emotion in _UPSET:
            return True
        if acts & _SETTLED:
            return False
    return False
