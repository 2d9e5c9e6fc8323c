"""What the buttons of the rule editor do that changes something: drafts through forms, publication, consent."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

from qareport import rules
from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import Permission, Severity
from qareport.web.access import Access
from qareport.workflows.rule_desk import sibling_of
from qareport.workflows.rule_publishing import sha256_of

E = TypeVar("E", bound=StrEnum)
#: The largest number of a form: no seconds, points or versions are more.
MOST_NUMBER: Final = 1_000_000_000


class RuleAction(StrEnum):
    """The buttons of the editor."""

    SAVE = "save"
    CHECK = "check"
    TEST = "test"
    EXPLAIN = "explain"
    REPLAY = "replay"
    #: Stop the replay that is under way.
    STOP = "stop"
    DIFF = "diff"
    PUBLISH = "publish"
    #: Publish what another person proposed, or refuse it.
    AGREE = "agree"
    REFUSE = "refuse"


def to_publish(access: Access, name: str, action: RuleAction, *, reason: str, accept_warnings: bool, batch: int) -> str:
    """Publish one's draft, or decide on another person's proposal. Returns what became of it, for the page."""
    access.require(Permission.RULES_WRITE)
    desk, user, now = access.desk.rules, access.principal.user, access.desk.now()
    if action is RuleAction.PUBLISH:
        drafts = desk.drafts_of(name, user, now=now)
        entry = access.entry(
            "rules.publish", object=f"rules:{name}", sha256=sha256_of(drafts[0].text), reason=reason,
            files=", ".join(draft.file for draft in drafts),
        )  # fmt: skip
        state = desk.publish(drafts, user, entry, reason=reason, accept_warnings=accept_warnings, now=now)
        return state.value
    entry = access.entry(f"rules.{action.value}", object=f"rules:{name}", batch=str(batch))
    if action is RuleAction.AGREE:
        desk.agree(batch, user, entry, now=now)
        return "published"
    desk.refuse(batch, user, entry, now=now)
    return "refused"


def change(access: Access, name: str, fields: dict[str, str]) -> str:
    """Change one's draft as a form says. Returns where to go next.

    Raises:
        ConfigError: what was filled in cannot be written into the file.
        NotFoundError: there is no such version.
    """
    desk, user, now = access.desk.rules, access.principal.user, access.desk.now()
    draft, form, target = desk.open(name, user, now=now), fields.get("form", ""), f"/rules/{quote(name)}"
    if form == "edit":
        rule_id = fields.get("rule_id", "")
        desk.save(name, user, _edited(draft.text, rule_id, fields), now=now)
        return f"{target}?{urlencode({'tab': 'drafted', 'rule': rule_id})}#publish"
    if form == "add":
        new, beside = _new_rule(fields), sibling_of(name)
        if beside is None or rules.kind_of(name) != "rules":
            raise QareportError(say("rules cannot be added to {file}", file=name))
        tests = desk.open(beside, user, now=now)
        text, cases = rules.add_rule(draft.text, tests.text, new)
        desk.save(name, user, text, now=now)
        desk.save(beside, user, cases, now=now)
        return f"{target}?{urlencode({'tab': 'drafted', 'rule': new.rule_id})}#publish"
    if form == "restore":
        version = access.desk.store.rule_proposals.get(_number(fields.get("version", "")))
        if version.file != name:
            raise QareportError(say("there is no proposal {number}", number=version.proposal_id))
        desk.rebase(name, user, now=now)
        desk.save(name, user, version.text, now=now)
        return f"{target}?tab=diff"
    if form == "rebase":
        desk.rebase(name, user, now=now)
        return f"{target}?tab=diff"
    if form == "merge":
        sides = [fields[key] for key in sorted((key for key in fields if key.startswith("side:")), key=_place)]
        desk.merge(name, user, sides, seen_sha256=fields.get("seen", ""), now=now)
        return f"{target}?tab=diff"
    if form == "drop":
        desk.drop(name, user)
        return target
    raise QareportError(say("unknown form {form!r}", form=form))


def _edited(text: str, rule_id: str, fields: dict[str, str]) -> str:
    values: dict[str, str] = {
        key: fields[key].strip() for key in ("title", "severity", "points", "status") if key in fields
    }
    advice = {key.removeprefix("advice:"): value for key, value in fields.items() if key.startswith("advice:")}
    words = {
        key.removeprefix("words:"): rules.split_words(value)
        for key, value in fields.items()
        if key.startswith("words:")
    }
    return rules.edit_rule(text, rule_id, values, advice=advice, words=words)


def _new_rule(fields: dict[str, str]) -> rules.NewRule:
    return rules.NewRule(
        template=_choice(rules.RuleTemplate, fields.get("template", "")),
        rule_id=fields.get("new_id", "").strip(),
        title=fields.get("title", "").strip(),
        category=fields.get("category", "").strip() or "服务",
        severity=_choice(Severity, fields.get("severity", "minor")),
        points=_number(fields.get("points", "")),
        advice=fields.get("advice", "").strip(),
        words=rules.split_words(fields.get("words", "")),
        reply=rules.split_words(fields.get("reply", "")),
        seconds=_number(fields.get("seconds", "")),
    )


def _choice(kind: type[E], text: str) -> E:
    try:
        return kind(text)
    except ValueError:
        raise QareportError(say("{text!r} cannot be chosen", text=text[:40])) from None


def _place(key: str) -> int:
    return _number(key.partition(":")[2])


def _number(text: str) -> int:
    try:
        number = int(text)
        if abs(number) > MOST_NUMBER:
            raise ValueError
        return number
    except ValueError:
        raise QareportError(say("{text!r} is no whole number", text=text[:40])) from None
