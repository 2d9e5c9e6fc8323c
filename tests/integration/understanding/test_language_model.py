"""A language model reads calls through a real server; whatever it does wrong, the call is read all the same."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qareport.model import ACTS_OF, Act, Note, ReaderFault, Role, Segment, Transcript
from qareport.presentation import note_wording
from qareport.settings import LanguageModelSettings
from qareport.understanding import chat_client
from qareport.understanding.language_model import LanguageModelReader
from tests.support.calls import AGENT, CUSTOMER, EXAMPLE, call, say
from tests.support.chat_server import MODEL, ChatReply, ChatServer, completion
from tests.support.readers import FixedReader

FALLBACK = FixedReader(acts={"算了。": (Act.GIVE_UP,)}, topics=("物流延迟",))
SHORT = call(say(0, 2, AGENT, "您好。"), say(3, 5, CUSTOMER, "什么时候发货？"))
GOOD = '{"segments": {"1": ["greet"], "2": ["ask"]}, "topics": ["物流查询"]}'
#: No test may wait for it.
PATIENT_S = 600.0


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def reader_of(server: ChatServer, *, key: str = "", **changes: Any) -> LanguageModelReader:
    settings = LanguageModelSettings(url=server.url, model=MODEL, timeout_s=PATIENT_S)
    return LanguageModelReader(replace(settings, **changes), key=key, fallback=FALLBACK)


def say_instead(*contents: str) -> Callable[[int], ChatReply]:
    """Answer the requests with these contents; the last stays."""
    return lambda number: ChatReply(body=completion(contents[min(number, len(contents)) - 1]))


def faults(transcript: Transcript) -> list[str]:
    return [note.values["fault"] for note in transcript.notes if note.code == "language_model_failed"]


def without_acts(transcript: Transcript) -> Transcript:
    segments = tuple(replace(segment, acts=()) for segment in transcript.segments)
    return replace(transcript, segments=segments, topics=())


def acts_of(transcript: Transcript) -> list[list[str]]:
    return [[spoken.act.value for spoken in segment.acts] for segment in transcript.segments]


# --- what is asked and claimed ----------------------------------------------------------------------------------------


def test_the_claims_are_the_answer_with_the_name_of_the_reader(server: ChatServer) -> None:
    read = reader_of(server).read(EXAMPLE)
    (answer,) = map(json.loads, server.written)
    assert acts_of(read) == [list(dict.fromkeys(acts)) for acts in answer["segments"].values()]
    assert [topic.name for topic in read.topics] == list(dict.fromkeys(answer["topics"]))
    spoken = [spoken for segment in read.segments for spoken in segment.acts]
    assert {(act.reader, act.score, act.words) for act in spoken} == {("language_model", 1.0, ())}
    assert all(act.act in ACTS_OF[segment.role] for segment in read.segments for act in segment.acts)
    assert read.notes == ()


def test_everything_but_acts_and_topics_stays(server: ChatServer) -> None:
    read = reader_of(server).read(EXAMPLE)
    assert without_acts(read) == without_acts(EXAMPLE)


def test_the_same_call_is_read_the_same_way(server: ChatServer) -> None:
    assert reader_of(server).read(SHORT) == reader_of(server).read(SHORT)


def test_a_request_is_what_the_protocol_says(server: ChatServer) -> None:
    reader_of(server, key="sk-1", extra={"chat_template_kwargs": {"enable_thinking": False}, "seed": 7}).read(SHORT)
    (body,) = server.taken
    assert server.headers[0]["Authorization"] == "Bearer sk-1"
    assert server.headers[0]["Content-Type"] == "application/json"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert body["response_format"]["json_schema"]["schema"]["properties"]["segments"]["required"] == ["1", "2"]
    assert (body["model"], body["temperature"], body["seed"]) == (MODEL, 0.0, 7)
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


def test_no_key_is_sent_where_there_is_none(server: ChatServer) -> None:
    reader_of(server).read(SHORT)
    assert "Authorization" not in server.headers[0]


def test_personal_data_and_names_of_the_call_stay_here(server: ChatServer) -> None:
    said = call(
        say(0, 2, AGENT, "您的手机号？"),
        say(3, 5, CUSTOMER, "13812345678，订单号是20241105998877。"),
        say(6, 8, CUSTOMER, "邮箱li.lei@example.com，住浙江省杭州市西湖区文三路398号5幢302室。"),
    )
    reader_of(server).read(replace(said, call_id="call-77", agent_id="A017"))
    sent = json.dumps(server.taken, ensure_ascii=False)
    assert "2 客户：[电话]，订单号是[订单号]。" in sent
    assert "[邮箱]" in sent
    assert not re.search("13812345678|5678|20241105998877|li.lei|文三路|398|call-77|A017", sent)


def test_a_speaker_who_is_not_known_is_context_and_does_nothing(server: ChatServer) -> None:
    mixed = call(*SHORT.segments, say(6, 7, Role.UNKNOWN, "喂？"))
    read = reader_of(server).read(mixed)
    assert "3 不明：喂？" in server.taken[0]["messages"][1]["content"]
    assert server.taken[0]["response_format"]["json_schema"]["schema"]["properties"]["segments"]["required"] == [
        "1",
        "2",
    ]
    assert read.segments[2].acts == ()


def test_a_call_without_a_known_speaker_is_not_asked_about(server: ChatServer) -> None:
    unknown = call(say(0, 1, Role.UNKNOWN, "喂？"))
    read = reader_of(server).read(unknown)
    assert (server.taken, read.notes, read.topics) == ([], (), FALLBACK.read(unknown).topics)


def test_a_long_call_is_asked_in_parts_with_their_context(server: ChatServer) -> None:
    roles = (CUSTOMER, AGENT)
    long = call(*(say(at * 2, at * 2 + 1, roles[at % 2], f"第{at + 1}句") for at in range(50)))
    read = reader_of(server, max_segments=20).read(long)
    asked = [
        body["response_format"]["json_schema"]["schema"]["properties"]["segments"]["required"] for body in server.taken
    ]
    assert [number for numbers in asked for number in numbers] == [str(number) for number in range(1, 51)]
    assert [len(numbers) for numbers in asked] == [20, 20, 10]
    shown = [int(number) for number in re.findall(r"^(\d+) ", server.taken[1]["messages"][1]["content"], re.MULTILINE)]
    assert shown == list(range(9, 45))
    answers = [acts for written in server.written for acts in json.loads(written)["segments"].values()]
    assert acts_of(read) == [list(dict.fromkeys(acts)) for acts in answers]


def test_a_part_that_fails_leaves_the_whole_call_to_the_fallback(server: ChatServer) -> None:
    server.reply = lambda number: ChatReply(status=500) if number == 2 else None
    read = reader_of(server, max_segments=10).read(EXAMPLE)
    assert {spoken.reader for segment in read.segments for spoken in segment.acts} == {"bundled"}
    assert faults(read) == ["http_error"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def fallen_back(read: Transcript, fault: ReaderFault) -> None:
    """Check that the fallback read the example, and that the note says why and no more."""
    assert read.segments == FALLBACK.read(EXAMPLE).segments
    assert read.topics == FALLBACK.read(EXAMPLE).topics
    assert read.notes == (Note(code="language_model_failed", values={"fault": fault}),)


BROKEN = {
    "text": "好的，以下是我的判断：",
    "fenced": f"```json\n{GOOD}\n```",
    "cut": GOOD[:-4],
    "deep": "[" * 100_000,
    "list": "[]",
    "no topics": '{"segments": {"1": [], "2": []}}',
    "a sentence that there is not": '{"segments": {"1": [], "2": [], "3": ["ask"]}, "topics": []}',
    "a number in another form": '{"segments": {"1": [], "02": []}, "topics": []}',
    "a sentence left out": '{"segments": {"1": ["greet"]}, "topics": []}',
    "an act of the other role": '{"segments": {"1": ["threaten"], "2": ["ask"]}, "topics": []}',
    "an unknown act": '{"segments": {"1": ["hello"], "2": ["ask"]}, "topics": []}',
    "too many acts": '{"segments": {"1": ["greet", "ask_info", "hold", "small", "offer"], "2": []}, "topics": []}',
    "an unknown topic": '{"segments": {"1": [], "2": []}, "topics": ["天气"]}',
    "a quote": '{"segments": {"1": [], "2": []}, "topics": [], "quotes": ["什么时候发货？"]}',
    "an act with a quote": '{"segments": {"1": [], "2": [{"act": "ask", "quote": "发货"}]}, "topics": []}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
def test_an_answer_that_is_not_what_was_asked_for_is_asked_for_once_more_and_then_dropped(
    server: ChatServer, content: str
) -> None:
    server.reply = say_instead(content)
    read = reader_of(server).read(SHORT)
    assert (len(server.taken), faults(read)) == (2, ["bad_answer"])
    assert acts_of(read) == [[], []]
    assert [(body["temperature"], body["seed"]) for body in server.taken] == [(0.0, 0), (0.5, 1)]


def test_the_second_answer_counts_when_it_is_right(server: ChatServer) -> None:
    server.reply = say_instead("hm", GOOD)
    read = reader_of(server).read(SHORT)
    assert (acts_of(read), [topic.name for topic in read.topics]) == ([["greet"], ["ask"]], ["物流查询"])
    assert read.notes == ()


COMPLETIONS = {
    "no JSON": (b"<html>hello</html>", ReaderFault.BAD_ANSWER),
    "no choice": (b'{"choices": []}', ReaderFault.BAD_ANSWER),
    "not UTF-8": (b'{"choices": [{"message": {"content": "\xff"}}]}', ReaderFault.BAD_ANSWER),
    "empty": (completion(""), ReaderFault.BAD_ANSWER),
    "cut off": (completion(GOOD, finish_reason="length"), ReaderFault.BAD_ANSWER),
    "refused": (completion(None, refusal="I can't help with that."), ReaderFault.REFUSAL),
    "filtered": (completion(GOOD, finish_reason="content_filter"), ReaderFault.REFUSAL),
    "endless": (completion(" " * 5_000_000 + GOOD), ReaderFault.BAD_ANSWER),
}


@pytest.mark.parametrize(("body", "fault"), COMPLETIONS.values(), ids=list(COMPLETIONS))
def test_a_completion_without_a_usable_answer_is_a_fault(server: ChatServer, body: bytes, fault: ReaderFault) -> None:
    server.reply = lambda number: ChatReply(body=body)
    fallen_back(reader_of(server).read(EXAMPLE), fault)
    assert len(server.taken) == (2 if fault is ReaderFault.BAD_ANSWER else 1)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (400, ReaderFault.HTTP_ERROR),
        (401, ReaderFault.KEY_REFUSED),
        (403, ReaderFault.KEY_REFUSED),
        (404, ReaderFault.HTTP_ERROR),
        (429, ReaderFault.HTTP_ERROR),
        (503, ReaderFault.HTTP_ERROR),
        (599, ReaderFault.HTTP_ERROR),
    ],
)
def test_an_error_of_the_server_is_asked_once(server: ChatServer, status: int, fault: ReaderFault) -> None:
    server.reply = lambda number: ChatReply(status=status, body=b'{"error": {"message": "no"}}')
    fallen_back(reader_of(server).read(EXAMPLE), fault)
    assert len(server.taken) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: ChatServer, status: int) -> None:
    with ChatServer() as other:
        headers = {"Location": f"{other.url}/chat/completions"}
        server.reply = lambda number: ChatReply(status=status, headers=headers)
        fallen_back(reader_of(server, key="sk-1").read(EXAMPLE), ReaderFault.REDIRECT)
        assert other.taken == []


def test_a_proxy_of_the_environment_is_not_used(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert reader_of(server).read(SHORT).notes == ()
        assert proxy.taken == []


@pytest.mark.parametrize("reply", [ChatReply(stall=True), ChatReply(drip=True)], ids=["silent", "byte by byte"])
def test_a_slow_server_is_given_up(server: ChatServer, reply: ChatReply) -> None:
    server.reply = lambda number: reply
    fallen_back(reader_of(server, timeout_s=0.2).read(EXAMPLE), ReaderFault.TIMEOUT)


def test_a_server_that_hangs_up_or_is_not_there_is_not_reached(server: ChatServer) -> None:
    server.reply = lambda number: ChatReply(hang_up=True)
    fallen_back(reader_of(server).read(EXAMPLE), ReaderFault.UNREACHABLE)
    with ChatServer() as gone:
        pass
    fallen_back(reader_of(gone).read(EXAMPLE), ReaderFault.UNREACHABLE)


def test_https_to_a_server_that_speaks_http_is_not_reached(server: ChatServer) -> None:
    url = server.url.replace("http:", "https:")
    fallen_back(reader_of(server, url=url).read(EXAMPLE), ReaderFault.UNREACHABLE)
    assert server.taken == []


def test_nothing_is_sent_in_the_clear_to_a_public_address(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_client, "is_private", lambda address: address != "127.0.0.1")
    fallen_back(reader_of(server, key="sk-1").read(EXAMPLE), ReaderFault.UNREACHABLE)
    assert server.taken == []


def test_a_server_that_does_not_answer_is_left_alone_for_a_while(server: ChatServer) -> None:
    server.reply = lambda number: ChatReply(status=401)
    reader = reader_of(server)
    assert [faults(reader.read(EXAMPLE)) for _ in range(10)] == [["key_refused"]] * 10
    assert len(server.taken) == 3


def test_faults_of_single_calls_do_not_keep_others_from_being_asked(server: ChatServer) -> None:
    server.reply = lambda number: ChatReply(status=400) if number % 2 else ChatReply(hang_up=True)
    reader = reader_of(server)
    for _ in range(10):
        reader.read(EXAMPLE)
    assert len(server.taken) == 10


def test_neither_the_key_nor_what_was_said_gets_into_notes_and_logs(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    key = "sk-geheim-123"
    echo = f"Incorrect API key provided: {key}. Request: 压单".encode()
    replies = {
        1: ChatReply(status=401, body=echo),
        2: ChatReply(body=echo),
        3: ChatReply(body=completion(echo.decode())),
    }
    server.reply = lambda number: replies.get(number, ChatReply(status=500, body=echo))
    reader = reader_of(server, key=key)
    with caplog.at_level(logging.DEBUG):
        notes = [note for _ in range(4) for note in reader.read(EXAMPLE).notes]
    assert len(notes) == len(caplog.records) == 4
    told = caplog.text + repr(notes) + "".join(map(note_wording.note, notes)) + repr(vars(reader)) + reader.key
    assert not re.search("geheim|压单|127.0.0.1", told.replace(repr(server.url), ""))
    assert "step=understand outcome=failed call_id=c reason=language model: key_refused (401)" in caplog.text


@pytest.mark.parametrize("fault", ReaderFault)
def test_every_fault_is_worded(fault: ReaderFault) -> None:
    text = note_wording.note(Note(code="language_model_failed", values={"fault": fault}))
    assert text.startswith("语言模型没有给出可用的回答（")
    assert fault.value not in text


# --- the cache --------------------------------------------------------------------------------------------------------


def test_a_call_is_asked_about_once_where_answers_are_kept(server: ChatServer, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "answers"
    first = reader_of(server, cache=str(folder)).read(EXAMPLE)
    assert reader_of(server, cache=str(folder)).read(EXAMPLE) == first
    assert len(server.taken) == 1
    assert reader_of(server).read(EXAMPLE) == first
    assert len(server.taken) == 2


def test_what_is_kept_holds_nothing_of_what_was_said(server: ChatServer, tmp_path: Path) -> None:
    reader_of(server, key="sk-1", cache=str(tmp_path)).read(EXAMPLE)
    (kept,) = tmp_path.iterdir()
    content = json.loads(kept.read_text("utf-8"))
    assert content == json.loads(server.written[0])
    assert re.fullmatch(r"[0-9a-f]{64}\.json", kept.name)


@pytest.mark.parametrize("damage", ["", "{", '{"segments": {}, "topics": []}', '{"segments": {"1": ["ask"]}}'])
def test_a_damaged_answer_is_asked_for_again(server: ChatServer, tmp_path: Path, damage: str) -> None:
    reader = reader_of(server, cache=str(tmp_path))
    first = reader.read(SHORT)
    (kept,) = tmp_path.iterdir()
    kept.write_text(damage)
    assert reader.read(SHORT) == first
    assert len(server.taken) == 2
    assert json.loads(kept.read_text("utf-8")) == json.loads(server.written[0])


def changed(segment: Segment) -> Transcript:
    return replace(SHORT, segments=(segment, *SHORT.segments[1:]))


def test_another_model_another_call_and_other_fields_are_other_questions(server: ChatServer, tmp_path: Path) -> None:
    cache = str(tmp_path)
    reader_of(server, cache=cache).read(SHORT)
    reader_of(server, cache=cache, extra={"top_p": 0.5}).read(SHORT)
    reader_of(server, cache=cache).read(changed(replace(SHORT.segments[0], text="喂，您好啊。")))
    reader_of(server, cache=cache).read(changed(replace(SHORT.segments[0], role=CUSTOMER)))
    reader_of(server, cache=cache, model="another").read(SHORT)
    assert len(server.taken) == 5
    reader_of(server, cache=cache).read(replace(SHORT, call_id="another", order_id=None))
    assert len(server.taken) == 5


def test_faults_are_not_kept(server: ChatServer, tmp_path: Path) -> None:
    server.reply = lambda number: ChatReply(status=500) if number == 1 else None
    reader = reader_of(server, cache=str(tmp_path))
    assert faults(reader.read(EXAMPLE)) == ["http_error"]
    assert faults(reader.read(EXAMPLE)) == []


def test_a_folder_that_cannot_be_written_costs_no_answer(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    read = reader_of(server, cache=str(tmp_path / "file" / "answers")).read(EXAMPLE)
    assert read.notes == ()
    assert "answers cannot be kept" in caplog.text


# --- the key of the reader --------------------------------------------------------------------------------------------


def test_the_key_tells_what_decides_the_reading_and_not_where_the_server_is(server: ChatServer) -> None:
    base = reader_of(server).key
    same = [{"url": "https://elsewhere/v1"}, {"key_file": "/k"}, {"timeout_s": 5.0}, {"cache": "/c"}]
    other = [{"model": "b"}, {"max_segments": 7}, {"extra": {"seed": 3}}]
    assert {reader_of(server, **changes).key for changes in same} == {base}
    assert len({base, *(reader_of(server, **changes).key for changes in other)}) == 4
    settings = LanguageModelSettings(url=server.url, model=MODEL)
    assert LanguageModelReader(settings, fallback=FixedReader(key="other")).key != base
