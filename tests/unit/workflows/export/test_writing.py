"""Transcripts as text and subtitles, read back by small parsers of their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.model import AudioEvent, Emotion, Role, RoleSource, Segment, Transcript
from qareport.presentation.locale import speaking
from qareport.workflows.export.writing import as_rich_text, as_srt, as_text, as_vtt
from tests.support.subtitles import read_srt, read_vtt


def said(start_ms: int, end_ms: int, role: Role, text: str, emotion: Emotion | None = None, **more: object) -> Segment:
    return Segment(start_ms=start_ms, end_ms=end_ms, role=role, text=text, emotion=emotion, **more)  # type: ignore[arg-type]


CALL = Transcript(
    call_id="C1",
    segments=(
        said(0, 1_800, Role.AGENT, "您好。", Emotion.NEUTRAL, role_source=RoleSource.CHANNEL),
        said(2_050, 4_000, Role.CUSTOMER, "这衣服尺码根本不对!", Emotion.ANGRY, role_source=RoleSource.WORDS),
        said(4_100, 6_000, Role.CUSTOMER, "退货运费谁出?", Emotion.ANGRY, role_source=RoleSource.WORDS),
        said(3_723_004, 3_725_999, Role.UNKNOWN, "a < b & c", events=(AudioEvent.SPEECH, AudioEvent.LAUGHTER)),
    ),
)


def test_text_has_a_line_for_each_turn_with_its_time_and_speaker() -> None:
    assert as_text(CALL).splitlines() == [
        "0:00 客服：您好。",
        "0:02 客户（推断）：这衣服尺码根本不对!退货运费谁出?",
        "1:02:03 说话人未知：a < b & c",
    ]


def test_rich_text_carries_the_tags_behind_each_sentence() -> None:
    assert as_rich_text(CALL).splitlines()[1:] == [
        "0:02 客户（推断）：这衣服尺码根本不对![ANGRY]退货运费谁出?[ANGRY]",
        "1:02:03 说话人未知：a < b & c[LAUGHTER]",
    ]
    assert CALL.rich_text() == "您好。[NEUTRAL]这衣服尺码根本不对![ANGRY]退货运费谁出?[ANGRY]a < b & c[LAUGHTER]"


def test_srt_has_a_cue_for_each_segment_with_its_times_and_speaker() -> None:
    assert read_srt(as_srt(CALL)) == [
        (0, 1_800, "客服：您好。"),
        (2_050, 4_000, "客户（推断）：这衣服尺码根本不对!"),
        (4_100, 6_000, "客户（推断）：退货运费谁出?"),
        (3_723_004, 3_725_999, "a < b & c"),
    ]


def test_vtt_names_speakers_as_voices_and_escapes_what_would_be_markup() -> None:
    assert read_vtt(as_vtt(CALL)) == [
        (0, 1_800, "<v 客服>您好。</v>"),
        (2_050, 4_000, "<v 客户（推断）>这衣服尺码根本不对!</v>"),
        (4_100, 6_000, "<v 客户（推断）>退货运费谁出?</v>"),
        (3_723_004, 3_725_999, "a &lt; b &amp; c"),
    ]


def test_speakers_are_named_in_the_language_that_is_asked_for() -> None:
    call = Transcript(
        call_id="C1", segments=(said(0, 900, Role.AGENT, "Hello."), said(900, 1_500, Role.AGENT, "How can I help?"))
    )
    with speaking("en"):
        assert as_text(call) == "0:00 Agent: Hello. How can I help?\n"
        assert read_vtt(as_vtt(call))[0][2] == "<v Agent>Hello.</v>"


@pytest.mark.parametrize("write", [as_text, as_rich_text, as_srt, as_vtt])
def test_a_call_without_speech_is_an_empty_file_of_its_kind(write: object) -> None:
    text = write(Transcript(call_id="C1"))  # type: ignore[operator]
    assert text == ("WEBVTT\n" if write is as_vtt else "")


@given(
    st.lists(
        st.tuples(st.integers(0, 30_000_000), st.integers(0, 60_000), st.sampled_from(Role), st.text(max_size=30)),
        max_size=6,
    )
)
def test_every_segment_with_text_is_one_cue_that_ends_after_its_start_whatever_was_said(
    segments: list[tuple[int, int, Role, str]],
) -> None:
    call = Transcript(
        call_id="C1", segments=tuple(said(start, start + length, role, text) for start, length, role, text in segments)
    )
    spoken = [segment for segment in call.segments if segment.text.strip()]
    for cues in (read_srt(as_srt(call)), read_vtt(as_vtt(call))):
        assert [start for start, _, _ in cues] == [segment.start_ms for segment in spoken]
        for (start, end, _), segment in zip(cues, spoken, strict=True):
            assert start < end
            assert end == segment.end_ms or segment.end_ms == segment.start_ms
