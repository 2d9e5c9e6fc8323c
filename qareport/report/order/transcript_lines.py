"""Lay out the transcript of a call as lines to print, and prepare its recording for playback on the page."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qareport.errors import AudioError
from qareport.files import is_file
from qareport.model import (
    STATE_NOT_JUDGED,
    STATE_SILENCE,
    AudioEvent,
    AudioInfo,
    CallReport,
    Emotion,
    Evidence,
    Hold,
    Moment,
    OrderReport,
    Role,
    Segment,
    Silence,
    Span,
    TrajectoryState,
)
from qareport.presentation import wording
from qareport.presentation.locale import _
from qareport.presentation.view_types import Phrase, TextRun, clean
from qareport.report.order.view_types import NodeMark, TranscriptLine
from qareport.search import lines_of
from qareport.settings import ReportSettings

#: Around words whose time is known by their tokens: recognition is no more exact than this.
_MARGIN_MS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What a page can play of one call: a data: address, or why there is nothing to play."""

    #: The sound as a data: address; empty when there is none.
    source: str = ""
    #: Why there is none; else empty.
    note: str = ""


def make_sounds(report: OrderReport, settings: ReportSettings) -> dict[str, Sound]:
    """Make the sounds of an order's calls by call id (cleaned, as views have it); none unless the settings ask for it.

    Calls follow each other until `report.audio_minutes` are full; a call that has no room says so.
    """
    if not settings.audio:
        return {}
    left_ms = settings.audio_minutes * 60_000
    sounds = {}
    for call in report.calls:
        sounds[clean(call.call_id)], used_ms = _sound(call, left_ms, settings)
        left_ms -= used_ms
    return sounds


def _sound(call: CallReport, left_ms: int, settings: ReportSettings) -> tuple[Sound, int]:
    if call.audio is None or not is_file(call.audio.path):
        return Sound(note=_("录音不在原来的地方，本页没有这通电话的声音。")), 0
    if call.audio.duration_ms > left_ms:
        return Sound(note=_too_long(call.audio, settings)), 0
    from qareport.audio.playback import MEDIA_TYPE, make_playable  # it imports what decodes recordings

    try:
        content, used_ms = make_playable(
            Path(call.audio.path),
            sha256=call.audio.sha256,
            covered_ms=tuple(covered_ms(call)),
            max_duration_ms=left_ms,
        )
    except AudioError:
        return Sound(note=_("录音和分析时的不一样，或者读不出来，本页没有这通电话的声音。")), 0
    return Sound(source=f"data:{MEDIA_TYPE};base64,{base64.b64encode(content).decode()}"), used_ms


def _too_long(audio: AudioInfo, settings: ReportSettings) -> str:
    text = _("录音长{length}，超出一页最多{minutes}分钟录音的限制（report.audio_minutes），本页没有这通电话的声音。")
    return text.format(length=wording.duration(audio.duration_ms), minutes=settings.audio_minutes)


def covered_ms(call: CallReport) -> Iterator[tuple[int, int]]:
    """Yield what must not be heard: masked words with known times and a margin, else their complete sentences."""
    for span in call.masked:
        if span.exact:
            yield span.start_ms - _MARGIN_MS, span.end_ms + _MARGIN_MS
            continue
        for segment in call.segments:
            if segment.start_ms < span.end_ms and span.start_ms < segment.end_ms:
                yield segment.start_ms, segment.end_ms
        yield span.start_ms, span.end_ms


#: Segments of one speaker that follow each other are printed as one turn up to this length: a time is never far away.
_TURN_MS = 20_000
#: A trajectory longer than this keeps so many states at each of its ends.
_TRAJECTORY_STATES, _TRAJECTORY_ENDS = 16, 6


#: Who is silent after a role has spoken.
_OTHER_SIDE: Mapping[Role | None, Role] = {Role.CUSTOMER: Role.AGENT, Role.AGENT: Role.CUSTOMER}
#: A hold covers a silence if it takes more than this share of it.
_COVERS = 0.5


class Speakers:
    """Names speakers and who kept silent, and knows for which moments a name is only a guess."""

    def __init__(self, segments: Sequence[Segment], silences: Sequence[Silence] = ()) -> None:
        self._segments, self._silences = segments, silences
        known = [segment for segment in segments if segment.role is not Role.UNKNOWN]
        self._all_guessed = bool(known) and all(is_guess(segment) for segment in known)
        #: What is asked for again and again; an hour has a thousand segments.
        self._guessed: dict[tuple[Role, int], bool] = {}

    def name(self, role: Role, at_ms: int | None = None) -> str:
        """Name the role; marked as a guess if what it says at that time (or everywhere) was given to it by a guess."""
        if at_ms is None or self._all_guessed:
            return wording.role(role, guessed=self._all_guessed)
        if (role, at_ms) not in self._guessed:
            near = [s for s in self._segments if s.role is role and s.start_ms <= at_ms <= s.end_ms]
            self._guessed[role, at_ms] = bool(near) and all(is_guess(segment) for segment in near)
        return wording.role(role, guessed=self._guessed[role, at_ms])

    def pause_after(self, moment: Moment) -> Silence | None:
        """Return the silence with which a moment ends."""
        within = [s for s in self._silences if moment.at_ms <= s.start_ms <= moment.end_ms]
        return next((s for s in within if s.end_ms == moment.end_ms), within[-1] if within else None)

    def kept_silent(self, pause: Silence | Evidence) -> str:
        """Say who said nothing for how long: the other side of who spoke last, where that is known."""
        silence: Silence | None = pause if isinstance(pause, Silence) else None
        if isinstance(pause, Evidence):
            met = (s for s in self._silences if s.start_ms < pause.end_ms and pause.at_ms < s.end_ms)
            silence = next(met, None)
        span = wording.duration((silence or pause).duration_ms)
        role = _OTHER_SIDE.get(silence.after) if silence is not None else None
        if role is None:
            return _("沉默{length}").format(length=span)
        template = _("{who}{span}没有接话") if role is Role.AGENT else _("{who}沉默{span}")
        return template.format(who=self.name(role), span=span)

    def certainty(self) -> str:
        """Say how the speakers were distinguished, with shares of the sentences when there was more than one way."""
        ways: Counter[str] = Counter()
        for segment in self._segments:
            way = wording.ROLE_SOURCES[segment.role_source] if segment.role is not Role.UNKNOWN else _("未能判定")
            ways[way] += 1
        if len(ways) <= 1:
            return next(iter(ways), _("没有语音"))
        total = sum(ways.values()) or 1
        return wording.clauses(f"{way} {wording.share(count / total)}" for way, count in ways.most_common())


def is_guess(segment: Segment) -> bool:
    """Tell whether the segment's role is a guess."""
    return segment.role is not Role.UNKNOWN and segment.role_source not in wording.SURE_SOURCES


def tag_run(state: str) -> TextRun:
    """Make the mark of an emotion, a state or an event."""
    return TextRun(text=wording.tag(state), style=wording.tag_style(state))


def trajectory(states: Sequence[TrajectoryState]) -> Phrase:
    """Write the customer's trajectory [A] → [B]; states that repeat are one, a very long one is cut in its middle."""
    shown = [state for state in states if state.role is Role.CUSTOMER] or list(states)
    names: list[str] = []
    # Calm between two states says little; it is left out unless there is nothing else.
    for state in [state for state in shown if state.state != Emotion.NEUTRAL] or shown:
        if not names or names[-1] != state.state:
            names.append(state.state)
    if not names:
        return Phrase(runs=(TextRun(text=_("没有可用的情绪判定"), style="muted"),))
    half = _TRAJECTORY_ENDS
    runs: list[TextRun] = []
    for index, name in enumerate(names):
        if len(names) > _TRAJECTORY_STATES and half <= index < len(names) - half:
            if index == half:
                runs.append(TextRun(text=_(" → …（中间 {count} 次变化）…").format(count=len(names) - 2 * half)))
            continue
        if index:
            runs.append(TextRun(text=" → "))
        runs.append(tag_run(name))
    return Phrase(runs=tuple(runs))


def silences_and_waits(call: CallReport) -> tuple[list[Silence], list[Hold]]:
    """Tell pauses in which nothing is heard from waits with music: a silence in such a wait is no silence."""
    waits = [hold for hold in call.metrics.holds if hold.music]
    return [silence for silence in call.silences if not any(_covers(wait, silence) for wait in waits)], waits


def _covers(wait: Hold, silence: Silence) -> bool:
    shared_ms = min(wait.end_ms, silence.end_ms) - max(wait.start_ms, silence.start_ms)
    return shared_ms > _COVERS * silence.duration_ms


def transcript(
    call: CallReport, chapter: str, nodes: Sequence[tuple[int, NodeMark]] = ()
) -> tuple[TranscriptLine, ...]:
    """Lay the call out as turns and the pauses between them, in order of time.

    Args:
        call: the call.
        chapter: what anchors begin with.
        nodes: the key moments that the page shows, with their times in ms.
    """
    silences, waits = silences_and_waits(call)
    marks = {id(segment): " ".join(line.marks) for segment, line in zip(call.segments, lines_of(call), strict=True)}
    entries: list[Segment | Silence | Hold] = sorted(
        (*call.segments, *silences, *waits), key=lambda entry: (entry.start_ms, not isinstance(entry, Segment))
    )
    lines: list[tuple[Span, TranscriptLine]] = []
    turn: list[Segment] = []
    unmarked = unmarked_state(call)

    def close() -> None:
        if turn:
            span = Span(start_ms=turn[0].start_ms, end_ms=turn[-1].end_ms)
            lines.append((span, _turn(turn, f"{chapter}-l{len(lines)}", unmarked, marks)))
            turn.clear()

    for entry in entries:
        if not isinstance(entry, Segment):
            close()
            anchor = f"{chapter}-l{len(lines)}"
            lines.append((entry, _silence(entry, anchor) if isinstance(entry, Silence) else _wait(entry, anchor)))
            continue
        if turn and not _continues(turn[0], entry):
            close()
        turn.append(entry)
    close()
    return _with_nodes(lines, nodes)


def _with_nodes(
    lines: Sequence[tuple[Span, TranscriptLine]], nodes: Sequence[tuple[int, NodeMark]]
) -> tuple[TranscriptLine, ...]:
    """Put each key moment beside the line in which it begins: the last one that began by then."""
    marks: dict[int, list[NodeMark]] = {}
    for at_ms, mark in nodes:
        begun = [place for place, (span, _line) in enumerate(lines) if span.start_ms <= at_ms]
        if begun and mark not in marks.setdefault(begun[-1], []):
            marks[begun[-1]].append(mark)
    return tuple(
        replace(line, nodes=tuple(marks[place])) if place in marks else line
        for place, (_span, line) in enumerate(lines)
    )


def _continues(first: Segment, segment: Segment) -> bool:
    same = (first.role, first.role_source, first.channel) == (segment.role, segment.role_source, segment.channel)
    return same and segment.end_ms - first.start_ms <= _TURN_MS


def _turn(segments: Sequence[Segment], anchor: str, unmarked: str, marks: Mapping[int, str]) -> TranscriptLine:
    first = segments[0]
    runs: list[TextRun] = []
    for segment in segments:
        runs.append(TextRun(text=segment.text, at_ms=segment.start_ms, marks=marks[id(segment)]))
        runs += [tag_run(state) for state in _marked(segment, unmarked)]
    return TranscriptLine(
        kind="turn",
        side=first.role.value,
        time=wording.clock(first.start_ms),
        who=wording.role(first.role, guessed=is_guess(first)),
        text=Phrase(runs=tuple(runs)),
        anchor=anchor,
        at_ms=first.start_ms,
    )


def _silence(silence: Silence, anchor: str) -> TranscriptLine:
    between = [wording.ROLES[role] for role in (silence.after, silence.before) if role is not None]
    remark = _("{before}说完，{after}开口之前").format(before=between[0], after=between[1]) if len(between) == 2 else ""
    return _pause(silence, wording.capital(_("沉默")), STATE_SILENCE, remark, anchor)


def _wait(hold: Hold, anchor: str) -> TranscriptLine:
    return _pause(hold, wording.capital(_("等待音乐")), AudioEvent.BGM, "", anchor)


def _pause(span: Span, who: str, state: str, remark: str, anchor: str) -> TranscriptLine:
    text = " " + wording.beside(wording.duration(span.end_ms - span.start_ms), remark)
    return TranscriptLine(
        kind="silence",
        side="silence",
        time=wording.clock(span.start_ms),
        who=who,
        text=Phrase(runs=(tag_run(state), TextRun(text=text, style="muted"))),
        anchor=anchor,
        at_ms=span.start_ms,
    )


def _states(segment: Segment) -> list[str]:
    emotion = segment.emotion.value if segment.emotion is not None else STATE_NOT_JUDGED
    return [emotion, *(event.value for event in segment.events if event is not AudioEvent.SPEECH)]


def _marked(segment: Segment, unmarked: str) -> list[str]:
    """Return the states of a segment that are printed: what nearly every sentence would carry is not."""
    return [state for state in _states(segment) if state != unmarked]


def unmarked_state(call: CallReport) -> str:
    """Return the state that sentences without a mark have: neutral, or not judged where no sentence was."""
    judged = any(segment.emotion is not None for segment in call.segments)
    return Emotion.NEUTRAL if judged else STATE_NOT_JUDGED


def legend(call: CallReport) -> Phrase:
    """Explain the marks that occur in this call's transcript, in a fixed order, and what no mark means."""
    seen = {state for segment in call.segments for state in _states(segment)}
    silences, waits = silences_and_waits(call)
    seen |= {STATE_SILENCE} if silences else set()
    seen |= {AudioEvent.BGM.value} if waits else set()
    order: Iterable[str] = (STATE_SILENCE, *Emotion, STATE_NOT_JUDGED, *AudioEvent)
    runs: list[TextRun] = []
    unmarked = unmarked_state(call)
    for state in order:
        if str(state) in seen and state != unmarked:
            runs += [tag_run(str(state)), TextRun(text=f" {wording.tag_name(str(state))}　")]
    if unmarked in seen:
        runs.append(TextRun(text=_("没有标记：{state}").format(state=wording.tag_name(unmarked))))
    return Phrase(runs=tuple(runs))
