"""How the bundled reader is trained: held-out calls stay unseen, and copies keep their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NoReturn

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier

import training.reader.__main__ as program
from corpus.check import ACTS
from qareport.model import ACTS_OF, Act, Role
from qareport.understanding.bundled import tone_of
from qareport.understanding.features import Utterance
from qareport.understanding.second_look import Trees
from training.reader import fit as fitting
from training.reader.calibrate import best_f1, least_for_precision, platt
from training.reader.examples import (
    CORPUS,
    HELD_OUT,
    MOMENTS,
    NO,
    REWRITTEN,
    UNKNOWN,
    YES,
    Example,
    acts_of,
    load_calls,
    load_exchanges,
    spoil,
)
from training.reader.fit import FOLDS, SHARED_SOURCES, OutOfFold, contrast, folds
from training.reader.second import fit_topic_look
from training.reader.trees import PARAMETERS, SEED, TREES, fit_trees


@pytest.fixture(scope="module")
def calls() -> list[Example]:
    return load_calls()


@pytest.fixture(scope="module")
def batch() -> list[Example]:
    return load_calls([CORPUS / "calls" / "H.jsonl"])


class FitReachedError(Exception):
    """Training came to its first fit."""


@pytest.mark.parametrize("step", ["out_of_fold", "fit"])
def test_held_out_batches_never_reach_a_fit(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Example] = []

    def record(examples: Sequence[Example], exchanges: Sequence[Example], *_: object, **__: object) -> NoReturn:
        seen.extend([*examples, *exchanges])
        raise FitReachedError

    if step == "fit":
        unseen = OutOfFold((), {}, np.zeros((0, 1)))
        monkeypatch.setattr(program, "out_of_fold", lambda *_: unseen)
        monkeypatch.setattr(program, "fit_second_look", lambda *_: (None, None, unseen))
        monkeypatch.setattr(program, "fit_topic_look", lambda *_: (None, None))
        monkeypatch.setattr(program, "calibrate_acts", lambda *_: ({}, {}))
        monkeypatch.setattr(program, "calibrate_topics", lambda *_: ([], {}))
    monkeypatch.setattr(program, step, record)
    monkeypatch.setattr("sys.argv", ["training.reader"])
    with pytest.raises(FitReachedError):
        program.main()
    batches = {example.batch for example in seen}
    assert batches.isdisjoint(HELD_OUT)
    assert len(batches) > 30
    assert not {re.sub(r"\d+$", "", example.name) for example in seen} & HELD_OUT


def test_what_is_held_out_is_one_batch_of_five_of_both_kinds() -> None:
    held_out = (CORPUS / "held_out.txt").read_text("utf-8").split()
    assert held_out == [
        "K",
        "O",
        "S",
        "W",
        "Z",
        "AE",
        "AJ",
        "AP",
        "BB",
        "BC",
        "BH",
        "BM",
        "BR",
        "BT",
        "BY",
        "CQ",
        "CS",
        "DI",
        "DM",
    ]
    assert HELD_OUT & REWRITTEN
    assert HELD_OUT - REWRITTEN


def test_folds_hold_each_batch_once_and_shared_sources_together(calls: list[Example]) -> None:
    divided = folds([call for call in calls if call.batch not in HELD_OUT])
    assert len(divided) == FOLDS
    names = [name for fold in divided for name in fold]
    assert sorted(names) == sorted({call.batch for call in calls} - HELD_OUT)
    for group in SHARED_SOURCES:
        assert len([fold for fold in divided if fold & set(group)]) == 1
    assert all(fold & REWRITTEN and fold - REWRITTEN for fold in divided)


def test_nothing_is_learned_from_a_call_that_is_like_one_of_the_fold_it_is_asked_about(
    batch: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [replace(call, batch=f"{'PQRS'[place % 4]}") for place, call in enumerate(batch[:24])]
    twin = replace(calls[0], name="twin of the first", batch="Q")
    asked: list[list[str]] = []

    def record(examples: list[Example], *_: object, **__: object) -> None:
        asked.append([call.name for call in examples])
        raise FitReachedError

    monkeypatch.setattr(fitting, "fit", record)
    with pytest.raises(FitReachedError):
        fitting.out_of_fold([*calls, twin], [], [])
    assert calls[0].batch in folds(calls)[0]
    assert twin.name not in asked[0]
    assert {call.name for call in calls if call.batch == "Q"} & set(asked[0])


def test_acts_of_the_guide_are_those_of_the_program() -> None:
    assert {role: frozenset(map(str, ACTS_OF[Role(role)])) for role in ACTS} == ACTS


def test_alarms_are_learned_where_they_are_marked_and_left_open_where_they_are_optional(batch: list[Example]) -> None:
    marked = {act: {NO: 0, YES: 0, UNKNOWN: 0} for act in MOMENTS.values()}
    for example in batch:
        for sentence, labels in zip(example.sentences, example.labels, strict=True):
            for act, label in zip(acts_of(sentence), labels.tolist(), strict=True):
                if act in marked:
                    marked[act][label] += 1
    assert all(counts[YES] and counts[NO] > counts[YES] for counts in marked.values())
    assert sum(counts[UNKNOWN] for counts in marked.values()) > 5


_NO_LETTER = re.compile(r"[\W_]+")


def parts_of(text: str, originals: Iterator[Utterance]) -> int:
    """Take the sentences that a spoiled one was joined from; before each may stand a filler. Returns how many."""
    rest, count = _NO_LETTER.sub("", text), 0
    while rest:
        words = _NO_LETTER.sub("", next(originals).text)
        assert rest.index(words) <= len("就是说")
        rest, count = rest[rest.index(words) + len(words) :], count + 1
    return count


def test_spoiled_copies_keep_their_labels_with_their_words(batch: list[Example]) -> None:
    sizes = []
    for example, copy in zip(batch, spoil(batch, 1, {}), strict=True):
        originals, start = iter(example.sentences), 0
        for sentence, labels in zip(copy.sentences, copy.labels, strict=True):
            sizes.append(parts_of(sentence.text, originals))
            own = slice(start, start + sizes[-1])
            assert {part.is_customer for part in example.sentences[own]} == {sentence.is_customer}
            merged = np.array(example.labels[own])
            assert ((labels == YES) == (merged == YES).any(axis=0)).all()
            assert ((labels == NO) == (merged == NO).all(axis=0)).all()
            start = own.stop
        assert next(originals, None) is None
    assert sizes.count(1) > sizes.count(2) > 20


def test_spoiled_copies_are_the_same_each_time_and_others_with_another_seed(batch: list[Example]) -> None:
    first, again, other = ([copy.sentences for copy in spoil(batch, seed, {"的": "得"})] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert any(sentence.emotion is None for sentences in first for sentence in sentences)


def test_exchanges_teach_what_their_marks_say() -> None:
    exchanges = load_exchanges()
    labels = [
        (sentence.text, labels[acts_of(sentence).index(Act.GIVE_UP)])
        for example in exchanges
        if example.name == "give_up-001"
        for sentence, labels in zip(example.sentences, example.labels, strict=True)
        if sentence.is_customer
    ]
    assert labels == [("床垫说好的赠枕头怎么购物车里没有", NO), ("那我冲着枕头来的,没有就不拍了", YES)]
    assert len({example.name for example in exchanges}) == len(exchanges)


def test_an_n_gram_weighs_by_how_far_it_tells_an_act_apart_whatever_it_tells() -> None:
    labels = np.array([True] * 10 + [False] * 90)
    rows = np.zeros((100, 4), dtype=np.float32)
    rows[:8, 0] = 0.3  # nearly always with the act
    rows[10:80, 1] = 0.3  # only without it
    rows[::2, 2] = 0.3  # as often with it as without
    told, denied, nothing, unseen = contrast(sparse.csr_matrix(rows), labels)
    assert told > 1
    assert denied > 1
    assert 0 < nothing < 0.1
    assert unseen < told
    assert contrast(sparse.csr_matrix(rows), ~labels) == pytest.approx([told, denied, nothing, unseen])


def test_nothing_is_learned_of_a_topic_that_only_one_of_two_labellers_named() -> None:
    calls = load_calls([CORPUS / "calls" / "DA.jsonl"])
    doubted = [call for call in calls if call.topics_doubted]
    assert 0 < len(doubted) < len(calls) / 2
    assert all(not call.topics_doubted for call in load_calls([CORPUS / "calls" / "H.jsonl"]))
    rows = sparse.csr_matrix(np.ones((len(calls), 1), dtype=np.float32))
    topic = next(iter(doubted[0].topics_doubted))
    ((_, (learned, labels, *_), _),) = fitting.topic_jobs(calls, rows, [topic])
    sure = [call for call in calls if topic not in call.topics_optional | call.topics_doubted]
    assert learned.shape[0] == len(labels) == len(sure) < len(calls)


def test_the_second_look_at_topics_learns_what_one_topic_says_of_another(batch: list[Example]) -> None:
    random = np.random.default_rng(3)
    examples, margins = [], []
    for number in range(400):
        refund = bool(random.random() < 0.5)
        example = replace(batch[number % len(batch)], batch="PQRS"[number % 4], topics_optional=frozenset())
        examples.append(replace(example, topics=frozenset({"退款"} if refund else {"退换货"})))
        margins.append([4.0 if refund else -4.0, random.normal()])
    unseen = OutOfFold(tuple(examples), {}, np.array(margins))
    weights, better = fit_topic_look(unseen, ["退款", "退换货"])
    assert weights.shape == (2 * 2 + 3, 2)
    returned = np.array(["退换货" in example.topics for example in examples])
    assert ((better.topics[:, 1] > 0) == returned).mean() > 0.95 > ((unseen.topics[:, 1] > 0) == returned).mean()


def test_thresholds_are_the_least_that_keep_the_precision() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    truth = np.array([True, True, True, True, True, False, False, False])
    assert least_for_precision(scores, truth, 0.99) == 0.5
    assert least_for_precision(scores, truth, 0.8) == 0.4
    assert least_for_precision(scores, ~truth, 0.9) == 1.0
    assert best_f1(scores, truth) == 0.5


def test_calibrated_margins_are_shares_of_what_is_right_in_calls_of_each_tone() -> None:
    random = np.random.default_rng(1)
    margins, tones = random.normal(0, 3, 9000), random.integers(0, 3, 9000)
    truth = random.random(9000) < 1 / (1 + np.exp(-(0.7 * margins - np.array([3, 1, 2])[tones])))
    slope, offsets = platt(margins, tones, truth)
    assert slope == pytest.approx(0.7, abs=0.08)
    assert offsets == pytest.approx((-3, -1, -2), abs=0.3)


def test_trees_add_up_to_what_they_were_fitted_as() -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=(3000, 6)).astype(np.float32)
    truth = (rows[:, 0] > 0) ^ (rows[:, 3] > 0.5)
    table = fit_trees(rows, truth)
    trees = Trees.of(table.astype(np.float32), TREES)
    margins = trees.margins(rows)
    assert ((margins > 0) == truth).mean() > 0.97
    assert trees.margins(rows[:0]).shape == (0,)
    # scikit-learn's own prediction, of the same trees.
    again = HistGradientBoostingClassifier(random_state=SEED, **PARAMETERS).fit(rows, truth)
    np.testing.assert_allclose(margins, again.decision_function(rows), rtol=1e-4, atol=1e-4)


def test_a_copy_that_is_not_heard_has_the_same_words_and_no_emotion(batch: list[Example]) -> None:
    copy = fitting.deaf(batch[0])
    assert copy.labels == batch[0].labels
    heard = batch[0].sentences
    assert [sentence.text for sentence in copy.sentences] == [sentence.text for sentence in heard]
    assert {tone_of(copy.sentences), tone_of([])} == {2}
    assert {sentence.emotion for sentence in copy.sentences} == {None}
    unseen = OutOfFold((batch[0], copy), {}, np.array([[1.0], [2.0]]))
    assert unseen.without_deaf().examples == (batch[0],)
    assert unseen.without_deaf().topics.tolist() == [[1.0]]
