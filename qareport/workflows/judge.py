"""From transcripts to judged calls, as plain functions over a store, and one progress hook.

`transcribe` comes before and `render` goes on from there. Each step's result is kept under the hash of everything that
decided it, so a second run does only what is missing, and a killed run goes on where it was. A call that fails becomes
a `FailedCall`; nothing here stops a batch for one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from qareport import analysis, events, periods, rules
from qareport.codec import to_json
from qareport.errors import StoreError
from qareport.events import Progress, reason_of
from qareport.keys import content_key
from qareport.model import Analysis, Call, CallReport, FailedCall, Judgement, Risk, Transcript
from qareport.presentation import wording
from qareport.workflows.rule_book import RuleBook
from qareport.workflows.transcribe import TranscribedCall, keep_failure

if TYPE_CHECKING:
    from qareport.store import Store


def judge_call(
    call: Call, transcript: Transcript, rule_book: RuleBook, *, earlier: tuple[datetime, ...] | None = None
) -> CallReport:
    """Analyse and judge one transcript: the whole result of one call.

    Args:
        call: what the business knows of it.
        transcript: what was said.
        rule_book: settings, topics and rules.
        earlier: when the earlier calls of its order began; None: not known.
    """
    analysed = rule_book.analyse(transcript)
    if analysis.is_outside((*transcript.notes, *analysed.notes)):
        believed = analysis.within_domain(transcript, rule_book.settings.analysis.limited_models)
        transcript = replace(transcript, segments=believed.segments)
        # Rules would judge words that nobody said.
        judgement = Judgement(findings=(), score=None, risk=Risk.LOW)
    else:
        judgement = rules.judge(rule_book.ruleset, transcript, analysed, rule_book.settings.score, earlier=earlier)
    report = _call_report(call, transcript, analysed, judgement)
    return replace(report, notes=(*rule_book.notes, *report.notes, *judgement.notes))


def judge_calls(
    transcribed: Sequence[TranscribedCall], store: Store, rule_book: RuleBook, *, on_progress: Progress
) -> tuple[tuple[Call, ...], tuple[FailedCall, ...]]:
    """Judge the calls whose result the store does not hold yet.

    Returns:
        the calls that have a result, and those that failed.
    """
    watch = events.Stopwatch()
    done: list[Call] = []
    failures: list[FailedCall] = []
    for number, item in enumerate(transcribed, start=1):
        try:
            outcome = _judge_into(item, store, rule_book)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a batch ends at no call, whatever is wrong with it
            failures.append(keep_failure(store, item.call, "analyse", reason_of(error)))
            continue
        done.append(item.call)
        ids = {"call_id": item.call.call_id, "order_id": item.call.order_id}
        events.happened("analyse", outcome, **ids, duration_ms=watch.lap_ms())
        on_progress("analyse", number, len(transcribed))
    return tuple(done), tuple(failures)


def _judge_into(item: TranscribedCall, store: Store, rule_book: RuleBook) -> str:
    """Judge a call into the store. Returns "kept" when its result was there already, else "done"."""
    call = item.call
    earlier = store.calls.list_earlier_starts(call)
    known = ",".join(start.isoformat() for start in earlier or ())
    key = content_key(item.key, to_json(call), rule_book.key, known)
    if store.results.make_newest(key, call):
        return "kept"
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
    return "done"


def orders_of(calls: Iterable[Call]) -> list[str]:
    """Name the reports that the calls belong to, each once: the order, or the call itself when it has none."""
    return list(dict.fromkeys(call.subject for call in calls))


def _call_report(call: Call, transcript: Transcript, analysed: Analysis, judgement: Judgement) -> CallReport:
    return CallReport(
        call_id=call.call_id,
        agent_id=call.agent_id,
        started_at=call.started_at,
        customer_phone=mask_phone(call.customer_phone),
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
        segments=transcript.segments,
        notes=(*transcript.notes, *analysed.notes),
    )


def transcript_key(transcript: Transcript) -> str:
    """Return the key of a transcript that came from elsewhere: the hash of its content."""
    return content_key("transcript", to_json(transcript))


def replay_key(key: str, rule_book: RuleBook) -> str:
    """Return the key of a stored result that is judged anew."""
    return content_key("replay", key, rule_book.key)


def mask_phone(number: str | None) -> str | None:
    """Hide the middle of a number to call back: 13812345678 -> 138****5678; a short one is hidden whole."""
    if number is None:
        return None
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 10 else "****"
