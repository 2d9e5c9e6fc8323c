"""Who is asking, what they may do and which calls they may see. Pages and API reach the store through this alone.

What lies outside a person's reach does not exist for them: `NotFoundError`, 404. What lies inside it without the right
is refused: `ForbiddenError`, 403.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from qareport import privacy
from qareport.errors import NotFoundError, QareportError
from qareport.messages import Message, say
from qareport.model import (
    GRANTS,
    Agents,
    ApiToken,
    AuditEntry,
    CallReport,
    HeatMap,
    OrderReport,
    Period,
    PeriodReport,
    Permission,
    Reach,
    Team,
    User,
)
from qareport.presentation.locale import N_, Translated
from qareport.store import CallPage, CallPageQuery
from qareport.web.desk import Desk
from qareport.workflows.render import assemble_order
from qareport.workflows.scoped_period import Norms, brief_of, heat_of, report_of, state_of

#: What each right lets a person or a program do, in words.
RIGHTS: Final[Mapping[str, str]] = Translated(
    {
        Permission.CALLS_READ: N_("看通话、订单和结果"),
        Permission.CALLS_ORIGINAL: N_("听、下载未打码的录音（留痕）"),
        Permission.CALLS_WRITE: N_("上传录音，改通话信息"),
        Permission.CALLS_DELETE: N_("永久删除通话"),
        Permission.REVIEW_WRITE: N_("复核扣分"),
        Permission.APPEALS_WRITE: N_("确认看过通话，提出申诉"),
        Permission.APPEALS_DECIDE: N_("处理申诉"),
        Permission.APPEALS_FINAL: N_("终审申诉"),
        Permission.RULES_READ: N_("看规则"),
        Permission.RULES_WRITE: N_("改规则、发布规则"),
        Permission.LIVE_READ: N_("看正在进行的通话和提醒"),
        Permission.LIVE_WRITE: N_("处理提醒"),
        Permission.LIVE_INGEST: N_("送入正在进行的通话（电话系统用）"),
        Permission.REPORTS_READ: N_("看日报、周报、月报"),
        Permission.EXPORTS_WRITE: N_("导出数据"),
        Permission.QA_WRITE: N_("整理问答对"),
        Permission.SETTINGS_WRITE: N_("管理用户、团队、密钥、Webhook和对接"),
        Permission.AUDIT_READ: N_("看审计记录"),
        Permission.METRICS_READ: N_("读运行指标（监控系统用）"),
    }
)


class UnauthenticatedError(QareportError):
    """Nobody is logged in, or a token is not valid."""


class ForbiddenError(QareportError):
    """The person may see the thing, but may not do this to it."""


class PreconditionError(QareportError):
    """The thing is another one by now than the one that `If-Match` names."""


class GoneError(QareportError):
    """The thing was there, and is no longer."""


class EngineStartingError(QareportError):
    """The speech engine is being loaded; in some seconds it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking: a person with a session, or a program with a token of a person."""

    user: User
    #: What may be done, and how far each right reaches.
    rights: Mapping[Permission, Reach]
    #: The teams that `Reach.TEAMS` means.
    teams: tuple[str, ...]
    ip: str = ""
    token: ApiToken | None = None
    #: Tells whether the session or the token is still good.
    still: Callable[[], bool] = field(default=lambda: True, compare=False, repr=False)

    @classmethod
    def of(
        cls, user: User, *, ip: str = "", token: ApiToken | None = None, still: Callable[[], bool] = lambda: True
    ) -> Principal:
        """Give a user the rights of the role; a token never has more than its maker has now."""
        rights = dict(GRANTS[user.role])
        teams = user.teams
        if token is not None:
            rights = {right: reach for right, reach in rights.items() if right in token.scopes}
            if token.teams:
                teams = token.teams if user.role.value == "admin" else tuple(t for t in token.teams if t in user.teams)
                rights = {
                    right: Reach.TEAMS if reach is Reach.ALL and right.value.startswith(_OF_CALLS) else reach
                    for right, reach in rights.items()
                }
        return cls(user=user, rights=rights, teams=teams, ip=ip, token=token, still=still)

    @property
    def actor(self) -> str:
        """What the audit log calls them."""
        return self.user.name if self.token is None else f"{self.user.name}/{self.token.name}"

    def may(self, permission: Permission) -> bool:
        """Tell whether they have a right, however far it reaches."""
        return permission in self.rights


def is_used_anew(token: ApiToken, now: datetime) -> bool:
    """Tell whether a use of a token is the first of an hour: that one stands in the audit log."""
    return token.used_at is None or now - token.used_at >= timedelta(hours=1)


#: Rights that are about calls: a token for some teams reaches no further with them.
_OF_CALLS: Final = ("calls:", "review:", "appeals:", "live:", "reports:", "exports:", "qa:")


class Access:
    """The desk as one principal may see it."""

    def __init__(self, desk: Desk, principal: Principal) -> None:
        self.desk: Final = desk
        self.principal: Final = principal

    def require(self, permission: Permission) -> None:
        """Refuse who does not have a right.

        Raises:
            ForbiddenError: they do not have it.
        """
        if not self.principal.may(permission):
            raise ForbiddenError(self._lacks(permission), to_do=say("ask an administrator of the desk"))

    def _lacks(self, permission: Permission) -> Message:
        if self.principal.token is not None:
            return say("the token, or the role of its user, does not have {scope}", scope=permission.value)
        return say("your role does not include this: {right}", right=RIGHTS[permission])

    def agents(self, permission: Permission = Permission.CALLS_READ) -> Agents:
        """Return the agents whose calls a right reaches; nobody's without the right."""
        reach = self.principal.rights.get(permission)
        if reach is Reach.ALL:
            return Agents()
        if reach is Reach.TEAMS:
            return Agents(only=self.desk.store.teams.agents_of(self.principal.teams))
        own = self.principal.user.agent_id
        return Agents(only=frozenset([own] if reach is Reach.OWN and own else []))

    def record(self, action: str, *, object: str = "", outcome: str = "done", **details: str) -> None:
        """Write a line of the audit log; when it cannot be written, what it is about must not happen."""
        self.desk.store.audit.record(self.entry(action, object=object, outcome=outcome, **details))

    def entry(self, action: str, *, object: str = "", outcome: str = "done", **details: str) -> AuditEntry:
        """Make a line of the audit log, for a transaction that keeps it beside what it is about."""
        return AuditEntry(
            at=self.desk.now(), actor=self.principal.actor, ip=self.principal.ip, action=action, object=object,
            actor_kind="person" if self.principal.token is None else "token", outcome=outcome, details=details,
        )  # fmt: skip

    # --- calls --------------------------------------------------------------------------------------------------------

    def list_calls(self, query: CallPageQuery, *, asked: str = "") -> CallPage:
        """List or search calls, as far as they may be seen.

        Args:
            query: which calls.
            asked: what was typed; the search for a person's number stands in the audit log, without the number.

        Raises:
            ForbiddenError: no calls may be seen at all.
            QueryError: the query cannot be read.
        """
        self.require(Permission.CALLS_READ)
        if query.after is None and names_person(asked):
            self.record("calls.search_number", query=privacy.mask(asked)[0])
        return self.desk.store.call_pages.list(replace(query, agents=self.agents()))

    def call(self, call_id: str, permission: Permission = Permission.CALLS_READ) -> CallReport:
        """Return the newest result of a call, not masked.

        Raises:
            NotFoundError: there is none, or it may not be seen.
            ForbiddenError: it may be seen, but the right is lacking or does not reach it.
        """
        self.require(Permission.CALLS_READ)
        report = self._find(call_id)
        if report is None or not self.agents().holds(report.agent_id):
            raise NotFoundError(_no_call(call_id))
        if permission is not Permission.CALLS_READ:
            self.require(permission)
            if not self.agents(permission).holds(report.agent_id):
                self.require_reach()
        return report

    def require_rule_work(self) -> None:
        """Refuse who may not lint, test, explain and replay rules.

        Raises:
            ForbiddenError: they may at most read them.
        """
        self.require(Permission.RULES_READ)
        if self.principal.rights[Permission.RULES_READ] is not Reach.ALL:
            raise ForbiddenError(say("your role may read rules, not try them"), to_do=say("ask a supervisor"))

    def require_reach(self) -> None:
        """Refuse because a right does not reach so far.

        Raises:
            ForbiddenError: always.
        """
        raise ForbiddenError(say("your role may not do this to this call"), to_do=say("ask a supervisor of its team"))

    def order(self, name: str, *, call_id: str | None = None, compared: bool = True) -> OrderReport:
        """Return the report of an order, made from the calls that may be seen, masked as the settings say.

        Args:
            name: the order, or a call of it.
            call_id: the one call that it is to be about; None: all.
            compared: whether it has the norm of the team, as documents and JSON have and pages do not.

        Raises:
            NotFoundError: there is none, or none of its calls may be seen.
        """
        self.require(Permission.CALLS_READ)
        settings = self.desk.settings
        try:
            return assemble_order(
                self.desk.store,
                name,
                settings.privacy,
                norms=Norms(self.desk.store, settings.period, keep=self.desk.as_of),
                compared=compared,
                score=settings.score,
                agents=self.agents(),
                call_id=call_id,
                roster=self.desk.workspace.roster,
            )
        except NotFoundError:
            raise NotFoundError(say("there is no order or call {name!r}", name=name)) from None

    # --- periods ------------------------------------------------------------------------------------------------------

    def agents_of(self, team_id: str, permission: Permission = Permission.CALLS_READ) -> Agents:
        """Return the agents of a team ("": of all teams) whose calls a right reaches.

        Raises:
            NotFoundError: there is no such team, or it is not one of the person's.
        """
        reached = self.agents(permission)
        if not team_id:
            return reached
        if team_id not in {team.team_id for team in self.teams()}:
            raise NotFoundError(say("there is no team {team!r}", team=team_id))
        members = self.desk.store.teams.agents_of([team_id])
        return Agents(only=members if reached.only is None else members & reached.only)

    def teams(self) -> tuple[Team, ...]:
        """Return the teams whose calls may be seen."""
        reach = self.principal.rights.get(Permission.CALLS_READ)
        teams = self.desk.store.teams.list() if reach in (Reach.ALL, Reach.TEAMS) else ()
        return tuple(team for team in teams if reach is Reach.ALL or team.team_id in self.principal.teams)

    def report(
        self, period: Period, *, team_id: str = "", agent_id: str | None = None, trend_of: Period | None = None
    ) -> PeriodReport:
        """Return the report of a period from the calls that may be seen; an agent gets the own edition.

        It is made once for as long as none of its calls changes: a page, its frame and its documents ask for the same.

        Args:
            period: the days.
            team_id: of this team alone; "": of all that may be seen.
            agent_id: the edition of this agent, whose calls may be seen.
            trend_of: the last period of its trend; None: the period itself.
        """
        self.require(Permission.REPORTS_READ)
        agents = self.agents_of(team_id, Permission.REPORTS_READ)
        if self.principal.rights[Permission.REPORTS_READ] is Reach.OWN:
            agent_id = self.principal.user.agent_id
        workspace = self.desk.workspace
        return self.desk.as_of(
            ("report", period, agents, agent_id, trend_of),
            state_of(workspace, period, trend_of),
            lambda: report_of(workspace, period, agents, agent_id=agent_id, trend_of=trend_of),
        )

    def brief(self, day: Period) -> PeriodReport:
        """Return what the first page shows of a day that is over, made once for as long as none of its calls changes.

        It is a report without trend, agents and rules.
        """
        self.require(Permission.REPORTS_READ)
        agents = self.agents_of("", Permission.REPORTS_READ)
        own = self.principal.user.agent_id if self.principal.rights[Permission.REPORTS_READ] is Reach.OWN else None
        workspace = self.desk.workspace
        return self.desk.as_of(
            ("brief", day, agents, own),
            state_of(workspace, day),
            lambda: brief_of(workspace, day, agents, agent_id=own),
        )

    def heat(self, period: Period, *, stage: str = "", team_id: str = "") -> HeatMap:
        """Count the calls of a period that may be seen by issue and emotion.

        Args:
            period: the days.
            stage: only calls of this stage; "": all.
            team_id: of this team alone; "": of all that may be seen.
        """
        self.require(Permission.CALLS_READ)
        return heat_of(self.desk.workspace, period, self.agents_of(team_id), stage=stage or None)

    def agent(self, agent_id: str) -> None:
        """Make sure that an agent's calls may be seen, and that there are some.

        Raises:
            NotFoundError: neither.
        """
        self.require(Permission.CALLS_READ)
        if not self.agents().holds(agent_id) or not self.desk.store.call_pages.list_agents(
            Agents(only=frozenset([agent_id]))
        ):
            raise NotFoundError(say("there is no agent {agent!r} with calls", agent=agent_id))

    def _find(self, call_id: str) -> CallReport | None:
        try:
            return self.desk.store.results.get(call_id)
        except NotFoundError:
            return None


def names_person(asked: str) -> bool:
    """Tell whether a search is for a number of a person: a telephone's, an identity card's, a bank card's."""
    return bool(privacy.find(asked, kinds=privacy.NUMBERS))


def _no_call(call_id: str) -> Message:
    return say("there is no call {call_id!r}", call_id=call_id)
