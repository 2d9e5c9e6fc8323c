"""How key moments are worded: whose silence it is, and how many sentences one node stands for."""

from __future__ import annotations

from qareport.model import Moment, MomentKind, MomentLabel, Role
from qareport.report.order.key_moments import predicate


def moment(kind: MomentKind, label: MomentLabel, count: int = 1) -> Moment:
    return Moment(at_ms=0, end_ms=3000, kind=kind, role=Role.CUSTOMER, label_code=label, quote="", count=count)


def test_a_silence_says_whose_it_is_and_what_came_of_it() -> None:
    assert predicate(moment(MomentKind.SILENCE, MomentLabel.NOBODY_SPEAKS)) == "没有应答，沉默3.0秒"
    assert predicate(moment(MomentKind.SILENCE, MomentLabel.GIVE_UP)) == "沉默3.0秒后放弃"
    assert predicate(moment(MomentKind.SILENCE, MomentLabel.FALLS_SILENT)) == "沉默3.0秒，随后不满"


def test_one_node_for_several_sentences_says_how_many() -> None:
    assert predicate(moment(MomentKind.ESCALATION, MomentLabel.ESCALATION, 5)) == "要求升级或投诉（连续5句）"
