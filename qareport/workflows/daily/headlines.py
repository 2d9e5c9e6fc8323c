"""The headlines of a period for chat groups: what each robot tells of the calls of its team, and where to read on."""

from __future__ import annotations

from collections.abc import Iterator

from qareport.delivery import mail
from qareport.delivery.chat import ChatLine, ChatMessage, Robots, delivery_of
from qareport.errors import QareportError
from qareport.messages import say
from qareport.model import Agents, Delivery, PeriodReport
from qareport.presentation.links import Links
from qareport.presentation.locale import _
from qareport.presentation.view_types import clean_value
from qareport.report import PeriodPages, build_view
from qareport.workflows.daily.context import Context, period_name
from qareport.workflows.daily.editions import desk_of
from qareport.workflows.scoped_period import report_of

#: Customers to call back that a message names.
_CALLBACKS = 3


def headlines(context: Context, whole: PeriodReport, robots: Robots) -> Iterator[Delivery]:
    """Yield what each robot tells that tells of daily reports.

    Args:
        context: the period.
        whole: the report of all calls.
        robots: the robots of the settings.
    """
    store = context.store
    teams = {team.team_id: team for team in store.teams.list()}
    reports = {"*": whole}
    for robot in robots.list("daily"):
        if robot.team not in teams and robot.team != "*":
            what = say("robot {name}: there is no team {team!r}", name=robot.name, team=robot.team)
            context.log.trouble(QareportError(what, where="notify.robots"))
            continue
        if robot.team not in reports:
            agents = Agents(only=store.teams.agents_of([robot.team]))
            reports[robot.team] = report_of(context.workspace, context.period, agents)
        report = reports[robot.team]
        name = "" if robot.team == "*" else teams[robot.team].name or robot.team
        kind = "headline-partial" if report.partial else "headline"
        message = headline_of(context, report, team_id="" if robot.team == "*" else robot.team, team_name=name)
        yield delivery_of(robot, message, period=period_name(context.period), kind=kind)


def headline_of(context: Context, report: PeriodReport, *, team_id: str, team_name: str) -> ChatMessage:
    """Word the headline of a report: its numbers, the first customers to call back, and where the whole of it is."""
    links = Links(desk=desk_of(context))
    page = build_view(clean_value(report), context.settings.report, PeriodPages(links=links))
    who = team_name or page.organisation
    lines = [ChatLine(text=page.sentence or mail.headline(report))]
    for row, callback in zip(page.callbacks[:_CALLBACKS], report.callbacks, strict=False):
        lines.append(
            ChatLine(
                text=_("回电：{order}，{why}").format(order="".join(run.text for run in row.order.runs), why=row.why),
                url=links.order(callback),
            )
        )
    if address := links.report(report.period, team_id):
        lines.append(ChatLine(text=_("打开完整报告"), url=address))
    named = f"{who} {page.title} {mail.short_period(report.period)}".strip()
    title = _("：").join((named, mail.headline(report)))
    return ChatMessage(title=title, lines=tuple(lines))
