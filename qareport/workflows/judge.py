"""Judge calls: read and analyse a transcript and match the rules, for new calls and, with edited rules, stored ones.

A `RuleBook` holds settings, topics, reader and rules: everything besides the transcript that decides a judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from qareport import __version__, analysis, events, periods, privacy, rules
from qareport.codec import to_json
from qareport.errors import DamagedError, QareportError, StoreError
from qareport.events import Progress, reason_of
from qareport.files import content_key
from qareport.model import (
    Analysis,
    Call,
    CallCorrection,
    CallReport,
    FailedCall,
    Judgement,
    Note,
    NoteCode,
    Risk,
    TopicScore,
    Transcript,
)
from qareport.presentation import wording
from qareport.rules import CallSnapshot, StoredJudgement
from qareport.settings import Settings
from qareport.understanding import GivenReader, Reader
from qareport.workflows.transcribe import TranscribedCall, keep_failure, rebind

if TYPE_CHECKING:
    from qareport.store import Store, StoredCall


@dataclass(frozen=True, kw_only=True)  # no slots: the key is kept once it is known
class RuleBook:
    """Settings, topics, reader and rules, and what people must know of them."""

    settings: Settings
    topics: analysis.Topics
    ruleset: rules.RuleSet
    #: Understands what each sentence does before the call is analysed.
    reader: Reader = field(default_factory=GivenReader)
    #: What people must know of the rules in use; shown at the top of every report.
    notes: tuple[Note, ...] = ()

    def read(self, transcript: Transcript) -> Transcript:
        """Understand what each sentence does; of voices outside the model's domain nothing is understood."""
        believed = analysis.within_domain(transcript, self.settings.analysis.limited_models)
        return believed if analysis.is_outside(believed.notes) else self.reader.read(believed)

    def analyse(self, transcript: Transcript) -> Analysis:
        """Find what happened in a call that was read, with these settings and topics."""
        return analysis.analyse(transcript, self.settings.analysis, self.topics)

    @property
    def topic_names(self) -> tuple[str, ...]:
        """Names of the issue types."""
        return tuple(topic.name for topic in self.topics.topics)

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone by whose clock rules count days and hours."""
        return ZoneInfo(self.settings.period.time_zone)

    @cached_property
    def key(self) -> str:
        """Hash of everything here that decides a judgement."""
        return content_key(
            __version__,
            to_json(self.settings.analysis),
            to_json(self.settings.score),
            self.settings.period.time_zone,
            repr(self.topics),
            self.reader.key,
            self.ruleset.sha256,
            *(to_json(note) for note in self.notes),
        )


def judge_call(
    call: Call, transcript: Transcript, rule_book: RuleBook, *, earlier: tuple[datetime, ...] | None = None
) -> CallReport:
    """Read, analyse and judge one transcript: the whole result of one call.

    Args:
        call: what the business knows of it.
        transcript: what was said.
        rule_book: settings, topics and rules.
        earlier: when the earlier calls of its order began; None: not known.
    """
    transcript = rule_book.read(transcript)
    analysed = rule_book.analyse(transcript)
    if analysis.is_outside(transcript.notes):
        # Rules would judge words that were never said.
        judgement = Judgement(findings=(), score=None, risk=Risk.LOW)
    else:
        judgement = rules.judge(
            rule_book.ruleset,
            transcript,
            analysed,
            rule_book.settings.score,
            earlier=earlier,
            time_zone=rule_book.time_zone,
        )
    report = _call_report(call, transcript, analysed, judgement)
    return replace(report, notes=(*rule_book.notes, *report.notes, *judgement.notes))


def judge_calls(
    transcribed: Iterable[TranscribedCall],
    store: Store,
    rule_book: RuleBook,
    *,
    on_progress: Progress,
    total: int | None = None,
) -> tuple[tuple[Call, ...], tuple[FailedCall, ...]]:
    """Judge the calls whose result the store does not hold yet.

    Args:
        transcribed: the calls.
        store: where results are kept.
        rule_book: settings, topics, reader and rules.
        on_progress: called after each call.
        total: how many calls there are, where `transcribed` has no length.

    Returns:
        the calls that have a result, and those that failed.
    """
    if total is None:
        total = len(transcribed) if isinstance(transcribed, Sized) else 0
    done: list[Call] = []
    failures: list[FailedCall] = []
    for number, item in enumerate(transcribed, start=1):
        watch = events.Stopwatch()  # the next item may have been long in coming
        try:
            outcome, call = judge_into(item, store, rule_book)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a batch ends at no call, whatever is wrong with it
            failures.append(keep_failure(store, item.call, "analyse", reason_of(error)))
            continue
        done.append(call)
        ids = {"call_id": call.call_id, "order_id": call.order_id}
        events.happened("analyse", outcome, **ids, duration_ms=watch.lap_ms())
        on_progress("analyse", number, total)
    return tuple(done), tuple(failures)


def judge_into(item: TranscribedCall, store: Store, rule_book: RuleBook) -> tuple[str, Call]:
    """Judge a call into the store, as people corrected it.

    Returns "kept" when its result was there already, else "done"; and the call with its corrections.
    """
    correction = store.corrections.find(item.call.call_id)
    if correction is not None:
        item = _corrected(item, correction, store)
    call = item.call
    earlier = store.calls.list_earlier_starts(call)
    known = ",".join(start.isoformat() for start in earlier or ())
    by_people = correction.judged_by if correction is not None else ()
    key = content_key(item.key, to_json(replace(call, source=None)), rule_book.key, known, *by_people)
    if store.results.make_newest(key, call):
        return "kept", call
    report = judge_call(call, item.transcript, rule_book, earlier=earlier)
    sha256 = rule_book.ruleset.sha256
    store.results.put(
        key,
        call,
        report,
        rules_sha256=sha256,
        snapshot=rules.CallSnapshot.take(report, call.order_id).to_json(),
        summary=periods.summarise_call(report, call.order_id, rules_sha256=sha256),
    )
    return "done", call


def _corrected(item: TranscribedCall, correction: CallCorrection, store: Store) -> TranscribedCall:
    """Lay the corrections of people over a call: its facts, which transcript counts, and who speaks in it."""
    call, key, transcript = correction.of_call(item.call), item.key, item.transcript
    if correction.transcript_key not in ("", key):
        chosen = store.transcripts.find(correction.transcript_key)
        if chosen is not None:
            key, transcript = correction.transcript_key, chosen
    return TranscribedCall(call=call, key=key, transcript=rebind(correction.of_transcript(transcript, key), call))


def orders_of(calls: Iterable[Call]) -> list[str]:
    """Name the reports that the calls belong to, each once: the order, or the call itself when it has none."""
    return list(dict.fromkeys(call.subject for call in calls))


def _call_report(call: Call, transcript: Transcript, analysed: Analysis, judgement: Judgement) -> CallReport:
    return CallReport(
        call_id=call.call_id,
        agent_id=call.agent_id,
        shop=call.shop,
        started_at=call.started_at,
        customer_phone=privacy.mask_phone(call.customer_phone),
        audio=transcript.audio,
        model=transcript.model,
        metrics=analysed.metrics,
        silences=analysed.silences,
        interruptions=analysed.interruptions,
        trajectory=analysed.trajectory,
        curve=analysed.curve,
        moments=tuple(wording.with_label(moment) for moment in analysed.moments),
        promises=analysed.promises,
        issues=analysed.issues,
        stages=analysed.stages,
        findings=judgement.findings,
        score=judgement.score,
        scorecard=judgement.scorecard,
        risk=judgement.risk,
        risk_reasons=judgement.risk_reasons,
        segments=transcript.segments,
        notes=(*transcript.notes, *analysed.notes),
    )


def transcript_key(transcript: Transcript) -> str:
    """Return the key of a transcript that came from elsewhere: the hash of its content."""
    return content_key("transcript", to_json(transcript))


def replay_key(key: str, rule_book: RuleBook) -> str:
    """Return the key of a stored result that is judged again."""
    return content_key("replay", key, rule_book.key)


#: When the calls of each order began, as the store writes it.
Starts = Mapping[str, list[str]]
#: Calls of a replay whose orders are asked for at once; their snapshots are in memory, some 5 kB for each minute.
_AT_ONCE = 100
#: Notes that a new judgement replaces.
_OF_JUDGEMENT = frozenset((NoteCode.RULES_LAST_GOOD, NoteCode.RULES_NOT_JUDGED, NoteCode.NOT_SCORED_SPEAKERS))


def stored_judgements(
    store: Store, since: datetime | None = None, *, until: datetime | None = None, most: int | None = None
) -> Iterator[StoredJudgement | None]:
    """Walk through what is stored, in the form a replay takes; None for a call that cannot be read.

    Args:
        store: what was judged.
        since: only calls that began then or later.
        until: only calls that began before.
        most: only the newest so many.
    """
    versions: dict[str, Mapping[str, str] | None] = {}
    for call, starts in _with_starts(store, store.results.list_snapshots(since, until=until, most=most)):
        if call.rules_sha256 not in versions:
            versions[call.rules_sha256] = _versions(store, call.rules_sha256)
        snapshot = CallSnapshot.read(call.snapshot) if call.snapshot is not None else None
        snapshot = snapshot or _snapshot_anew(store, call)
        if snapshot is None:
            yield None
            continue
        yield StoredJudgement(
            snapshot=snapshot,
            order_id=call.order_id,
            versions=versions[call.rules_sha256],
            earlier=partial(_earlier, call, starts),
        )


def apply(store: Store, rule_book: RuleBook, since: datetime | None = None) -> int:
    """Judge every stored call again from what was found in it, and make that its result. Returns how many.

    Results that were there before stay in the store with the hash of their rule set.
    """
    sha256 = rule_book.ruleset.sha256
    store.rule_sets.put(sha256, rule_book.ruleset.files)
    judged = 0
    # Without their snapshots: of a year these would take gigabytes.
    old = [replace(call, snapshot=None) for call in store.results.list_snapshots(since) if call.rules_sha256 != sha256]
    for call, starts in _with_starts(store, iter(old)):
        try:
            before, earlier = store.results.get(call.call_id), _earlier(call, starts)
        except DamagedError:  # `stored_judgements` counts it, and `store check` names it
            continue
        judged += 1
        report = _judged_anew(before, call.order_id, rule_book, earlier)
        store.results.replace(
            call.call_id,
            replay_key(call.key, rule_book),
            report,
            rules_sha256=sha256,
            snapshot=CallSnapshot.take(report, call.order_id).to_json(),
            summary=periods.summarise_call(report, call.order_id, rules_sha256=sha256),
        )
    return judged


def transcript_of(report: CallReport, order_id: str | None) -> Transcript:
    """Return what was said in a judged call, as it was understood."""
    return Transcript(
        call_id=report.call_id,
        order_id=order_id,
        agent_id=report.agent_id,
        shop=report.shop,
        started_at=report.started_at,
        audio=report.audio,
        model=report.model,
        segments=report.segments,
        topics=tuple(TopicScore(name=issue.name) for issue in report.issues),
    )


def context_of(store: Store, call_id: str, rule_book: RuleBook) -> rules.MatchContext:
    """Build what rules match against, of a stored call: for explaining.

    Raises:
        NotFoundError: the store knows no such call, or it was not judged.
    """
    report = store.results.get(call_id)
    order_id = store.calls.find_order_id(call_id)
    starts = store.calls.list_starts_by_order([order_id] if order_id else [])
    earlier = _starts_before(order_id, report.started_at, starts)
    snapshot = CallSnapshot.take(report, order_id)
    return snapshot.context(rule_book.ruleset.stages, earlier, rule_book.time_zone)


def _judged_anew(
    report: CallReport, order_id: str | None, rule_book: RuleBook, earlier: tuple[datetime, ...] | None
) -> CallReport:
    context = CallSnapshot.take(report, order_id).context(rule_book.ruleset.stages, earlier, rule_book.time_zone)
    active = [rule for rule in rule_book.ruleset.rules if rule.status is rules.RuleStatus.ACTIVE]
    judgement = rules.judge_context(active, context, rule_book.settings.score)
    kept = tuple(note for note in report.notes if note.code not in _OF_JUDGEMENT)
    return replace(
        report,
        findings=judgement.findings,
        score=judgement.score,
        scorecard=judgement.scorecard,
        risk=judgement.risk,
        risk_reasons=judgement.risk_reasons,
        notes=(*rule_book.notes, *kept, *judgement.notes),
    )


def _with_starts(store: Store, calls: Iterator[StoredCall]) -> Iterator[tuple[StoredCall, Starts]]:
    """Add to calls when those of their orders began; of a year of calls not all are in memory at once."""
    while some := list(islice(calls, _AT_ONCE)):
        starts = store.calls.list_starts_by_order(sorted({call.order_id for call in some if call.order_id}))
        yield from ((call, starts) for call in some)


def _versions(store: Store, sha256: str) -> Mapping[str, str] | None:
    files = store.rule_sets.find(sha256)
    if files is None:
        return None
    try:
        return rules.load(rules.RuleFiles.from_texts(files, where="store")).versions
    except QareportError:  # kept by another version of the language: then every rule is matched again
        return None


def _snapshot_anew(store: Store, call: StoredCall) -> CallSnapshot | None:
    """Take a snapshot of a call that was judged before snapshots were kept, or in another form."""
    try:
        return CallSnapshot.take(store.results.get(call.call_id), call.order_id)
    except QareportError:
        return None


def _earlier(call: StoredCall, starts: Starts) -> tuple[datetime, ...] | None:
    began = datetime.fromisoformat(call.started_at) if call.started_at else None
    return _starts_before(call.order_id, began, starts)


def _starts_before(order_id: str | None, began: datetime | None, starts: Starts) -> tuple[datetime, ...] | None:
    if order_id is None or began is None:
        return None
    return tuple(sorted(start for start in map(datetime.fromisoformat, starts.get(order_id, ())) if start < began))
