"""Diarization: who speaks. The channel says so first, voices next, words last, and every guess is marked as one.

Two voices on one channel are told apart by their speaker embeddings (`speaker_embedding`), in two clusters; role
assignment then says which of them is the agent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qareport.model import Note, Role, RoleSource, Segment

#: Phrases of which one is enough: scarcely anyone in the other role says them.
_AGENT = re.compile(
    r"请问有什么(可以|能)帮|有什么(可以|能)帮(到|助)?(您|你)|很高兴为您服务|为您服务|工号|感谢您的来电|感谢致电|欢迎致电"
    r"|我(这边|这里)?(马上|立即|立刻)?(帮|给|为)您(查|核实|登记|反馈|处理|申请|看|催)|(帮|给|为)您(查|核实|登记|反馈|处理|申请|催)"
    r"|非常抱歉给您|抱歉给您|给您带来(了)?不便|请您稍等|请稍等|祝您生活愉快|(麻烦|方便)您?(提供|报)一下|请您?提供"
    r"|有咩(可以|嘢)幫到你|有咩可以帮到你|多谢你嘅来电|多謝你嘅來電"
    r"|thank you for calling|how (may|can) i (help|assist)|your order number"
    r"|let me (check|look) (that|into|it) (up )?for you"
    r"|お電話ありがとうございます|ご用件|担当いたします|무엇을 도와드릴까요|전화 주셔서 감사",
    re.IGNORECASE,
)
_CUSTOMER = re.compile(
    r"我(昨天|前天|今天|上周|刚刚|刚才)?(下的单|下单|买的|拍的|订的)|我的(订单|快递|包裹|货)|我(要|想)(投诉|退货|退款|换货|取消)"
    r"|我(还)?没(有)?收到|我收到的|你们(家|店|平台|客服|怎么|到底|是不是)|投诉你们|你们自己看|什么时候(能)?(发货|到货|退款)"
    r"|(给|帮)我(退|换|查|看|催|取消)|算了|我不要了|我买嘅|我要投訴|我要退貨"
    r"|i (ordered|bought|never received|haven't received)"
    r"|my (order|package|refund|account)|i('d| would) like (a|my) refund"
    r"|i want (a|my) refund|注文した|返品したい|환불해|주문했",
    re.IGNORECASE,
)
#: What only the one who takes the call says, near its start; used to suspect swapped channels.
_GREETING = re.compile(
    r"请问有什么|很高兴为您服务|感谢您的来电|感谢致电|欢迎致电|工号|thank you for calling|how (may|can) i (help|assist)"
    r"|お電話ありがとうございます|무엇을 도와드릴까요|有咩(可以|嘢)幫到你",
    re.IGNORECASE,
)
_GREETING_WITHIN_MS = 30_000
_OTHER = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT}

Voice = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which channels are heard and who is on them."""

    #: Neighbouring channels of the recording to transcribe, counted from 0.
    channels: tuple[int, ...]
    #: The role on each of these channels; UNKNOWN where nobody said.
    roles: tuple[Role, ...]
    notes: tuple[Note, ...] = ()

    @property
    def mixed(self) -> bool:
        """Tell whether one channel holds all speakers."""
        return len(self.channels) == 1 and self.roles[0] is Role.UNKNOWN


def lay_out(
    channels: int, *, identical: bool, given: Sequence[Role], default: Sequence[Role], silent: Sequence[int] = ()
) -> Layout:
    """Decide which channels to transcribe and whose they are.

    Args:
        channels: how many the recording has.
        identical: they all carry the same sound; then one of them is heard, as a mono recording.
        given: the call's own channel map; empty when nobody said.
        default: the configured map, used for recordings of more than one channel.
        silent: channels without any sound. Where one alone has sound, both speakers may be on it: without a map it is
            heard as a mono recording, and in any case that is said.
    """
    notes: list[Note] = []
    if identical:
        notes.append(Note(code="fake_stereo", values={"channels": str(channels)}))
    heard = (0,) if identical else tuple(range(channels))
    wanted = tuple(given) or (tuple(default) if channels > 1 else ())
    if wanted and any(role is not Role.UNKNOWN for role in wanted) and len(wanted) != len(heard):
        if given and not identical:
            values = {"roles": "|".join(wanted), "channels": str(channels)}
            notes.append(Note(code="channel_map_does_not_fit", values=values))
        wanted = ()
    roles = wanted if len(wanted) == len(heard) else (Role.UNKNOWN,) * len(heard)
    sounding = [channel for channel in heard if channel not in silent]
    if len(heard) > 1 and len(sounding) == 1:
        values = {"channel": str(sounding[0] + 1), "channels": str(channels)}
        notes.append(Note(code="one_channel_sounds", values=values))
        if set(roles) == {Role.UNKNOWN}:
            heard, roles = (sounding[0],), (Role.UNKNOWN,)
    return Layout(channels=heard, roles=roles, notes=tuple(notes))


def assign(
    segments: Sequence[Segment], layout: Layout, voices: Sequence[Voice | None] = ()
) -> tuple[tuple[Segment, ...], tuple[Note, ...]]:
    """Give every segment its role.

    A channel with a known role gives it. Where one channel holds both and their voices are known, each segment belongs
    to one of two voices, and the words of all its segments say which voice is whose. Else words decide where they are
    clear: for a whole channel when there are several (of two, the other one's is then the other role), for each segment
    alone when one channel holds both. Where they are not, the role stays unknown.

    Args:
        segments: what was heard.
        layout: the channels and their roles.
        voices: what the voice of each segment sounds like, where that was asked.

    Returns:
        The segments in their order, and what a reader must know about the roles.
    """
    by_channel = dict(zip(layout.channels, layout.roles, strict=True))
    if layout.mixed and (by_voice := _by_voice(segments, voices)):
        return by_voice, _voices_note(by_voice)
    if layout.mixed:
        guessed = [_guess([segment.text]) for segment in segments]
    else:
        whose = _complete({channel: _guess(_texts(segments, channel)) for channel in layout.channels})
        guessed = [whose[_channel(segment)] for segment in segments]
    assigned = tuple(
        replace(segment, role=known, role_source=RoleSource.CHANNEL)
        if (known := by_channel[_channel(segment)]) is not Role.UNKNOWN
        else replace(segment, role=guess, role_source=RoleSource.WORDS)
        for segment, guess in zip(segments, guessed, strict=True)
    )
    return assigned, (*_words_note(assigned), *_swap_note(assigned))


def two_voices(voices: Sequence[Voice]) -> list[int]:
    """Put voices into two groups, 0 and 1: spherical k-means from the two least alike.

    Args:
        voices: float32 [values] of length 1 each, at least two.
    """
    rows = np.stack(voices)
    alike = rows @ rows.T
    first, second = np.unravel_index(int(np.argmin(alike)), alike.shape)
    centres = rows[[first, second]]
    groups = np.zeros(len(rows), np.int64)
    for _ in range(20):
        now = np.argmax(rows @ centres.T, axis=1)
        if (now == groups).all() or len(set(now.tolist())) < 2:
            groups = now
            break
        groups = now
        sums = np.stack([rows[groups == group].sum(axis=0) for group in (0, 1)])
        centres = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return [int(group) for group in groups]


def _by_voice(segments: Sequence[Segment], voices: Sequence[Voice | None]) -> tuple[Segment, ...]:
    """Give roles by voice; nothing where voices are missing or the words do not say whose they are."""
    known = [voice for voice in voices if voice is not None]
    if len(known) < 2 or len(known) != len(segments):
        return ()
    groups = two_voices(known)
    roles = [
        _guess([segment.text for segment, of in zip(segments, groups, strict=True) if of == group]) for group in (0, 1)
    ]
    of_group = _complete(dict(enumerate(roles)))
    if set(of_group.values()) != {Role.AGENT, Role.CUSTOMER}:
        return ()
    return tuple(
        replace(segment, role=of_group[group], role_source=RoleSource.VOICE)
        for segment, group in zip(segments, groups, strict=True)
    )


def _complete(guessed: Mapping[int, Role]) -> dict[int, Role]:
    """Give one of two speakers the other role where only the other's words say who they are."""
    if len(guessed) != 2:
        return dict(guessed)
    (one, first), (other, second) = guessed.items()
    return {one: _OTHER.get(second, first) if first is Role.UNKNOWN else first,
            other: _OTHER.get(first, second) if second is Role.UNKNOWN else second}  # fmt: skip


def _voices_note(segments: Sequence[Segment]) -> tuple[Note, ...]:
    return (Note(code="roles_from_voices", values={"segments": str(len(segments))}),)


def _words_note(segments: Sequence[Segment]) -> tuple[Note, ...]:
    from_words = [segment for segment in segments if segment.role_source is RoleSource.WORDS]
    if not from_words:
        return ()
    unknown = sum(segment.role is Role.UNKNOWN for segment in from_words)
    values = {"guessed": str(len(from_words) - unknown), "unknown": str(unknown), "segments": str(len(segments))}
    return (Note(code="roles_from_words", values=values),)


def _swap_note(segments: Sequence[Segment]) -> tuple[Note, ...]:
    """Suspect swapped channels when only the customer's channel greets the way an agent does; nothing is changed."""
    greetings = [
        segment
        for segment in segments
        if segment.role_source is RoleSource.CHANNEL
        and segment.start_ms <= _GREETING_WITHIN_MS
        and _GREETING.search(segment.text)
    ]
    roles = {segment.role for segment in greetings}
    if roles != {Role.CUSTOMER}:
        return ()
    first = greetings[0]
    return (Note(code="channels_maybe_swapped", values={"at_ms": str(first.start_ms), "quote": first.text}),)


def _guess(texts: Sequence[str]) -> Role:
    """Guess a role from words: the one with phrases of its own when the other has at least three times fewer."""
    counts = Counter[Role]()
    for text in texts:
        counts[Role.AGENT] += len(_AGENT.findall(text))
        counts[Role.CUSTOMER] += len(_CUSTOMER.findall(text))
    agent, customer = counts[Role.AGENT], counts[Role.CUSTOMER]
    if agent > 0 and agent >= 3 * customer:
        return Role.AGENT
    if customer > 0 and customer >= 3 * agent:
        return Role.CUSTOMER
    return Role.UNKNOWN


def _texts(segments: Sequence[Segment], channel: int) -> list[str]:
    return [segment.text for segment in segments if segment.channel == channel]


def _channel(segment: Segment) -> int:
    return segment.channel or 0
