"""Check words for marks that were meant for YAML: a Chinese comma makes one word of a whole list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qareport.errors import Diagnostic
from qareport.messages import Message, say
from qareport.rules.condition_parser import BRANCHES
from qareport.rules.rule import RuleSet
from qareport.rules.rule_files import SYNONYMS
from qareport.strict_yaml import NodePath, YamlSource

_SAYS = ("customer says", "agent says", "anyone says")
#: Lists of words; sentences (`exact`, `like`) may have commas.
_WORD_KEYS = ("any", "all", "except")
_HAN = "[\u4e00-\u9fff]"
#: Also marks that part Chinese words for a reader, though not for YAML: 发货/退款.
_COMMAS = re.compile(rf"[，、；]|(?<={_HAN})\s*[/／|｜,;]\s*(?={_HAN})")
_BRACKETS, _QUOTES = re.compile(r"[【】［］｛｝]"), re.compile(r"[“”‘’]")
_SPACE = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")


def check_words(ruleset: RuleSet) -> Iterator[Diagnostic]:
    """Find Chinese commas, brackets and quotation marks in words of rules and of `synonyms.yaml`."""
    for rule in ruleset.rules:
        source = ruleset.source_of(rule)
        for path, said in _sayings(rule.written, rule.path):
            yield from _check_saying(source, path, said, rule.id)
    shared = ruleset.sources.get(ruleset.origin.path_of(SYNONYMS))
    if shared is not None:
        words = {key: part for key, part in shared.data.items() if key != "conditions"}
        for name, condition in shared.data.get("conditions", {}).items():
            for path, said in _sayings(condition, ("conditions", name)):
                yield from _check_saying(shared, path, said, name)
        for path, word in _texts(words, ()):
            yield from _check(shared, path, word, next(str(step) for step in reversed(path) if isinstance(step, str)))


def _sayings(node: Any, path: NodePath) -> Iterator[tuple[NodePath, Any]]:
    """Walk through conditions to what somebody says."""
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from _sayings(child, (*path, index))
    elif isinstance(node, dict):
        for key, child in node.items():
            if key in _SAYS:
                yield (*path, key), child
            elif key in (*BRANCHES, "unless", "when", "applies_when"):
                yield from _sayings(child, (*path, key))


def _check_saying(source: YamlSource, path: NodePath, said: Any, subject: str) -> Iterator[Diagnostic]:
    if not isinstance(said, dict):
        said, path = {path[-1]: said}, path[:-1]
    for key, part in said.items():
        if key in (*_WORD_KEYS, *_SAYS):
            for place, word in _texts(part, (*path, key)):
                yield from _check(source, place, word, subject)


def _texts(node: Any, path: NodePath) -> Iterator[tuple[NodePath, str]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _texts(child, (*path, index))
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _texts(child, (*path, key))


def _check(source: YamlSource, path: NodePath, word: str, subject: str) -> Iterator[Diagnostic]:
    if path not in source.locations:
        return  # of a condition of synonyms.yaml: told of there
    for marks, to_do in (
        (_COMMAS, say("is an English comma missing? write [甲, 乙]")),
        (_BRACKETS, say("write English brackets: [甲, 乙]")),
        (_QUOTES, say('take the quotation marks out, or write English ones ("")')),
    ):
        found = marks.search(word)
        if found is not None:
            what = say("{mark} stands in the word {word!r}", mark=found.group().strip(), word=word)
            yield _warning(source, path, subject, what, to_do)
            return
    if _SPACE.search(word):
        what = say("a space stands in the word {word!r}", word=word)
        to_do = say("of several words make a list: [甲, 乙]; else take the space out")
        yield _warning(source, path, subject, what, to_do)


def _warning(source: YamlSource, path: NodePath, subject: str, what: Message, to_do: Message) -> Diagnostic:
    text = say("{subject}: {what}", subject=subject, what=what)
    where = source.locate(path)
    return Diagnostic(code="chinese-punctuation", severity="warning", what=text, where=where, to_do=to_do)
