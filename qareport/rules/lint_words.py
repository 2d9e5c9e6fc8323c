"""Check words: marks that were meant for YAML (a Chinese comma makes one word of a whole list), and letters that
stand by chance in a longer everyday expression (钱呢 in 多少钱呢).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from qareport.errors import Diagnostic
from qareport.messages import Message, say
from qareport.rules.condition_parser import BRANCHES
from qareport.rules.rule import RuleSet
from qareport.rules.rule_files import SYNONYMS
from qareport.strict_yaml import NodePath, YamlSource
from qareport.text.negation import begins_negated, is_negated
from qareport.text.wordlist import WordList, normalise

_SAYS = ("customer says", "agent says", "anyone says")
#: Lists of words; sentences (`exact`, `like`) may have commas.
_WORD_KEYS = ("any", "all", "except")
_HAN = "[\u4e00-\u9fff]"
#: Also marks that part Chinese words for a reader, though not for YAML: 发货/退款.
_COMMAS = re.compile(rf"[，、；。]|(?<={_HAN})\s*[/／|｜,;]\s*(?={_HAN})|(?<={_HAN})\s*\.\s+(?={_HAN})")
_BRACKETS, _QUOTES, _COLONS = re.compile(r"[【】［］｛｝]"), re.compile(r"[“”‘’「」『』]"), re.compile("：")
#: An item that is indented deeper than the one above continues it.
_DASHES = re.compile(rf"(?<={_HAN})\s+-\s+(?={_HAN})")
_REMEDIES: Final[Mapping[re.Pattern[str], Message]] = {
    _COLONS: say("the colon is a Chinese one (：): write an English colon and a space (: )"),
    _DASHES: say("begin each dash of a list in the same column"),
    _COMMAS: say("is an English comma missing? write [甲, 乙]"),
    _BRACKETS: say("write English brackets: [甲, 乙]"),
    _QUOTES: say('take the quotation marks out, or write English ones ("")'),
}
_SPACE = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
#: Written by tools/make_everyday.py.
_EVERYDAY = Path(__file__).parents[1] / "text" / "everyday.txt"


@lru_cache(maxsize=1)
def _everyday() -> Mapping[str, str]:
    """Return letters that stand by chance in an everyday expression, each with that expression."""
    lines = _EVERYDAY.read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ") for line in lines if not line.startswith("#"))


def check_words(ruleset: RuleSet) -> Iterator[Diagnostic]:
    """Find Chinese commas, brackets and quotation marks in words of rules and of `synonyms.yaml`."""
    for rule in ruleset.rules:
        source = ruleset.source_of(rule)
        for path, said in _sayings(rule.written, rule.path):
            yield from _check_saying(source, path, said, rule.id)
            yield from _by_chance(source, path, said, rule.id, ruleset.shared.lists)
    shared = ruleset.sources.get(ruleset.origin.path_of(SYNONYMS))
    if shared is not None:
        words = {key: part for key, part in shared.data.items() if key != "conditions"}
        for name, condition in shared.data.get("conditions", {}).items():
            for path, said in _sayings(condition, ("conditions", name)):
                yield from _check_saying(shared, path, said, name)
                yield from _by_chance(shared, path, said, name, ruleset.shared.lists)
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


def is_doubtful(word: str) -> bool:
    """Tell whether marks or spaces stand in a word that hardly belong there."""
    return any(marks.search(word) for marks in (*_REMEDIES, _SPACE))


def _check(source: YamlSource, path: NodePath, word: str, subject: str) -> Iterator[Diagnostic]:
    if path not in source.locations:
        return  # of a condition of synonyms.yaml: told of there
    for marks, to_do in _REMEDIES.items():
        found = marks.search(word)
        if found is not None:
            what = say("{mark} stands in the word {word!r}", mark=found.group().strip(), word=word)
            yield _warning("chinese-punctuation", source, path, subject, what, to_do)
            return
    if _SPACE.search(word):
        what = say("a space stands in the word {word!r}", word=word)
        to_do = say("of several words make a list: [甲, 乙]; else take the space out")
        yield _warning("chinese-punctuation", source, path, subject, what, to_do)


def _by_chance(
    source: YamlSource, path: NodePath, said: Any, subject: str, shared: Mapping[str, tuple[str, ...]]
) -> Iterator[Diagnostic]:
    """Find words that stand by chance in an everyday expression, where the condition would find them there."""
    if not isinstance(said, dict):
        said, path = {path[-1]: said}, path[:-1]
    either = said.get("negated", False) is not False
    hidden = [word for _, name in _texts(said.get("except"), ()) for word in shared.get(name[1:], (name,))]
    for key in said.keys() & {"any", *_SAYS}:
        own = [*_texts(said[key], (*path, key))]
        others = {word for _, name in own for word in shared.get(name[1:], (name,))}
        for place, word in own:
            longer = _everyday().get(normalise(word))
            if longer is None or place not in source.locations or not _is_found(word, longer, hidden, either):
                continue
            if _is_meant(longer, others - {word}):
                continue
            what = say("{word!r} is found in {longer!r} as well", word=word, longer=longer)
            to_do = say("write a longer word, or add {longer} to `except`", longer=longer)
            yield _warning("inside-longer-word", source, place, subject, what, to_do)


def _is_found(word: str, longer: str, hidden: Collection[str], either: bool) -> bool:
    """Tell whether a condition finds a word in a longer expression: not where that is left out, or denied."""
    match = WordList((word,), tuple(hidden)).match(longer)
    return match is not None and (either or begins_negated(word) or not is_negated(longer, match.at))


def _is_meant(longer: str, others: Collection[str]) -> bool:
    """Tell whether another word of the list asks for the expression as well."""
    return bool(others) and WordList(tuple(others)).find(longer) is not None


def _warning(code: str, source: YamlSource, path: NodePath, subject: str, what: Message, to_do: Message) -> Diagnostic:
    text = say("{subject}: {what}", subject=subject, what=what)
    where = source.locate(path)
    return Diagnostic(code=code, severity="warning", what=text, where=where, to_do=to_do)
