"""What is understood of one call that is on: its sentences so far, signals in them, and findings of live rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from qareport import analysis
from qareport.model import AudioInfo, LiveLine, ModelInfo, Role, Segment, Signal, Transcript
from qareport.rules.live import LiveFinding, LiveJudge
from qareport.workflows.judge import RuleBook
from qareport.workflows.live import signals
from qareport.workflows.live.signals import Noticed
from qareport.workflows.live.wording import masked_lines, masked_partial

#: In milliseconds of the call: without a new sentence it is judged again so often, for rules about silences.
_LOOK_MS: Final = 4000
#: In milliseconds: signals of one kind this near to each other are the same.
_SAME_MS: Final = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What is new."""

    lines: tuple[LiveLine, ...] = ()
    signals: tuple[Noticed, ...] = ()
    findings: tuple[LiveFinding, ...] = ()
    #: Where the first window ended that was waited for; None: none was.
    due_ms: int | None = None


class CallUnderstanding:
    """Follows one call. `rule_book.reader` must be quick: it reads the whole call after each sentence."""

    def __init__(
        self, rule_book: RuleBook, *, call_id: str, agent_id: str | None, started_at: datetime, model: ModelInfo
    ) -> None:
        self._book = rule_book
        self._settings = rule_book.settings
        self._judge = LiveJudge(rule_book.ruleset, time_zone=rule_book.time_zone)
        self._transcript = Transcript(call_id=call_id, agent_id=agent_id, started_at=started_at, model=model)
        self._finals: list[Segment] = []
        self._spoken: Sequence[Segment] = ()
        self._is_outside = False
        self._noticed: dict[Signal, int] = {}
        self._looked_ms = 0
        #: All findings of the live rules, with where each can be cleared until.
        self.lines: list[LiveLine] = []

    @property
    def findings(self) -> tuple[LiveFinding, ...]:
        """All findings of live rules so far."""
        return self._judge.findings

    def add(self, finals: Sequence[Segment], *, heard_ms: int) -> Understood:
        """Take sentences that are final.

        Args:
            finals: with their roles.
            heard_ms: everything that began before has been heard.
        """
        spoken = [segment for segment in finals if segment.text.strip()]
        lines = masked_lines(self._finals, spoken, self._settings.privacy)[1]
        self._finals += spoken
        self.lines += lines
        first_ms = min((segment.end_ms for segment in spoken), default=0) - 1
        findings = self._look(heard_ms)
        fresh = () if self._is_outside else self._fresh(self._in_finals(first_ms))
        return Understood(lines=lines, signals=fresh, findings=findings)

    def pass_time(self, now_ms: int, *, heard_ms: int, is_silent: bool) -> Understood:
        """Let time pass without a new sentence.

        Args:
            now_ms: where the call is.
            heard_ms: everything that began before has been heard.
            is_silent: nobody is speaking, and nothing waits to be heard.
        """
        found: list[Noticed] = []
        if is_silent and not self._is_outside:
            check_in_ms = self._settings.analysis.check_in_ms
            noticed = signals.in_silence(self._spoken, now_ms, check_in_ms)
            found += [noticed] if noticed else []
        findings: tuple[LiveFinding, ...] = ()
        ends = (found.until_ms for found in self._judge.open_findings)
        due_ms = min((until_ms for until_ms in ends if until_ms is not None and heard_ms >= until_ms), default=None)
        if self._spoken and (due_ms is not None or heard_ms - self._looked_ms >= _LOOK_MS):
            findings = self._look(heard_ms, is_read=True)
        return Understood(signals=self._fresh(found), findings=findings, due_ms=due_ms)

    def hear_partial(self, partials: Sequence[Segment]) -> tuple[LiveLine, tuple[Noticed, ...]]:
        """Take what was heard of a sentence that goes on: the readings so far, the newest last."""
        line = masked_partial(self._finals, partials[-1], self._settings.privacy)
        if self._is_outside or partials[-1].role is Role.AGENT:
            return line, ()
        found: list[Noticed] = []
        angry = signals.anger_in_partials(partials, self._settings.alerts.anger_score)
        found += [angry] if angry else []
        start = signals.common_start(partials)
        if start is not None and start.role is Role.CUSTOMER:
            found += signals.in_common_start(self._read_with(start))
        return line, self._fresh(found)

    def finish(self, heard_ms: int) -> Understood:
        """End the call: what is open and holds is confirmed."""
        return Understood(findings=self._look(heard_ms, is_over=True))

    def _in_finals(self, since_ms: int) -> Iterator[Noticed]:
        return signals.in_finals(self._spoken, since_ms, self._settings.alerts.anger_score)

    def _read_with(self, segment: Segment) -> Segment:
        """Read a sentence after those before it."""
        read = self._book.reader.read(replace(self._transcript, segments=(*self._finals[-12:], segment)))
        return read.segments[-1]

    def _look(self, heard_ms: int, *, is_read: bool = False, is_over: bool = False) -> tuple[LiveFinding, ...]:
        self._looked_ms = heard_ms
        if not self._finals:
            return ()
        if not is_read:
            segments = tuple(sorted(self._finals, key=lambda segment: (segment.start_ms, segment.channel or 0)))
            self._read = self._book.read(replace(self._transcript, segments=segments))
            self._spoken = self._read.segments
            self._is_outside = analysis.is_outside(self._read.notes)
        if self._is_outside:
            return ()
        length = AudioInfo(path="", sha256="", duration_ms=heard_ms, sample_rate=16_000, channels=2)
        transcript = replace(self._read, audio=length)
        return tuple(self._judge.look(transcript, self._book.analyse(transcript), heard_ms=heard_ms, is_over=is_over))

    def _fresh(self, found: Iterator[Noticed] | Sequence[Noticed]) -> tuple[Noticed, ...]:
        """Leave out what was noticed already: the reading of a sentence that goes on comes again and again."""
        fresh = []
        for noticed in found:
            before = self._noticed.get(noticed.signal)
            if before is None or abs(noticed.at_ms - before) > _SAME_MS:
                fresh.append(noticed)
                self._noticed[noticed.signal] = noticed.at_ms
        return tuple(fresh)
