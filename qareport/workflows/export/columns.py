"""Tables of stored calls: their kinds and columns, masked as the privacy settings say, one call in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from qareport import privacy
from qareport.model import (
    MEASURES,
    STATE_NOT_JUDGED,
    CallReport,
    CallReview,
    FindingReview,
    PersonalKind,
    Role,
    Unit,
)
from qareport.presentation import wording
from qareport.search import Line, lines_of
from qareport.settings import PrivacySettings, ScoreSettings
from qareport.store import CallRecord, Store
from qareport.workflows.review import review_calls


def masked_records(
    store: Store, call_ids: Sequence[str], masking: PrivacySettings, score: ScoreSettings | None = None
) -> Iterator[CallRecord]:
    """Iterate over calls as they may leave the store, with what reviewers said of them.

    Args:
        store: where they are.
        call_ids: which, in their order.
        masking: which personal data to hide.
        score: the thresholds of reviewed scores; None: the default ones.
    """
    records = store.results.list(call_ids)
    while batch := tuple(islice(records, _REVIEWED_TOGETHER)):
        reports = [record.report for record in batch if record.report is not None]
        reviews = review_calls(store, reports, score or ScoreSettings())
        for record in batch:
            told = replace(record, review=reviews.get(record.call.call_id))
            yield _masked(told, masking.kinds) if masking.enabled else told


def _masked(record: CallRecord, kinds: Collection[PersonalKind]) -> CallRecord:
    report, failure = record.report, record.failure
    return replace(
        record,
        report=report and privacy.mask_report(report, kinds),
        # The name of a recording may hold the number that called.
        failure=failure and failure.reworded(lambda text: privacy.mask(text, kinds=kinds)[0]),
    )


def rows(table: Table, record: CallRecord, zone: ZoneInfo) -> Iterator[list[object]]:
    """Return the rows of one call, a value for each column."""
    for item in table.items(record, zone):
        yield [column.value(item) for column in table.columns]


#: Verdicts of so many calls are read together.
_REVIEWED_TOGETHER = 50
#: list: several texts; time: an instant in the time zone of the settings; absence is None in every kind.
Kind = Literal["text", "integer", "number", "flag", "time", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what its values are, and how they are taken from an item."""

    name: str
    kind: Kind
    value: Callable[[Any], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of table."""

    name: str
    columns: tuple[Column, ...]
    items: Callable[[CallRecord, ZoneInfo], Iterator[Item]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The source of a row: the call, and the item in it that the row is about."""

    record: CallRecord
    started_at: datetime | None
    thing: Any = None
    number: int = 0
    line: Line | None = None

    @property
    def report(self) -> CallReport:
        """The result of a call that has one."""
        if self.record.report is None:
            raise ValueError(self.record.call.call_id)
        return self.record.report


def rich_text(line: Line) -> str:
    """Write a sentence with its tags, as readers search for it: 退货运费谁出?[ANGRY]."""
    return line.text + "".join(wording.tag(tag) for tag in line.tags)


def _item(record: CallRecord, zone: ZoneInfo, **more: Any) -> Item:
    started = record.call.started_at
    return Item(record=record, started_at=started.astimezone(zone) if started else None, **more)


def _calls(record: CallRecord, zone: ZoneInfo) -> Iterator[Item]:
    yield _item(record, zone)


def _segments(record: CallRecord, zone: ZoneInfo) -> Iterator[Item]:
    if record.report is not None:
        pairs = zip(record.report.segments, lines_of(record.report), strict=True)
        for number, (segment, line) in enumerate(pairs, start=1):
            yield _item(record, zone, thing=segment, number=number, line=line)


def _moments(record: CallRecord, zone: ZoneInfo) -> Iterator[Item]:
    for number, moment in enumerate(record.report.moments if record.report else (), start=1):
        yield _item(record, zone, thing=moment, number=number)


def _findings(record: CallRecord, zone: ZoneInfo) -> Iterator[Item]:
    for number, finding in enumerate(record.report.findings if record.report else (), start=1):
        yield _item(record, zone, thing=finding, number=number)


def _of_report(take: Callable[[CallReport], object]) -> Callable[[Item], object]:
    """Take something from the result of a call, and nothing where there is none."""
    return lambda item: None if item.record.report is None else take(item.record.report)


def _of_review(take: Callable[[CallReview], object]) -> Callable[[Item], object]:
    """Take something from the review of a call, and nothing where nobody reviewed it."""
    return lambda item: None if item.record.review is None else take(item.record.review)


def _verdict(item: Item) -> FindingReview | None:
    """Find what a reviewer said of a finding."""
    given = item.record.review.findings if item.record.review else ()
    named = (item.thing.rule_id, item.thing.at_ms)
    return next((review for review in given if not review.added and (review.rule_id, review.at_ms) == named), None)


def _state(item: Item) -> str:
    if item.record.report is not None:
        return "judged"
    return "failed" if item.record.failure is not None else "waiting"


#: Of all measures, those that the table of calls has.
_CALL_MEASURES = (
    "duration_ms",
    "talk_ms",
    "non_talk_ms",
    "silence_count",
    "silence_ms",
    "longest_silence_ms",
    "agent_interruptions",
    "customer_interruptions",
    "first_response_ms",
    "median_response_ms",
)


def _measure(name: str) -> Column:
    measure = MEASURES[name]
    kind: Kind = "integer" if measure.unit in (Unit.COUNT, Unit.MILLISECONDS) else "number"
    return Column(name, kind, _of_report(lambda report: measure.of(report.metrics)))


def _trajectory(report: CallReport) -> list[str]:
    states = [state.state for state in report.trajectory if state.role is Role.CUSTOMER]
    return [state for index, state in enumerate(states) if index == 0 or states[index - 1] != state]


def _scores(item: Item) -> float | None:
    segment = item.thing
    if segment.emotion is None or not segment.emotion_scores:
        return None
    score: float | None = segment.emotion_scores.get(segment.emotion.value)
    return score


_WHOSE = (
    Column("call_id", "text", lambda item: item.record.call.call_id),
    Column("order_id", "text", lambda item: item.record.call.order_id),
    Column("agent_id", "text", lambda item: item.record.call.agent_id),
    Column("started_at", "time", lambda item: item.started_at),
)

_CALL_COLUMNS = (
    *_WHOSE,
    Column("state", "text", _state),
    Column("score", "integer", _of_report(lambda report: report.score)),
    Column("passed", "flag", _of_report(lambda report: report.scorecard and report.scorecard.passed)),
    Column("reviewed_score", "integer", _of_review(lambda review: review.score)),
    Column("reviewed_passed", "flag", _of_review(lambda review: review.passed)),
    Column("reviewers", "list", _of_review(lambda review: list(review.reviewers))),
    Column("reviewed_at", "time", _of_review(lambda review: review.reviewed_at)),
    Column("risk", "text", _of_report(lambda report: report.risk.value)),
    Column("trajectory", "list", _of_report(_trajectory)),
    Column("issues", "list", _of_report(lambda report: [issue.name for issue in report.issues])),
    Column("stages", "list", _of_report(lambda report: [stage.name for stage in report.stages])),
    Column(
        "rules", "list", _of_report(lambda report: list(dict.fromkeys(finding.rule_id for finding in report.findings)))
    ),
    Column("segments", "integer", _of_report(lambda report: len(report.segments))),
    Column("moments", "integer", _of_report(lambda report: len(report.moments))),
    Column("findings", "integer", _of_report(lambda report: len(report.findings))),
    *map(_measure, _CALL_MEASURES),
    Column("trend", "text", _of_report(lambda report: report.metrics.trend)),
    Column("customer_phone", "text", _of_report(lambda report: report.customer_phone)),
    Column("model", "text", _of_report(lambda report: report.model and f"{report.model.name}@{report.model.revision}")),
    Column("rules_sha256", "text", lambda item: item.record.rules_sha256),
    Column("failed_step", "text", lambda item: item.record.failure and item.record.failure.step),
    Column("failure", "text", lambda item: item.record.failure and str(item.record.failure)),
)

_SEGMENT_COLUMNS = (
    *_WHOSE,
    Column("segment", "integer", lambda item: item.number),
    Column("start_ms", "integer", lambda item: item.thing.start_ms),
    Column("end_ms", "integer", lambda item: item.thing.end_ms),
    Column("role", "text", lambda item: item.thing.role.value),
    Column("role_source", "text", lambda item: item.thing.role_source.value),
    Column("channel", "integer", lambda item: item.thing.channel),
    Column("language", "text", lambda item: item.thing.language and item.thing.language.value),
    Column("emotion", "text", lambda item: item.thing.emotion.value if item.thing.emotion else STATE_NOT_JUDGED),
    Column("emotion_score", "number", _scores),
    Column("events", "list", lambda item: [event.value for event in item.thing.events]),
    Column("loudness_dbfs", "number", lambda item: item.thing.loudness_dbfs),
    Column("text", "text", lambda item: item.thing.text),
    Column("rich_text", "text", lambda item: rich_text(item.line)),
)

_MOMENT_COLUMNS = (
    *_WHOSE,
    Column("moment", "integer", lambda item: item.number),
    Column("at_ms", "integer", lambda item: item.thing.at_ms),
    Column("end_ms", "integer", lambda item: item.thing.end_ms),
    Column("kind", "text", lambda item: item.thing.kind.value),
    Column("role", "text", lambda item: item.thing.role.value),
    Column("label", "text", lambda item: item.thing.label),
    Column("label_code", "text", lambda item: item.thing.label_code and item.thing.label_code.value),
    Column("quote", "text", lambda item: item.thing.quote),
    Column("tags", "list", lambda item: list(item.thing.tags)),
    Column("topic", "text", lambda item: item.thing.topic),
    Column("issue", "text", lambda item: item.thing.issue),
    Column("fuzzy", "flag", lambda item: item.thing.fuzzy),
    Column("salience", "number", lambda item: item.thing.salience),
)

_FINDING_COLUMNS = (
    *_WHOSE,
    Column("finding", "integer", lambda item: item.number),
    Column("rule_id", "text", lambda item: item.thing.rule_id),
    Column("rule_version", "text", lambda item: item.thing.rule_version),
    Column("title", "text", lambda item: item.thing.title),
    Column("category", "text", lambda item: item.thing.category),
    Column("severity", "text", lambda item: item.thing.severity.value),
    Column("at_ms", "integer", lambda item: item.thing.at_ms),
    Column("points", "integer", lambda item: item.thing.points),
    Column("fatal", "flag", lambda item: item.thing.fatal),
    Column("moment", "text", lambda item: item.thing.moment),
    Column("evidence", "list", lambda item: [evidence.quote for evidence in item.thing.evidence]),
    Column("evidence_ms", "list", lambda item: [str(evidence.at_ms) for evidence in item.thing.evidence]),
    Column("advice", "text", lambda item: item.thing.advice),
    Column("verdict", "text", lambda item: (given := _verdict(item)) and given.verdict.value),
    Column("verdict_reason", "text", lambda item: (given := _verdict(item)) and given.reason and given.reason.value),
)

KINDS: Mapping[str, Table] = {
    "calls": Table(name="calls", columns=_CALL_COLUMNS, items=_calls),
    "segments": Table(name="segments", columns=_SEGMENT_COLUMNS, items=_segments),
    "moments": Table(name="moments", columns=_MOMENT_COLUMNS, items=_moments),
    "findings": Table(name="findings", columns=_FINDING_COLUMNS, items=_findings),
}
