"""Patterns of the bundled reader: how people say the few things that a report accuses for.

Threats, giving up and broken promises are rare, and each is said in its own words: n-grams of a few thousand labelled
calls have not seen most of them. A pattern names a way of saying it that speakers of the language know, with what must
not stand beside it; `bundled/patterns/*.yaml` holds them, a file for each act, with sentences that each must and must
not find. They were written by reading real dialogues, and kept where reading others showed that they are right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from qareport.files import content_key
from qareport.model import ACTS_OF, Act, Emotion, Role
from qareport.strict_yaml import read_yaml
from qareport.understanding.features import Utterance

_PARTS: Final = re.compile(r"\{(\w+)\}")
_ANGRY: Final = (Emotion.ANGRY, Emotion.DISGUSTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActPattern:
    """One way of saying something."""

    name: str
    role: Role
    act: Act
    #: One of these stands in the sentence: looked for before anything else, as that is quick. "" stands in each.
    has: tuple[str, ...]
    when: re.Pattern[str]
    #: Found in the same sentence, it is something else.
    unless: re.Pattern[str] | None
    #: The last words of the other speaker before the sentence.
    reply_to: re.Pattern[str] | None
    unless_reply_to: re.Pattern[str] | None
    #: The first words of the other speaker after it.
    then: re.Pattern[str] | None
    #: Only where the customer has complained, in this sentence or before.
    upset: bool
    #: How often it was right where it was read, 0 … 1; None: it speaks against the act.
    score: float | None
    #: The words of each sentence that it must find, and those that it must not.
    says: tuple[str, ...] = ()
    says_not: tuple[str, ...] = ()

    def find(self, said: str, before: str, then: str = "", *, upset: bool) -> re.Match[str] | None:
        """Find it between what the other speaker says before and after it, in a sentence that has one of its words.

        All texts are in plain form.
        """
        return self._search(said) if (upset or not self.upset) and self._fits(before, then) else None

    def match(self, said: str) -> re.Match[str] | None:
        """Find it in any sentence, whatever was said before."""
        return self._search(said) if any(word in said for word in self.has) else None

    def _search(self, said: str) -> re.Match[str] | None:
        match = self.when.search(said)
        return None if match is None or (self.unless is not None and self.unless.search(said)) else match

    def _fits(self, before: str, then: str) -> bool:
        if self.then is not None and not self.then.search(then):
            return False
        if self.reply_to is not None and not self.reply_to.search(before):
            return False
        return self.unless_reply_to is None or not self.unless_reply_to.search(before)


#: What patterns find in a sentence, and where.
Found = Sequence[tuple[ActPattern, re.Match[str]]]


@dataclass(frozen=True, slots=True)
class Patterns:
    """All patterns, and the hash of their files."""

    of_roles: Mapping[Role, tuple[ActPattern, ...]]
    key: str
    #: Of each role, the words of `has` by their first two letters (or the one), and the places of their patterns.
    _words: Mapping[Role, Mapping[str, list[tuple[str, int]]]] = field(init=False)

    def __post_init__(self) -> None:
        """Index the words, so that a sentence is compared with few of them."""
        words: dict[Role, dict[str, list[tuple[str, int]]]] = {}
        for role, patterns in self.of_roles.items():
            of_role = words.setdefault(role, defaultdict(list))
            for place, pattern in enumerate(patterns):
                for word in pattern.has:
                    of_role[word[:2]].append((word, place))
        object.__setattr__(self, "_words", {role: dict(of_role) for role, of_role in words.items()})

    def find_all(self, sentences: Sequence[Utterance], complains: Sequence[bool]) -> list[Found]:
        """Find what patterns find in each sentence of a call.

        Args:
            sentences: of the call, in order.
            complains: of each, whether a customer complains in it: some patterns ask whether one is upset.
        """
        customers = [sentence.is_customer for sentence in sentences]
        around = words_around(customers, [sentence.said for sentence in sentences])
        found: list[Found] = []
        upset = False
        for sentence, complaint, (before, then) in zip(sentences, complains, around, strict=True):
            if sentence.is_customer:
                upset = upset or complaint or sentence.emotion in _ANGRY
            role = Role.CUSTOMER if sentence.is_customer else Role.AGENT
            found.append(list(self._find(role, sentence.said, before, then, upset=upset)))
        return found

    def _find(
        self, role: Role, said: str, before: str, then: str, *, upset: bool
    ) -> Iterator[tuple[ActPattern, re.Match[str]]]:
        words, patterns = self._words.get(role, {}), self.of_roles.get(role, ())
        places = {place for _, place in words.get("", ())}
        places.update(
            place
            for start in range(len(said))
            for first in (said[start], said[start : start + 2])
            for word, place in words.get(first, ())
            if said.startswith(word, start)
        )
        for place in sorted(places):
            match = patterns[place].find(said, before, then, upset=upset)
            if match is not None:
                yield patterns[place], match


NO_PATTERNS: Final = Patterns({}, "")


@cache
def load_patterns(folder: Path) -> Patterns:
    """Load the patterns of a folder once for the process."""
    files = sorted(folder.glob("*.yaml"))
    found = [pattern for path in files for pattern in _read(path)]
    of_roles = {role: tuple(pattern for pattern in found if pattern.role is role) for role in ACTS_OF}
    return Patterns(of_roles, content_key(*(path.read_text("utf-8") for path in files)))


def _read(path: Path) -> Iterator[ActPattern]:
    form = read_yaml(path).data
    sets: dict[str, str] = {}
    for name, written in form.get("sets", {}).items():
        sets[name] = f"(?:{_fill(written, sets)})"
    for entry in form["patterns"]:
        yield _pattern(Role(form["role"]), Act(form["act"]), entry, sets)


def _pattern(role: Role, act: Act, entry: dict[str, Any], sets: Mapping[str, str]) -> ActPattern:
    def compiled(key: str) -> re.Pattern[str] | None:
        return re.compile(_fill(entry[key], sets)) if key in entry else None

    return ActPattern(
        name=entry["name"], role=role, act=act, has=tuple(entry["has"]),
        when=re.compile(_fill(entry["when"], sets)), unless=compiled("unless"), reply_to=compiled("reply_to"),
        unless_reply_to=compiled("unless_reply_to"), then=compiled("then"), upset=entry.get("upset", False),
        score=entry.get("score"), says=tuple(entry.get("says", ())), says_not=tuple(entry.get("says_not", ())),
    )  # fmt: skip


def _fill(written: str, sets: Mapping[str, str]) -> str:
    """Put sets in their places; a space is one mark or more, as between two words of English."""
    return _PARTS.sub(lambda part: sets.get(part[1], part[0]), written).replace(" ", ",+")


def words_around(of_customer: Sequence[bool], said: Sequence[str]) -> list[tuple[str, str]]:
    """Return for each sentence what the other speaker says in the turns before and after it, "" where nothing."""
    turns: list[str] = []
    of_turns = []
    for place, (speaker, words) in enumerate(zip(of_customer, said, strict=True)):
        if place and of_customer[place - 1] == speaker:
            turns[-1] += f",{words}"
        else:
            turns.append(words)
        of_turns.append(len(turns))
    turns = ["", *turns, ""]
    return [(turns[turn - 1], turns[turn + 1]) for turn in of_turns]
