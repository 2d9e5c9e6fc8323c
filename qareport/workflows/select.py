"""Select stored calls and orders by name, agent or day; the error for an empty selection says what exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from qareport.calendar import DAY
from qareport.errors import NotFoundError
from qareport.events import Progress
from qareport.messages import Message, say
from qareport.model import CallCorrection, CallReport, FailedCall, Segment, Transcript
from qareport.store import CallFilter, Store
from qareport.workflows import judge, transcribe
from qareport.workflows.judge import RuleBook
from qareport.workflows.transcribe import TranscribedCall


def choose_calls(store: Store, wanted: CallFilter) -> tuple[str, ...]:
    """Return the names of the calls that are asked for, oldest first.

    Raises:
        NotFoundError: there are none; says what there is instead.
    """
    calls = store.calls.list_ids(wanted)
    if not calls:
        raise _nothing(store, wanted)
    return tuple(call_id for call_id, _ in calls)


def choose_orders(store: Store, wanted: CallFilter) -> tuple[str, ...]:
    """Return the orders, each once, that the calls asked for belong to; a call without an order counts as one.

    Calls that wait for their result have nothing to report yet.

    Raises:
        NotFoundError: there are none; says what there is instead.
    """
    calls = store.calls.list_ids(replace(wanted, settled=True))
    if not calls:
        waiting = store.calls.list_ids(wanted)
        if waiting:
            names = ", ".join(call_id for call_id, _ in waiting[:5])
            raise NotFoundError(
                say("no result yet: {names}", names=names),
                where=store.url,
                to_do=say("run `qareport run` or `daily` first"),
            )
        raise _nothing(store, wanted)
    return tuple(dict.fromkeys(order_id or call_id for call_id, order_id in calls))


_ABSENT: Mapping[str, Message] = {
    "order": say("no order {names}"),
    "call": say("no call {names}"),
    "agent": say("no agent {names}"),
}


def _nothing(store: Store, wanted: CallFilter) -> NotFoundError:
    """Say what is not there, and what is: of the first thing asked for that the store does not know by itself."""
    alone = (
        ("order", wanted.orders, CallFilter(orders=wanted.orders)),
        ("call", wanted.calls, CallFilter(calls=wanted.calls)),
        ("agent", wanted.agents, CallFilter(agents=wanted.agents)),
    )
    for what, names, by_itself in alone:
        if not names or store.calls.list_ids(by_itself):
            continue
        known = store.calls.list_names(what)
        to_do = say("in the store: {names} …", names=", ".join(known)) if known else say("run `qareport run` first")
        asked = ", ".join(repr(name) for name in names)
        return NotFoundError(Message(_ABSENT[what].template, (("names", asked),)), where=store.url, to_do=to_do)
    if not store.calls.list_names("call", 1):
        return NotFoundError(say("there are no calls yet"), where=store.url, to_do=say("run `qareport run` first"))
    if wanted.since is None and wanted.until is None:
        return NotFoundError(say("no call is all of that at once"), where=store.url, to_do=say("ask for less at once"))
    zone = (wanted.since or wanted.until or datetime.now()).tzinfo  # noqa: DTZ005 - one of the two is given
    first = wanted.since or datetime.min.replace(tzinfo=zone) + DAY
    last = wanted.until or datetime.max.replace(tzinfo=zone) - DAY
    around = [f"{start.astimezone(zone):%Y-%m-%d}" for start in store.calls.list_starts_around(first, last)]
    near = say("the nearest days with calls: {days}", days=", ".join(around)) if around else say("ask for less at once")
    return NotFoundError(say("no call began then"), where=store.url, to_do=near)


def refresh(
    store: Store, names: Sequence[str], rule_book: RuleBook, *, on_progress: Progress
) -> tuple[FailedCall, ...]:
    """Judge the calls of some orders again from their stored transcripts, where anything has changed since.

    Args:
        store: where transcripts are and results go.
        names: orders, or calls without one.
        rule_book: today's settings, topics and rules.
        on_progress: called after each call.

    Returns:
        the calls that could not be judged; one without a transcript keeps its last result.
    """
    ids = {call_id for call_id, _ in store.calls.list_ids(CallFilter(orders=tuple(names)))}
    ids |= {call_id for call_id, _ in store.calls.list_ids(CallFilter(calls=tuple(names)))}
    transcribed: list[TranscribedCall] = []
    lost: list[FailedCall] = []
    for record in store.results.list(sorted(ids)):
        call_id = record.call.call_id
        kept = find_transcript(record.report, store.transcripts.list(call_id), store.corrections.find(call_id))
        if kept is not None:
            key, transcript = kept
            transcript = transcribe.rebind(transcript, record.call)
            transcribed.append(TranscribedCall(call=record.call, key=key, transcript=transcript))
        elif record.failure is None:
            reason = say("no transcript is stored, so its last result stays; `qareport run` transcribes it again")
            lost.append(FailedCall.of(record.call, "analyse", reason))
    _, failures = judge.judge_calls(transcribed, store, rule_book, on_progress=on_progress)
    return (*lost, *failures)


def find_transcript(
    report: CallReport | None, transcripts: Sequence[tuple[str, Transcript]], correction: CallCorrection | None = None
) -> tuple[str, Transcript] | None:
    """Choose among transcripts of a call the one that its result is of; another model may have made one, too.

    Args:
        report: the result; None: there is none.
        transcripts: of the call, with their keys.
        correction: what people corrected of it.
    """
    if report is not None:
        same = [
            (key, transcript)
            for key, transcript in transcripts
            if transcript.model == report.model and _words(transcript.segments) == _words(report.segments)
        ]
        roles = [(segment.channel, segment.role) for segment in report.segments]
        for key, transcript in same:  # of the same words, with the speakers told apart in another way
            shown = transcript if correction is None else correction.of_transcript(transcript, key)
            if [(segment.channel, segment.role) for segment in shown.segments] == roles:
                return key, transcript
        if same:
            return same[0]
    return transcripts[0] if transcripts else None


def _words(segments: Sequence[Segment]) -> list[tuple[int, int, str]]:
    return [(segment.start_ms, segment.end_ms, segment.text) for segment in segments]
