"""`config/acts.yaml`: the user's own words outrank another reader in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.errors import ConfigError
from qareport.model import Act, Role, SpokenAct
from qareport.understanding import OwnWords, load_act_words
from tests.support.calls import AGENT, CUSTOMER, call, say
from tests.support.paths import ROOT
from tests.support.readers import FixedReader

WORDS = """\
schema: 1
customer:
  threaten: {always: [消费者协会, 领导, 12315], never: [给领导买礼物]}
  refuse: {always: [免谈]}
agent:
  refuse: {never: [做不到的话]}
"""


def words_of(text: str, folder: Path) -> OwnWords:
    path = folder / "acts.yaml"
    path.write_text(text, "utf-8")
    claims = {"我要给领导买礼物。": (Act.THREATEN, Act.INFORM), "做不到的话我赔您。": (Act.REFUSE,)}
    return OwnWords(FixedReader(acts=claims, topics=("退款",)), load_act_words(path))


def acts_of(reader: OwnWords, text: str, role: Role = CUSTOMER) -> list[tuple[Act, str]]:
    read = reader.read(call(say(0, 2, role, text)))
    return [(spoken.act, spoken.reader) for spoken in read.segments[0].acts]


def test_a_phrase_of_always_is_the_act_with_full_score_and_its_words(tmp_path: Path) -> None:
    read = words_of(WORDS, tmp_path).read(call(say(0, 2, CUSTOMER, "我去消费者，协会！")))
    assert read.segments[0].acts == (SpokenAct(act=Act.THREATEN, score=1.0, reader="words", words=("消费者协会",)),)
    assert [topic.name for topic in read.topics] == ["退款"]


@pytest.mark.parametrize(
    ("role", "text", "acts"),
    [
        (CUSTOMER, "我要给领导买礼物。", [(Act.INFORM, "bundled")]),
        (CUSTOMER, "给领导买礼物的，再这样我找你们领导。", [(Act.THREATEN, "words")]),
        (AGENT, "做不到的话我赔您。", []),
        (CUSTOMER, "免谈。", [(Act.REFUSE, "words")]),
        (AGENT, "免谈。", []),
        (AGENT, "我帮您打12315。", []),
        (Role.UNKNOWN, "我去消费者协会。", []),
        (CUSTOMER, "单号9123150。", []),
        (CUSTOMER, "打１２３１５。", [(Act.THREATEN, "words")]),
    ],
)
def test_words_count_for_the_role_that_they_are_written_for(
    tmp_path: Path, role: Role, text: str, acts: list[tuple[Act, str]]
) -> None:
    assert acts_of(words_of(WORDS, tmp_path), text, role) == acts


def test_a_claim_of_the_other_reader_and_of_the_words_is_one_claim(tmp_path: Path) -> None:
    path = tmp_path / "acts.yaml"
    path.write_text("schema: 1\ncustomer: {threaten: {always: [差评]}}\n", "utf-8")
    reader = OwnWords(FixedReader(acts={"给差评": (Act.COMPLAIN, Act.THREATEN)}), load_act_words(path))
    assert acts_of(reader, "给差评") == [(Act.THREATEN, "words"), (Act.COMPLAIN, "bundled")]


def test_the_key_changes_with_the_words_and_with_the_reader(tmp_path: Path) -> None:
    reader = words_of(WORDS, tmp_path)
    words = load_act_words(tmp_path / "acts.yaml")
    assert reader.key == words_of(WORDS, tmp_path).key
    assert reader.key != words_of(WORDS.replace("免谈", "休想"), tmp_path).key
    assert reader.key != words_of(WORDS.replace("never: [给", "never: [想给"), tmp_path).key
    assert OwnWords(FixedReader(key="a"), words).key != OwnWords(FixedReader(key="b"), words).key


def test_the_shipped_file_and_no_file_hold_no_words(tmp_path: Path) -> None:
    assert load_act_words(ROOT / "config" / "acts.yaml") == load_act_words(tmp_path / "acts.yaml") == ()


def test_the_example_in_the_shipped_file_can_be_used(tmp_path: Path) -> None:
    lines = (ROOT / "config" / "acts.yaml").read_text("utf-8").splitlines()
    example = [
        line.removeprefix("#   ") for line in lines if line.startswith(("#   customer:", "#   agent:", "#     "))
    ]
    path = tmp_path / "acts.yaml"
    path.write_text("\n".join(["schema: 1", *example]), "utf-8")
    acts = [(words.role, words.act) for words in load_act_words(path)]
    assert acts == [(CUSTOMER, Act.THREATEN), (CUSTOMER, Act.GIVE_UP), (AGENT, Act.EVADE)]


def test_the_shipped_file_names_every_act() -> None:
    text = (ROOT / "config" / "acts.yaml").read_text("utf-8")
    assert [act.value for act in Act if f" {act.value} " not in text] == []


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("customer: {threten: {}}", "acts.yaml:2:12: 'threten' is no act of the customer; did you mean 'threaten'?"),
        ("customer: {evade: {}}", "acts.yaml:2:12: 'evade' is no act of the customer; write it under 'agent'"),
        ("agent: {xyz: {}}", "acts.yaml:2:9: 'xyz' is no act of the agent; acts are answer, apologise, ask_info,"),
        ("agnet: {}", "acts.yaml:2:1: unknown key 'agnet'; did you mean 'agent'?"),
        ("agent: {evade: {alway: [嗯]}}", "acts.yaml:2:17: unknown key 'alway'; did you mean 'always'?"),
        ("agent: {evade: {always: ['，']}}", "expected words, not a blank"),
        (
            "agent: {evade: {always: 按流程}}",
            "acts.yaml:2:17: always: got '按流程'; expected a list, each item after a dash",
        ),
        (
            "agent:\n  evade:\n    always: [好, 按流程]\n    never: ['按，流程']",
            "acts.yaml:4:17: '按流程' is in always and in never; keep one",
        ),
    ],
)
def test_mistakes_are_answered_with_their_place(tmp_path: Path, written: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        words_of(f"schema: 1\n{written}\n", tmp_path)
    assert message in str(raised.value)


def test_all_mistakes_are_answered_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        words_of("schema: 1\ncustomer: {evade: {}, rude: {}}\nagent: {ask: {}}\n", tmp_path)
    assert len(raised.value.problems) == 3
