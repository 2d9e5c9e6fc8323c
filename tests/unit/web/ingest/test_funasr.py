"""The protocol of FunASR's runtime: what its clients send, and what they make of what they are told."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from qareport.model import Role
from qareport.web.ingest.conventions import Began, FrameError, Over, SoundFrame
from qareport.web.ingest.funasr import FunasrConvention

#: As FunASR's own client sends it first.
FIRST = {
    "mode": "2pass", "chunk_size": [5, 10, 5], "chunk_interval": 10, "encoder_chunk_look_back": 4,
    "decoder_chunk_look_back": 0, "audio_fs": 8000, "wav_name": "c1:customer", "wav_format": "pcm",
    "is_speaking": True, "hotwords": "", "itn": True,
}  # fmt: skip


def begin(**more: Any) -> tuple[FunasrConvention, Began]:
    convention = FunasrConvention()
    (began,) = convention.feed(json.dumps(FIRST | more))
    assert isinstance(began, Began)
    return convention, began


def told(convention: FunasrConvention, *heard: tuple[str, str]) -> list[dict[str, Any]]:
    """Return what a client is told of partials, lines and the end."""
    messages = [convention.told(kind, {"text": text}) for kind, text in heard]
    return [json.loads(message) for message in messages if message is not None]


def test_the_first_text_says_rate_call_and_side() -> None:
    _, began = begin()
    assert (began.call_id, began.roles, began.sample_rate, began.is_half) == ("c1", (Role.CUSTOMER,), 8000, True)
    _, alone = begin(wav_name="c2", audio_fs=16_000)
    assert (alone.call_id, alone.roles, alone.sample_rate, alone.is_half) == ("c2", (Role.UNKNOWN,), 16_000, False)


@pytest.mark.parametrize("name", ["demo", "microphone", "h5"])
def test_names_that_clients_send_by_themselves_name_no_call(name: str) -> None:
    assert begin(wav_name=name)[1].call_id == ""


def test_sound_may_be_cut_in_the_middle_of_a_sample() -> None:
    convention, _ = begin()
    data = np.arange(6, dtype="<i2").tobytes()
    frames = [frame for part in (data[:5], data[5:]) for frame in convention.feed(part)]
    samples = [frame.samples.tolist() for frame in frames if isinstance(frame, SoundFrame)]
    assert samples == [[0, 1], [2, 3, 4, 5]]


def test_offline_is_told_the_whole_text_once() -> None:
    convention, _ = begin(mode="offline")
    messages = told(convention, ("partial", "你好。"), ("line", "你好。"), ("line", "我要退货。"), ("over", ""))
    assert [(m["mode"], m["text"], m["is_final"], m["is_end"]) for m in messages] == [
        ("offline", "你好。我要退货。", True, True)
    ]


def test_2pass_is_told_what_a_reading_adds_and_then_the_sentence() -> None:
    convention, _ = begin()
    heard = (("partial", "我要。"), ("partial", "我要退"), ("partial", "我要退"), ("line", "我要退货。"), ("over", ""))
    messages = told(convention, *heard)
    assert [(m["mode"], m["text"]) for m in messages] == [
        ("2pass-online", "我要"), ("2pass-online", "退"), ("2pass-offline", "我要退货。"), ("2pass-offline", ""),
    ]  # fmt: skip
    assert [m["is_final"] for m in messages] == [False, False, False, True]
    assert messages[-1]["is_end"]
    assert {m["wav_name"] for m in messages} == {"c1:customer"}


def test_online_is_told_what_two_readings_agree_on_and_its_texts_joined_are_the_text() -> None:
    convention, _ = begin(mode="online")
    heard = (
        ("partial", "我要。"), ("partial", "我要推"), ("partial", "我要退货"), ("line", "我要退货。"),
        ("line", "快点！"), ("partial", "好"), ("partial", ""), ("line", "好的。"), ("over", ""),
    )  # fmt: skip
    messages = told(convention, *heard)
    assert {m["mode"] for m in messages} == {"online"}
    assert [m["text"] for m in messages] == ["我要", "退货。", "快点！", "好的。", ""]


def test_the_end_ends_the_call_and_the_next_may_begin() -> None:
    convention, _ = begin()
    assert convention.feed('{"hotwords": "退货 20"}') == []
    assert convention.feed('{"is_speaking": false, "is_end": true}') == [Over()]
    assert convention.feed('{"is_speaking": false}') == []
    (again,) = convention.feed(json.dumps(FIRST | {"wav_name": "c3"}))
    assert isinstance(again, Began)


@pytest.mark.parametrize(
    "more", [{"mode": "3pass"}, {"audio_fs": 8001}, {"wav_format": "others"}, {"wav_name": 7}, {"wav_name": "a\nb"}]
)
def test_what_it_cannot_hear_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(FrameError):
        begin(**more)


def test_sound_before_the_first_text_is_refused() -> None:
    with pytest.raises(FrameError, match="before the first text"):
        FunasrConvention().feed(b"\0\0")
