"""`stage`, `earlier calls`, `agent`, `shop`: what is known of the order, of who answered and for whom.

The stage is the first of `synonyms.yaml` whose words the customer says. Earlier calls are calls of the same order that
began before; without an order or start time nothing is known of them. Agents are named by the numbers that calls carry
(`agent_id`), shops as manifests and uploads name them (`shop`). The hit is at the end of the call. What is not known is
not judged, under `none` either.

Keys of `stage`:
    is: one or several stages of `synonyms.yaml`.

Keys of `earlier calls`:
    at_least: how many.
    within: only those that began so long before this call.

Keys of `agent` and `shop`:
    is: one or several of them.

Example:
    all:
      - stage: 待发货
      - earlier calls: {at_least: 2, within: 7d}
      - agent: [A017, A018]
      - shop: 旗舰店
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from qareport.model import Role
from qareport.presentation.locale import _
from qareport.rules.condition_hit import ConditionHit, measured
from qareport.rules.match_context import Condition, LeafForm, MatchContext
from qareport.rules.schema_types import DurationMs, Keywords, WholeNumber
from qareport.text.wordlist import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class StageIs(Condition):
    """The order is in one of these stages."""

    stages: frozenset[str]

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the words tell no stage."""
        held = context.stage is not None and context.stage in self.stages
        return [measured(context.end_ms, f"阶段 {context.stage}")] if held else []

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether it is known what the customer says."""
        return context.hears(Role.CUSTOMER)

    def seen(self, context: MatchContext) -> str:
        """Say which stage it is."""
        return _("阶段 {stage}").format(stage=context.stage or _("未知"))


class StageForm(LeafForm):
    """`stage: 待发货`, of the stages that synonyms.yaml lists."""

    heads: ClassVar[tuple[str, ...]] = ("stage",)
    bare: ClassVar[str | None] = "is"

    is_: Keywords = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return StageIs(stages=frozenset(self.is_))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierCalls(Condition):
    """The order has had so many calls before this one, perhaps within the last days."""

    at_least: int
    within_ms: int | None

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the order or the times are not known."""
        count = self._count(context)
        return [] if count is None or count < self.at_least else [measured(context.end_ms, f"此前来电 {count} 次")]

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the earlier calls are known."""
        return self._count(context) is not None

    def _count(self, context: MatchContext) -> int | None:
        began = context.transcript.started_at
        if context.earlier is None or (began is None and self.within_ms is not None):
            return None
        if began is None or self.within_ms is None:
            return len(context.earlier)
        within = timedelta(milliseconds=self.within_ms)
        return sum(1 for start in context.earlier if began - start <= within)

    def seen(self, context: MatchContext) -> str:
        """Say how many there were."""
        count = self._count(context)
        return _("此前来电次数未知") if count is None else _("此前来电 {count} 次").format(count=count)


class EarlierCallsForm(LeafForm):
    """`earlier calls: {at_least: 2, within: 7d}`; bare: the count."""

    heads: ClassVar[tuple[str, ...]] = ("earlier calls",)
    bare: ClassVar[str | None] = "at_least"

    at_least: Annotated[WholeNumber, Field(ge=1, le=1000)] = 1
    within: DurationMs | None = None

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return EarlierCalls(at_least=self.at_least, within_ms=self.within)


@dataclass(frozen=True, slots=True)
class AgentIs(Condition):
    """One of these agents answered."""

    agents: frozenset[str]

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the agent is not known."""
        agent_id = context.transcript.agent_id
        return [measured(context.end_ms, f"客服 {agent_id}")] if _plain(agent_id) in self.agents else []

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the agent is known."""
        return context.transcript.agent_id is not None

    def seen(self, context: MatchContext) -> str:
        """Say who it was."""
        return _("客服 {agent}").format(agent=context.transcript.agent_id or _("未知"))


@dataclass(frozen=True, slots=True)
class ShopIs(Condition):
    """The call was about one of these shops."""

    shops: frozenset[str]

    names_topic = False

    def find(self, context: MatchContext) -> list[ConditionHit]:
        """Return one measured hit; none when the shop is not known."""
        shop = context.transcript.shop
        return [measured(context.end_ms, f"店铺 {shop}")] if _plain(shop) in self.shops else []

    def is_judged(self, context: MatchContext) -> bool:
        """Tell whether the shop is known."""
        return context.transcript.shop is not None

    def seen(self, context: MatchContext) -> str:
        """Say which it was."""
        return _("店铺 {shop}").format(shop=context.transcript.shop or _("未知"))


class AgentForm(LeafForm):
    """`agent: A017`, `shop: 旗舰店`."""

    heads: ClassVar[tuple[str, ...]] = ("agent", "shop")
    bare: ClassVar[str | None] = "is"

    is_: Keywords = Field(alias="is")

    def condition(self, head: str) -> Condition:
        """Make the condition."""
        return (AgentIs if head == "agent" else ShopIs)(frozenset(map(_plain, self.is_)))


def _plain(name: str | None) -> str:
    """Write a number or name so that width, case, traditional characters and outer spaces do not count."""
    return fold(name or "").strip()
