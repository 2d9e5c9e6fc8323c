"""The bundled reader: what it computes is what training computes, and it claims nothing that it should not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qareport.model import ACTS_OF, Act, Emotion, Role, Segment, SpokenAct, Transcript
from qareport.settings import bundled_reader
from qareport.understanding.bundled import BundledReader
from qareport.understanding.features import numbers_of
from qareport.understanding.reader_model import ROLES, ReaderModel, Weights
from qareport.understanding.second_look import (
    LOOKED_AT_TWICE,
    complains,
    look_again,
    margins_around,
    topics_together,
)
from tests.support.calls import AGENT, CUSTOMER, EXAMPLE, call, say
from tests.support.reader_models import TOPICS, make_model
from training.reader.examples import CORPUS, Example, load_calls
from training.reader.fit import Fitted


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return load_calls([CORPUS / "calls" / "H.jsonl"])[:12]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader") / "reader.npz"


@pytest.fixture(scope="module")
def fitted(path: Path, examples: list[Example]) -> Fitted:
    return make_model(path, examples)


@pytest.fixture(scope="module")
def reader(path: Path, fitted: Fitted) -> BundledReader:
    return BundledReader.load(path)


@pytest.fixture(scope="module")
def shipped() -> BundledReader:
    return BundledReader.load()


def unread(transcript: Transcript) -> Transcript:
    return replace(transcript, segments=tuple(replace(segment, acts=()) for segment in transcript.segments))


SAID = unread(EXAMPLE)


def test_a_call_has_the_margins_that_training_computes(
    reader: BundledReader, fitted: Fitted, examples: list[Example]
) -> None:
    trained, topics = fitted.act_margins(examples), fitted.topic_margins(examples)
    for index, example in enumerate(examples):
        margins, topic_margins = reader.margins(example.sentences)
        for role in ROLES:
            ours = [
                row
                for row, sentence in zip(margins, example.sentences, strict=True)
                if sentence.is_customer == (role is Role.CUSTOMER)
            ]
            values, _, owners = trained[role]
            once = [column for column, act in enumerate(ACTS_OF[role]) if act not in LOOKED_AT_TWICE[role]]
            np.testing.assert_allclose(np.array(ours)[:, once], values[owners == index][:, once], rtol=1e-4, atol=1e-2)
        np.testing.assert_allclose(topic_margins, topics[index], rtol=1e-4, atol=1e-2)


def test_the_second_look_is_at_the_margins_of_the_first(
    reader: BundledReader, fitted: Fitted, examples: list[Example]
) -> None:
    for example in examples:
        trained = {role: iter(values) for role, (values, _, _) in fitted.act_margins([example]).items()}
        customers = np.array([sentence.is_customer for sentence in example.sentences])
        first = [next(trained[Role.CUSTOMER if customer else Role.AGENT]) for customer in customers]
        margins, _ = reader.margins(example.sentences)
        found = reader.patterns.find_all(example.sentences, complains(first, customers))
        around = margins_around(first, customers, numbers_of(example.sentences), found)
        assert set(around) == set(ROLES)
        for role, (rows, places) in around.items():
            columns = [ACTS_OF[role].index(act) for act in LOOKED_AT_TWICE[role]]
            expected = look_again(rows, reader.model.second[role], reader.model.trees[role])
            np.testing.assert_allclose([margins[place][columns] for place in places], expected, rtol=1e-3, atol=1e-2)


def test_topics_are_looked_at_together_and_by_the_length_of_the_call(
    reader: BundledReader, examples: list[Example]
) -> None:
    sentences = examples[0].sentences
    customers = np.array([sentence.is_customer for sentence in sentences])
    _, margins = reader.margins(sentences)
    together = topics_together(margins, customers)
    size = len(TOPICS)
    within = np.clip(margins, -8, 6)
    np.testing.assert_allclose(together[: 2 * size], [*within, *(1 / (1 + np.exp(-within)))], rtol=1e-5)
    np.testing.assert_allclose(together[2 * size :], np.log1p([len(customers), customers.sum()]), rtol=1e-5)
    # A look that knows nothing but how long a call is claims every topic of it, or none.
    said = sum(bool(segment.text.strip()) for segment in SAID.segments)
    for least, claimed in ((said - 1, TOPICS), (said + 1, ())):
        second = np.zeros_like(reader.model.topic_second)
        second[-3], second[-1] = 9, -9 * np.log1p(least)
        by_length = BundledReader(replace(reader.model, topic_second=second))
        assert {topic.name for topic in by_length.read(SAID).topics} == set(claimed)


def test_claims_are_the_acts_of_the_role_above_the_threshold_the_surest_first(reader: BundledReader) -> None:
    claimed = [segment for segment in reader.read(SAID).segments if segment.acts]
    assert len(claimed) > 5
    for segment in claimed:
        scores = [spoken.score for spoken in segment.acts]
        assert {spoken.act for spoken in segment.acts} <= set(ACTS_OF[segment.role])
        assert {spoken.reader for spoken in segment.acts} == {"bundled"}
        assert scores == sorted(scores, reverse=True)
        assert min(scores) >= 0.5


def test_below_the_threshold_nothing_is_claimed(examples: list[Example], tmp_path: Path) -> None:
    make_model(tmp_path / "silent.npz", examples, threshold=1.1)
    read = BundledReader(ReaderModel.load(tmp_path / "silent.npz")).read(SAID)
    assert [segment.acts for segment in read.segments] == [()] * len(SAID.segments)


def evidence(segments: Sequence[Segment]) -> list[tuple[str, str]]:
    return [(words, segment.text) for segment in segments for spoken in segment.acts for words in spoken.words]


def test_evidence_stands_in_the_text(reader: BundledReader) -> None:
    said = call(
        say(0, 2, CUSTOMER, "ＯＫ那 APP 里 2024 年的 Order 怎么还没发货？"), say(3, 5, AGENT, "亲，\n稍等  一下")
    )
    shown = evidence([*reader.read(SAID).segments, *reader.read(said).segments])
    assert len(shown) > 10
    assert [(words, text) for words, text in shown if not words or words not in text.lower()] == []


def test_unknown_speakers_do_nothing_and_are_no_context(reader: BundledReader) -> None:
    stranger = say(60, 62, Role.UNKNOWN, "我要投诉你们，叫你们主管来")
    segments = (*SAID.segments[:6], stranger, *SAID.segments[6:])
    read = reader.read(replace(SAID, segments=segments))
    assert read.segments[6] == stranger
    assert (*read.segments[:6], *read.segments[7:]) == reader.read(SAID).segments
    alone = call(stranger)
    assert reader.read(alone) == alone


def test_acts_that_came_with_the_transcript_stay(reader: BundledReader) -> None:
    assert reader.read(EXAMPLE) == EXAMPLE
    given = (replace(SAID.segments[0], acts=(SpokenAct(act=Act.RUDE, score=0.4, reader="x"),)), *SAID.segments[1:])
    assert reader.read(replace(SAID, segments=given)).segments == given


@pytest.mark.parametrize("segments", [(), (say(0, 1, CUSTOMER, "  "),)], ids=["empty", "blank"])
def test_where_nothing_is_said_nothing_is_read(reader: BundledReader, segments: tuple[Segment, ...]) -> None:
    assert reader.read(call(*segments)) == call(*segments)


@pytest.mark.parametrize("text", ["，", "😀", "a", "ﷺ" * 3, "啊" * 5000, "\u200b", "٣٤٥", "[图片]", "@客服小二"])
def test_nothing_that_a_call_contains_stops_the_reader(reader: BundledReader, text: str) -> None:
    read = reader.read(call(say(0, 1, CUSTOMER, text), say(2, 3, AGENT, "好的")))
    assert [segment.text for segment in read.segments] == [text, "好的"]
    assert reader.read(call(say(0, 1, CUSTOMER, text))).segments[0].text == text


def test_only_acts_and_topics_are_added(reader: BundledReader) -> None:
    read = reader.read(SAID)
    assert replace(unread(read), topics=()) == SAID
    assert {topic.name for topic in read.topics} <= set(TOPICS)


def test_segments_may_come_in_any_order(reader: BundledReader) -> None:
    backwards = reader.read(replace(SAID, segments=SAID.segments[::-1]))
    assert backwards.segments[::-1] == reader.read(SAID).segments


def test_the_same_call_always_reads_the_same(path: Path, reader: BundledReader) -> None:
    again = BundledReader(ReaderModel.load(path), reader.patterns)
    assert again.read(SAID) == reader.read(SAID)
    assert again.key == reader.key


def test_another_model_has_another_key(reader: BundledReader, examples: list[Example], tmp_path: Path) -> None:
    make_model(tmp_path / "other.npz", examples, threshold=0.6)
    assert BundledReader.load(tmp_path / "other.npz").key != reader.key


def test_a_model_for_other_features_is_refused(path: Path, fitted: Fitted, tmp_path: Path) -> None:
    with np.load(path) as file:
        arrays = {**file, "form": 99}
    np.savez_compressed(tmp_path / "old.npz", **arrays)
    with pytest.raises(ValueError, match=r"old\.npz: made for form 99 of the features"):
        ReaderModel.load(tmp_path / "old.npz")


def test_weights_stay_bytes_and_are_worth_what_their_column_says() -> None:
    numbers = np.array([[1, 2], [3, -4], [5, 6], [-7, 8], [0, 0]], dtype=np.int8)
    weights = Weights(numbers, np.array([[0.5, 2.0], [10.0, 100.0]], dtype=np.float32))
    assert weights.take(np.array([1, 2, -1])).tolist() == [[1.5, -8.0], [50.0, 600.0], [0.0, 0.0]]
    assert weights.at(np.array([[0], [3], [-1]]), np.array([[1], [0], [1]])).tolist() == [[4.0], [-70.0], [0.0]]


def test_the_shipped_model_is_small_and_knows_all_acts_and_topics(shipped: BundledReader) -> None:
    assert bundled_reader().stat().st_size <= 10_000_000
    assert shipped.model.own.numbers.nbytes + shipped.model.around.numbers.nbytes <= 12_000_000
    assert shipped.model.acts == {role: ACTS_OF[role] for role in ROLES}
    assert len(shipped.model.topics) == 14


def acts_in(read: Transcript, text: str) -> set[Act]:
    return {spoken.act for segment in read.segments if segment.text == text for spoken in segment.acts}


def test_the_shipped_model_understands_a_plain_call(shipped: BundledReader) -> None:
    read = shipped.read(
        call(
            say(0, 2, AGENT, "您好，请问有什么可以帮您？"),
            say(3, 6, CUSTOMER, "我想问一下我那个订单什么时候能发货？"),
            say(7, 8, AGENT, "请您稍等，我帮您查一下。"),
            say(14, 18, AGENT, "您的订单明天下午发货，请您放心。"),
            say(19, 20, CUSTOMER, "好的，谢谢。"),
            say(21, 23, AGENT, "感谢您的来电，再见。"),
        )
    )
    said = [segment.text for segment in read.segments]
    expected = [Act.GREET, Act.ASK, Act.HOLD, Act.ANSWER, Act.THANK, Act.CLOSE]
    assert [act in acts_in(read, text) for text, act in zip(said, expected, strict=True)] == [True] * len(said)
    alarms = {Act.GIVE_UP, Act.THREATEN, Act.ASK_AGAIN, Act.SARCASM, Act.REMIND_PROMISE, Act.EVADE, Act.CALM}
    assert alarms.isdisjoint(set().union(*(acts_in(read, text) for text in said)))


@pytest.mark.parametrize("reply", ["有货之后会和您联系的哦。", "请您耐心等待。"])
def test_the_same_reply_evades_where_the_question_has_to_be_asked_again(shipped: BundledReader, reply: str) -> None:
    def acts_before(said_next: str) -> set[Act]:
        told = call(
            say(0, 2, AGENT, "您好，请问有什么可以帮您？"),
            say(3, 6, CUSTOMER, "我想问一下，这款空调哪里有货？"),
            say(7, 9, AGENT, reply),
            say(10, 12, CUSTOMER, said_next),
        )
        return acts_in(shipped.read(told), reply)

    assert Act.EVADE in acts_before("我问的是哪里有货。")
    assert Act.EVADE not in acts_before("好的，谢谢。")


def test_calls_of_long_sentences_and_many_turns_are_read_at_once(shipped: BundledReader) -> None:
    segments = [
        say(index * 3, index * 3 + 2, (CUSTOMER, AGENT)[index % 2], f"第{index}句话说的是快递还没有到", Emotion.NEUTRAL)
        for index in range(1500)
    ]
    assert len(shipped.read(call(*segments)).segments) == 1500
