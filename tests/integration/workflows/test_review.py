"""Documents say what reviewers left of a score, computed whenever they are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qareport.codec import from_json, to_json
from qareport.errors import StoreError
from qareport.model import AuditEntry, CallReport, OrderReport, Verdict, VerdictKind, VerdictReason, quote_hash
from qareport.report import build_view
from qareport.workflows.render import assemble_order
from tests.support.desk import NOW, OpenDesk, open_desk


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OpenDesk]:
    with open_desk(tmp_path) as desk:
        yield desk


def reject_first(opened: OpenDesk) -> tuple[CallReport, int]:
    """Reject the first finding that costs points; returns the call and the points."""
    store = opened.desk.store
    call = store.results.get("c1")
    finding = next(finding for finding in call.findings if finding.points < 0)
    verdict = Verdict(
        call_id="c1", rule_id=finding.rule_id, at_ms=finding.at_ms, quote_sha256=quote_hash(finding), at=NOW,
        kind=VerdictKind.REJECTED, reason=VerdictReason.WRONG_ROLE, user_id=store.users.list()[0].user_id,
        finding=finding,
    )  # fmt: skip
    store.reviews.add(verdict, AuditEntry(at=NOW, actor="a", actor_kind="person", action="review.verdict"))
    return call, finding.points


def test_a_report_has_both_scores_and_who_reviewed_it_when(opened: OpenDesk) -> None:
    assert assemble_order(opened.desk.store, "o1").reviews == {}
    call, points = reject_first(opened)
    report = assemble_order(opened.desk.store, "o1")
    review = report.reviews["c1"]
    assert call.score is not None
    assert (report.calls[0].score, review.score) == (call.score, call.score - points)
    assert review.reviewers == (opened.desk.store.users.list()[0].display,)
    assert [(item.verdict, item.reason) for item in review.findings] == [
        (VerdictKind.REJECTED, VerdictReason.WRONG_ROLE)
    ]
    assert set(report.reviews) == {"c1"}
    read = from_json(OrderReport, to_json(report), where="x", error=StoreError)
    assert dict(read.reviews) == report.reviews


def test_documents_print_the_review_beside_the_score_and_the_signatures(opened: OpenDesk) -> None:
    reject_first(opened)
    report = assemble_order(opened.desk.store, "o1")
    settings = opened.desk.settings
    view = build_view(report, settings.report)
    words = f"经复核：admin，2026-11-22，得{report.reviews['c1'].score}分"
    assert words in view.calls[0].score_line
    assert words in view.reviews[0]
    assert "经复核" not in view.calls[1].score_line


def test_a_review_survives_judging_anew_as_long_as_its_finding_does(opened: OpenDesk) -> None:
    call, points = reject_first(opened)
    store = opened.desk.store
    moved = tuple(replace(finding, at_ms=finding.at_ms + 1500) for finding in call.findings)
    store.results.replace("c1", "k2", replace(call, findings=moved), rules_sha256="r", snapshot="[]")
    review = assemble_order(store, "o1").reviews["c1"]
    assert call.score is not None
    assert review.score == call.score - points
    store.results.replace("c1", "k3", replace(call, findings=()), rules_sha256="r", snapshot="[]")
    assert assemble_order(store, "o1").reviews == {}
