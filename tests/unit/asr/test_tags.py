"""SenseVoice's tag strings become values and plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.asr.sentences import is_tag, parse, plain_text, tag
from qareport.model import AudioEvent, Emotion, Language
from tests.support.paths import SHARED

REFERENCE = SHARED / "assets" / "sensevoice_reference_tags.json"


def test_a_tagged_sentence_is_read() -> None:
    labels = parse("<|zh|><|ANGRY|><|Speech|><|withitn|>我昨天下的单，今天还没发货！")
    assert labels.language is Language.ZH
    assert labels.emotion is Emotion.ANGRY
    assert labels.events == (AudioEvent.SPEECH,)
    assert labels.text == "我昨天下的单，今天还没发货！"


@pytest.mark.parametrize(
    ("raw", "emotion", "events"),
    [
        ("<|nospeech|><|Unknown_Emo|><|Unknown_Event|>", Emotion.EMO_UNKNOWN, (AudioEvent.EVENT_UNK,)),
        ("<|nospeech|><|EMO_UNKNOWN|><|Event_UNK|><|woitn|>", Emotion.EMO_UNKNOWN, (AudioEvent.EVENT_UNK,)),
        ("<|en|><|OTHER|><|Speech_Noise|>", Emotion.OTHER, (AudioEvent.SPEECH_NOISE,)),
    ],
)
def test_both_spellings_of_not_knowing_are_read(raw: str, emotion: Emotion, events: tuple[AudioEvent, ...]) -> None:
    labels = parse(raw)
    assert (labels.emotion, labels.events, labels.text) == (emotion, events, "")


def test_every_tag_of_the_domain_is_read() -> None:
    assert [parse(tag(language)).language for language in Language] == list(Language)
    assert [parse(tag(emotion)).emotion for emotion in Emotion] == list(Emotion)
    assert [parse(tag(event)).events for event in AudioEvent] == [(event,) for event in AudioEvent]


def test_missing_tags_are_not_judged_rather_than_unknown() -> None:
    labels = parse("好的")
    assert (labels.language, labels.emotion, labels.events) == (None, None, ())


def test_of_several_groups_the_first_language_and_emotion_count_and_events_add_up() -> None:
    labels = parse("<|zh|><|SAD|><|Speech|><|withitn|>算了。<|en|><|HAPPY|><|Laughter|><|withitn|>OK then.<|Speech|>")
    assert labels.language is Language.ZH
    assert labels.emotion is Emotion.SAD
    assert labels.events == (AudioEvent.SPEECH, AudioEvent.LAUGHTER)
    assert labels.text == "算了。OK then."


def test_words_that_only_tags_kept_apart_get_a_space_where_their_script_has_spaces() -> None:
    assert plain_text("<|en|>Good.<|en|>Bye.") == "Good. Bye."
    assert plain_text("<|zh|>好。<|zh|>再见。") == "好。再见。"
    assert plain_text("<|ko|>네<|ko|>감사합니다") == "네 감사합니다"


def test_tags_that_are_not_known_are_dropped_from_the_text() -> None:
    assert parse("<|zh|><|minnan|><|SPECIAL_TOKEN_3|>好").text == "好"


def test_what_only_looks_like_a_tag_stays() -> None:
    assert plain_text("价格 <|99") == "价格 <|99"
    assert plain_text("a < b |> c") == "a < b |> c"
    assert is_tag("<|zh|>")
    assert not is_tag("<|zh|>x")


@given(st.text(), st.sampled_from(list(Emotion)), st.sampled_from(list(Language)))
def test_any_words_without_tags_come_back_trimmed(words: str, emotion: Emotion, language: Language) -> None:
    if "<|" in words or "|>" in words:
        return
    labels = parse(tag(language) + tag(emotion) + words)
    assert (labels.language, labels.emotion, labels.text) == (language, emotion, words.strip())


@given(st.text(alphabet="<|>zh好 ANGRY"))
def test_no_tag_is_left_in_any_text(raw: str) -> None:
    if "<|<|" not in raw and "|>|>" not in raw:
        assert parse(raw).text.count("<|zh|>") == 0


def published() -> Iterator[str]:
    if not REFERENCE.is_file():
        return
    data = json.loads(REFERENCE.read_text(encoding="utf-8"))
    for group in data.values():
        for value in group.values() if isinstance(group, dict) else [group]:
            if isinstance(value, str) and value.startswith("<|"):
                yield value


@pytest.mark.skipif(not REFERENCE.is_file(), reason="needs ../shared/assets")
@pytest.mark.parametrize("raw", list(published()))
def test_published_outputs_are_read(raw: str) -> None:
    names = re.findall(r"<\|(.*?)\|>", raw)
    labels = parse(raw)
    assert labels.language == names[0]
    assert len(labels.events) == 1
    assert (labels.emotion is None) == (len(names) == 2)  # language and event alone
    assert labels.text == raw.split("|>")[-1].strip()
