"""Promises: what an agent says will be done, and by when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from qareport.analysis.due import find_due
from qareport.analysis.scene import Scene
from qareport.model import Promise, Role

#: Not a promise: a question, a refusal, a condition, something done.
_NO_PROMISE = re.compile(
    r"[?？吗]|不能|没办法|无法|不可以|如果|已经|刚才|保证不了|不一定|昨天|前天|上周|上个?月|上次|"
    r"(?:申请|提交|签收|购买|下单|付款|买|拍)的|下的单|can't|cannot|unable|yesterday|last (?:week|month)"
)


def find_promises(scene: Scene, started_at: datetime | None) -> Iterator[Promise]:
    """Find what the agent says will be done by a time.

    A promise names an action of `promises` in topics.yaml and a time ahead in one segment, and is no question,
    condition or refusal. When it is due: see `find_due`; public holidays are not known.

    Args:
        scene: the call.
        started_at: when it began; None leaves `due_at` open.
    """
    for index, segment in enumerate(scene.spoken):
        if segment.role is not Role.AGENT or _NO_PROMISE.search(segment.text):
            continue
        action = next((one.name for one in scene.topics.promises if one.words.find(scene.words[index])), None)
        due = find_due(segment.text, started_at) if action is not None else None
        if action is not None and due is not None:
            yield Promise(
                at_ms=segment.start_ms,
                end_ms=segment.end_ms,
                role=segment.role,
                quote=segment.text,
                action=action,
                by=due.said,
                within_ms=due.within_ms,
                due_at=due.at,
            )
