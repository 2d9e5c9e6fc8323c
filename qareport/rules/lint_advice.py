"""Check advice against the exceptions of its own rule: who says what was recommended must not lose points for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qareport.errors import Diagnostic
from qareport.messages import say
from qareport.rules.lint_words import is_doubtful
from qareport.rules.rule import RuleSet, RuleStatus
from qareport.text.wordlist import WordList, normalise

#: What the advice says word for word.
_QUOTED = re.compile(r"“([^”]{6,})”")
#: Keys of `agent says` whose words are easily compared.
_WORDS = frozenset({"any", "except", "sounds_like"})


def check_advice(ruleset: RuleSet) -> Iterator[Diagnostic]:
    """Find rules whose recommended sentences hold none of the words that excuse a hit.

    Only rules are looked at that take points away and are excused by nothing but words of the agent.
    """
    for rule in ruleset.rules:
        if rule.points >= 0 or rule.status is RuleStatus.RETIRED:
            continue
        words = _excuses(rule.written.get("when"), ruleset.shared.lists)
        quotes = _QUOTED.findall("".join(advice.text for advice in (rule.advice, *rule.variants.values())))
        if not words or not quotes or any(map(is_doubtful, words)):
            continue  # or told of already
        known = WordList(words)
        if not any(known.find(normalise(quote)) for quote in quotes):
            source = ruleset.source_of(rule)
            what = say(
                "{subject}: none of the words of `unless` stands in what the advice says to say", subject=rule.id
            )
            to_do = say("add words of {quote!r} there", quote=quotes[0][:20])
            where = source.locate((*rule.path, "when", "unless"))
            yield Diagnostic(code="advice-not-excused", severity="warning", what=what, where=where, to_do=to_do)


def _excuses(when: Any, lists: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the words that excuse a hit when they are said after it; none where something else may excuse it."""
    words: list[str] = []
    for excuse in when.get("unless") or () if isinstance(when, dict) else ():
        said = excuse.get("agent says") if isinstance(excuse, dict) else None
        if said is None or ("before" in excuse and not excuse.keys() & {"within", "around"}):
            return ()
        if isinstance(said, dict):
            if said.keys() - _WORDS:
                return ()
            said = said["any"]
        for word in said if isinstance(said, list) else [said]:
            words += lists.get(str(word)[1:], (str(word),)) if str(word).startswith("$") else (str(word),)
    return tuple(words)
