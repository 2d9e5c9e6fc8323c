"""What people do to a whole call: swap its speakers, have it heard again, correct its facts, delete it.

Pages and API go through here, so that reach and the audit log are the same for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from qareport.errors import BusyError, QareportError
from qareport.files import is_file
from qareport.messages import say
from qareport.model import (
    CORRECTABLE,
    Call,
    CallCorrection,
    CallReport,
    Deletion,
    Job,
    JobKind,
    JobState,
    Permission,
    unfit_id,
)
from qareport.web.access import Access, ForbiddenError, GoneError
from qareport.web.uploading import LANGUAGES
from qareport.workflows.deletion import delete_calls
from qareport.workflows.judge import RuleBook
from qareport.workflows.rejudging import find_judged, forget_changed_rules, judge_call_again, judge_orders_again

#: Jobs that are looked through for those of one call.
_NEWEST: Final = 200


# --- speakers ---------------------------------------------------------------------------------------------------------


def swap_roles(access: Access, call_id: str) -> CallReport:
    """Let agent and customer of a call change places, and judge it anew from its transcript.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`.
        BusyError: nobody in it is known to be agent or customer.
    """
    access.call(call_id, Permission.CALLS_WRITE)
    store = access.desk.store
    rules, judged = _rules(access), find_judged(store, call_id)
    after = _correction(access, call_id).swap_roles(judged.transcript, judged.key)
    if after is None:
        raise BusyError(
            say("nobody in this call is known to be agent or customer"),
            to_do=say("upload it again, and say who is on the left and on the right channel"),
        )
    roles = ",".join(after.channel_roles) or ("swapped" if after.swapped_key else "as heard")
    entry = access.entry("call.swap_roles", object=f"call:{call_id}", roles=roles)
    store.corrections.put(_signed(access, after), entry)
    return judge_call_again(store, rules, call_id, judged)


# --- facts ------------------------------------------------------------------------------------------------------------


def correct_facts(access: Access, call_id: str, facts: Mapping[str, Any]) -> CallReport:
    """Correct what is known of a call; it is judged anew, and so are the other calls of its orders.

    A correction stays when the call is found again with other facts, in a manifest for example. The same facts once
    more change nothing.

    Args:
        access: who is asking.
        call_id: the call.
        facts: by the names of `CORRECTABLE`; "" or None: it is not known. Others stay as they are.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`; the call would be out of the person's own reach.
        QareportError: a name that cannot be kept, or a time in the future.
    """
    report = access.call(call_id, Permission.CALLS_WRITE)
    store = access.desk.store
    rules, judged = _rules(access), find_judged(store, call_id)
    call = judged.call
    wanted = {name: _fact(access, facts[name]) for name in CORRECTABLE if name in facts}
    changed = {name: value for name, value in wanted.items() if value != _fact(access, getattr(call, name))}
    if not changed:
        return report
    before = _correction(access, call_id)
    after = replace(before, facts={**before.facts, **changed})
    corrected = after.of_call(call)
    _require_fit(access, corrected, changed)
    former = tuple(dict.fromkeys((*before.former_subjects, call.subject)))
    after = replace(after, former_subjects=tuple(name for name in former if name != corrected.subject))
    entry = access.entry("call.correct", object=f"call:{call_id}", **changed)
    store.corrections.put(_signed(access, after), entry)
    store.calls.put(call)
    report = judge_call_again(store, rules, call_id, judged)
    judge_orders_again(store, rules, {name for name in (call.order_id, corrected.order_id) if name}, but=call_id)
    return report


def _fact(access: Access, value: Any) -> str:
    """Write a fact as corrections keep it; instants without a zone are of the desk's, all are written in UTC."""
    if isinstance(value, datetime):
        zone = ZoneInfo(access.desk.settings.period.time_zone)
        return (value.replace(tzinfo=zone) if value.tzinfo is None else value).astimezone(zone).isoformat()
    return str(value or "").strip()


def _require_fit(access: Access, call: Call, changed: Mapping[str, str]) -> None:
    if (unfit := unfit_id(call)) is not None:
        raise QareportError(unfit)
    if "started_at" in changed and call.started_at is not None and call.started_at > access.desk.now():
        raise QareportError(say("the call would begin in the future"), expected=say("a time that is over"))
    agents = access.agents(Permission.CALLS_WRITE)
    if "agent_id" in changed and not agents.holds(call.agent_id):
        raise ForbiddenError(say("agent {agent} is in none of your teams", agent=call.agent_id or "-"))


# --- hearing again ----------------------------------------------------------------------------------------------------


def hear_again(access: Access, call_id: str, language: str) -> Job:
    """Have the recording of a call heard again in a language; the worker does it, and the result replaces the call's.

    Asked for again before it is done, it is the same job.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`.
        QareportError: no such language.
        GoneError: the recording is not kept.
        BusyError: it is being heard in another language.
    """
    report = access.call(call_id, Permission.CALLS_WRITE)
    if language not in LANGUAGES:
        raise QareportError(say("no such language: {language}", language=language), expected=", ".join(LANGUAGES))
    if not has_sound(report):
        raise GoneError(
            say("the recording of this call is not kept, so nothing can be heard again"),
            to_do=say("upload the recording if you still have it"),
        )
    under_way = rehearing_of(access, call_id)
    if under_way is not None and not under_way.state.is_over:
        if under_way.payload.get("language") == language:
            return under_way
        raise BusyError(say("this call is being heard again already"), to_do=say("wait until that is done"))
    access.record("call.rehear", object=f"call:{call_id}", language=language)
    payload = {"call_id": call_id, "language": language}
    user_id = access.principal.user.user_id
    return access.desk.store.jobs.add(JobKind.REHEAR, payload, at=access.desk.now(), user_id=user_id)


def has_sound(report: CallReport) -> bool:
    """Tell whether the recording of a call is where it was."""
    return report.audio is not None and is_file(report.audio.path)


def rehearing_of(access: Access, call_id: str) -> Job | None:
    """Return the newest job that hears a call again, for who may see the call; None: there is none."""
    access.call(call_id)
    jobs = access.desk.store.jobs.list(JobKind.REHEAR, limit=_NEWEST)
    return next((job for job in jobs if job.payload.get("call_id") == call_id), None)


def step_of(job: Job) -> str:
    """Word how far a job is for programs: queued, decoding, hearing, judging, done, failed or cancelled."""
    return str(job.progress.get("step") or "decoding") if job.state is JobState.RUNNING else job.state.value


# --- deletion ---------------------------------------------------------------------------------------------------------


def delete_call(access: Access, call_id: str, typed: str) -> Deletion:
    """Delete a call for good, as `qareport store delete --call` does. Returns the proof.

    Args:
        access: who is asking.
        call_id: the call.
        typed: its id once more, as a person typed it.

    Raises:
        NotFoundError, ForbiddenError: as `Access.call`.
        QareportError: another id was typed.
    """
    access.call(call_id, Permission.CALLS_DELETE)
    if typed.strip() != call_id:
        raise QareportError(say("the id that you typed is not that of this call"), expected=say("the id of the call"))
    workspace = access.desk.workspace
    calls = workspace.store.deletion.find_calls(call=call_id)

    return delete_calls(
        workspace, calls, by="call", selector=call_id, now=access.desk.now(),
        entry=lambda proof: access.entry(
            "call.delete", object=f"deletion:{proof.selector_hash}", calls=str(proof.calls), results=str(proof.results),
            transcripts=str(proof.transcripts), documents=str(proof.documents), files=str(proof.files),
            audio_sha256=" ".join(proof.audio_sha256),
        ),
    )  # fmt: skip


def _correction(access: Access, call_id: str) -> CallCorrection:
    return access.desk.store.corrections.find(call_id) or CallCorrection(call_id=call_id)


def _signed(access: Access, correction: CallCorrection) -> CallCorrection:
    return replace(correction, user_id=access.principal.user.user_id, at=access.desk.now())


def _rules(access: Access) -> RuleBook:
    workspace = access.desk.workspace
    forget_changed_rules(workspace)
    return workspace.rule_book_for_run
