"""Check conditions that load: those that never hold, always hold, or hold wherever another rule's do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qareport.messages import Message, say
from qareport.presentation.wording import LABEL_SOURCES, label_code
from qareport.rules.aliases import Choices, did_you_mean
from qareport.rules.rule import Rule
from qareport.rules.schema_types import parse_duration
from qareport.rules.utterance_match import never_matches
from qareport.strict_yaml import NodePath
from qareport.text.wordlist import normalise

_SAYS = ("customer says", "agent says", "anyone says")
#: People speak between these speeds, in characters a minute.
_SLOWEST, _FASTEST = 20, 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What conditions are compared with."""

    silence_ms: int
    topics: frozenset[str] | None
    #: What may be promised; None: not checked.
    promises: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionWarning:
    """A warning about a condition, with its place below the rule."""

    code: str
    what: Message
    to_do: Message | None
    path: NodePath


def check_conditions(rule: Rule, shared: Mapping[str, tuple[str, ...]], limits: Limits) -> Iterator[ConditionWarning]:
    """Check the conditions of a rule."""
    for key, node in rule.written.items():
        yield from _walk(node, (key,), shared, limits)


def same_trigger(rule: Rule, other: Rule) -> bool:
    """Tell whether a rule hits wherever another does: the same conditions, or a part of its words for the same role."""
    mine, theirs = dict(rule.written), dict(other.written)
    if mine == theirs:
        return True
    when, others = mine.pop("when", {}), theirs.pop("when", {})
    if mine != theirs or len(when) != 1 or when.keys() != others.keys():
        return False
    (head,) = when
    if head not in _SAYS:
        return False
    words, wider = _plain_words(when[head], {}), _plain_words(others[head], {})
    return bool(words) and words <= wider


def _walk(
    node: Any, path: NodePath, shared: Mapping[str, tuple[str, ...]], limits: Limits
) -> Iterator[ConditionWarning]:
    if isinstance(node, list):
        for index, child in enumerate(node):
            yield from _walk(child, (*path, index), shared, limits)
        return
    if not isinstance(node, dict):
        return
    yield from _thresholds(node, path, limits)
    yield from _hidden_words(node, path, shared)
    yield from _dead_expressions(node, path)
    yield from _excused_always(node, path)
    if isinstance(node.get("all"), list):
        yield from _contradictions(node["all"], (*path, "all"), shared)
    if node.get("within") in ("0s", "0ms", "0m") and "sequence" not in node:
        yield ConditionWarning(
            code="zero-within",
            what=say("within: nothing follows in no time"),
            to_do=say("give it some seconds"),
            path=(*path, "within"),
        )
    for key, child in node.items():
        if key in ("all", "any", "none", "sequence", "unless"):
            yield from _walk(child, (*path, key), shared, limits)


def _thresholds(node: Mapping[str, Any], path: NodePath, limits: Limits) -> Iterator[ConditionWarning]:
    silence = node.get("silence")
    length = silence.get("longer") if isinstance(silence, dict) else silence
    if isinstance(length, str) and parse_duration(length) < limits.silence_ms:
        what = say(
            "silence: {length} is less than `silence_ms` ({least} ms): shorter pauses are no silences",
            length=length,
            least=limits.silence_ms,
        )
        yield ConditionWarning(
            code="short-silence",
            what=what,
            to_do=say("raise it, or lower `silence_ms` in qareport.yaml"),
            path=(*path, "silence"),
        )
    speed = node.get("speed")
    if isinstance(speed, dict) and (speed.get("above", 0) > _FASTEST or speed.get("below", _FASTEST) < _SLOWEST):
        what = say("speed: nobody speaks like that ({low} to {high} characters a minute)", low=_SLOWEST, high=_FASTEST)
        to_do = say("330 is fast, 150 is slow")
        yield ConditionWarning(code="impossible-speed", what=what, to_do=to_do, path=(*path, "speed"))
    metric = node.get("metric")
    if isinstance(metric, dict) and not _can_be(metric):
        what = say("metric: {name} never has such a value", name=Choices.of_values([metric["name"]]))
        yield ConditionWarning(
            code="impossible-metric",
            what=what,
            to_do=say("shares lie between 0 and 1, sentiment between -5 and 5"),
            path=(*path, "metric"),
        )
    for issue in _issues(node):
        if limits.topics is not None and issue not in limits.topics:
            head = "topic" if "topic" in node else "issue"
            place = (*path, "topic") if "topic" in node else (*path, "moment", "issue")
            what = say("{key}: topics.yaml knows no {issue!r}", key=Choices.of_keys([head]), issue=issue)
            near = did_you_mean(issue, limits.topics)
            to_do = near or say("known: {names}", names=", ".join(sorted(limits.topics)))
            yield ConditionWarning(code="unknown-topic", what=what, to_do=to_do, path=place)
    yield from _labels(node, path)
    yield from _promises(node, path, limits)


def _promises(node: Mapping[str, Any], path: NodePath, limits: Limits) -> Iterator[ConditionWarning]:
    """Find promises that topics.yaml does not know."""
    promise = node.get("promise")
    given = promise.get("is", []) if isinstance(promise, dict) else promise
    for name in given if isinstance(given, list) else [given]:
        if name is not None and limits.promises is not None and str(name) not in limits.promises:
            what = say("promise: topics.yaml knows no promise {name!r}", name=str(name))
            known = say("known: {names}", names=", ".join(sorted(limits.promises)))
            to_do = did_you_mean(str(name), limits.promises) or known
            yield ConditionWarning(code="unknown-promise", what=what, to_do=to_do, path=(*path, "promise"))


def _labels(node: Mapping[str, Any], path: NodePath) -> Iterator[ConditionWarning]:
    """Find labels of moments that no moment ever carries."""
    moment = node.get("moment")
    label = moment.get("label") if isinstance(moment, dict) else None
    if isinstance(label, str) and label_code(label) is None:
        known = [word for code, word in LABEL_SOURCES.items()]
        what = say("moment: no moment is called {label!r}", label=label)
        to_do = did_you_mean(label, known) or say("known: {names}", names=", ".join(known))
        yield ConditionWarning(code="unknown-label", what=what, to_do=to_do, path=(*path, "moment", "label"))


def _can_be(metric: Mapping[str, Any]) -> bool:
    low, high = 0.0, float("inf")
    if metric["name"].endswith("_share"):
        high = 1.0
    elif "sentiment" in metric["name"]:
        low, high = -5.0, 5.0
    elif metric["name"].endswith("_dbfs"):
        low, high = float("-inf"), 0.0
    return bool(metric.get("above", low - 1) < high and metric.get("below", high + 1) > low)


def _issues(node: Mapping[str, Any]) -> Iterator[str]:
    topic, moment = node.get("topic"), node.get("moment")
    topic = topic.get("is") if isinstance(topic, dict) else topic
    if isinstance(topic, str):
        yield topic
    if isinstance(moment, dict) and isinstance(moment.get("issue"), str):
        yield moment["issue"]


def _hidden_words(
    node: Mapping[str, Any], path: NodePath, shared: Mapping[str, tuple[str, ...]]
) -> Iterator[ConditionWarning]:
    """Find words that `except` hides completely; a longer phrase there hides them only as a part of it."""
    for head in _SAYS:
        written = node.get(head)
        if isinstance(written, dict) and "except" in written:
            hidden = _words(written["except"], shared)
            for key in ("any", "all"):
                for word in sorted(_words(written.get(key, ()), shared) & hidden):
                    what = say(
                        "{key}: {word!r} is also in `except` and is never found", key=Choices.of_keys([head]), word=word
                    )
                    to_do = say("take it out of one of them")
                    yield ConditionWarning(code="shadowed-word", what=what, to_do=to_do, path=(*path, head))


def _dead_expressions(node: Mapping[str, Any], path: NodePath) -> Iterator[ConditionWarning]:
    """Find regular expressions that no text can match, because of what `normalise` takes out of it."""
    for head in _SAYS:
        written = node.get(head)
        for key in ("regex", "except_regex"):
            pattern = written.get(key) if isinstance(written, dict) else None
            if not isinstance(pattern, str) or (letter := never_matches(pattern)) is None:
                continue
            if letter in "^$":
                what = say("{key}: {letter!r} inside can never match", key=Choices.of_keys([key]), letter=letter)
                to_do = say("`^` and `$` are the ends of the sentence; lists such as `$道歉` are for `any` and `all`")
            else:
                what = say(
                    "{key}: can never match, because texts are searched without {letter!r}",
                    key=Choices.of_keys([key]),
                    letter=letter,
                )
                to_do = say("take it out: punctuation and spaces make no difference")
            yield ConditionWarning(code="never-matches", what=what, to_do=to_do, path=(*path, head))


def _excused_always(node: Mapping[str, Any], path: NodePath) -> Iterator[ConditionWarning]:
    heads = {key: value for key, value in node.items() if key not in ("unless", "within", "before")}
    for index, excuse in enumerate(node.get("unless") or ()):
        if isinstance(excuse, dict):
            condition = {key: value for key, value in excuse.items() if key not in ("within", "before")}
            if condition == heads:
                what = say("unless: is what the rule looks for, so every hit is excused")
                to_do = say("name what excuses it")
                yield ConditionWarning(code="always-excused", what=what, to_do=to_do, path=(*path, "unless", index))


def _contradictions(
    items: list[Any], path: NodePath, shared: Mapping[str, tuple[str, ...]]
) -> Iterator[ConditionWarning]:
    """Find what `all` both requires and forbids."""
    forbidden = [
        (child, (*path, index, "none", place))
        for index, item in enumerate(items)
        if isinstance(item, dict) and set(item) == {"none"} and isinstance(item["none"], list)
        for place, child in enumerate(item["none"])
    ]
    for item in items:
        for child, where in forbidden:
            if item == child or _covers(child, item, shared):
                what = say("all: the same is asked for and forbidden, so it never holds")
                to_do = say("take one of them out")
                yield ConditionWarning(code="contradiction", what=what, to_do=to_do, path=where)


def _covers(forbidden: Any, asked: Any, shared: Mapping[str, tuple[str, ...]]) -> bool:
    """Tell whether everything that meets `asked` is forbidden: all its words are in the forbidden list."""
    if not (isinstance(forbidden, dict) and isinstance(asked, dict) and len(forbidden) == len(asked) == 1):
        return False
    (head,), (other,) = forbidden, asked
    if head not in _SAYS or other not in (head, *(_SAYS if head == "anyone says" else ())):
        return False
    words = _plain_words(asked[other], shared)
    return bool(words) and words <= _plain_words(forbidden[head], shared)


def _plain_words(written: Any, shared: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the words of a condition that asks for any of some words and nothing else; else nothing."""
    if isinstance(written, dict):
        if set(written) != {"any"}:
            return set()
        written = written["any"]
    return _words(written, shared)


def _words(given: Any, shared: Mapping[str, tuple[str, ...]]) -> set[str]:
    words: set[str] = set()
    for word in given if isinstance(given, list | tuple) else [given]:
        named = shared.get(str(word)[1:]) if str(word).startswith("$") else None
        words |= {normalise(keyword) for keyword in named or (str(word),)}
    return words
