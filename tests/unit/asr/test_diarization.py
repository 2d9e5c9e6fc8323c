"""Who speaks: the channel first, words next, and every guess is marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qareport.asr.diarization import ChannelLayout, assign_roles, cluster_speakers, determine_layout
from qareport.model import AudioEvent, Role, RoleSource, Segment

A, C, U = Role.AGENT, Role.CUSTOMER, Role.UNKNOWN


def utterance(text: str, *, channel: int = 0, at: int = 0) -> Segment:
    return Segment(start_ms=at, end_ms=at + 1000, channel=channel, text=text)


def codes(layout: ChannelLayout, *segments: Segment) -> list[str]:
    return [note.code for note in assign_roles(segments, layout)[1]]


def roles(layout: ChannelLayout, *segments: Segment) -> list[Role]:
    return [segment.role for segment in assign_roles(segments, layout)[0]]


def test_the_calls_own_map_comes_before_the_configured_one() -> None:
    assert determine_layout(2, identical=False, given=(C, A), default=(A, C)).roles == (C, A)
    assert determine_layout(2, identical=False, given=(), default=(A, C)).roles == (A, C)
    assert determine_layout(2, identical=False, given=(), default=()).roles == (U, U)


def test_fake_stereo_is_heard_once_and_said_to_be_so() -> None:
    layout = determine_layout(2, identical=True, given=(A, C), default=())
    assert layout.channels == (0,)
    assert layout.mixed
    assert [(note.code, note.values) for note in layout.notes] == [("fake_stereo", {"channels": "2"})]


def test_where_one_channel_alone_sounds_both_speakers_may_be_on_it() -> None:
    unmapped = determine_layout(2, identical=False, given=(), default=(), silent=(0,))
    assert (unmapped.channels, unmapped.mixed) == ((1,), True)
    mapped = determine_layout(2, identical=False, given=(), default=(A, C), silent=(0,))
    assert (mapped.channels, mapped.roles) == ((0, 1), (A, C))
    for layout in (unmapped, mapped):
        values = {"channel": "2", "channels": "2"}
        assert [(note.code, note.values) for note in layout.notes] == [("one_channel_sounds", values)]


def test_a_map_is_not_believed_where_one_channel_alone_holds_the_words_of_both() -> None:
    layout = determine_layout(2, identical=False, given=(A, C), default=(), silent=(1,))
    both = [utterance("请问有什么可以帮您"), utterance("我要投诉"), utterance("我的订单还没到"), utterance("嗯")]
    segments, notes = assign_roles(both, layout)
    assert [segment.role for segment in segments] == [A, C, C, U]
    assert {segment.role_source for segment in segments} == {RoleSource.WORDS}
    assert [note.code for note in notes] == ["roles_from_words"]


def test_a_channel_on_which_tones_were_taken_for_speech_is_silent_and_nobodys_emotion() -> None:
    tone = replace(utterance("。", channel=1), emotion="HAPPY", events=(AudioEvent.SPEECH,))
    cough = replace(tone, text="", events=(AudioEvent.COUGH,))
    words = [utterance("请问有什么可以帮您"), utterance("我要投诉"), utterance("我的订单还没到")]
    layout = determine_layout(2, identical=False, given=(A, C), default=())
    segments, notes = assign_roles([*words, tone, cough], layout)
    assert [segment.role for segment in segments] == [A, C, C, U]
    assert segments[-1].emotion is None
    assert [note.code for note in notes] == ["one_channel_sounds", "roles_from_words"]


def test_a_map_is_believed_where_one_side_alone_says_nothing() -> None:
    layout = determine_layout(2, identical=False, given=(A, C), default=(), silent=(1,))
    segments, _ = assign_roles([utterance("请问有什么可以帮您"), utterance("喂，听得到吗")], layout)
    assert [(segment.role, segment.role_source) for segment in segments] == [(A, RoleSource.CHANNEL)] * 2


@pytest.mark.parametrize(("channels", "silent"), [(1, ()), (1, (0,)), (2, ()), (3, (0,))])
def test_other_silent_channels_say_nothing(channels: int, silent: tuple[int, ...]) -> None:
    layout = determine_layout(channels, identical=False, given=(), default=(), silent=silent)
    assert (layout.channels, layout.notes) == (tuple(range(channels)), ())


def test_the_configured_stereo_map_is_not_used_for_mono() -> None:
    layout = determine_layout(1, identical=False, given=(), default=(A, C))
    assert layout.mixed
    assert layout.notes == ()


def test_a_given_map_that_does_not_fit_is_noted_and_not_used() -> None:
    layout = determine_layout(1, identical=False, given=(A, C), default=())
    assert layout.mixed
    assert [note.code for note in layout.notes] == ["channel_map_does_not_fit"]


def test_mixed_channels_are_no_misfit() -> None:
    layout = determine_layout(2, identical=False, given=(U,), default=(A, C))
    assert layout.roles == (U, U)
    assert layout.notes == ()


def test_a_channel_gives_its_role_whatever_is_said() -> None:
    layout = determine_layout(2, identical=False, given=(A, C), default=())
    segments, notes = assign_roles([utterance("我要投诉", channel=0), utterance("请稍等", channel=1)], layout)
    assert [(segment.role, segment.role_source) for segment in segments] == [
        (A, RoleSource.CHANNEL),
        (C, RoleSource.CHANNEL),
    ]
    assert notes == ()


MIXED = determine_layout(1, identical=False, given=(), default=())


@pytest.mark.parametrize(
    "text",
    ["您好，请问有什么可以帮您？", "我帮您查一下物流", "感谢您的来电，再见", "非常抱歉给您带来不便", "工号8012为您服务",
     "Thank you for calling Auto Repairs", "How may I help you today?"],
)  # fmt: skip
def test_phrases_of_agents_are_known(text: str) -> None:
    assert roles(MIXED, utterance(text)) == [A]


@pytest.mark.parametrize(
    "text",
    [
        "我昨天下的单今天还没发货",
        "我要投诉你们",
        "算了，不买了",
        "我还没收到货",
        "你们到底什么时候发货",
        "My order never arrived",
    ],
)
def test_phrases_of_customers_are_known(text: str) -> None:
    assert roles(MIXED, utterance(text)) == [C]


@pytest.mark.parametrize("text", ["", "嗯", "好的", "是的，谢谢", "您好"])
def test_words_that_anyone_says_leave_the_role_unknown(text: str) -> None:
    segments, notes = assign_roles([utterance(text)], MIXED)
    assert (segments[0].role, segments[0].role_source) == (U, RoleSource.WORDS)
    assert notes[0].values == {"guessed": "0", "unknown": "1", "segments": "1"}


def test_one_channel_is_judged_segment_by_segment_and_noted() -> None:
    utterances = utterance("您好，请问有什么可以帮您"), utterance("我昨天下的单", at=2000), utterance("好的", at=4000)
    assert roles(MIXED, *utterances) == [A, C, U]
    assert codes(MIXED, *utterances) == ["roles_from_words"]


def test_without_a_map_words_decide_for_a_whole_channel() -> None:
    layout = determine_layout(2, identical=False, given=(), default=())
    utterances = (
        utterance("我昨天下的单", channel=0),
        utterance("为您服务", channel=1),
        utterance("嗯", channel=0, at=3000),
    )
    assert roles(layout, *utterances) == [C, A, C]
    assert codes(layout, *utterances) == ["roles_from_words"]


def test_of_two_channels_the_one_that_says_nothing_telling_is_the_others() -> None:
    layout = determine_layout(2, identical=False, given=(), default=())
    utterances = utterance("好的", channel=0), utterance("请问有什么可以帮您", channel=1)
    assert roles(layout, *utterances) == [C, A]
    assert {segment.role_source for segment in assign_roles(utterances, layout)[0]} == {RoleSource.WORDS}
    assert roles(layout, utterance("好的", channel=0), utterance("嗯", channel=1)) == [U, U]
    three = determine_layout(3, identical=False, given=(), default=())
    assert roles(three, *utterances) == [U, A]


def test_a_greeting_on_the_customers_channel_raises_a_doubt_and_changes_nothing() -> None:
    layout = determine_layout(2, identical=False, given=(A, C), default=())
    utterances = utterance("你们怎么还没发货", channel=0, at=4000), utterance("您好，请问有什么可以帮您", channel=1)
    assert codes(layout, *utterances) == ["channels_maybe_swapped"]
    assert roles(layout, *utterances) == [A, C]


def test_a_greeting_on_both_channels_or_late_raises_no_doubt() -> None:
    layout = determine_layout(2, identical=False, given=(A, C), default=())
    assert codes(layout, utterance("感谢致电", channel=0), utterance("您好，请问有什么可以帮您", channel=1)) == []
    assert codes(layout, utterance("请问有什么优惠", channel=1, at=90_000)) == []


def test_a_call_without_speech_has_no_notes_on_roles() -> None:
    assert assign_roles([], MIXED) == ((), ())


def embeddings(*names: str) -> list[np.ndarray]:
    """Make speaker embeddings near either of two directions, by name."""
    generator = np.random.default_rng(3)
    centres = {"a": np.array([1.0, 0, 0]), "b": np.array([0.2, 1.0, 0])}
    rows = [centres[name] + 0.1 * generator.standard_normal(3) for name in names]
    return [(row / np.linalg.norm(row)).astype(np.float32) for row in rows]


TALK = (
    utterance("您好，请问有什么可以帮您"),
    utterance("我昨天下的单", at=2000),
    utterance("好的", at=4000),
    utterance("嗯", at=6000),
)


def test_two_voices_are_told_apart_and_words_say_whose_they_are() -> None:
    segments, notes = assign_roles(TALK, MIXED, embeddings("a", "b", "a", "b"))
    assert [(segment.role, segment.role_source) for segment in segments] == [
        (A, RoleSource.VOICE), (C, RoleSource.VOICE), (A, RoleSource.VOICE), (C, RoleSource.VOICE),
    ]  # fmt: skip
    assert [note.code for note in notes] == ["roles_from_voices"]


def test_the_voice_that_says_nothing_telling_is_the_other_ones() -> None:
    segments, _ = assign_roles([TALK[0], TALK[2]], MIXED, embeddings("b", "a"))
    assert [segment.role for segment in segments] == [A, C]


def test_where_words_do_not_say_whose_a_voice_is_each_segment_is_judged_alone() -> None:
    segments, notes = assign_roles(TALK[2:], MIXED, embeddings("a", "b"))
    assert [(segment.role, segment.role_source) for segment in segments] == [(U, RoleSource.WORDS)] * 2
    assert [note.code for note in notes] == ["roles_from_words"]


def test_a_known_channel_comes_before_the_voice() -> None:
    layout = determine_layout(1, identical=False, given=(C,), default=())
    segments, _ = assign_roles(TALK, layout, embeddings("a", "b", "a", "b"))
    assert {(segment.role, segment.role_source) for segment in segments} == {(C, RoleSource.CHANNEL)}


def test_segments_without_a_voice_leave_the_words() -> None:
    segments, _ = assign_roles(TALK, MIXED, [*embeddings("a", "b", "a"), None])
    assert {segment.role_source for segment in segments} == {RoleSource.WORDS}


@pytest.mark.parametrize("names", ["ab", "aab", "abababbb", "bbbba"])
def test_voices_are_grouped_by_likeness(names: str) -> None:
    groups = cluster_speakers(embeddings(*names))
    assert {group for group, name in zip(groups, names, strict=True) if name == "a"} == {groups[names.index("a")]}
    assert {group for group, name in zip(groups, names, strict=True) if name == "b"} == {groups[names.index("b")]}
    assert len(set(groups)) == 2
