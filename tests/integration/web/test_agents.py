"""An agent's page tells of the own calls alone, to who may see them."""

from __future__ import annotations

import io
import re

import pytest
from docx import Document

from qareport.model import FoundPair, QaKind, UserRole
from qareport.store import MinedCall
from tests.support.desk import OpenDesk


@pytest.mark.parametrize(
    ("role", "agent", "status"),
    [
        (UserRole.ADMIN, "B1", 200), (UserRole.SUPERVISOR, "A2", 200), (UserRole.SUPERVISOR, "B1", 404),
        (UserRole.AGENT, "A1", 200), (UserRole.AGENT, "A2", 404), (UserRole.AUDITOR, "A1", 403),
        (UserRole.ADMIN, "Z9", 404),
    ],
)  # fmt: skip
def test_an_agent_is_there_for_who_may_see_the_calls(opened: OpenDesk, role: UserRole, agent: str, status: int) -> None:
    assert opened.login(role).get(f"/agents/{agent}").status_code == status


def test_the_page_shows_losses_with_the_second_to_listen_to(opened: OpenDesk) -> None:
    client = opened.login(UserRole.SUPERVISOR)
    page = client.get("/agents/A1").text
    assert re.search(r'href="http://127\.0\.0\.1:8710/calls/c1\?t=\d+"', page)
    assert "建议话术" in page
    assert not re.search(r">[^<]*\b(c2|c3|A2|B1)\b|/(c2|c3|A2|B1)\b", page)
    assert re.search(r"听完的通话</span>\s*<strong>1</strong>", page)


def test_the_coaching_sheet_names_calls_to_the_second_one_thing_to_change_and_what_others_say(opened: OpenDesk) -> None:
    store = opened.desk.store
    issue = store.results.get("c1").issues[0].name
    for call_id, kind, answer in (("c1", QaKind.PREFERENCE, "好"), ("c2", QaKind.ANSWER, "下单后四十八小时内发货")):
        pair = FoundPair(kind=kind, question="到底什么时候发货", answer=answer, q_ms=0, a_ms=87_000, issue=issue)
        mined = MinedCall(call_id=call_id, key="k", transcript_key="t", rules_sha256="r", pairs=(pair,))
        store.qa_pairs.put_mined([mined])
    client = opened.enter(UserRole.SUPERVISOR)
    page = client.get("/agents/A1").text
    assert "辅导单" in page
    assert "下单后四十八小时内发货" in page
    sent = client.get("/agents/A1/coaching.docx")
    assert sent.status_code == 200
    words = [paragraph.text for paragraph in Document(io.BytesIO(sent.content)).paragraphs]
    assert words[0] == "辅导单：A1"
    listen = words[words.index("先听这几通") + 1 : words.index("改一件事")]
    assert 1 <= len(listen) <= 3
    assert all(re.match(r"c1，\d+:\d\d：", line) for line in listen)
    assert any("分" in line for line in words[words.index("改一件事") + 1 :])
    assert "“到底什么时候发货” → “下单后四十八小时内发货”（c2，1:27）" in words
    assert "做得好的一件事" in words
    assert [line.action for line in store.audit.list(limit=1)] == ["agent.coaching"]


def test_an_agent_gets_the_own_sheet_without_what_others_said(opened: OpenDesk) -> None:
    client = opened.enter(UserRole.AGENT)
    words = [p.text for p in Document(io.BytesIO(client.get("/agents/A1/coaching.docx").content)).paragraphs]
    assert "同样的地方，同事这样说" not in words
    assert client.get("/agents/A2/coaching.docx").status_code == 404
    assert opened.enter(UserRole.AUDITOR).get("/agents/A1/coaching.docx").status_code == 403
