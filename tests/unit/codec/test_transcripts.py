"""Transcripts and reports as JSON: what goes in comes out, and bad input says where it is wrong."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport import codec, messages
from qareport.codec import transcripts
from qareport.errors import StoreError, TranscriptError
from qareport.model import AudioEvent, AudioInfo, Call, Emotion, Language, Role, RoleSource, Segment, Token, Transcript

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
segments = st.builds(
    lambda start, length, **rest: Segment(start_ms=start, end_ms=start + length, **rest),
    start=st.integers(0, 10**7),
    length=st.integers(0, 10**5),
    role=st.sampled_from(Role),
    role_source=st.sampled_from(RoleSource),
    channel=st.none() | st.integers(0, 7),
    text=texts,
    raw=st.none() | texts,
    language=st.none() | st.sampled_from(Language),
    emotion=st.none() | st.sampled_from(Emotion),
    emotion_scores=st.none() | st.dictionaries(st.sampled_from([str(e) for e in Emotion]), st.floats(0, 1)),
    events=st.lists(st.sampled_from(AudioEvent), max_size=3).map(tuple),
    loudness_dbfs=st.none() | st.floats(-90, 0),
    tokens=st.lists(
        st.builds(lambda text, at, length: Token(text, at, at + length), texts, *[st.integers(0, 10**6)] * 2),
        max_size=3,
    ).map(tuple),
)


starts = st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - UTC


@given(st.lists(segments, max_size=4), st.none() | starts)
def test_a_transcript_that_is_written_and_read_again_is_the_same(
    parts: list[Segment], started_at: datetime | None
) -> None:
    ordered = sorted(parts, key=lambda segment: (segment.start_ms, segment.channel or 0))
    transcript = Transcript(call_id="c1", started_at=started_at, segments=tuple(ordered))
    assert codec.read_transcript(codec.to_json(transcript).encode(), where="here") == transcript


def test_the_json_of_a_transcript_is_that_of_the_contract() -> None:
    transcript = Transcript(
        call_id="c1",
        order_id="o1",
        audio=AudioInfo(path="a.wav", sha256="ab", duration_ms=5000, sample_rate=8000, channels=2),
        segments=(
            Segment(
                start_ms=42000,
                end_ms=45200,
                role=Role.CUSTOMER,
                role_source=RoleSource.CHANNEL,
                channel=1,
                text="我昨天",
                emotion=Emotion.ANGRY,
                events=(AudioEvent.SPEECH,),
                tokens=(Token("我", 42030, 42150),),
            ),
        ),
    )
    data = json.loads(codec.to_json(transcript))
    segment = data["segments"][0]
    assert data["schema_version"] == 1
    assert segment["tokens"] == [["我", 42030, 42150]]
    assert (segment["role"], segment["role_source"], segment["emotion"]) == ("customer", "channel", "ANGRY")
    assert segment["events"] == ["Speech"]


def test_a_transcript_of_only_times_role_and_text_is_legal_and_gets_a_stable_call_id() -> None:
    line = b'{"segments": [{"start_ms": 0, "end_ms": 900, "role": "agent", "text": "hello"}]}'
    first, second = (codec.read_transcript(line, where="x") for _ in range(2))
    assert first.call_id == second.call_id
    assert first.call_id.startswith("call-")
    assert first.segments[0].emotion is None


def test_fields_that_the_contract_does_not_know_are_ignored() -> None:
    line = b'{"call_id": "c", "later": 1, "segments": [{"start_ms": 0, "end_ms": 9, "text": "", "newer": {}}]}'
    assert codec.read_transcript(line, where="x").call_id == "c"


def test_segments_come_back_in_order_of_time() -> None:
    line = (
        b'{"segments": [{"start_ms": 5, "end_ms": 9, "text": "b"}, {"start_ms": 1, "end_ms": 2, "text": "a"}],'
        b' "call_id": "c"}'
    )
    assert [segment.text for segment in codec.read_transcript(line, where="x").segments] == ["a", "b"]


def test_half_of_a_surrogate_pair_becomes_a_replacement_character() -> None:
    line = b'{"call_id": "c", "segments": [{"start_ms": 0, "end_ms": 9, "text": "a\\ud800b"}]}'
    assert codec.read_transcript(line, where="x").segments[0].text == "a�b"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "not JSON: a name in double quotes is missing (line 1, character 2)"),
        (
            b'{"call_id": "a", "segments": [], "call_id": "b"}',
            "the name 'call_id' is given twice; keep one of its values",
        ),
        (b'{"segments": [{"start_ms": 0, "end_ms": 1, "text": "a", "text": "b"}]}', "the name 'text' is given twice"),
        (b'{"segments": {}}', "segments: got {}, expected a list in [ ]"),
        (b"[]", "expected one JSON object a line"),
        (b'{"schema_version": 2}', "schema_version is 2; expected 1"),
        (b'{"segments": [{"start_ms": 9, "end_ms": 3, "text": ""}]}', "segments.0: start_ms 9, end_ms 3"),
        (b'{"segments": [{"start_ms": -1, "end_ms": 3, "text": ""}]}', "segments.0"),
        (b'{"segments": [{"start_ms": "x", "end_ms": 3, "text": ""}]}', "segments.0.start_ms"),
        (b'{"segments": [{"start_ms": 0, "end_ms": 3, "text": "", "role": "boss"}]}', "segments.0.role"),
        (b'{"segments": [{"end_ms": 3, "text": ""}]}', "segments.0.start_ms is missing"),
        (
            b'{"segments": [], "started_at": "yesterday"}',
            "started_at: no time that can be read; expected a time such as 2",
        ),
        (b'{"segments": [], "started_at": "0001-01-01T00:00:00+14:00"}', "started_at: a time in the year 1"),
        (b'{"segments": [], "started_at": "9999-12-31T23:59:59-14:00"}', "started_at: a time in the year 9999"),
        (
            b'{"segments":[],"audio":{"path":"","sha256":"","duration_ms":-5,"sample_rate":1,"channels":1}}',
            "audio.duration_ms is -5",
        ),
        (b'{"segments": [], "order_id": 2.02411E13}', "order_id: a number that a spreadsheet has rounded"),
        (b'{"segments": [], "order_id": "2.02411E+13"}', "order_id: a number that a spreadsheet has rounded"),
        (b'{"segments": [{"start_ms": 0, "end_ms": 9e17, "text": ""}]}', "segments.0"),
        (
            b"{}",
            'no segments; the fields are {}; expected segments with start_ms, end_ms, role and text; write "segments"',
        ),
        (b'{"results": {"transcripts": []}, "jobName": "x"}', "no segments; the fields are results, jobName"),
        (b'{"key": "a", "text": "\xe6\x88\x91"}', "FunASR's text without times"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"segments": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"segments": [{"start_ms": 0, "end_ms": 1, "text": "", "loudness_dbfs": NaN}]}', "NaN is no number"),
        (
            b'{"segments": [{"start_ms": 0, "end_ms": 1, "text": "", "emotion_scores": {"SAD": 1e999}}]}',
            "segments.0.emotion_scores.SAD: a number that is too large",
        ),
    ],
)
def test_a_wrong_transcript_says_where_and_what(line: bytes, says: str) -> None:
    with pytest.raises(TranscriptError, match="^calls.jsonl:7: ") as caught:
        codec.read_transcript(line, where="calls.jsonl:7")
    assert says in str(caught.value)


@pytest.mark.parametrize("field", ["emotion_scores", "emotion_view", "event_scores"])
def test_a_segment_holds_no_number_that_json_cannot_hold(field: str) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        Segment(start_ms=0, end_ms=1, text="", **{field: {"ANGRY": float("nan")}})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"20241105091305"', "2024-11-05T09:13:05+08:00"),
        ('"2024/11/5 9:13"', "2024-11-05T09:13:00+08:00"),
        ("1730769185", "2024-11-05T01:13:05+00:00"),
        ('"NULL"', None),
    ],
)
def test_a_start_is_read_as_people_write_it(written: str, read: str | None) -> None:
    transcript = codec.read_transcript(f'{{"segments": [], "started_at": {written}}}'.encode(), where="x")
    assert (transcript.started_at and transcript.started_at.isoformat()) == read


def test_ids_are_text_whatever_a_program_made_of_them() -> None:
    line = b'{"call_id": 7, "order_id": "20241105000042.0", "agent_id": "nan", "segments": []}'
    transcript = codec.read_transcript(line, where="x")
    assert (transcript.call_id, transcript.order_id, transcript.agent_id) == ("7", "20241105000042", None)


def test_a_line_that_is_too_long_is_named_and_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "_LONGEST_LINE", 100)
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b"x" * 1000 + b'\n{"call_id": "b", "segments": []}\n')
    first, second = codec.read_transcripts(path)
    assert str(first).startswith(f"{path}:1: the line is too long")
    assert isinstance(second, Transcript)


@pytest.mark.parametrize("indent", [None, 1])
def test_a_file_may_be_one_list_or_one_object_over_several_lines(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "calls.json"
    calls = [{"call_id": "a", "segments": []}, {"segments": 5}, {"call_id": "c", "segments": []}]
    path.write_text("\ufeff" + json.dumps(calls, indent=indent), "utf-8")
    first, bad, last = codec.read_transcripts(path)
    assert [item.call_id for item in (first, last) if isinstance(item, Transcript)] == ["a", "c"]
    assert str(bad).startswith(f"{path} [2]: segments")
    path.write_text(json.dumps(calls[0], indent=1), "utf-8")
    assert [item.call_id for item in codec.read_transcripts(path) if isinstance(item, Transcript)] == ["a"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"calls": [{"call_id": "a", "segments": []}, {"call_id": "b", "segments": []}]}',
        b'{"call_id": "a", "segments": []}\r\n{"call_id": "b", "segments": []}\x1a',
        b'{"call_id": "a", "segments": []}\n{"call_id": "b", "segments": []}\n\x1a\n',
        '{"call_id": "a", "segments": []}\n{"call_id": "b", "segments": []}'.encode("utf-16"),
    ],
    ids=["a list in an object", "ctrl-z", "ctrl-z on a line of its own", "utf-16"],
)
def test_a_file_is_read_as_programs_save_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "calls.json").write_bytes(content)
    read = codec.read_transcripts(tmp_path / "calls.json")
    assert [item.call_id for item in read if isinstance(item, Transcript)] == ["a", "b"]
    assert len(read) == 2


def test_what_a_pipe_holds_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"call_id": "a", "segments": []}\n')
    os.close(writing)
    (read,) = codec.read_transcripts(Path(f"/dev/fd/{reading}"))
    os.close(reading)
    assert isinstance(read, Transcript)


def test_in_a_list_an_object_with_a_name_given_twice_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "calls.json").write_text('[{"call_id": "a", "segments": []}, {"segments": [], "segments": []}]')
    good, bad = codec.read_transcripts(tmp_path / "calls.json")
    assert isinstance(good, Transcript)
    assert isinstance(bad, TranscriptError)
    assert "calls.json [2]: the name 'segments' is given twice" in str(bad)


@pytest.mark.parametrize("times", [[900, 100], [-5, 100], [100, 99_000]])
def test_times_of_words_that_cannot_be_are_left_out_with_a_note(times: list[int]) -> None:
    segment = {"start_ms": 0, "end_ms": 1000, "text": "好的"}
    audio = {"path": "", "sha256": "", "duration_ms": 5000, "sample_rate": 8000, "channels": 1}
    segments = [segment | {"tokens": [["好", *times], ["的", 500, 900]]}, segment | {"tokens": [["好", 0, 500]]}]
    read = codec.read_transcript(json.dumps({"audio": audio, "segments": segments}).encode(), where="here")
    assert [len(segment.tokens) for segment in read.segments] == [0, 1]
    assert [(note.code, note.values) for note in read.notes] == [("word_times_dropped", {"segments": "1"})]


def test_what_is_wrong_with_fields_is_said_in_chinese_alone() -> None:
    wrong = {"start_ms": "x", "end_ms": 1.5, "text": 5, "role": "boss", "tokens": {}, "events": 7}
    with messages.speaking("zh"), pytest.raises(TranscriptError) as caught:
        codec.read_transcript(json.dumps({"segments": [wrong]}).encode(), where="here")
    with messages.speaking("zh"):
        said = str(caught.value)
    english = {"input", "should", "valid", "got", "expected", "integer", "list", "more", "and"}
    assert not set(re.findall("[a-z_]{3,}", said)) & english


def test_the_caller_names_the_error_of_a_damaged_value() -> None:
    with pytest.raises(StoreError, match="^store call 3: .*expected a Call of schema version 1"):
        codec.from_json(Call, "{}", where="store call 3", error=StoreError)


def test_a_bad_line_hides_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"call_id": "a", "segments": []}\n\nnonsense\n{"call_id": "b", "segments": []}\n')
    first, bad, last = codec.read_transcripts(path)
    assert isinstance(bad, TranscriptError)
    assert f"{path}:3" in str(bad)
    assert [item.call_id for item in (first, last) if isinstance(item, Transcript)] == ["a", "b"]


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_reading_a_transcript_fail_in_another_way(line: bytes) -> None:
    try:
        codec.read_transcript(line, where="x")
    except TranscriptError as error:
        assert str(error).startswith("x: ")
