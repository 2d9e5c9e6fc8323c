"""`customer says`, `agent says`, `anyone says`: words in an utterance.

The words are searched in each utterance of the role, never across utterances. What is written and what is said are
compared in one form: without punctuation, spaces and case, in simplified characters (發貨 is 发货), half width, with
numbers in digits too (四十八小时 is 48小时, 一二三一五 and 1 2 3 1 5 are 12315), short Latin names in one (Wi-Fi is
WiFi). A list means any of its words. All keys can be combined: the utterance must then meet each of them. `$name` in
a list stands for a list of `synonyms.yaml`. The first word found is the topic of advice. Where it is not known what the
role says, or somebody who is not known says it, the condition is not judged.

Negation is understood: `[退款]` is not found in 我不要退款, 没有申请退款 or 不用给我退款, where a negation (不, 没,
没有, 别, 不用, 无需, 未 …) stands directly before the word, with at most three small words between them. Questions
(要不要, 是不是, 有没有), double negation (不得不, 不能不), 不仅, 没想到 and a comma between them deny nothing. A word
that itself begins with a negation (不发货, 没收到) is found as it is written, unless it is half of a question (不是正品
in 是不是正品). English negations (not, no, without …) are understood alike. `like` is met only where both sentences
deny something or neither does. `exact` compares the complete utterance: nothing stands before it. In `regex` nothing
is understood: write there what must not stand before, or name it in `except`.

Keys:
    any: any of these words.
    all: all of these words, in the same utterance.
    at_least: how many different words of `any` the utterance must have.
    exact: the whole utterance is one of these.
    negated: true looks for words and sentences that are denied, and for no others; `either` takes both.
    except: phrases that are not meant, whatever else is asked for: 没降价 hides 降价 inside it.
    regex: a regular expression; `^` and `$` are the ends of the utterance. Patterns that can run away are refused.
    except_regex: the utterance must not match this regular expression.
    sounds_like: also find words of `any` and `all` by their sound (pinyin); such evidence is marked as fuzzy.
    like: the utterance resembles one of these sentences.
    similarity: beside `like`: how much, from 0 to 1 (Dice coefficient of letter pairs).
    over: `call` asks for `all` words, or for `at_least` words of `any`, somewhere in the call and not in one utterance.

Example:
    customer says:
      any: [降价, 便宜了]
      all: [昨天, 刚买]
      except: [没降价]
      regex: "降了?[0-9]+块"
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from qareport.messages import say
from qareport.model import Role
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit, uttered
from qareport.rules.conditions.logic import AllOf, AnyOf
from qareport.rules.expressions import ExpressionError, compile_safely
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.role_speech import RoleSpeech
from qareport.rules.schema_types import Flag, Keywords, Number, WholeNumber
from qareport.rules.utterance_match import Group, Likeness, Pattern, Polarity, Sounds
from qareport.strict_yaml import refusal
from qareport.text.spelling import in_digits
from qareport.text.wordlist import Match, WordList, normalise, spellings_of

#: As `negated` is written.
_POLARITIES: dict[bool | str, Polarity] = {
    False: Polarity.ASSERTED,
    True: Polarity.NEGATED,
    "either": Polarity.EITHER,
    "any": Polarity.EITHER,
}
_ROLES = {"customer says": Role.CUSTOMER, "agent says": Role.AGENT, "anyone says": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Says(Condition):
    """A role says one of the words (or all of them) in one utterance."""

    role: Role | None
    #: One utterance must hold words of each.
    groups: tuple[Group, ...]
    pattern: Pattern | None = None
    refused: Pattern | None = None
    #: The complete utterance must be one of these.
    exact: frozenset[str] = frozenset()
    #: The utterance must be like one of these.
    like: Likeness | None = None
    #: Hides parts of the utterance from `pattern`, `exact` and `like`; groups know it already.
    hidden: WordList | None = None

    names_topic = True

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each utterance that holds them; the topic is the first word found."""
        return list(self._hits(context))

    def first(self, context: MatchContext) -> ConditionHit | None:
        """Return the first such utterance."""
        return next(self._hits(context), None)

    def _hits(self, context: MatchContext) -> Iterator[ConditionHit]:
        speech = context.speech(self.role)
        for number in self._utterances(speech):
            segment = speech.segments[number]
            if not context.covers(segment.start_ms):
                continue
            match = self._match(speech.forms(number), segment.text)
            if match is not None:
                yield uttered(segment, topic=match.word, fuzzy=match.fuzzy)

    def _utterances(self, speech: RoleSpeech) -> Iterable[int]:
        """Return the numbers of those worth a closer look, in their order; most rules find none in most calls."""
        numbers: set[int] | None = None
        for group in self.groups:
            of_group = group.utterances(speech)
            numbers = of_group if numbers is None else numbers & of_group
            if not numbers:
                return ()
        if numbers is not None:
            return sorted(numbers)
        return self.pattern.utterances(speech) if self.pattern is not None else range(len(speech.words))

    def _match(self, forms: tuple[str, ...], written: str) -> Match | None:
        first: Match | None = None
        fuzzy = False
        for group in self.groups:
            match = group.find(forms, written)
            if match is None:
                return None
            first, fuzzy = first or match, fuzzy or match.fuzzy
        rest = forms if self.hidden is None else _uncovered(forms, self.hidden)
        if self.pattern is not None:
            text = self.pattern.find(rest)
            if text is None:
                return None
            first = first or Match(text, text)
        if self.exact and self.exact.isdisjoint(rest):
            return None
        if self.like is not None and not any(map(self.like.met, rest)):
            return None
        if self.refused is not None and self.refused.find(forms) is not None:
            return None
        if first is None:
            return Match(forms[0], forms[0])
        return Match(first.word, first.said, fuzzy=True) if fuzzy else first

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known that the role does not say it: it speaks, and nobody says it who is not known."""
        if self.role is None or not context.speech(Role.UNKNOWN).segments:
            return True
        return context.hears(self.role) and dataclasses.replace(self, role=Role.UNKNOWN).first(context) is None

    def seen(self, context: MatchContext) -> str:
        """Say how much the role says where it is looked for."""
        count = sum(1 for _utterance in context.utterances(self.role))
        return _("看了 {count} 句").format(count=count)


def _uncovered(forms: tuple[str, ...], hidden: WordList) -> tuple[str, ...]:
    """Return the forms of a text without what is hidden in it; where only digits show it, that form alone."""
    rest = tuple(hidden.replace_in(text, "\n") for text in forms)
    return rest if rest[0] != forms[0] or rest[-1] == forms[-1] else rest[-1:]


def _compiles(value: str) -> str:
    try:
        compile_safely(value)
    except ExpressionError as error:
        raise refusal("regex", say("a regular expression ({reason})", reason=error.reason)) from error
    return value


Expression = Annotated[str, AfterValidator(_compiles)]


def _is_polarity(value: Any) -> Any:
    if not isinstance(value, bool | str) or value not in _POLARITIES:
        raise refusal("negated", say("true, false or either"))
    return value


Negated = Annotated[
    bool | str,
    BeforeValidator(_is_polarity),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["either", "any"]}]}),
]


class SaysForm(LeafForm):
    """A list means any of its words; all keys can be combined."""

    heads: ClassVar[tuple[str, ...]] = tuple(_ROLES)
    bare: ClassVar[str | None] = "any"
    one_of: ClassVar[tuple[str, ...]] = ("any", "all", "regex", "exact", "like")

    any: Keywords | None = None
    all: Keywords | None = None
    #: How many different words of `any` one utterance must hold.
    at_least: Annotated[WholeNumber, Field(ge=1, le=50)] = 1
    exact: Keywords | None = None
    negated: Negated = False
    except_: Keywords | None = Field(default=None, alias="except")
    #: Searched in the text as keywords are compared: lower case, half width, without punctuation and spaces.
    regex: Expression | None = None
    except_regex: Expression | None = None
    #: Words of `any` and `all` are also found by their sound (pinyin), and marked as fuzzy.
    sounds_like: Flag = False
    like: Keywords | None = None
    similarity: Annotated[Number, Field(gt=0, le=1)] = 0.6
    #: Whether `any` with `at_least` and `all` are meant within one utterance or over the whole call.
    over: Literal["utterance", "call"] = "utterance"

    _false_friends: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        # `anyOf` has the short form first.
        schema["anyOf"][-1]["allOf"] = [{"anyOf": [{"not": {"required": ["similarity"]}}, {"required": ["like"]}]}]
        return schema

    def model_post_init(self, context: Any, /) -> None:
        """Take over the words of synonyms.yaml that sound like others and mean something else."""
        self._false_friends = tuple((context or {}).get("false_friends", ()))

    @model_validator(mode="after")
    def _says_something(self) -> SaysForm:
        if not any((self.any, self.all, self.regex, self.exact, self.like)):
            raise refusal("nothing_said", say("`any`, `all`, `exact`, `like` or `regex` with what is said"))
        if self.sounds_like and not (self.any or self.all):
            raise refusal("sounds_like", say("`sounds_like` together with `any` or `all`"), at="sounds_like")
        if self.negated is not False and not (self.any or self.all or self.like):
            raise refusal("negated", say("`negated` together with `any`, `all` or `like`"), at="negated")
        if "similarity" in self.model_fields_set and not self.like:
            raise refusal("similarity", say("`similarity` together with `like`"), at="similarity")
        if self.at_least > len(set(map(normalise, self.any or ()))) and self.at_least > 1:
            raise refusal("at_least", say("`at_least` no greater than the number of words in `any`"), at="at_least")
        if self.over == "call" and (not (self.any or self.all) or self.regex or self.exact or self.like):
            raise refusal("over", say("`over: call` together with `any` or `all` alone"), at="over")
        return self

    def condition(self, head: str) -> Condition:
        """Make the condition for the role that the head names."""
        hidden = self.except_ or ()
        sounds = Sounds(self.sounds_like, hidden, self._false_friends)
        polarity = _POLARITIES[self.negated]
        refused = Pattern.of(self.except_regex) if self.except_regex is not None else None
        if self.over == "call":
            return self._over_call(_ROLES[head], sounds, refused)
        groups = [Group.of(self.any, sounds, polarity, self.at_least)] if self.any else []
        groups += [Group.of((word,), sounds, polarity) for word in self.all or ()]
        return Says(
            role=_ROLES[head],
            groups=tuple(groups),
            pattern=Pattern.of(self.regex) if self.regex is not None else None,
            refused=refused,
            exact=frozenset(form for text in self.exact or () for form in spellings_of(text)),
            like=Likeness.of(self.like, self.similarity, polarity) if self.like else None,
            hidden=WordList(hidden) if hidden and (self.regex or self.exact or self.like) else None,
        )

    def _over_call(self, role: Role | None, sounds: Sounds, refused: Pattern | None) -> Condition:
        """Make each word a condition by itself: one utterance may hold it here, another there."""

        def says(word: str) -> Condition:
            group = Group.of((word,), sounds, _POLARITIES[self.negated])
            return Says(role=role, groups=(group,), refused=refused)

        parts: list[Condition] = [says(word) for word in self.all or ()]
        if self.any:
            different = {in_digits(normalise(word)): word for word in reversed(self.any)}
            parts.append(AnyOf(conditions=tuple(map(says, reversed(different.values()))), at_least=self.at_least))
        return AllOf(conditions=tuple(parts))
