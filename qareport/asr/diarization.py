"""Diarization and role assignment: by channel first, then by voice, then by words; every guess is marked as a guess.

Two speakers on a single channel are told apart by their speaker embeddings (`speaker_embedding`), in two clusters; role
assignment then decides which of them is the agent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qareport.asr.interfaces import Embedding
from qareport.model import AudioEvent, Note, NoteCode, Role, RoleSource, Segment

#: Phrases of which a single match is enough: speakers in the other role hardly ever use them.
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
#: What only an agent says, near the start of a call; used to suspect swapped channels.
_GREETING = re.compile(
    r"请问有什么|很高兴为您服务|感谢您的来电|感谢致电|欢迎致电|工号|thank you for calling|how (may|can) i (help|assist)"
    r"|お電話ありがとうございます|무엇을 도와드릴까요|有咩(可以|嘢)幫到你",
    re.IGNORECASE,
)
_GREETING_WITHIN_MS = 30_000
_OTHER = {Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLayout:
    """Which channels are transcribed and who is on them."""

    #: Neighbouring channels of the recording to transcribe, counted from 0.
    channels: tuple[int, ...]
    #: The role on each of these channels; UNKNOWN where it was not given.
    roles: tuple[Role, ...]
    notes: tuple[Note, ...] = ()
    #: Roles are known, but only one of the channels has speech: both speakers may be on it all the same.
    alone: bool = False

    @property
    def mixed(self) -> bool:
        """Tell whether a single channel holds all speakers."""
        return len(self.channels) == 1 and self.roles[0] is Role.UNKNOWN


def determine_layout(
    channels: int, *, identical: bool, given: Sequence[Role], default: Sequence[Role], silent: Sequence[int] = ()
) -> ChannelLayout:
    """Determine which channels to transcribe and who is on them.

    Args:
        channels: how many the recording has.
        identical: they all carry the same sound; then the first is transcribed, as a mono recording.
        given: the call's own channel map; empty where it has none.
        default: the configured map, used for recordings of more than one channel.
        silent: channels on which nobody speaks. Where someone speaks on a single channel, both speakers may be on it:
            without a map it is transcribed as a mono recording, with one its words decide whether the map is believed
            (see `assign_roles`); a note says so in any case.
    """
    notes: list[Note] = []
    if identical:
        notes.append(Note(code=NoteCode.FAKE_STEREO, values={"channels": str(channels)}))
    transcribed = (0,) if identical else tuple(range(channels))
    channel_map = tuple(given) or (tuple(default) if channels > 1 else ())
    if any(role is not Role.UNKNOWN for role in channel_map) and len(channel_map) != len(transcribed):
        if given and not identical:
            values = {"roles": "|".join(channel_map), "channels": str(channels)}
            notes.append(Note(code=NoteCode.CHANNEL_MAP_DOES_NOT_FIT, values=values))
        channel_map = ()
    roles = channel_map if len(channel_map) == len(transcribed) else (Role.UNKNOWN,) * len(transcribed)
    sounding = [channel for channel in transcribed if channel not in silent]
    if len(transcribed) > 1 and len(sounding) == 1:
        values = {"channel": str(sounding[0] + 1), "channels": str(channels)}
        notes.append(Note(code=NoteCode.ONE_CHANNEL_SOUNDS, values=values))
        if set(roles) == {Role.UNKNOWN}:
            transcribed, roles = (sounding[0],), (Role.UNKNOWN,)
    alone = len(transcribed) > 1 and len(sounding) == 1
    return ChannelLayout(channels=transcribed, roles=roles, notes=tuple(notes), alone=alone)


def assign_roles(
    segments: Sequence[Segment], layout: ChannelLayout, embeddings: Sequence[Embedding | None] = ()
) -> tuple[tuple[Segment, ...], tuple[Note, ...]]:
    """Assign a role to every segment.

    A channel with a known role decides. Where a single channel holds both speakers and their embeddings are known, each
    segment belongs to one of two clusters, and the words of all segments of a cluster decide its role. Else words
    decide where they are clear: for each channel when there are several (of two, the other then has the other role),
    for each segment when a single channel holds both speakers. Where they are not clear, the role stays unknown.
    Where only one of several channels has speech and its words are clearly those of both speakers, its known role is
    not believed, and it counts as a single channel with both. A channel on which no word was recognised has no speech:
    what a detector took for it (tones, clicks) is left out, and what else was heard there is nobody's emotion.

    Args:
        segments: all segments of a call.
        layout: the channels and their roles.
        embeddings: the speaker embedding of each segment, where there is a speaker model.

    Returns:
        The segments in their order, without those that are no speech, and notes on how roles were found.
    """
    segments, wordless = _without_wordless(segments, layout)
    if wordless:
        layout = replace(layout, alone=True)
    if layout.alone:
        layout = _believed(layout, segments)
    by_channel = dict(zip(layout.channels, layout.roles, strict=True))
    if layout.mixed and (by_voice := _by_voice(segments, embeddings)):
        return by_voice, _voices_note(by_voice)
    if layout.mixed:
        guesses = [_guess([segment.text]) for segment in segments]
    else:
        of_channel = _complete({channel: _guess(_texts(segments, channel)) for channel in layout.channels})
        guesses = [of_channel[_channel(segment)] for segment in segments]
    assigned = tuple(
        replace(segment, role=known, role_source=RoleSource.CHANNEL)
        if (known := by_channel.get(_channel(segment), Role.UNKNOWN)) is not Role.UNKNOWN
        else replace(segment, role=guess, role_source=RoleSource.WORDS)
        for segment, guess in zip(segments, guesses, strict=True)
    )
    return assigned, (*wordless, *_words_note(assigned), *_swap_note(assigned))


def _without_wordless(segments: Sequence[Segment], layout: ChannelLayout) -> tuple[Sequence[Segment], tuple[Note, ...]]:
    """Take what is no speech from channels without words where one channel has all of them, and say so."""
    spoken = _spoken_on(segments)
    if layout.alone or len(spoken) != 1 or spoken == set(map(_channel, segments)):
        return segments, ()
    values = {"channel": str(next(iter(spoken)) + 1), "channels": str(len(layout.channels))}
    calm = [
        segment
        if _channel(segment) in spoken
        else replace(segment, emotion=None, emotion_scores=None, emotion_view=None)
        for segment in segments
        if _channel(segment) in spoken or set(segment.events) - {AudioEvent.SPEECH}  # else nothing was heard
    ]
    return calm, (Note(code=NoteCode.ONE_CHANNEL_SOUNDS, values=values),)


def _spoken_on(segments: Sequence[Segment]) -> set[int]:
    return {_channel(segment) for segment in segments if any(letter.isalnum() for letter in segment.text)}


def _believed(layout: ChannelLayout, segments: Sequence[Segment]) -> ChannelLayout:
    """Return the layout of a recording with speech on one channel alone, its roles taken away if words contradict."""
    used = sorted(_spoken_on(segments))
    roles = [role for channel, role in zip(layout.channels, layout.roles, strict=True) if channel in used]
    if len(used) != 1 or roles[0] is Role.UNKNOWN:
        return layout
    others = _OTHER[roles[0]] in {_guess([segment.text]) for segment in segments}
    if not others or _guess([segment.text for segment in segments]) is roles[0]:
        return layout
    return ChannelLayout(channels=(used[0],), roles=(Role.UNKNOWN,))


def cluster_speakers(embeddings: Sequence[Embedding]) -> list[int]:
    """Put embeddings into two clusters, 0 and 1: spherical k-means from the two least similar.

    Args:
        embeddings: float32 [values] of length 1 each, at least two.
    """
    rows = np.stack(embeddings)
    similarity = rows @ rows.T
    first, second = np.unravel_index(int(np.argmin(similarity)), similarity.shape)
    centres = rows[[first, second]]
    clusters = np.zeros(len(rows), np.int64)
    for _ in range(20):
        nearest = np.argmax(rows @ centres.T, axis=1)
        if (nearest == clusters).all() or len(set(nearest.tolist())) < 2:
            clusters = nearest
            break
        clusters = nearest
        sums = np.stack([rows[clusters == cluster].sum(axis=0) for cluster in (0, 1)])
        centres = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return [int(cluster) for cluster in clusters]


def _by_voice(segments: Sequence[Segment], embeddings: Sequence[Embedding | None]) -> tuple[Segment, ...]:
    """Assign roles by voice; empty where embeddings are missing or the words do not decide which voice is whose."""
    known = [embedding for embedding in embeddings if embedding is not None]
    if len(known) < 2 or len(known) != len(segments):
        return ()
    clusters = cluster_speakers(known)
    texts: dict[int, list[str]] = {0: [], 1: []}
    for segment, cluster in zip(segments, clusters, strict=True):
        texts[cluster].append(segment.text)
    of_cluster = _complete({cluster: _guess(texts[cluster]) for cluster in texts})
    if set(of_cluster.values()) != {Role.AGENT, Role.CUSTOMER}:
        return ()
    return tuple(
        replace(segment, role=of_cluster[cluster], role_source=RoleSource.VOICE)
        for segment, cluster in zip(segments, clusters, strict=True)
    )


def _complete(guesses: Mapping[int, Role]) -> dict[int, Role]:
    """Of two speakers, give an unknown one the role that the other does not have."""
    if len(guesses) != 2:
        return dict(guesses)
    first, second = guesses
    return {speaker: _OTHER.get(guesses[other], Role.UNKNOWN) if guesses[speaker] is Role.UNKNOWN else guesses[speaker]
            for speaker, other in ((first, second), (second, first))}  # fmt: skip


def _voices_note(segments: Sequence[Segment]) -> tuple[Note, ...]:
    return (Note(code=NoteCode.ROLES_FROM_VOICES, values={"segments": str(len(segments))}),)


def _words_note(segments: Sequence[Segment]) -> tuple[Note, ...]:
    from_words = [segment for segment in segments if segment.role_source is RoleSource.WORDS]
    if not from_words:
        return ()
    unknown = sum(segment.role is Role.UNKNOWN for segment in from_words)
    values = {"guessed": str(len(from_words) - unknown), "unknown": str(unknown), "segments": str(len(segments))}
    return (Note(code=NoteCode.ROLES_FROM_WORDS, values=values),)


def _swap_note(segments: Sequence[Segment]) -> tuple[Note, ...]:
    """Suspect swapped channels when only the customer's channel greets as agents do; nothing is changed."""
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
    return (Note(code=NoteCode.CHANNELS_MAYBE_SWAPPED, values={"at_ms": str(first.start_ms), "quote": first.text}),)


def _guess(texts: Sequence[str]) -> Role:
    """Guess a role from words: a role whose phrases occur, and at least three times as often as the other's."""
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
