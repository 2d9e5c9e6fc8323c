"""The query language and the terms of Chinese text: what is asked, and where it stands in what was said."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qareport.errors import QueryError
from qareport.model import AudioEvent, CallReport, Emotion, Moment, MomentKind, Risk, Role, Segment, Silence
from qareport.presentation import wording
from qareport.search import (
    And,
    Between,
    Fact,
    Line,
    Mark,
    Not,
    Or,
    Words,
    find_spans,
    lines_of,
    names,
    parse,
    terms_in_query,
    terms_of,
    write_field,
)
from qareport.search.query import FIELDS, TAGS
from qareport.search.terms import terms_of_text
from tests.support.report_samples import METRICS

ZONE = "Asia/Shanghai"


def word(text: str) -> Words:
    return Words(terms=terms_of(text))


ANGRY, RETURN, FREIGHT = Mark(term="§angry"), word("退货"), word("运费")
CUSTOMER = Mark(term="§role§customer")


@pytest.mark.parametrize(
    ("query", "means"),
    [
        ("ANGRY AND 退货", And(parts=(ANGRY, RETURN))),
        ("ANGRY 退货", And(parts=(ANGRY, RETURN))),
        ("[ANGRY]退货", And(parts=(ANGRY, RETURN))),
        ("[angry]", ANGRY),
        ("angry", Or(parts=(ANGRY, word("angry")))),
        ("customer", word("customer")),
        ('"angry"', word("angry")),
        ('"ANGRY"', ANGRY),
        ('"[ANGRY]" AND "退货"', And(parts=(ANGRY, RETURN))),
        ("“[ANGRY]” and “退货”", And(parts=(ANGRY, RETURN))),
        ("「【angry】」 AND 『退货』", And(parts=(ANGRY, RETURN))),
        ("【ANGRY】退货", And(parts=(ANGRY, RETURN))),
        ("［愤怒］，退货", And(parts=(ANGRY, RETURN))),
        ("[愤怒]", ANGRY),
        ("愤怒 退货", And(parts=(Or(parts=(ANGRY, word("愤怒"))), RETURN))),
        ('"愤怒"', word("愤怒")),
        ("沉默", Or(parts=(Mark(term="§silence"), word("沉默")))),
        ("[笑声]", Mark(term="§laughter")),
        ("[反讽]", Mark(term="§irony")),
        ("[客户] 退货", And(parts=(CUSTOMER, RETURN))),
        ("客户 退货", And(parts=(Or(parts=(CUSTOMER, word("客户"))), RETURN))),
        ("角色：客户", CUSTOMER),
        ("role: customer", CUSTOMER),
        ("客户：退货", And(parts=(CUSTOMER, RETURN))),
        (
            "客服:A017",
            Or(parts=(Fact(name="agent", value="A017"), And(parts=(Mark(term="§role§agent"), word("A017"))))),
        ),
        ("工号：A017", Fact(name="agent", value="A017")),
        ("风险:高", Fact(name="risk", value="high")),
        ("节点:放弃", Mark(term="§moment§churn§signal")),
        ("得分：＜70", Between(name="score", high=70)),
        ("他说：退货", word("他说 退货")),
        ("退货 and 运费", And(parts=(RETURN, FREIGHT))),
        ("退货 or 运费", Or(parts=(RETURN, FREIGHT))),
        ("退货 not 运费", And(parts=(RETURN, Not(part=FREIGHT)))),
        ("退货、运费", And(parts=(RETURN, FREIGHT))),
        ("退货 且 运费", And(parts=(RETURN, FREIGHT))),
        ("退货 和 运费", And(parts=(RETURN, FREIGHT))),
        ("退货 或者 运费", Or(parts=(RETURN, FREIGHT))),
        ("退货&运费", And(parts=(RETURN, FREIGHT))),
        ("退货 ＋ 运费", And(parts=(RETURN, FREIGHT))),
        ("退货||运费", Or(parts=(RETURN, FREIGHT))),
        ("退货 & NOT 运费", And(parts=(RETURN, Not(part=FREIGHT)))),
        ("[ANGRY]AND退货", And(parts=(ANGRY, RETURN))),
        ("退货OR运费", Or(parts=(RETURN, FREIGHT))),
        ("退货AND[ANGRY]", And(parts=(RETURN, ANGRY))),
        ("& 退货 +", RETURN),
        ("或", word("或")),
        ("退货 或", And(parts=(RETURN, word("或")))),
        ("AT&T", word("AT&T")),
        ("ORANGE", word("ORANGE")),
        ("[ANGER]", word("anger")),
        ("[退货]", RETURN),
        ("[ANGRY", ANGRY),
        ("退货 []", RETURN),
        ("退货 OR ANGRY AND 运费", Or(parts=(RETURN, And(parts=(ANGRY, FREIGHT))))),
        ("（退货 OR ANGRY） 运费", And(parts=(Or(parts=(RETURN, ANGRY)), FREIGHT))),
        ("ANGRY AND NOT 退货", And(parts=(ANGRY, Not(part=RETURN)))),
        ("NOT (NOT 退货)", Not(part=Not(part=RETURN))),
        ("“退货 流程”", word("退货 流程")),
        ("[未判定]", Mark(term="§not§judged")),
        ("agent:A017", Fact(name="agent", value="A017")),
        ("AGENT：A0*", Fact(name="agent", value="A0", prefix=True)),
        ('order:"a b"', Fact(name="order", value="a b")),
        ("role:Customer", Mark(term="§role§customer")),
        ("risk:high", Fact(name="risk", value="high")),
        ("moment:churn_signal", Mark(term="§moment§churn§signal")),
        ("score:<70", Between(name="score", high=70)),
        ("score:>=70", Between(name="score", low=70)),
        ("score:70", Between(name="score", low=70, high=71)),
        ("score:60..70", Between(name="score", low=60, high=71)),
    ],
)
def test_a_query_means_what_it_looks_like(query: str, means: object) -> None:
    assert parse(query, time_zone=ZONE) == means


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("date:2026-11-21", "2026-11-21", "2026-11-22"),
        ("date:2026-12", "2026-12-01", "2027-01-01"),
        ("date:>2026-11-21", "2026-11-22", None),
        ("date:<=2026-11-21", None, "2026-11-22"),
        ("date:2026-11-01..2026-11-15", "2026-11-01", "2026-11-16"),
        ("日期：2026年11月1日..2026/11/15", "2026-11-01", "2026-11-16"),
        ("date:2026-11-1", "2026-11-01", "2026-11-02"),
    ],
)
def test_days_are_those_of_the_time_zone(query: str, low: str | None, high: str | None) -> None:
    node = parse(query, time_zone=ZONE)
    bounds = [datetime.fromisoformat(f"{day}T00:00:00+08:00") if day else None for day in (low, high)]
    assert node == Between(name="date", low=bounds[0], high=bounds[1])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (" ", "the query is empty; expected for example: ANGRY AND 退货"),
        ("ANGRY AND", "query, character 10: the query ends after AND"),
        ("退货 AND AND 运费", "query, character 8: AND has nothing before it"),
        ("OR 退货", "query, character 1: OR has nothing before it"),
        ("退货 (运费", r"query, character 4: unclosed \("),
        ("退货)", r"query, character 3: unmatched \)"),
        ('退货 "运费', "query, character 4: unterminated quote"),
        ("退货 ！", "query, character 4: '！' holds no word"),
        ("agnet:A017", "character 1: no such field: agnet; .*did you mean agent:"),
        ("http://x", "to look for these words, put them in quotation marks"),
        ("agent:", "agent: has no value; expected for example agent:A017"),
        ("退货 or", "character 6: the query ends after or"),
        ("日期:昨天吧", "no such date: 昨天吧"),
        ("role:老板", "role: no such value: 老板"),
        ("role:boss", "role: no such value: boss; expected one of agent, customer, unknown"),
        ("score:good", "no such score: good"),
        ("date:2026-02-30", "no such date: 2026-02-30"),
        ("date:yesterday", "no such date: yesterday"),
        ("date:0001-01-01", "no such date: 0001-01-01"),
        ("date:0001-01", "no such date: 0001-01"),
        ("date:9999-12-31", "no such date: 9999-12-31"),
        ("(" * 60 + "a", "character 51: too many parts inside each other"),
    ],
)
def test_a_wrong_query_is_answered_with_the_place_and_what_was_expected(query: str, says: str) -> None:
    with pytest.raises(QueryError, match=says):
        parse(query, time_zone=ZONE)


@given(st.text(alphabet=st.sampled_from("ANDORT退货客服 ()\"“”「[]【:：*<>=.-1§'\\&|!@#a￥\x00é")))
def test_no_text_breaks_the_reader_of_queries(query: str) -> None:
    try:
        parse(query, time_zone=ZONE)
    except QueryError as error:
        assert "query" in str(error)


@pytest.mark.parametrize(
    ("text", "phrase", "spans"),
    [
        ("我要退货，运费谁出", "退货", ["退货"]),
        ("我要退货，运费谁出", "货运", []),
        ("我要退货，运费谁出", "退货 运费", ["退货，运费"]),
        ("退货退货", "退", ["退", "退"]),
        ("不退", "退", ["退"]),
        ("iPhone手机壳", "手机", ["手机"]),
        ("iPhone手机壳", "ＩＰＨＯＮＥ手机", ["iPhone手机"]),
        ("打12315投诉", "12315", ["12315"]),
        ("打12315投诉", "1231", []),
        ("shipping cost", "ship*", ["shipping"]),
        ("shipping cost", "ship", []),
        ("ﬁne", "fine", ["ﬁne"]),
        ("", "退", []),
        ("発送はいつですか", "いつ", ["いつ"]),
        ("배송이 늦어요", "배송", ["배송"]),
    ],
)
def test_words_are_found_where_they_stand(text: str, phrase: str, spans: list[str]) -> None:
    assert [text[start:end] for start, end in find_spans(text, [terms_of(phrase)])] == spans


@given(st.text(alphabet="退货运费ab1 ，", max_size=12), st.text(alphabet="退货运费", min_size=1, max_size=4))
def test_chinese_is_found_exactly_where_it_is_written(text: str, asked: str) -> None:
    assert bool(find_spans(text, [terms_of(asked)])) == (asked in text)


@given(st.text())
@pytest.mark.parametrize("added", ["", "ﬁne ㎏ ｶﾞ Straße 今天发货"])
def test_a_sentence_is_indexed_under_the_terms_that_hits_are_marked_by(added: str, text: str) -> None:
    line = Line(start_ms=0, end_ms=1, role=Role.AGENT, text=added + text)
    assert line.terms[: -len(line.marks)] == [term.text for term in terms_of_text(added + text)]


def test_sentences_carry_their_tags_the_silence_after_them_and_the_moments_in_them() -> None:
    def segment(start_ms: int, emotion: Emotion | None, *events: AudioEvent) -> Segment:
        return Segment(
            start_ms=start_ms, end_ms=start_ms + 900, role=Role.CUSTOMER, text="呵", emotion=emotion, events=events
        )

    report = CallReport(
        call_id="c",
        metrics=METRICS,
        segments=(
            segment(1_000, Emotion.ANGRY, AudioEvent.SPEECH),
            segment(5_000, None, AudioEvent.LAUGHTER),
            segment(6_000, Emotion.NEUTRAL),
        ),
        silences=(Silence(start_ms=0, end_ms=1_000), Silence(start_ms=1_900, end_ms=5_000)),
        moments=(
            Moment(at_ms=5_100, end_ms=5_900, kind=MomentKind.IRONY, role=Role.CUSTOMER, label="", quote="呵"),
            Moment(at_ms=99_000, end_ms=99_000, kind=MomentKind.EVENT, role=Role.CUSTOMER, label="", quote=""),
        ),
    )
    lines = lines_of(report)
    assert [line.tags for line in lines] == [("ANGRY", "SILENCE"), ("NOT_JUDGED", "LAUGHTER", "IRONY"), ("NEUTRAL",)]
    assert [line.moments for line in lines] == [(), ("irony",), ()]
    assert {tag for line in lines for tag in line.tags} <= TAGS
    assert lines_of(CallReport(call_id="c", metrics=METRICS, silences=(Silence(start_ms=0, end_ms=9),))) == ()


def test_the_parts_of_a_query_are_named_as_they_were_typed() -> None:
    terms = terms_in_query('"[SAD]" AND 退款 NOT (role: agent OR 退款) 退款', time_zone=ZONE)
    assert [(term.text, term.excluded) for term in terms] == [
        ('"[SAD]"', False),
        ("退款", False),
        ("role: agent", True),
        ("退款", True),
    ]


def test_every_tag_role_risk_moment_and_field_has_a_chinese_name() -> None:
    assert set(names.TAG_NAMES.values()) == TAGS
    assert set(names.FIELD_NAMES.values()) == set(FIELDS)
    for name, choices in (("role", Role), ("risk", Risk), ("moment", MomentKind)):
        assert set(names.VALUE_NAMES[name].values()) == set(choices)


def test_what_documents_call_a_tag_or_a_speaker_finds_it() -> None:
    for state, shown in wording.EMOTIONS.items():
        assert names.TAG_NAMES[shown] == state
    for event, shown in wording.EVENTS.items():
        assert event == "Speech" or names.TAG_NAMES[shown] == event.upper()
    for role, shown in wording.ROLES.items():
        assert names.ROLE_NAMES[shown] == role


def test_every_field_has_an_example_that_is_read() -> None:
    for name in FIELDS:
        with pytest.raises(QueryError, match=f"{name}: has no value; expected for example {name}:"):
            parse(f"{name}:", time_zone=ZONE)


@pytest.mark.parametrize("value", ["退货", "待 发货", 'a"b', "A-17", "x(y)", "AND"])
def test_a_field_that_a_page_writes_is_read_as_its_value(value: str) -> None:
    written = write_field("issue", value)
    assert parse(written, time_zone="Asia/Shanghai") == Fact(name="issue", value=value.replace('"', ""))


def test_an_emotion_that_heat_maps_do_not_count_is_refused_with_those_that_they_do() -> None:
    assert parse("情绪：愤怒", time_zone="Asia/Shanghai") == Fact(name="emotion", value="ANGRY")
    with pytest.raises(QueryError) as caught:
        parse("emotion:HAPPY", time_zone="Asia/Shanghai")
    assert "ANGRY" in str(caught.value)


PLACES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12), st.sampled_from(list(Role))), max_size=8)


@given(PLACES, st.integers(0, 45), st.sampled_from(list(Role)))
def test_a_silence_and_a_moment_belong_to_the_sentence_that_a_look_at_all_of_them_finds(
    places: list[tuple[int, int, Role]], at_ms: int, role: Role
) -> None:
    said = [Segment(start_ms=start, end_ms=start + length, role=who, text="呵") for start, length, who in places]
    moment = Moment(at_ms=at_ms, end_ms=at_ms, kind=MomentKind.EVENT, role=role, label="", quote="")
    silence = Silence(start_ms=at_ms, end_ms=at_ms + 1)
    report = CallReport(call_id="c", metrics=METRICS, segments=tuple(said), silences=(silence,), moments=(moment,))
    lines = lines_of(report)
    spoken = [index for index, sentence in enumerate(said) if sentence.start_ms <= at_ms <= sentence.end_ms]
    own = [index for index in spoken if said[index].role is role]
    assert [index for index, line in enumerate(lines) if line.moments] == (own or spoken)[:1]
    begun = [index for index, sentence in enumerate(said) if sentence.start_ms < at_ms]
    last = max((said[index].end_ms for index in begun), default=None)
    (marked,) = [index for index, line in enumerate(lines) if "SILENCE" in line.tags] if said else [None]
    assert marked is None or (said[marked].end_ms == last if begun else marked == 0)
