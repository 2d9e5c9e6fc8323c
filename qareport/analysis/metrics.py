"""Measures of a call: silences, hold music, gaps, holds, talk time, response delay, speed, loudness, sentiment."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence

from qareport.analysis.context import Scene, longest_monologue_ms, response_delays_ms, talk_and_overlap_ms
from qareport.analysis.emotion import measure_sentiment
from qareport.model import (
    STATE_NOT_JUDGED,
    Act,
    AudioEvent,
    CallMetrics,
    CurvePoint,
    Emotion,
    Gap,
    Hold,
    Interruption,
    Language,
    Role,
    RoleMetrics,
    Segment,
    Silence,
)
from qareport.text.wordlist import count_units


def find_silences(
    spoken: Sequence[Segment], *, silence_ms: int, duration_ms: int | None, music: Sequence[Gap] = ()
) -> tuple[Silence, ...]:
    """Find every pause longer than `silence_ms`; music is none, and what is left of a pause beside it is one.

    Args:
        spoken: the segments with words, ordered by start.
        silence_ms: a pause must be longer than this.
        duration_ms: length of the recording; None = unknown, then what lies before the first and after the last
            word is unknown too and gives no silence.
        music: where hold music plays, ordered by start.

    Returns:
        Silences in order of time. `after` is the role of the segment that ended last before the pause, `before` that of
        the segment that starts next; both are None at the edges of the call. `last_said` is what the first said.
    """
    silences = []
    last: Segment | None = None
    for segment in spoken:
        start_ms = last.end_ms if last else (0 if duration_ms is not None else segment.start_ms)
        for gap in _without(music, start_ms, segment.start_ms, silence_ms):
            silences.append(_pause(gap.start_ms, gap.end_ms, last, segment))
        if last is None or segment.end_ms >= last.end_ms:
            last = segment
    start_ms = last.end_ms if last else 0
    for gap in _without(music, start_ms, start_ms if duration_ms is None else duration_ms, silence_ms):
        silences.append(_pause(gap.start_ms, gap.end_ms, last, None))
    return tuple(silences)


def _without(music: Sequence[Gap], start_ms: int, end_ms: int, silence_ms: int) -> Iterator[Gap]:
    """Return the parts of a stretch that are longer than `silence_ms` and hold no music."""
    if end_ms - start_ms <= silence_ms:
        return
    for piece in music:
        if piece.end_ms <= start_ms or piece.start_ms >= end_ms:
            continue
        if piece.start_ms - start_ms > silence_ms:
            yield Gap(start_ms=start_ms, end_ms=piece.start_ms)
        start_ms = max(start_ms, piece.end_ms)
    if end_ms - start_ms > silence_ms:
        yield Gap(start_ms=start_ms, end_ms=end_ms)


def _pause(start_ms: int, end_ms: int, last: Segment | None, following: Segment | None) -> Silence:
    return Silence(
        start_ms=start_ms,
        end_ms=end_ms,
        after=last.role if last else None,
        before=following.role if following else None,
        last_said=last.text if last else "",
    )


#: Music continues over a break of this length: models mark it in pieces.
MUSIC_JOIN_MS = 1000
_MUSIC = frozenset({AudioEvent.BGM, AudioEvent.SING})
#: Words that take longer, or that do any of this, are more than an agreement to wait.
_AGREEMENT_MS = 3000
_WANTS_SOMETHING = (
    Act.ASK, Act.ASK_AGAIN, Act.REQUEST, Act.COMPLAIN, Act.REMIND_PROMISE, Act.THREATEN, Act.GIVE_UP, Act.SARCASM,
    Act.REFUSE,
)  # fmt: skip


def find_music(segments: Sequence[Segment]) -> tuple[Gap, ...]:
    """Find where music plays and nobody speaks: segments without words that carry BGM or Sing, near ones joined."""
    music: list[Gap] = []
    for segment in segments:
        if segment.text.strip() or not _MUSIC.intersection(segment.events):
            continue
        if music and segment.start_ms - music[-1].end_ms <= MUSIC_JOIN_MS:
            last = music.pop()
            music.append(Gap(start_ms=last.start_ms, end_ms=max(last.end_ms, segment.end_ms)))
        else:
            music.append(Gap(start_ms=segment.start_ms, end_ms=segment.end_ms))
    return tuple(music)


def find_gaps(spoken: Sequence[Segment], duration_ms: int | None) -> tuple[Gap, ...]:
    """Find every stretch in which nobody speaks, however short.

    What lies before the first word and after the last counts only when the length of the recording is known.
    """
    gaps: list[Gap] = []
    at_ms = 0 if duration_ms is not None or not spoken else spoken[0].start_ms
    for segment in spoken:
        if segment.start_ms > at_ms:
            gaps.append(Gap(start_ms=at_ms, end_ms=segment.start_ms))
        at_ms = max(at_ms, segment.end_ms)
    if duration_ms is not None and duration_ms > at_ms:
        gaps.append(Gap(start_ms=at_ms, end_ms=duration_ms))
    return tuple(gaps)


def find_holds(scene: Scene, music: Sequence[Gap]) -> tuple[Hold, ...]:
    """Find where the customer waits: music, or a silence of `hold_ms` that the agent announced (by act or by words).

    A customer who only agrees to wait does not end what was announced.
    """
    holds = [Hold(start_ms=gap.start_ms, end_ms=gap.end_ms, music=True) for gap in music]
    announced = {
        segment.end_ms
        for index, segment in enumerate(scene.spoken)
        if _announces_hold(scene, index) or _agrees_to_hold(scene, index)
    }
    holds += [
        Hold(start_ms=silence.start_ms, end_ms=silence.end_ms, music=False)
        for silence in scene.silences
        if silence.start_ms in announced and silence.duration_ms >= scene.settings.hold_ms
    ]
    return tuple(sorted(holds, key=lambda hold: hold.start_ms))


def _announces_hold(scene: Scene, index: int) -> bool:
    if scene.spoken[index].role is Role.CUSTOMER:
        return False
    return scene.does(index, Act.HOLD) or scene.topics.hold.match(scene.words[index]) is not None


def _agrees_to_hold(scene: Scene, index: int) -> bool:
    """Tell whether a customer's short words after an announced hold (好的，可以) want nothing."""
    first = scene.turn_start(index)
    if scene.spoken[index].role is not Role.CUSTOMER or first == 0 or scene.turn_does(index, *_WANTS_SOMETHING):
        return False
    agreed_ms = scene.spoken[index].end_ms - scene.spoken[first].start_ms
    return agreed_ms <= _AGREEMENT_MS and any(_announces_hold(scene, before) for before in scene.turn_before(first))


#: With less talk than this a speed of speech says nothing.
SPEED_NEEDS_MS = 3000
#: A trend needs this many judged segments of the customer, and this much change of valence on the scale -5 … +5.
TREND_NEEDS_SEGMENTS = 4
TREND_STEP = 1.0
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN = re.compile("[A-Za-z]")


def measure_call(
    scene: Scene,
    *,
    duration_ms: int | None,
    interruptions: Sequence[Interruption],
    curve: Sequence[CurvePoint],
    holds: Sequence[Hold] = (),
) -> CallMetrics:
    """Measure the conversation. Vocabulary: ConversationCharacteristics of Amazon Transcribe Call Analytics.

    - duration: of the recording; when unknown, to the end of the last word.
    - talk: time in which anyone speaks; non-talk: the rest; overlap: time in which two speakers do.
    - gaps: every stretch without talk, whatever its length, music or not: dead air, less the holds.
    - holds: as `find_holds` finds them.
    - silences: those longer than the configured threshold (count, sum, longest).
    - interruptions: how often each role began to speak over the other (counted for roles that speak), and for how
      long both then spoke. When and who: `Analysis.interruptions`.
    - response: end of a customer's turn to the start of the agent's next (first, median, longest).
    - trend: the customer's mean curve value in the last quarter of their talk against the first: a change of
      `TREND_STEP` or more is improving or worsening.
    - unknown emotion: share of the judged talk time whose tag is EMO_UNKNOWN; None when nothing was judged.
    """
    spoken, roles = scene.spoken, scene.roles
    talk_ms, overlap_ms = talk_and_overlap_ms(spoken)
    length_ms = max([duration_ms or 0, *(segment.end_ms for segment in spoken)])
    delays = response_delays_ms(scene.turns)
    gaps = [gap.duration_ms for gap in scene.silences]
    by_role = {role: measure_role(role, scene, curve) for role in roles}
    interrupted_ms = {
        role.value: [interruption.duration_ms for interruption in interruptions if interruption.by is role]
        for role in roles
        if role is not Role.UNKNOWN
    }
    return CallMetrics(
        duration_ms=length_ms,
        talk_ms=talk_ms,
        non_talk_ms=length_ms - talk_ms,
        overlap_ms=overlap_ms,
        silence_count=len(gaps),
        silence_ms=sum(gaps),
        longest_silence_ms=max(gaps, default=0),
        interruptions={name: len(lengths_ms) for name, lengths_ms in interrupted_ms.items()},
        interruption_ms={name: sum(lengths_ms) for name, lengths_ms in interrupted_ms.items()},
        first_response_ms=delays[0] if delays else None,
        median_response_ms=round(statistics.median(delays)) if delays else None,
        longest_response_ms=max(delays) if delays else None,
        trend=_trend(by_role.get(Role.CUSTOMER), curve),
        unknown_emotion_share=_unknown_share(spoken),
        roles={role.value: measures for role, measures in by_role.items()},
        gaps=find_gaps(spoken, duration_ms),
        holds=tuple(holds),
    )


def measure_role(role: Role, scene: Scene, curve: Sequence[CurvePoint]) -> RoleMetrics:
    """Measure one role.

    - talk: time in which the role speaks, overlapping segments counted once.
    - longest monologue: the longest stretch of a turn, first word to last, without a pause of more than `check_in_ms`
      (talk analytics: uninterrupted speech of one speaker; waiting for an answer is not a monologue).
    - speed: characters (CJK), digits and Latin words for each minute of the role's segments, apart from English ones,
      for which it is words a minute; None below 3 s of such talk.
    - loudness curve: level of each second, see `level_curve`.
    - sentiment: see `measure_sentiment`.
    - loudness: mean power over the segments that carry a level, weighted by length.
    - emotion shares: by segment time; NOT_JUDGED counts segments without an emotion.
    - sentiment: mean curve value of the segments whose middle lies in the first or last quarter of the role's talk
      (the first or last judged segment if none does).
    """
    spoken = scene.spoken
    segments = [spoken[index] for index in scene.roles[role]]
    talk_ms, _ = talk_and_overlap_ms(segments)
    english = [segment for segment in segments if _is_english(segment)]
    others = [segment for segment in segments if not _is_english(segment)]
    overall, quarters = measure_sentiment(segments, spoken[0].start_ms, max(segment.end_ms for segment in spoken))
    start, end = _quarters(segments, {point.at_ms: point.value for point in curve if point.role is role})
    return RoleMetrics(
        segments=len(segments),
        talk_ms=talk_ms,
        longest_monologue_ms=longest_monologue_ms(role, spoken, scene.turns, pause_ms=scene.settings.check_in_ms),
        characters_per_minute=_speed(others),
        words_per_minute=_speed(english),
        loudness_dbfs=_mean_level(segments),
        emotion_shares=_emotion_shares(segments),
        sentiment_start=start,
        sentiment_end=end,
        sentiment=overall,
        sentiment_quarters=quarters,
        loudness_curve=level_curve(segments),
    )


def _is_english(segment: Segment) -> bool:
    """Tell whether a segment's speed is counted in words: by its language, else by having Latin letters alone."""
    if segment.language is not None:
        return segment.language is Language.EN
    return _CJK.search(segment.text) is None and _LATIN.search(segment.text) is not None


def _speed(segments: Sequence[Segment]) -> float | None:
    total_ms = sum(segment.duration_ms for segment in segments)
    units = sum(count_units(segment.text) for segment in segments)
    return round(units * 60_000 / total_ms, 1) if total_ms >= SPEED_NEEDS_MS else None


def _mean_level(segments: Sequence[Segment]) -> float | None:
    levels = [(segment.duration_ms, segment.loudness_dbfs) for segment in segments if segment.loudness_dbfs is not None]
    length_ms = sum(length for length, _ in levels)
    power = sum(length * 10 ** (level / 10) for length, level in levels)
    return round(10 * math.log10(power / length_ms), 1) if length_ms and power > 0 else None


def level_curve(segments: Sequence[Segment]) -> tuple[float | None, ...]:
    """Return the level in dBFS of each second from 0 to the end of the last segment; empty when none has a level.

    Mean power of the segments in that second, weighted by their time in it; None where the role says nothing then.
    """
    powers: dict[int, float] = {}
    times: dict[int, int] = {}
    for segment in segments:
        if segment.loudness_dbfs is None:
            continue
        power = 10 ** (segment.loudness_dbfs / 10)
        for second in range(segment.start_ms // 1000, -(-segment.end_ms // 1000)):
            time_ms = min(segment.end_ms, (second + 1) * 1000) - max(segment.start_ms, second * 1000)
            powers[second] = powers.get(second, 0.0) + power * time_ms
            times[second] = times.get(second, 0) + time_ms
    return tuple(_level(powers.get(second, 0.0), times.get(second, 0)) for second in range(max(times, default=-1) + 1))


def _level(power: float, time_ms: int) -> float | None:
    return round(10 * math.log10(power / time_ms), 1) if time_ms and power > 0 else None


def _emotion_shares(segments: Sequence[Segment]) -> dict[str, float]:
    times: dict[str, int] = {}
    for segment in segments:
        tag = segment.emotion.value if segment.emotion else STATE_NOT_JUDGED
        times[tag] = times.get(tag, 0) + segment.duration_ms
    total_ms = sum(times.values())
    return {tag: round(time / total_ms, 4) for tag, time in times.items()} if total_ms else {}


def _unknown_share(segments: Sequence[Segment]) -> float | None:
    shares = _emotion_shares([segment for segment in segments if segment.emotion is not None])
    return shares.get(Emotion.EMO_UNKNOWN, 0.0) if shares else None


def _quarters(segments: Sequence[Segment], values: Mapping[int, float]) -> tuple[float | None, float | None]:
    total_ms = sum(segment.duration_ms for segment in segments)
    placed = []
    past_ms = 0
    for segment in segments:
        if segment.start_ms in values:
            placed.append((past_ms + segment.duration_ms / 2, values[segment.start_ms]))
        past_ms += segment.duration_ms
    if not placed:
        return None, None
    first = [value for at, value in placed if at <= total_ms / 4] or [placed[0][1]]
    last = [value for at, value in placed if at >= total_ms * 3 / 4] or [placed[-1][1]]
    return round(statistics.fmean(first), 2), round(statistics.fmean(last), 2)


def _trend(customer: RoleMetrics | None, curve: Sequence[CurvePoint]) -> str | None:
    judged = sum(1 for point in curve if point.role is Role.CUSTOMER)
    if customer is None or customer.sentiment_start is None or customer.sentiment_end is None:
        return None
    if judged < TREND_NEEDS_SEGMENTS:
        return None
    change = customer.sentiment_end - customer.sentiment_start
    if abs(change) < TREND_STEP:
        return "steady"
    return "improving" if change > 0 else "worsening"
