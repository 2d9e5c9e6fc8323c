"""What becomes of a live call when it is over: its recording is judged as any other, and that result takes its place.

Each alert is then marked: the result of the whole recording says the same, or it does not. Calls that a killed process
left behind are ended at the next start, and what was recorded of them is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from qareport import events
from qareport.audio.streaming import repair_wav
from qareport.errors import NotFoundError
from qareport.model import (
    Act,
    Alert,
    CallReport,
    Emotion,
    LiveCall,
    LiveState,
    MomentKind,
    Role,
    Signal,
)
from qareport.store import Store
from qareport.workflows.live.signals import HOLD_TOO_LONG_MS

#: In milliseconds: so far apart the same may be in the live call and in its recording.
_NEAR_MS: Final = 15_000
_ACTS = {
    Signal.CHURN: Act.GIVE_UP, Signal.ESCALATION: Act.THREATEN, Signal.IRONY: Act.SARCASM, Signal.NO_ANSWER: Act.EVADE,
}  # fmt: skip
_MOMENTS = {
    Signal.ANGER: MomentKind.EMOTION, Signal.CHURN: MomentKind.CHURN_SIGNAL, Signal.ESCALATION: MomentKind.ESCALATION,
    Signal.IRONY: MomentKind.IRONY, Signal.NO_ANSWER: MomentKind.NO_ANSWER, Signal.WAITING: MomentKind.SILENCE,
}  # fmt: skip


def hand_over(store: Store, call: LiveCall, *, at: datetime) -> None:
    """Keep a call that is over, and let its recording, if there is one, be judged as if it had been uploaded."""
    path = Path(call.audio_path)
    if not call.audio_path or not path.is_file() or repair_wav(path) == 0:
        with suppress(OSError):
            if call.audio_path:
                path.unlink()
        store.live_calls.change([replace(call, state=LiveState.MERGE_FAILED, audio_path="")])
        return
    payload = {
        "file_name": path.name,
        "language": "auto",
        "call_id": call.call_id,
        "order_id": call.order_id,
        "agent_id": call.agent_id,
        "customer_phone": call.customer_phone,
        "started_at": call.started_at.isoformat(),
        "channel_roles": [role.value for role in call.channel_roles],
        "external_ref": call.external_ref,
        "path": str(path.resolve()),
        "sha256": "",
        "live_id": call.live_id,
    }
    store.live_calls.hand_over(call, payload, at=at)


def end_orphans(store: Store, *, at: datetime) -> int:
    """End the calls that a killed process left behind, and hand their recordings over. Returns how many."""
    orphans = store.live_calls.list_on()
    for orphan in orphans:
        ended = replace(orphan, state=LiveState.LOST, ended_at=at, ended_by="restart")
        hand_over(store, ended, at=at)
        events.happened("live", "lost", call_id=orphan.call_id, reason="restart")
    return len(orphans)


def settle(store: Store, *, keep_audio: bool = True) -> None:
    """Merge the calls whose recording nobody will judge any more: its job was cancelled, or killed its worker."""
    for call_id in store.live_calls.list_awaiting():
        if not store.jobs.is_awaited(call_id):
            merge(store, call_id, keep_audio=keep_audio)


def merge(
    store: Store, call_id: str, *, heard_as: str = "", failed: bool = False, keep_audio: bool = True,
    job_id: int | None = None,
) -> int:  # fmt: skip
    """Put the result of a recording in the place of the live calls of its id, and mark their alerts.

    A call may have several recordings: the one made live, the telephone system's, and one for each time that it was
    on. So one that cannot be judged settles nothing while another waits, and a later one that can be takes its place.

    Args:
        store: where both are.
        call_id: the call, as the telephone system named it.
        heard_as: the stored call that has its result; "": of the same id.
        failed: whether the recording could not be judged.
        keep_audio: whether what was recorded live is kept.
        job_id: the job that judged it.

    Returns:
        how many live calls were waiting for it.
    """
    if failed and store.jobs.is_awaited(call_id, besides=job_id):
        return 0
    calls = store.live_calls.list_unmerged(call_id, failed=not failed)
    for call in calls:
        try:
            report = None if failed else store.results.get(heard_as or call_id)
        except NotFoundError:
            report = None
        if report is None:
            store.live_calls.change([replace(call, state=LiveState.MERGE_FAILED)])
            continue
        for alert in store.alerts.list_of([call.live_id]):
            store.alerts.change(replace(alert, borne_out=is_borne_out(alert, report)))
        merged = replace(call, state=LiveState.MERGED, merged_call_id=heard_as or call_id)
        if not keep_audio and call.audio_path:
            with suppress(OSError):
                Path(call.audio_path).unlink()
            merged = replace(merged, audio_path="")
        store.live_calls.change([merged])
    return len(calls)


def is_borne_out(alert: Alert, report: CallReport) -> bool:
    """Tell whether the result of the whole recording says what an alert said."""
    if alert.signal is None:
        own = [finding for finding in report.findings if finding.rule_id == alert.rule_id]
        return any(
            evidence.at_ms - _NEAR_MS <= alert.at_ms <= evidence.end_ms + _NEAR_MS
            for finding in own
            for evidence in (*finding.evidence,)
        ) or any(_is_near(alert, finding.at_ms) for finding in own)
    if alert.signal is Signal.HOLD:
        return any(hold.duration_ms >= HOLD_TOO_LONG_MS // 2 for hold in report.metrics.holds)
    if alert.signal is Signal.WAITING:
        silences = [silence for silence in report.silences if silence.after is Role.CUSTOMER]
        return any(_is_near(alert, silence.start_ms) for silence in silences)
    near = [segment for segment in report.segments if _is_near(alert, segment.start_ms)]
    act = _ACTS.get(alert.signal)
    if act is not None and any(claim.act is act for segment in near for claim in segment.acts):
        return True
    if alert.signal is Signal.ANGER and any(
        segment.emotion is Emotion.ANGRY and segment.role is not Role.AGENT for segment in near
    ):
        return True
    return _has_moment(alert, report)


def _has_moment(alert: Alert, report: CallReport) -> bool:
    kind = _MOMENTS.get(alert.signal) if alert.signal else None
    moments: Sequence[object] = [
        moment for moment in report.moments if moment.kind is kind and _is_near(alert, moment.at_ms)
    ]
    return bool(moments) and alert.signal is not Signal.ANGER


def _is_near(alert: Alert, at_ms: int) -> bool:
    return abs(alert.at_ms - at_ms) <= _NEAR_MS
