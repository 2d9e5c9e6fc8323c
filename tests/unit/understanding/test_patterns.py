"""Patterns find what their own examples say, and not what these say that it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from qareport.model import Act, Emotion, Role, Segment, Transcript
from qareport.settings import bundled_patterns, bundled_reader
from qareport.understanding import bundled
from qareport.understanding.bundled import BundledReader
from qareport.understanding.patterns import ActPattern, load_patterns, plain_form, words_around
from qareport.understanding.reader_model import load_model

PATTERNS = [pattern for role in load_patterns(bundled_patterns()).of_roles.values() for pattern in role]

#: One that finds, one that finds after certain words of the agent and from who is upset, and one that denies.
WRITTEN = """
schema: 1
role: customer
act: threaten
sets:
  office: 税务所|{hotline}
patterns:
  - {name: office, has: [找], when: "找{office}", unless: 不会, score: 0.9}
  - {name: say-so, has: [奉陪], when: 奉陪, reply_to: 没办法, unless_reply_to: 您稍等, upset: true, score: 0.8}
  - {name: weak, has: [领导], when: 领导, at_least: 1.1, score: 0.8}
  - {name: gift, has: [礼物], when: 礼物}
  - {name: asked-back, has: [试试], when: 试试, then: 您别, score: 0.8}
"""


@pytest.fixture(autouse=True)
def trusting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patterns claim whatever the model thinks, but where a test is about that."""
    if "least" not in request.fixturenames:
        monkeypatch.setattr(bundled, "_LEAST", (0.0, 0.0))


@pytest.fixture
def least() -> tuple[float, float]:
    return bundled._LEAST


def reader_with(folder: Path, text: str = WRITTEN) -> BundledReader:
    (folder / "threaten.yaml").write_text(text.replace("|{hotline}", "|一二三四五"), "utf-8")
    return BundledReader(load_model(bundled_reader()), load_patterns(folder))


def acts(reader: BundledReader, *said: tuple[Role, str] | tuple[Role, str, Emotion]) -> list[set[Act]]:
    segments = tuple(
        Segment(
            start_ms=place * 3000, end_ms=place * 3000 + 2500, role=role, text=text,
            emotion=emotion[0] if emotion else Emotion.NEUTRAL,
        )
        for place, (role, text, *emotion) in enumerate(said)
    )  # fmt: skip
    read = reader.read(Transcript(call_id="C1", segments=segments))
    return [{spoken.act for spoken in segment.acts} for segment in read.segments]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: f"{pattern.act}-{pattern.name}")
def test_a_pattern_finds_its_examples_and_not_its_near_misses(pattern: ActPattern) -> None:
    assert [text for text in pattern.says if not pattern.match(plain_form(text))] == []
    assert [text for text in pattern.says_not if pattern.match(plain_form(text))] == []
    assert len(pattern.says) >= 2
    assert pattern.says_not


def test_names_of_patterns_are_unique_within_an_act() -> None:
    names = [(pattern.act, pattern.name) for pattern in PATTERNS]
    assert len(names) == len(set(names))


def test_a_pattern_claims_with_its_words_as_evidence(tmp_path: Path) -> None:
    said = Segment(start_ms=0, end_ms=2000, role=Role.CUSTOMER, text="明天我就 去找 税务所 了", emotion=Emotion.NEUTRAL)
    reader = reader_with(tmp_path, WRITTEN.replace("找{office}", "找,{office}"))
    read = reader.read(Transcript(call_id="C1", segments=(said,)))
    claims = {spoken.act: spoken for spoken in read.segments[0].acts}
    assert claims[Act.THREATEN].words == ("找 税务所",)
    assert claims[Act.THREATEN].score >= 0.9
    assert claims[Act.THREATEN].reader == "bundled"


def test_what_must_not_stand_beside_it_keeps_it_silent(tmp_path: Path) -> None:
    reader = reader_with(tmp_path)
    assert [Act.THREATEN in found for found in acts(reader, (Role.CUSTOMER, "我不会去找税务所"))] == [False]


@pytest.mark.parametrize(
    ("before", "emotion", "claimed"),
    [
        ("这个我们也没办法", Emotion.ANGRY, True),
        ("这个我们也没办法", Emotion.NEUTRAL, False),
        ("这个我们也没办法，您稍等", Emotion.ANGRY, False),
        ("您说", Emotion.ANGRY, False),
    ],
)
def test_a_pattern_looks_at_what_was_said_before_and_at_the_mood(
    before: str, emotion: Emotion, claimed: bool, tmp_path: Path
) -> None:
    found = acts(reader_with(tmp_path), (Role.AGENT, before), (Role.CUSTOMER, "那我奉陪", emotion))
    assert (Act.THREATEN in found[1]) is claimed


def test_a_pattern_looks_at_what_is_said_next(tmp_path: Path) -> None:
    reader = reader_with(tmp_path)
    said = [(Role.CUSTOMER, "你试试看"), (Role.AGENT, "您别着急")]
    assert Act.THREATEN in acts(reader, *said)[0]
    assert Act.THREATEN not in acts(reader, said[0], (Role.AGENT, "好的"))[0]


def test_a_weak_pattern_needs_the_model_to_think_so_too(tmp_path: Path) -> None:
    assert Act.THREATEN not in acts(reader_with(tmp_path), (Role.CUSTOMER, "给领导看看"))[0]


def test_a_pattern_alone_convinces_nobody(least: tuple[float, float], tmp_path: Path) -> None:
    assert min(least) > 0
    found = acts(reader_with(tmp_path), (Role.CUSTOMER, "你试试看"), (Role.AGENT, "您别着急"))
    assert Act.THREATEN not in found[0]


def test_what_denies_outranks_the_model_and_not_another_pattern(tmp_path: Path) -> None:
    threat = "再不退钱我就去消协投诉你们"
    reader = reader_with(tmp_path)
    said = [threat, f"{threat}，礼物", f"{threat}，礼物，去找税务所"]
    assert [Act.THREATEN in acts(reader, (Role.CUSTOMER, text))[0] for text in said] == [True, False, True]


def test_the_empty_word_stands_in_every_sentence(tmp_path: Path) -> None:
    always = '  - {name: always, has: [""], when: "^.+", reply_to: 没办法, score: 0.8}\n'
    found = acts(reader_with(tmp_path, WRITTEN + always), (Role.AGENT, "这个没办法"), (Role.CUSTOMER, "天气真好"))
    assert Act.THREATEN in found[1]


def test_a_pattern_of_customers_is_not_looked_for_in_what_agents_say(tmp_path: Path) -> None:
    assert Act.THREATEN not in acts(reader_with(tmp_path), (Role.AGENT, "您可以去找税务所"))[0]


def test_other_patterns_make_another_key(tmp_path: Path) -> None:
    key = reader_with(tmp_path).key
    (tmp_path / "more").mkdir()
    assert reader_with(tmp_path / "more", WRITTEN.replace("0.9", "0.8")).key != key


def test_plain_form_keeps_the_place_of_each_letter() -> None:
    assert plain_form("再不退　錢！我就去１２３１５…Ｔel：１？") == "再不退,钱,我就去12315,tel:1?"


def test_the_other_speaker_is_heard_before_and_after_with_all_that_is_said_in_a_row() -> None:
    roles = [Role.CUSTOMER, Role.AGENT, Role.AGENT, Role.CUSTOMER, Role.CUSTOMER]
    around = [("", "b,c"), ("a", "d,e"), ("a", "d,e"), ("b,c", ""), ("b,c", "")]
    assert words_around(roles, ["a", "b", "c", "d", "e"]) == around
