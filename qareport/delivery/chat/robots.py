"""The robots of chat groups: what a message looks like for each, how it is signed, and what an answer means.

Sources: DingTalk, "custom robot access" (the signature over `timestamp`, a line feed, `secret` is in the address, in
milliseconds; 20 messages a minute); WeCom, "group robot" (4,096 bytes of Markdown; errcode 45009); Feishu, "custom
bot" (the signature is in the body, in seconds, and its *key* is `timestamp`, a line feed, `secret`; codes 9499, 11232,
19021); Slack, "incoming webhooks" (answers `ok`); Teams, "incoming webhook by Workflows" (an adaptive card; answers
202). All but Slack and Teams say 200 to what they refuse: the code in the body counts.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from qareport.model import DeliveryState, Outcome
from qareport.outgoing import words_of
from qareport.settings.notify import RobotKind

#: Of Markdown, in bytes: WeCom refuses longer ones; the others take more.
MOST_BYTES: Final = 4096
#: Codes that say "later": too many messages, the peer is busy.
_LATER: Final[Mapping[str, frozenset[int]]] = {
    "dingtalk": frozenset((-1, 130101, 130102, 410100)),
    "wecom": frozenset((-1, 45009, 45033)),
    "feishu": frozenset((9499, 11232, 11233)),
}
#: Lines of a message.
_MOST_LINES: Final = 50
#: Characters of an answer that are kept.
_MOST_WORDS: Final = 200
#: Characters of Markdown that make links, mentions and quotations, as they look harmless.
_HARMLESS: Final = str.maketrans("[]<>`*@", "［］＜＞｀＊＠")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """A line of a message, with where it leads."""

    text: str
    #: "" = nowhere.
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A message to a chat group."""

    title: str
    lines: tuple[ChatLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotRequest:
    """A message as it is posted."""

    url: str
    body: bytes


def write_request(kind: RobotKind, url: str, secret: str, message: ChatMessage, now: datetime) -> RobotRequest:
    """Write a message for a robot, signed where it has a secret.

    Args:
        kind: whose robot it is.
        url: its address.
        secret: its key; "" = unsigned.
        message: what it tells.
        now: the instant that the signature names.
    """
    body = _BODIES[kind](message)
    if kind == "dingtalk" and secret:
        timestamp = str(round(now.timestamp() * 1000))
        sign = _sign(secret.encode(), f"{timestamp}\n{secret}".encode())
        url += f"{'&' if '?' in url else '?'}timestamp={timestamp}&sign={quote(sign, safe='')}"
    elif kind == "feishu" and secret:
        timestamp = str(round(now.timestamp()))
        body = {"timestamp": timestamp, "sign": _sign(f"{timestamp}\n{secret}".encode(), b""), **body}
    return RobotRequest(url=url, body=json.dumps(body, ensure_ascii=False).encode())


def read_answer(kind: RobotKind, status: int, body: bytes) -> Outcome:
    """Say what became of a message: taken, not now, or refused for good."""
    if status == 429 or status >= 500:
        return Outcome(state=DeliveryState.RETRY, reply=str(status))
    if kind in ("slack", "teams"):
        words = words_of(body, _MOST_WORDS)
        state = DeliveryState.SENT if 200 <= status < 300 else DeliveryState.FAILED
        return Outcome(state=state, reply=f"{status} {words}".strip())
    try:
        data = json.loads(body)
        code = int(data["code" if kind == "feishu" else "errcode"])
        words = words_of(str(data.get("msg" if kind == "feishu" else "errmsg", "")).encode(), _MOST_WORDS)
    except (ValueError, KeyError, TypeError, AttributeError):
        state = DeliveryState.FAILED if 400 <= status < 500 else DeliveryState.RETRY
        return Outcome(state=state, reply=f"{status} {words_of(body, _MOST_WORDS)}".strip())
    if code == 0 and 200 <= status < 300:
        return Outcome(state=DeliveryState.SENT, reply=f"{status} {words}".strip())
    state = DeliveryState.RETRY if code in _LATER[kind] else DeliveryState.FAILED
    return Outcome(state=state, reply=f"{status} {code} {words}".strip())


def _sign(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


# --- what messages look like ------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().translate(_HARMLESS)


def _markdown(message: ChatMessage, *, title: bool = True) -> str:
    """Write Markdown as DingTalk, WeCom and Teams read it; what is too long loses its last lines."""
    lines = [f"**{_plain(message.title)}**"] if title else []
    for line in message.lines:
        lines.append(f"[{_plain(line.text)}]({_address(line.url)})" if line.url else _plain(line.text))
    while len("\n\n".join(lines).encode()) > MOST_BYTES:
        if len(lines) < 2:
            return lines[0].encode()[: MOST_BYTES - 3].decode("utf-8", "ignore") + "…"
        lines = [*lines[:-2], "…"] if lines[-1] == "…" else [*lines[:-1], "…"]
    return "\n\n".join(lines)


def _address(url: str) -> str:
    return quote(url, safe="/%:?#@!$&'*+,;=~-._")


def _dingtalk(message: ChatMessage) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"title": _plain(message.title), "text": _markdown(message)}}


def _wecom(message: ChatMessage) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"content": _markdown(message)}}


def _feishu(message: ChatMessage) -> dict[str, Any]:
    rows = []
    for line in message.lines[:_MOST_LINES]:
        text = _plain(line.text)
        link = {"tag": "a", "text": text, "href": _address(line.url)}
        rows.append([link if line.url else {"tag": "text", "text": text}])
    return {"msg_type": "post", "content": {"post": {"zh_cn": {"title": _plain(message.title), "content": rows}}}}


def _slack(message: ChatMessage) -> dict[str, Any]:
    lines = [f"*{_plain(message.title)}*"]
    for line in message.lines[:_MOST_LINES]:
        text = _plain(line.text).replace("|", "｜")
        lines.append(f"<{_address(line.url)}|{text}>" if line.url else text)
    return {"text": "\n".join(lines).replace("&", "&amp;")[:39_000]}


def _teams(message: ChatMessage) -> dict[str, Any]:
    blocks = [
        {"type": "TextBlock", "text": _plain(message.title), "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": _markdown(message, title=False), "wrap": True},
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": blocks if message.lines else blocks[:1],
    }  # fmt: skip
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


_BODIES: Final = {"dingtalk": _dingtalk, "wecom": _wecom, "feishu": _feishu, "slack": _slack, "teams": _teams}
