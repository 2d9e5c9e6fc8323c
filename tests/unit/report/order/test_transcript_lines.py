"""Lines of the transcript: numbers of key moments, who kept silent, and music that is no silence."""

from __future__ import annotations

from dataclasses import replace

from qareport.model import Evidence, Hold, Role, Silence
from qareport.report.order.transcript_lines import Speakers, silences_and_waits, transcript
from qareport.report.order.view_types import NodeMark
from tests.support import report_samples as samples

MUSIC = Hold(start_ms=132_500, end_ms=150_000, music=True)
HELD = replace(samples.CALL, metrics=replace(samples.METRICS, holds=(MUSIC,)))


def test_a_wait_with_music_is_no_silence() -> None:
    silences, waits = silences_and_waits(HELD)
    assert [silence.start_ms for silence in silences] == [42_900, 52_000, 79_000, 125_000]
    assert waits == [MUSIC]
    lines = {line.time: line for line in transcript(HELD, "c1")}
    assert (lines["2:12"].who, lines["2:12"].text.plain) == ("等待音乐", "[BGM] 17.5秒")
    assert lines["2:05"].text.plain == "[SILENCE] 6.0秒（客户说完，客户开口之前）"


def test_an_announced_wait_without_music_stays_a_silence() -> None:
    quiet = replace(HELD, metrics=replace(samples.METRICS, holds=(replace(MUSIC, music=False),)))
    assert len(silences_and_waits(quiet)[0]) == len(samples.SILENCES)


def test_key_moments_have_their_numbers_beside_the_lines_in_which_they_begin() -> None:
    marks = [(63_500, NodeMark(number="1", anchor="c1-n1")), (125_000, NodeMark(number="2", anchor="c1-n2"))]
    marked = {line.time: [mark.number for mark in line.nodes] for line in transcript(samples.CALL, "c1", marks)}
    assert {time: numbers for time, numbers in marked.items() if numbers} == {"0:58": ["1"], "2:05": ["2"]}


def test_who_kept_silent_is_the_other_side_of_who_spoke_last() -> None:
    speakers = Speakers((), samples.SILENCES)
    pause = Evidence(at_ms=42_900, end_ms=47_900, role=Role.CUSTOMER, quote="[SILENCE]")
    assert speakers.kept_silent(pause) == "客服5.0秒没有接话"
    assert speakers.kept_silent(samples.SILENCES[1]) == "客户沉默6.0秒"
    assert speakers.kept_silent(Silence(start_ms=0, end_ms=1500)) == "沉默1.5秒"
