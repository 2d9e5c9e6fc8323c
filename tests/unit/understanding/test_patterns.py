"""Patterns find what their own examples say, and not what these say that it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qareport.model import Act, Emotion, Role, Segment, Transcript
from qareport.settings import bundled_patterns
from qareport.understanding.bundled import BundledReader
from qareport.understanding.features import plain_form
from qareport.understanding.patterns import ActPattern, load_patterns, words_around
from qareport.understanding.reader_model import ROLES, ReaderModel, load_model
from tests.support.reader_models import look_at_patterns_alone, make_model
from training.reader.examples import CORPUS, load_calls

ReaderWith = Callable[..., BundledReader]
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
  - {name: gift, has: [礼物], when: 礼物}
  - {name: asked-back, has: [试试], when: 试试, then: 您别, score: 0.8}
"""


@pytest.fixture(scope="module")
def believing(tmp_path_factory: pytest.TempPathFactory) -> ReaderModel:
    """A model that believes its patterns, above all those that speak against an act, and nothing else."""
    path = tmp_path_factory.mktemp("reader") / "reader.npz"
    make_model(path, load_calls([CORPUS / "calls" / "H.jsonl"])[:2])
    model = load_model(path)
    second = {role: look_at_patterns_alone(role).astype(np.float32) for role in ROLES}
    return replace(model, second=second, slope=np.ones_like(model.slope))


@pytest.fixture
def reader_with(believing: ReaderModel, tmp_path: Path) -> ReaderWith:
    def written(text: str = WRITTEN) -> BundledReader:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / "threaten.yaml").write_text(text.replace("|{hotline}", "|一二三四五"), "utf-8")
        return BundledReader(believing, load_patterns(folder))

    return written


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


def test_a_pattern_claims_with_its_words_as_evidence(reader_with: ReaderWith) -> None:
    said = Segment(start_ms=0, end_ms=2000, role=Role.CUSTOMER, text="明天我就 去找 税务所 了", emotion=Emotion.NEUTRAL)
    reader = reader_with(WRITTEN.replace("找{office}", "找,{office}"))
    read = reader.read(Transcript(call_id="C1", segments=(said,)))
    claims = {spoken.act: spoken for spoken in read.segments[0].acts}
    assert claims[Act.THREATEN].words == ("找 税务所",)
    assert claims[Act.THREATEN].score >= 0.9
    assert claims[Act.THREATEN].reader == "bundled"


def test_what_must_not_stand_beside_it_keeps_it_silent(reader_with: ReaderWith) -> None:
    reader = reader_with()
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
    before: str, emotion: Emotion, claimed: bool, reader_with: ReaderWith
) -> None:
    found = acts(reader_with(), (Role.AGENT, before), (Role.CUSTOMER, "那我奉陪", emotion))
    assert (Act.THREATEN in found[1]) is claimed


def test_a_pattern_looks_at_what_is_said_next(reader_with: ReaderWith) -> None:
    reader = reader_with()
    said = [(Role.CUSTOMER, "你试试看"), (Role.AGENT, "您别着急")]
    assert Act.THREATEN in acts(reader, *said)[0]
    assert Act.THREATEN not in acts(reader, said[0], (Role.AGENT, "好的"))[0]


def test_a_pattern_that_speaks_against_an_act_is_weighed_with_the_others(reader_with: ReaderWith) -> None:
    reader = reader_with()
    said = ["去找税务所", "礼物", "礼物，去找税务所"]
    assert [Act.THREATEN in acts(reader, (Role.CUSTOMER, text))[0] for text in said] == [True, False, False]


def test_the_empty_word_stands_in_every_sentence(reader_with: ReaderWith) -> None:
    always = '  - {name: always, has: [""], when: "^.+", reply_to: 没办法, score: 0.8}\n'
    found = acts(reader_with(WRITTEN + always), (Role.AGENT, "这个没办法"), (Role.CUSTOMER, "天气真好"))
    assert Act.THREATEN in found[1]


def test_a_pattern_of_customers_is_not_looked_for_in_what_agents_say(reader_with: ReaderWith) -> None:
    assert Act.THREATEN not in acts(reader_with(), (Role.AGENT, "您可以去找税务所"))[0]


def test_other_patterns_make_another_key(reader_with: ReaderWith) -> None:
    assert reader_with().key != reader_with(WRITTEN.replace("0.9", "0.8")).key


def test_the_other_speaker_is_heard_before_and_after_with_all_that_is_said_in_a_row() -> None:
    of_customer = [True, False, False, True, True]
    around = [("", "b,c"), ("a", "d,e"), ("a", "d,e"), ("b,c", ""), ("b,c", "")]
    assert words_around(of_customer, ["a", "b", "c", "d", "e"]) == around
