"""The audit log as an auditor reads it: filtered, page by page, as CSV or JSON lines, with the state of its chain."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from qareport import calendar
from qareport.messages import Message
from qareport.model import AuditEntry, Permission
from qareport.presentation import review_wording
from qareport.presentation.locale import N_, Translated
from qareport.presentation.spreadsheet import cell
from qareport.store import MOST_COUNTED
from qareport.web.access import Access

#: Columns of an export, in order.
COLUMNS: Final = ("number", "at", "actor", "actor_kind", "ip", "action", "object", "outcome", "details")
_AT_ONCE: Final = 1000
#: What every action of the log is called, in the groups in which people look for one.
GROUPS: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    (N_("登录和账号"), {
        "login": N_("登录"), "logout": N_("退出"), "setup": N_("建立第一个管理员"),
        "account.password": N_("改自己的密码"), "account.language": N_("改页面语言"),
        "account.end_sessions": N_("结束自己的所有登录"),
    }),
    (N_("通话"), {
        "call.read_original": N_("看没有打码的原文"), "call.hear_original": N_("听没有打码的原声"),
        "calls.search_number": N_("按个人号码搜索"), "document.download": N_("下载文档"),
        "agent.coaching": N_("下载辅导单"), "upload": N_("上传录音"), "upload.cancel": N_("取消上传"),
        "call.correct": N_("更正订单、客服或时间"), "call.swap_roles": N_("对调客服和客户"),
        "call.rehear": N_("换语言重新识别"), "call.delete": N_("删除通话"), "call.acknowledge": N_("确认看过"),
    }),
    (N_("复核和申诉"), {
        "review.verdict": N_("复核一条发现"), "review.missed": N_("补一条规则漏掉的"),
        "review.counterexample": N_("做成反例"), "appeal.open": N_("提出申诉"), "appeal.decide": N_("处理申诉"),
        "appeal.escalate": N_("再次申诉"), "appeal.withdraw": N_("撤回申诉"), "appeal.expire": N_("申诉过期"),
    }),
    (N_("规则"), {
        "rules.publish": N_("发布规则"), "rules.agree": N_("同意发布规则"), "rules.refuse": N_("退回规则的改动"),
        "rules.apply": N_("让旧通话重新判定"),
    }),
    (N_("实时"), {
        "alert.ack": N_("接下提醒"), "alert.snooze": N_("稍后再提醒"), "alert.false": N_("标为误报"),
        "live.ticket": N_("领取送声音的凭证"),
    }),
    (N_("导出和问答对"), {
        "export.order": N_("要求导出"), "export.download": N_("下载导出的文件"), "qa.mine": N_("挖掘问答对"),
        "qa.approved": N_("通过问答对"), "qa.edited": N_("修改问答对"), "qa.rejected": N_("不用问答对"),
        "qa.mined": N_("退回问答对"), "qa.export": N_("导出问答对"),
    }),
    (N_("设置"), {
        "users.add": N_("新建用户"), "users.change": N_("更改用户"), "users.password": N_("重设密码"),
        "users.disable": N_("停用用户"), "teams.put": N_("新建或更改团队"), "teams.delete": N_("删除团队"),
        "tokens.add": N_("新建接口密钥"), "tokens.revoke": N_("作废接口密钥"), "token.use": N_("使用接口密钥"),
        "webhooks.add": N_("新建 Webhook"), "webhooks.change": N_("更改 Webhook"),
        "webhooks.delete": N_("删除 Webhook"), "webhooks.rotate": N_("更换 Webhook 密钥"),
        "webhooks.test": N_("测试 Webhook"), "webhooks.replay": N_("重新投递"),
        "integrations.switch": N_("开关对接"), "robots.switch": N_("开关群机器人"),
    }),
    (N_("审计日志"), {"audit.export": N_("导出日志"), "audit.trim": N_("清除过期的日志")}),
)  # fmt: skip
ACTIONS: Final[Mapping[str, str]] = Translated({code: words for _, group in GROUPS for code, words in group.items()})
#: What actions are done to: `call:7001` is call 7001.
OBJECTS: Final[Mapping[str, str]] = Translated(
    {
        "call": N_("通话 {name}"), "order": N_("订单 {name}"), "agent": N_("客服 {name}"),
        "report": N_("质检报告 {name}"), "period": N_("质检报告 {name}"), "rules": N_("规则文件 {name}"),
        "user": N_("用户 {name}"), "team": N_("团队 {name}"), "token": N_("接口密钥 {name}"),
        "webhook": "Webhook {name}", "alert": N_("提醒 {name}"), "live": N_("实时通话 {name}"),
        "export": N_("导出 {name}"), "qa": N_("问答对 {name}"), "deletion": N_("删除证明 {name}"),
        "integration": N_("对接 {name}"), "robot": N_("群机器人 {name}"),
    }
)  # fmt: skip
_DETAILS: Final[Mapping[str, str]] = Translated(
    {
        "purpose": N_("用途"), "reason": N_("原因"), "comment": N_("备注"), "verdict": N_("结论"),
        "decision": N_("结果"), "finding": N_("发现"), "appeal": N_("申诉编号"), "call": N_("通话"),
        "role": N_("角色"), "roles": N_("声道"), "teams": N_("团队"), "agents": N_("客服"), "name": N_("名称"),
        "display": N_("姓名"), "agent_id": N_("客服"), "order_id": N_("订单"), "started_at": N_("开始时间"),
        "language": N_("语言"), "format": N_("格式"), "query": N_("搜索"), "wanted": N_("条件"), "files": N_("文件"),
        "file": N_("文件"), "scopes": N_("权限"), "types": N_("事件"), "place": N_("地址"), "calls": N_("通话"),
        "rows": N_("行数"), "by": N_("途径"), "on": N_("开"),
    }
)  # fmt: skip
_ROLES: Final[Mapping[str, str]] = Translated(
    {
        "admin": N_("管理员"), "supervisor": N_("主管"), "analyst": N_("质检员"), "agent": N_("客服"),
        "auditor": N_("审计员"),
    }
)  # fmt: skip
_VALUES: Final[Mapping[str, Mapping[Any, str]]] = {
    "verdict": review_wording.VERDICTS, "reason": review_wording.REASONS, "decision": review_wording.APPEALS,
    "role": _ROLES,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines of the log are wanted; what is empty does not count."""

    actor: str = ""
    #: An action (`login`), or a group of them with its point (`users.`).
    action: str = ""
    object: str = ""
    #: From this day on, until this day, both included, in the desk's time zone.
    since: date | None = None
    until: date | None = None

    def as_query(self) -> dict[str, str]:
        """Return it as the parameters of a link."""
        values = {name: getattr(self, name) for name in ("actor", "action", "object", "since", "until")}
        return {name: str(value) for name, value in values.items() if value}


def word_object(object: str) -> str:
    """Word what an action was done to: `call:7001` is "call 7001" in the reader's language."""
    kind, _, name = object.partition(":")
    return OBJECTS[kind].format(name=name).strip() if kind in OBJECTS else object


def word_details(entry: AuditEntry) -> list[tuple[str, str]]:
    """Word the facts of a line; those that are for programs alone keep their names."""
    return [
        (_DETAILS.get(name, name), _VALUES.get(name, {}).get(value, value))
        for name, value in entry.details.items()
        if value
    ]


def read_page(access: Access, wanted: AuditFilter, *, before: int | None, limit: int) -> tuple[AuditEntry, ...]:
    """Return lines of the log, the newest first.

    Args:
        access: who asks.
        wanted: which lines.
        before: only lines with a smaller number.
        limit: how many at most.
    """
    access.require(Permission.AUDIT_READ)
    return access.desk.store.audit.list(before=before, limit=limit, **_as_filter(access, wanted))


def count(access: Access, wanted: AuditFilter) -> int:
    """Count lines of the log, to one more than `MOST_COUNTED`."""
    access.require(Permission.AUDIT_READ)
    return access.desk.store.audit.count(most=MOST_COUNTED + 1, **_as_filter(access, wanted))


def _as_filter(access: Access, wanted: AuditFilter) -> dict[str, Any]:
    zone = ZoneInfo(access.desk.settings.period.time_zone)
    first, last = calendar.bounds(wanted.since, wanted.until, zone)
    return {"actor": wanted.actor, "action": wanted.action, "object": wanted.object, "first": first, "last": last}


def verify(access: Access) -> Message | None:
    """Return what is wrong with the chain of the log; None when it holds."""
    access.require(Permission.AUDIT_READ)
    return access.desk.store.audit.verify()


def verify_recently(access: Access) -> Message | None:
    """Return what `verify` does, up to a minute old: reading a long log takes seconds, and pages follow each other."""
    access.require(Permission.AUDIT_READ)
    return access.desk.recently("audit chain", access.desk.store.audit.verify)


def export(access: Access, wanted: AuditFilter, format: Literal["csv", "jsonl"]) -> Iterator[str]:
    """Write all wanted lines, the newest first; that they were taken out stands in the log itself."""
    access.require(Permission.AUDIT_READ)
    access.record(
        "audit.export", format=format, wanted=" ".join(f"{name}={value}" for name, value in wanted.as_query().items())
    )
    return _written(access, wanted, format)


def _written(access: Access, wanted: AuditFilter, format: Literal["csv", "jsonl"]) -> Iterator[str]:
    if format == "csv":
        yield "\ufeff" + _row(COLUMNS)  # spreadsheets take the text for UTF-8 by its mark
    before: int | None = None
    while entries := read_page(access, wanted, before=before, limit=_AT_ONCE):
        for entry in entries:
            values = as_json(entry)
            if format == "jsonl":
                yield json.dumps(values, ensure_ascii=False) + "\n"
            else:
                details = json.dumps(values["details"], ensure_ascii=False) if values["details"] else ""
                yield _row([*(str(values[name]) for name in COLUMNS[:-1]), details])
        before = entries[-1].number


def as_json(entry: AuditEntry) -> Mapping[str, Any]:
    """Return a line as programs read it."""
    values = {name: getattr(entry, name) for name in COLUMNS}
    return values | {"at": entry.at.isoformat(), "details": dict(entry.details)}


def _row(cells: list[str] | tuple[str, ...]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow([cell(text) for text in cells])
    return stream.getvalue()
