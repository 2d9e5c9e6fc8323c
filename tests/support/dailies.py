"""A small centre to try daily runs on: its configuration, its transcripts, and the day that they are of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from qareport.settings import default_dir

DAY = date(2026, 11, 21)
CHINA = timezone(timedelta(hours=8))
TEAM = ("li.lei@example.com", "han.mm@example.com")
AGENTS: Mapping[str, str] = {"A017": "wang.fang@example.com", "A023": "zhao.yi@example.com"}
OPERATOR = "it@example.com"
#: What is said in each call, in turn: (start, end, who, what).
_TALKS: Sequence[Sequence[tuple[int, int, str, str, str]]] = (
    (
        (0, 2000, "agent", "您好，请问有什么可以帮您？", "NEUTRAL"),
        (2300, 5000, "customer", "我昨天下的单，什么时候发货？", "NEUTRAL"),
        (9500, 11000, "customer", "你们是不是压单啊！算了，我要投诉。", "ANGRY"),
        (15500, 17000, "agent", "这边系统显示正常的。", "NEUTRAL"),
    ),
    (
        (0, 2000, "agent", "您好，很高兴为您服务。", "NEUTRAL"),
        (2300, 5000, "customer", "衣服尺码根本不对，退货运费谁出？", "ANGRY"),
        (5500, 9000, "agent", "非常抱歉，运费由我们承担，今天就给您退款。", "NEUTRAL"),
        (9500, 11000, "customer", "好的，谢谢。", "HAPPY"),
    ),
)


def make_config(folder: Path, *, port: int, **mail: Any) -> Path:
    """Write a configuration folder with the shipped rules and mail over loopback; `mail` adds to that section."""
    shutil.copytree(default_dir("config"), folder, dirs_exist_ok=True)
    settings = {
        "report": {"organisation": "物流组"},
        "daily": {"out": str(folder.parent / "out"), "orders": 1},
        "mail": {
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "sender": "质检日报 <quality@example.com>",
            "team": list(TEAM),
            "operator": [OPERATOR],
            "agents": dict(AGENTS),
            "retry_s": [],
            **mail,
        },
    }
    (folder / "qareport.yaml").write_text(json.dumps(settings, ensure_ascii=False, indent=1), "utf-8")
    return folder


def transcript(number: int, day: date = DAY) -> dict[str, Any]:
    """Make one transcript: agents, talks and hours in turn."""
    agent = sorted(AGENTS)[number % 2]
    began = datetime(day.year, day.month, day.day, 9 + number % 9, number % 60, tzinfo=CHINA)
    return {
        "call_id": f"{agent}-{day:%m%d}-{number:04d}",
        "order_id": f"{day:%Y%m%d}{number:06d}",
        "agent_id": agent,
        "started_at": began.isoformat(),
        "model": {"name": "elsewhere", "revision": "1"},
        "segments": [
            {"start_ms": start, "end_ms": end, "role": role, "role_source": "channel", "text": text, "emotion": emotion}
            for start, end, role, text, emotion in _TALKS[number // 2 % 2]
        ],
    }


def write_transcripts(path: Path, count: int, day: date = DAY) -> Path:
    """Write the transcripts of a day as JSON lines."""
    lines = (json.dumps(transcript(number, day), ensure_ascii=False) + "\n" for number in range(count))
    path.write_text("".join(lines), "utf-8")
    return path
