"""New rules without seeing YAML: templates that ask for a title, words and points, and write a rule with its tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from qareport.errors import ConfigError, Diagnostic
from qareport.messages import say
from qareport.model import Severity
from qareport.rules.rule_text import append_rule, quoted
from qareport.rules.translation import rewrite

_ID = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*")


class RuleTemplate(StrEnum):
    """What a new rule looks for."""

    CUSTOMER_SAYS = "customer-says"
    AGENT_SAYS = "agent-says"
    #: The customer says something, and then nobody speaks for some seconds.
    SILENCE_AFTER = "silence-after"
    #: The customer says something, and the agent does not say what belongs to it.
    NO_REPLY = "no-reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRule:
    """What a person fills in for a new rule."""

    template: RuleTemplate
    rule_id: str
    title: str
    category: str
    severity: Severity = Severity.MINOR
    points: int = -5
    advice: str
    words: tuple[str, ...]
    #: What the agent should say (`NO_REPLY`).
    reply: tuple[str, ...] = ()
    #: How long nobody speaks, or within how long the agent should say it.
    seconds: int = 3


def add_rule(text: str, tests: str, new: NewRule) -> tuple[str, str]:
    """Write a new rule into a rule file's text, and two tests of it into the text of its test file.

    Args:
        text: of the rule file; "" for a new one.
        tests: of the test file beside it; "" for a new one.
        new: what was filled in.

    Raises:
        ConfigError: something is not filled in, or the texts are not YAML that can be added to.
    """
    _check(new)
    rule, cases = _rule(new), _tests(new)
    if re.search(r"^\s*-?\s*(编号|标题|命中条件)\s*:", text, re.MULTILINE):
        rule = rewrite(rule, "rules", "chinese")
    return append_rule(text, rule), append_rule(tests, cases, "cases")


def next_id(stem: str, taken: Mapping[str, object]) -> str:
    """Make an id for a new rule of a file: `returns.new-1`, the first that is free."""
    name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    name = name if name[:1].isalpha() else f"rules-{name}".rstrip("-")
    return next(rule_id for number in range(1, 10_000) if (rule_id := f"{name}.new-{number}") not in taken)


def _check(new: NewRule) -> None:
    needed = {
        say("the id: small Latin letters, digits, points and dashes"): bool(_ID.fullmatch(new.rule_id)),
        say("the title"): bool(new.title.strip()),
        say("the advice"): bool(new.advice.strip()),
        say("the words"): bool(new.words),
        say("what the agent should say"): new.template is not RuleTemplate.NO_REPLY or bool(new.reply),
        say("points from -100 to 100"): -100 <= new.points <= 100,
        say("seconds from 1 to 60"): 1 <= new.seconds <= 60,
    }
    missing = [what for what, is_given in needed.items() if not is_given]
    if missing:
        raise ConfigError([Diagnostic(code="missing-key", what=say("fill in: {what}", what=what)) for what in missing])


def _rule(new: NewRule) -> str:
    words, reply = _list(new.words), _list(new.reply)
    when = {
        RuleTemplate.CUSTOMER_SAYS: f"customer says: {words}",
        RuleTemplate.AGENT_SAYS: f"agent says: {words}",
        RuleTemplate.SILENCE_AFTER: (
            f"sequence:\n        - customer says: {words}\n        - silence: {new.seconds}s\n"
            "          after: customer\n          within: 10s"
        ),
        RuleTemplate.NO_REPLY: (
            f"customer says: {words}\n      unless:\n        - agent says: {reply}\n          within: {new.seconds}s"
        ),
    }[new.template]
    return (
        f"schema: 1\nrules:\n  - id: {new.rule_id}\n    title: {quoted(new.title.strip())}\n"
        f"    severity: {new.severity}\n    points: {new.points}\n    category: {quoted(new.category.strip())}\n"
        f"    when:\n      {when}\n    advice: {quoted(' '.join(new.advice.split()))}\n"
    )


def _tests(new: NewRule) -> str:
    """Write one conversation that the rule must hit, and one that it must not; people of the calls speak Chinese."""
    speaker = "客服" if new.template is RuleTemplate.AGENT_SAYS else "客户"
    said, later = quoted(new.words[0]), 5 + new.seconds
    hit = f"      - {speaker} 1-3: {said}\n      - 客服 {later}-{later + 2}: 您还在吗\n"
    miss = f"      - {speaker} 1-3: 好的，没有别的事了。\n"
    if new.template is RuleTemplate.NO_REPLY:
        miss = f"      - 客户 1-3: {said}\n      - 客服 3.5-4: {quoted(new.reply[0])}\n"
    names = [quoted(f"命中：{new.title}"), quoted(f"不命中：{new.title}")]
    return (
        f"schema: 1\ncases:\n  - name: {names[0]}\n    conversation:\n{hit}    must_hit: [{new.rule_id}]\n\n"
        f"  - name: {names[1]}\n    conversation:\n{miss}    must_not_hit: [{new.rule_id}]\n"
    )


def _list(words: tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, words))}]"
