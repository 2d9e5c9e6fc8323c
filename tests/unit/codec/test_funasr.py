"""What FunASR writes becomes a transcript: sentences with times, tags read, speakers not guessed at."""

from __future__ import annotations

import json
from typing import Any

from qareport.codec import read_transcript
from qareport.model import AudioEvent, Emotion, Language, Role, Transcript


def read(**fields: Any) -> Transcript:
    return read_transcript(json.dumps(fields, ensure_ascii=False).encode(), where="fa.jsonl:1")


def test_sentences_with_speakers_are_segments_of_unknown_roles() -> None:
    transcript = read(
        key="O1_A017",
        text="您好，请问有什么可以帮您？我要投诉。",
        timestamp=[[0, 100]],
        sentence_info=[
            {"text": "您好，", "start": 430, "end": 980, "timestamp": [[430, 600], [600, 980]], "spk": 0},
            {"sentence": "我要投诉。", "start": 5000.0, "end": 6100.4, "spk": 1},
        ],
    )
    assert transcript.call_id == "O1_A017"
    assert [(part.start_ms, part.end_ms, part.text) for part in transcript.segments] == [
        (430, 980, "您好，"),
        (5000, 6100, "我要投诉。"),
    ]
    assert {part.role for part in transcript.segments} == {Role.UNKNOWN}
    assert transcript.segments[0].tokens[1] == ("好", 600, 980)


def test_rich_tags_are_read_and_leave_the_text() -> None:
    raw = "<|zh|><|ANGRY|><|Speech|><|withitn|>我要投诉。"
    (segment,) = read(key="a", text=raw, sentence_info=[{"text": raw, "start": 0, "end": 900}]).segments
    assert (segment.text, segment.raw, segment.language, segment.emotion, segment.events) == (
        "我要投诉。",
        raw,
        Language.ZH,
        Emotion.ANGRY,
        (AudioEvent.SPEECH,),
    )


def test_a_text_with_the_times_of_its_tokens_is_cut_into_sentences() -> None:
    times = [[at, at + 90] for at in range(0, 800, 100)]
    transcript = read(key="a", text="我要投诉。OK 吗？是的", timestamp=times)
    assert [(part.start_ms, part.end_ms, part.text) for part in transcript.segments] == [
        (0, 390, "我要投诉。"),
        (400, 590, "OK 吗？"),
        (600, 790, "是的"),
    ]


def test_each_group_of_tags_begins_a_segment() -> None:
    text = "<|zh|><|NEUTRAL|><|Speech|><|woitn|>你好 <|en|><|HAPPY|><|Speech|><|woitn|>thank you"
    transcript = read(key="a", text=text, timestamp=[[0, 1], [1, 2], [2, 3], [3, 4]])
    assert [(part.text, part.language, part.emotion) for part in transcript.segments] == [
        ("你好", Language.ZH, Emotion.NEUTRAL),
        ("thank you", Language.EN, Emotion.HAPPY),
    ]


def test_times_that_do_not_fit_the_tokens_give_one_segment_from_the_first_to_the_last() -> None:
    (segment,) = read(key="a", text="我要投诉。行吗？", timestamp=[[10, 20], [700, 800]]).segments
    assert (segment.start_ms, segment.end_ms, segment.text) == (10, 800, "我要投诉。行吗？")


def test_the_list_that_generate_returns_is_read_too_and_a_made_up_key_is_no_id() -> None:
    line = json.dumps([{"key": "rand_key_2yW4Acq9GFz6Y", "text": "", "sentence_info": []}]).encode()
    transcript = read_transcript(line, where="x")
    assert transcript.call_id.startswith("call-")
    assert transcript.segments == ()


def test_what_the_business_knows_may_stand_beside_the_result() -> None:
    transcript = read(
        key="a", call_id="C1", order_id="O1", text="好", timestamp=[[0, 9]], started_at="2026-11-21 09:13:05"
    )
    assert (transcript.call_id, transcript.order_id) == ("C1", "O1")
    assert transcript.started_at is not None
