"""From store to report: what leaves the store is masked, what stays in it is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from qareport import codec
from qareport.model import Call, PersonalKind, Role, Segment, Transcript
from qareport.settings import PrivacySettings
from qareport.store import Store
from qareport.workflows.judge import judge_calls
from qareport.workflows.render import assemble_order
from qareport.workflows.transcribe import TranscribedCall
from qareport.workflows.workspace import Workspace
from tests.support.paths import ROOT

NUMBER = "幺三八零零幺三八零零零"


def test_a_number_stays_in_the_store_and_leaves_it_masked(tmp_path: Path) -> None:
    call = Call(call_id="c1", order_id="o1", audio_path="")
    sentence = f"我的手机号是{NUMBER}，什么时候发货？"
    transcript = Transcript(
        call_id="c1",
        order_id="o1",
        segments=(
            Segment(start_ms=0, end_ms=6000, role=Role.CUSTOMER, text=sentence),
            Segment(start_ms=11_000, end_ms=12_000, role=Role.AGENT, text="您好"),
        ),
    )
    rule_book = Workspace.open(config=ROOT / "config").rule_book
    with Store(f"sqlite:///{tmp_path / 'q.db'}") as store:
        store.calls.put(call)
        store.transcripts.put("t", transcript)
        item = TranscribedCall(call=call, key="t", transcript=transcript)
        done, failures = judge_calls([item], store, rule_book, on_progress=lambda *_: None)
        assert (done, failures) == ((call,), ())
        masked = assemble_order(store, "o1")
        shown = assemble_order(store, "o1", dataclasses.replace(PrivacySettings(), enabled=False))
    assert NUMBER not in codec.to_json(masked)
    assert masked.calls[0].moments[0].quote == "我的手机号是[电话]，什么时候发货？"
    assert [span.kind for span in masked.calls[0].masked] == [PersonalKind.PHONE]
    assert shown.calls[0].segments[0].text == sentence
