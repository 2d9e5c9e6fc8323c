"""Publish rule files from the desk: drafts, what has to be seen before a text counts, consent, history.

A file is written whole (temporary file, fsync, rename). The line of the audit log, the history and the file are kept
together or not at all. What someone else put into the folder meanwhile is never overwritten unseen.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from qareport import rules
from qareport.errors import BusyError, ConfigError, NotFoundError, QareportError, os_reason
from qareport.files import atomic_path
from qareport.messages import Message, say
from qareport.model import AuditEntry, Job, JobKind, ProposalState, RuleProposal, User
from qareport.text.differences import merge_lines, unified_diff
from qareport.workflows.rejudging import forget_changed_rules
from qareport.workflows.rule_desk import Edit, RuleCheck, RuleDesk, sibling_of

#: Of so many rule sets it is known how many tests fail.
_MOST_KNOWN: Final = 50


class PublishRefusedError(QareportError):
    """A text that cannot be published yet; `code` says why to programs."""

    def __init__(self, code: str, what: Message, *, to_do: Message | None = None, diff: str = "") -> None:
        super().__init__(what, to_do=to_do)
        self.code = code
        #: What someone else changed meanwhile, as a unified diff.
        self.diff = diff


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What has to be done before a text can be published, and what has been."""

    changed: bool
    check: RuleCheck
    #: Failed tests; None: not run, as the files have errors or another test or replay of the person is under way.
    failed_tests: int | None
    needs_replay: bool
    replay_seen: bool

    @property
    def are_met(self) -> bool:
        """Whether only the reason is missing, and a word on warnings."""
        seen = self.replay_seen or not self.needs_replay
        return self.changed and not self.check.errors and self.failed_tests == 0 and seen


class RulePublisher:
    """Drafts and publications of an installation's rule files; safe for threads."""

    def __init__(self, desk: RuleDesk) -> None:
        """Take the files that are published."""
        self.desk: Final = desk
        self._proposals = desk.workspace.store.rule_proposals
        self._lock = threading.Lock()
        #: How many tests of a rule set fail, by its hash.
        self._failed: dict[str, int] = {}

    # --- drafts -------------------------------------------------------------------------------------------------------

    def open(self, name: str, user: User, *, now: datetime) -> RuleProposal:
        """Return a person's draft of a file, or one that is still as the file is."""
        file = self.desk.read(name)
        draft = self._proposals.find_draft(name, user.user_id)
        if draft is not None and draft.text != draft.base_text:
            return draft
        return RuleProposal(
            file=name, state=ProposalState.DRAFT, base_text=file.text, base_sha256=file.sha256, text=file.text,
            replay_sha256=draft.replay_sha256 if draft else None, user_id=user.user_id, at=now,
        )  # fmt: skip

    def save(self, name: str, user: User, text: str, *, now: datetime) -> RuleProposal:
        """Keep a person's draft; one that is as the file is goes."""
        draft = replace(self.open(name, user, now=now), text=normalised(text), at=now)
        if draft.text == draft.base_text and draft.base_sha256 == self.desk.read(name).sha256:
            self.drop(name, user)
            return draft
        return self._proposals.save_draft(draft)

    def drop(self, name: str, user: User) -> None:
        """Throw a person's draft of a file away."""
        self._proposals.drop_draft(name, user.user_id)

    def rebase(self, name: str, user: User, *, now: datetime) -> RuleProposal:
        """Let a draft follow the file as it is now: its writer has seen what changed there."""
        draft, file = self.open(name, user, now=now), self.desk.read(name)
        return self._proposals.save_draft(replace(draft, base_text=file.text, base_sha256=file.sha256, at=now))

    def merge(self, name: str, user: User, sides: Sequence[str], *, seen_sha256: str, now: datetime) -> None:
        """Put a draft together with what someone else made of the file meanwhile, and let it follow the file.

        Args:
            name: the file.
            user: whose draft.
            sides: for each conflict of `merge_lines`, in order: "mine", "theirs" or "both".
            seen_sha256: of the file for which they were chosen.
            now: the time.

        Raises:
            BusyError: the file was changed once more.
        """
        draft, file = self.open(name, user, now=now), self.desk.read(name)
        stretches = merge_lines(draft.base_text, draft.text, file.text)
        if file.sha256 != seen_sha256 or sum(stretch.is_conflict for stretch in stretches) != len(sides):
            what = say("{file} was changed by someone else meanwhile", file=name)
            raise BusyError(what, to_do=say("look at what changed, and choose again"))
        lines: list[str] = []
        choices = iter(sides)
        for stretch in stretches:
            side = next(choices) if stretch.is_conflict else "mine"
            lines += stretch.mine if side != "theirs" else ()
            lines += stretch.theirs if side != "mine" else ()
        text = normalised("\n".join(lines))
        self._proposals.save_draft(replace(draft, base_text=file.text, base_sha256=file.sha256, text=text, at=now))

    def drafts_of(self, name: str, user: User, *, now: datetime) -> list[RuleProposal]:
        """Return what a person would publish with a file: its draft, and that of the tests (or rules) beside it."""
        draft, beside = self.open(name, user, now=now), sibling_of(name)
        other = self.open(beside, user, now=now) if beside is not None else draft
        return [draft] if other.text == other.base_text or beside is None else [draft, other]

    def mark_replay(self, name: str, user: User, sha256: str, *, now: datetime) -> None:
        """Note that a person has seen the replay of a rule set, given by its hash."""
        draft = self.open(name, user, now=now)
        self._proposals.save_draft(replace(draft, replay_sha256=sha256))

    # --- publishing ---------------------------------------------------------------------------------------------------

    def outstanding(self, name: str, user: User, *, now: datetime) -> Requirements | None:
        """Look at what a person's drafts still need before they are published; None: there is nothing to publish.

        Tests run once for each text: this is for pages, `publish` looks anew.
        """
        drafts = self.drafts_of(name, user, now=now)
        if all(draft.text == draft.base_text for draft in drafts):
            return None
        return self.requirements(_edit_of(drafts), user, replay_sha256=_replay_of(drafts), anew=False)

    def requirements(self, edit: Edit, user: User, *, replay_sha256: str | None, anew: bool = True) -> Requirements:
        """Look at what has to be done before an edit can be published.

        Args:
            edit: texts in place of files.
            user: who publishes.
            replay_sha256: hash of the rule set whose replay they have seen.
            anew: whether tests run that have run for these texts already.

        Raises:
            BusyError: `anew`, and the person has another test or replay under way.
        """
        check = self.desk.check(edit)
        failed = None if check.sha256 is None else self._count_failed(edit, user, check.sha256, anew=anew)
        changes_rules = any(rules.kind_of(name) != "tests" and self._differs(name, edit[name]) for name in edit)
        return Requirements(
            changed=any(self._differs(name, text) for name, text in edit.items()),
            check=check,
            failed_tests=failed,
            needs_replay=changes_rules,
            replay_seen=check.sha256 is not None and replay_sha256 == check.sha256,
        )

    def publish(
        self, drafts: Sequence[RuleProposal], user: User, entry: AuditEntry, *, reason: str, accept_warnings: bool,
        now: datetime,
    ) -> ProposalState:  # fmt: skip
        """Publish drafts together, or propose them where a second person must agree.

        Returns:
            PUBLISHED or PROPOSED.

        Raises:
            PublishRefusedError: `reason`, `unchanged`, `read_only`, `lint`, `warnings`, `tests`, `replay`, `conflict`.
        """
        if not reason.strip():
            raise PublishRefusedError("reason", say("say why the rules change"))
        edit = _edit_of(drafts)
        self._require(self.requirements(edit, user, replay_sha256=_replay_of(drafts)), accept_warnings)
        second = self.desk.workspace.settings.desk.rules_need_second
        state = ProposalState.PROPOSED if second else ProposalState.PUBLISHED
        with self._lock:
            self._require_base(drafts)
            texts = [replace(draft, state=state, reason=reason.strip(), at=now) for draft in drafts]
            found = [] if second else list(self._found(drafts, now))
            write = None if second else lambda: self._write(edit)
            self._proposals.put_batch([*found, *texts], entry, write=write)
        forget_changed_rules(self.desk.workspace)
        return state

    def agree(self, batch: int, user: User, entry: AuditEntry, *, now: datetime) -> tuple[RuleProposal, ...]:
        """Publish what another person proposed. Returns the texts.

        Raises:
            PublishRefusedError: `own`, and as `publish`.
            NotFoundError: nothing of that number waits.
        """
        proposals = self.waiting(batch)
        if not proposals:
            raise NotFoundError(say("proposal {number} waits no more", number=batch))
        if any(proposal.user_id == user.user_id for proposal in proposals):
            raise PublishRefusedError("own", say("a second person must agree"))
        edit = _edit_of(proposals)
        self._require(self.requirements(edit, user, replay_sha256=_replay_of(proposals)), accept_warnings=True)
        with self._lock:
            self._require_base(proposals)
            self._proposals.decide_batch(
                batch, ProposalState.PUBLISHED, entry, second_user_id=user.user_id, at=now,
                found=list(self._found(proposals, now)), write=lambda: self._write(edit),
            )  # fmt: skip
        forget_changed_rules(self.desk.workspace)
        return proposals

    def refuse(self, batch: int, user: User, entry: AuditEntry, *, now: datetime) -> None:
        """Refuse what was proposed; its writer gets the texts back as drafts.

        Raises:
            NotFoundError: nothing of that number waits.
        """
        proposals = self.waiting(batch)
        self._proposals.decide_batch(batch, ProposalState.REFUSED, entry, second_user_id=user.user_id, at=now)
        for proposal in proposals:
            if proposal.user_id and self._proposals.find_draft(proposal.file, proposal.user_id) is None:
                self._proposals.save_draft(replace(proposal, state=ProposalState.DRAFT, batch=None, at=now))

    def waiting(self, batch: int) -> tuple[RuleProposal, ...]:
        """Return what waits for consent under a number; empty when nothing does."""
        texts = self._proposals.list_batch(batch)
        return tuple(text for text in texts if text.state is ProposalState.PROPOSED)

    def judge_stored(self, user: User, *, now: datetime) -> Job:
        """Let the worker judge all stored calls again by the rules as they are now."""
        return self.desk.workspace.store.jobs.add(JobKind.REPLAY, {}, at=now, user_id=user.user_id)

    # --- within -------------------------------------------------------------------------------------------------------

    def _count_failed(self, edit: Edit, user: User, sha256: str, *, anew: bool) -> int | None:
        if not anew and sha256 in self._failed:
            return self._failed[sha256]
        try:
            failed = sum(not result.passed for result in self.desk.test(edit, user.user_id))
        except BusyError:
            if anew:
                raise
            return None
        self._failed = dict(list(self._failed.items())[1 - _MOST_KNOWN :]) | {sha256: failed}
        return failed

    def _differs(self, name: str, text: str) -> bool:
        return self.desk.read(name).text != text

    def _require(self, needed: Requirements, accept_warnings: bool) -> None:
        if not self.desk.is_writable:
            to_do = say("download the file, and let an administrator put it into the folder of rules")
            raise PublishRefusedError("read_only", say("the folder of rules cannot be written"), to_do=to_do)
        if not needed.changed:
            raise PublishRefusedError("unchanged", say("nothing was changed"))
        if needed.check.errors:
            raise ConfigError(list(needed.check.errors))
        if needed.failed_tests:
            what = say("{count} tests fail", count=needed.failed_tests)
            raise PublishRefusedError("tests", what, to_do=say("look at the failures, and mend the rule or its tests"))
        if needed.needs_replay and not needed.replay_seen:
            what = say("nobody has seen what exactly this text changes")
            raise PublishRefusedError("replay", what, to_do=say("run the replay first"))
        if needed.check.warnings and not accept_warnings:
            what = say("{count} warnings", count=len(needed.check.warnings))
            raise PublishRefusedError("warnings", what, to_do=say("mend them, or say that you have seen them"))

    def _require_base(self, drafts: Sequence[RuleProposal]) -> None:
        changed = [
            (draft, file) for draft in drafts if (file := self.desk.read(draft.file)).sha256 != draft.base_sha256
        ]
        if changed:
            draft, file = changed[0]
            raise changed_meanwhile(draft.file, draft.base_text, file.text)

    def _found(self, drafts: Sequence[RuleProposal], now: datetime) -> Iterator[RuleProposal]:
        """Yield the texts that are replaced and that nobody published here, so that they can be restored."""
        for draft in drafts:
            if draft.base_sha256 is None:
                continue
            newest = next(iter(self._proposals.list_history(draft.file, limit=1)), None)
            if newest is None or newest.text != draft.base_text:
                yield RuleProposal(file=draft.file, state=ProposalState.FOUND, text=draft.base_text, at=now)

    def _write(self, edit: Mapping[str, str]) -> None:
        """Write all files or none: what was written before one that fails is put back."""
        paths = {self.desk.workspace.rules_dir / name: text for name, text in edit.items()}
        before = {path: path.read_bytes() if path.exists() else None for path in paths}
        for place, (path, text) in enumerate(paths.items()):
            try:
                write_whole(path, text.encode())
            except OSError as error:
                for written in list(paths)[:place]:
                    content = before[written]
                    written.unlink() if content is None else write_whole(written, content)
                what = say("{file} cannot be written: {reason}", file=path, reason=os_reason(error))
                raise PublishRefusedError("read_only", what) from error


def _edit_of(texts: Sequence[RuleProposal]) -> Edit:
    return {text.file: text.text for text in texts}


def _replay_of(texts: Sequence[RuleProposal]) -> str | None:
    return next((text.replay_sha256 for text in texts if text.replay_sha256), None)


def changed_meanwhile(name: str, before: str, now: str) -> PublishRefusedError:
    """Make the refusal of a file that someone else changed, with what changed."""
    what = say("{file} was changed by someone else meanwhile", file=name)
    to_do = say("look at what changed, and publish again")
    return PublishRefusedError("conflict", what, to_do=to_do, diff=unified_diff(before, now, name))


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in the place of another: readers see the old one or the whole new one, also after a power cut.

    Raises:
        OSError: it cannot be written; the old file stays.
    """
    target = path.resolve()  # a link stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        if target.exists():
            os.fchmod(file.fileno(), target.stat().st_mode & 0o7777)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def normalised(text: str) -> str:
    """Return a text with one way of ending lines, and an end of its last line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if not text or text.endswith("\n") else text + "\n"


def sha256_of(text: str) -> str:
    """Return the hash by which a text is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
