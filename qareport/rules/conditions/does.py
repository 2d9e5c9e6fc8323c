"""`customer does`, `agent does`: what a role does with an utterance, as a reader understood it (dialogue acts).

Acts say what people do in whatever words: 再没有我就走平台了 is `threaten` without any of its usual words. A list
means any of its acts. The evidence is the utterance. In a call whose acts were not read the condition never holds,
under `none` either.

Acts of the customer:
`ask` asks, `ask_again` the same again because it was not answered, `request` wants something done, `inform` tells,
`complain`, `threaten` a complaint, an authority, a bad review, `give_up` the purchase or the shop, `sarcasm`,
`remind_promise` something promised was not kept, `accept`, `refuse`, `thank`, `calm` content again after anger, `small`
greetings and 嗯.

Acts of the agent:
`greet`, `close`, `answer` addresses what was asked, `evade` does not, `hold` 请稍等, `ask_info`, `confirm` reads back,
`apologise`, `empathise`, `promise` by a time, `offer` a solution, `refuse` with a reason, `explain`, `blame` it is
somebody else's matter, `rude`, `small`.

Keys:
    act: one or several acts of the role, in English or Chinese (`threaten` or 要投诉).
    score: how sure the reader is at least, from 0 to 1, to three decimals; acts below its own threshold do not exist.

Example:
    customer does: [threaten, give_up]
    unless:
      - agent does: {act: [apologise, offer], score: 0.8}
        within: 30s
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from qareport.messages import Message, say
from qareport.model import ACTS_OF, Act, Role
from qareport.presentation.act_wording import ACTS, act_of
from qareport.presentation.locale import _
from qareport.rules.aliases import VALUES, Choices, did_you_mean
from qareport.rules.condition_hit import ConditionHit
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import Number
from qareport.strict_yaml import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Does(Condition):
    """A role performs one of the acts with an utterance."""

    role: Role
    acts: tuple[Act, ...]
    #: The reader must be at least so sure.
    score: float

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return each such utterance; of several of the acts in it, the surest."""
        speech = context.speech(self.role)
        surest: dict[int, ConditionHit] = {}
        for act in self.acts:
            for line, hit in speech.hits_of(act):
                known = surest.get(line)
                if (
                    context.covers(hit.at_ms)
                    and (not self.score or round(_sureness(hit), 3) >= self.score)
                    and (known is None or _sureness(known) < _sureness(hit))
                ):
                    surest[line] = hit
        return [surest[line] for line in sorted(surest)]

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the call was read, and the role is known: few words without an act are read all the same."""
        return context.hears(self.role) and bool(context.speech(None).acts)

    def seen(self, context: MatchContext) -> str:
        """Say which acts the role was heard to perform."""
        by_act = context.speech(self.role).acts
        if not by_act:
            return _("没有读出言语行为")
        done = {act: len(places) for act, places in by_act.items()}
        listed = sorted(done, key=lambda act: (-done[act], act))
        return _("、").join(f"{ACTS[act]} {done[act]}" for act in listed)


#: What an act is that belongs to the other role.
_OWN_ACT = {Role.CUSTOMER: say("an act of the customer"), Role.AGENT: say("an act of the agent")}


def _sureness(hit: ConditionHit) -> float:
    return 0.0 if hit.act is None else hit.act.score


def _act_of(role: Role) -> Any:
    """Make the type of `act` for a role: one act or a list, by code or Chinese name."""
    codes = [act.value for act in ACTS_OF[role]]

    def read(value: Any) -> tuple[Act, ...]:
        given = value if isinstance(value, list | tuple) else [value]
        if not given:
            raise refusal("act", say("at least one act"))
        return tuple(dict.fromkeys(_read_act(name, role) for name in given))

    one_or_more = {"anyOf": [{"enum": codes}, {"type": "array", "items": {"enum": codes}, "minItems": 1}]}
    return Annotated[tuple[Act, ...], BeforeValidator(read), WithJsonSchema(one_or_more)]


def _read_act(name: Any, role: Role) -> Act:
    known = ACTS_OF[role]
    act = act_of(str(name))
    if act in known:
        return act
    if act is not None:
        other = next(other for other, acts in ACTS_OF.items() if act in acts)
        to_do = say("write it below {head}", head=Choices.of_keys([f"{other} does"]))
        raise refusal("act", _OWN_ACT[role], to_do)
    raise refusal("act", say("one of {choices}", choices=Choices.of_values(known)), _nearest_act(str(name), known))


def _nearest_act(name: str, known: Iterable[Act]) -> Message | None:
    """Ask for the nearest act of the role, or of the other one."""
    own, all_acts = ([word for act in acts for word in (act.value, *VALUES[act])] for acts in (known, Act))
    return did_you_mean(name, own) or did_you_mean(name, all_acts)


class CustomerDoesForm(LeafForm):
    """`customer does: threaten`, `customer does: [threaten, give_up]`."""

    heads: ClassVar[tuple[str, ...]] = ("customer does",)
    bare: ClassVar[str | None] = "act"

    act: _act_of(Role.CUSTOMER)  # type: ignore[valid-type]
    score: Annotated[Number, Field(ge=0, le=1)] = 0.0

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return Does(role=Role.CUSTOMER, acts=self.act, score=self.score)


class AgentDoesForm(LeafForm):
    """`agent does: evade`, `agent does: {act: [evade, blame], score: 0.8}`."""

    heads: ClassVar[tuple[str, ...]] = ("agent does",)
    bare: ClassVar[str | None] = "act"

    act: _act_of(Role.AGENT)  # type: ignore[valid-type]
    score: Annotated[Number, Field(ge=0, le=1)] = 0.0

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return Does(role=Role.AGENT, acts=self.act, score=self.score)
