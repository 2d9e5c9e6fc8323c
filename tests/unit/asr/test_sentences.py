"""An utterance of several sentences is taken apart where its punctuation and its pauses say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qareport.asr.interfaces import Recognition, SpeechChunk
from qareport.asr.sentences import combine, parse, split
from qareport.model import AudioEvent, Emotion, Language, Token


def chunk(frames: int, *, quiet: tuple[int, ...] = (), start_ms: int = 10_000) -> SpeechChunk:
    """Make an utterance whose features count its frames."""
    powers = np.full(frames, 0.25, np.float32)
    powers[list(quiet)] = 0.0001
    return SpeechChunk(
        channel=1,
        start_ms=start_ms,
        end_ms=start_ms + frames * 60 - 20,
        loudness_dbfs=-6.0,
        features=np.arange(frames, dtype=np.float32)[:, None],
        powers=powers,
    )


def recognition(
    *words: tuple[str, int], raw: str = "<|zh|><|NEUTRAL|><|Speech|><|withitn|>", start_ms: int = 10_000
) -> Recognition:
    """Make the recognition of words, each with the frame at which it begins."""
    tokens = tuple(Token(text, start_ms + frame * 60, start_ms + frame * 60 + 60) for text, frame in words)
    text = "".join(token.text for token in tokens)
    return Recognition(
        raw=raw + text,
        text=text,
        language=Language.ZH,
        emotion=Emotion.NEUTRAL,
        emotion_scores={"NEUTRAL": 1.0, "ANGRY": 0.0},
        event_scores={"Speech": 1.0},
        events=(AudioEvent.SPEECH,),
        tokens=tokens,
    )


def texts(whole: SpeechChunk, result: Recognition) -> list[str]:
    return ["".join(token.text for token in sentence.tokens) for sentence in split(whole, result)]


TWO = recognition(("这", 2), ("衣", 8), ("服", 12), ("！", 14), ("退", 26), ("货", 32), ("。", 36))


def test_sentences_meet_at_the_quietest_place_between_their_words() -> None:
    first, second = split(chunk(40, quiet=(20,)), TWO)
    assert (first.chunk.start_ms, first.chunk.end_ms) == (10_000, 10_000 + 20 * 60)
    assert (second.chunk.start_ms, second.chunk.end_ms) == (10_000 + 20 * 60, 10_000 + 40 * 60 - 20)
    assert first.chunk.features[:, 0].tolist() == list(range(20))
    assert second.chunk.features[:, 0].tolist() == list(range(20, 40))
    assert [token.text for token in first.tokens] == ["这", "衣", "服", "！"]
    assert first.chunk.channel == second.chunk.channel == 1


def test_a_louder_sentence_has_a_higher_level() -> None:
    whole = chunk(40, quiet=tuple(range(20, 40)))
    first, second = split(whole, TWO)
    assert first.chunk.loudness_dbfs == pytest.approx(-6.02, abs=0.3)
    assert second.chunk.loudness_dbfs == pytest.approx(-40, abs=1)


@pytest.mark.parametrize(
    "result",
    [
        recognition(),
        recognition(("好", 3), ("的", 6)),
        recognition(("好", 3), ("的", 6), ("。", 9)),
        recognition(("好", 3), ("，", 8), ("的", 20), ("。", 29)),
        recognition((" 3", 3), (".", 8), ("5", 20)),
    ],
)
def test_one_sentence_or_none_is_not_taken_apart(result: Recognition) -> None:
    assert split(chunk(40), result) == []


def test_marks_that_follow_each_other_end_one_sentence() -> None:
    result = recognition(("真", 2), ("的", 6), ("？", 12), ("！", 13), ("算", 25), ("了", 33))
    assert texts(chunk(40, quiet=(18,)), result) == ["真的？！", "算了"]


def test_a_full_stop_ends_a_sentence_before_a_space_only() -> None:
    result = recognition((" it", 2), (" is", 6), (" 3", 8), (".", 9), ("5", 10), (".", 12), (" ok", 25), (" then", 33))
    assert texts(chunk(40), result) == ["it is 3.5.", "ok then"]


def test_a_sentence_too_short_to_judge_stays_with_the_next() -> None:
    result = recognition(("好", 2), ("。", 4), ("退", 12), ("货", 18), ("。", 19), ("再", 26), ("见", 32))
    assert texts(chunk(40), result) == ["好。退货。", "再见"]


def test_the_last_sentence_when_too_short_stays_with_the_one_before() -> None:
    result = recognition(("退", 2), ("货", 12), ("。", 14), ("好", 37), ("。", 39))
    assert split(chunk(40, quiet=(36,)), result) == []
    result = recognition(("退", 2), ("货", 8), ("。", 12), ("再", 20), ("见", 28), ("。", 30), ("好", 38), ("。", 39))
    assert texts(chunk(40, quiet=(15, 37)), result) == ["退货。", "再见。好。"]


def test_token_times_stay_inside_their_sentence() -> None:
    for sentence in split(chunk(40, quiet=(13,)), TWO):
        for token in sentence.tokens:
            assert sentence.chunk.start_ms <= token.start_ms <= token.end_ms <= sentence.chunk.end_ms


def test_words_come_from_the_whole_and_emotion_from_the_sentence() -> None:
    first, second = split(chunk(40), TWO)
    angry = replace(
        recognition(("货", 3), raw="<|yue|><|ANGRY|><|Cry|><|withitn|>"),
        language=Language.YUE,
        emotion=Emotion.ANGRY,
        emotion_scores={"NEUTRAL": 0.1, "ANGRY": 0.9},
        events=(AudioEvent.CRY,),
        event_scores={"Cry": 0.8},
    )
    result = combine(second, TWO, angry)
    assert result.raw == "<|zh|><|ANGRY|><|Cry|><|withitn|>退货。"
    assert (result.text, result.language, result.emotion) == ("退货。", Language.ZH, Emotion.ANGRY)
    assert (result.emotion_scores, result.events) == ({"NEUTRAL": 0.1, "ANGRY": 0.9}, (AudioEvent.CRY,))
    assert result.event_scores == {"Cry": 0.8}
    assert result.tokens == second.tokens
    read = parse(result.raw)
    assert (read.emotion, read.text) == (result.emotion, result.text)
    assert combine(first, TWO, TWO).text == "这衣服！"
