"""From transcripts to judged calls, as plain functions over a store, and one progress hook.

`transcribe` comes before and `render` goes on from there. Each step's result is kept under the hash of everything that
decided it, so a second run does only what is missing, and a killed run goes on where it was. A call that fails becomes
a `FailedCall`; nothing here stops a batch for one call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from qareport import __version__, analysis, events, periods, rules
from qareport import settings as settings_module
from qareport.codec import to_json
from qareport.errors import ConfigError, Problem, QareportError
from qareport.model import (
    Analysis,
    Call,
    CallReport,
    FailedCall,
    Judgement,
    Note,
    Risk,
    Transcript,
)
from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows.transcribe import Progress, keep_failure, key_of

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """Everything that turns a transcript into a judged call, read once: settings, topics and rules."""

    settings: Settings
    topics: analysis.Topics
    ruleset: rules.RuleSet
    #: What a reader must know of the rules in use; stands at the top of every report.
    notes: tuple[Note, ...] = ()

    @classmethod
    def load_for_run(cls, config_dir: Path, store: Store) -> RuleBook:
        """Read the configuration; where the rules are broken, take the last good set of the store and note it.

        A good set is kept in the store.

        Raises:
            ConfigError: everything wrong, when settings or topics are broken too, or no good set is kept.
        """
        try:
            judge = cls.load(config_dir)
        except ConfigError as error:
            last = store.last_rule_set()
            if last is None:
                raise
            _, files = last
            kept = rules.load(rules.RuleFiles.from_texts(files, where="store"))
            values = {
                "rules_sha256": kept.sha256,
                "problems": str(len(error.problems)),
                "first": str(error.problems[0]),
            }
            return cls(
                settings=settings_module.load(config_dir),
                topics=analysis.load_topics(config_dir / "topics.yaml"),
                ruleset=kept,
                notes=(Note(code="rules_last_good", values=values),),
            )
        store.put_rule_set(judge.ruleset.sha256, judge.ruleset.files)
        return judge

    @classmethod
    def load(cls, config_dir: Path) -> RuleBook:
        """Read settings, topics and rules of a configuration folder.

        Raises:
            ConfigError: everything wrong in all of them, with line and column.
        """
        problems: list[Problem] = []
        settings = _try(lambda: settings_module.load(config_dir), problems)
        topics = _try(lambda: analysis.load_topics(config_dir / "topics.yaml"), problems)
        ruleset = _try(lambda: rules.load(config_dir / "rules"), problems)
        if settings is None or topics is None or ruleset is None:
            raise ConfigError(problems)
        return cls(settings=settings, topics=topics, ruleset=ruleset)

    def analyse(self, transcript: Transcript) -> Analysis:
        """Find what happened in a call, with these settings and topics."""
        return analysis.analyse(transcript, self.settings.analysis, self.topics)

    @property
    def topic_names(self) -> tuple[str, ...]:
        """Names of the issue types."""
        return tuple(topic.name for topic in self.topics.topics)

    @property
    def key(self) -> str:
        """Hash of everything here that decides a judgement."""
        return key_of(
            __version__,
            to_json(self.settings.analysis),
            to_json(self.settings.score),
            repr(self.topics),
            self.ruleset.sha256,
            *(to_json(note) for note in self.notes),
        )


def judge_call(
    call: Call, transcript: Transcript, judge: RuleBook, *, earlier: tuple[datetime, ...] | None = None
) -> CallReport:
    """Analyse and judge one transcript: the whole result of one call.

    Args:
        call: what the business knows of it.
        transcript: what was heard.
        judge: settings, topics and rules.
        earlier: when the earlier calls of its order began; None: not known.
    """
    transcript = analysis.within_domain(transcript, judge.settings.analysis.limited_models)
    found = judge.analyse(transcript)
    if analysis.is_outside(transcript.notes):
        # Rules would judge words that nobody said.
        judgement = Judgement(findings=(), score=None, risk=Risk.LOW)
    else:
        judgement = rules.judge(judge.ruleset, transcript, found, judge.settings.score, earlier=earlier)
    report_ = _call_report(call, transcript, found, judgement)
    return replace(report_, notes=(*judge.notes, *report_.notes, *judgement.notes))


def judge_calls(
    transcripts: Iterable[tuple[Call, str, Transcript]], store: Store, judge: RuleBook, *, on_progress: Progress
) -> tuple[tuple[Call, ...], tuple[FailedCall, ...]]:
    """Judge the transcripts whose result the store does not hold yet. Returns the calls done and those that failed."""
    items = list(transcripts)
    watch = events.Stopwatch()
    done: list[Call] = []
    failures: list[FailedCall] = []
    for number, (call, transcript_key, transcript) in enumerate(items, start=1):
        earlier = store.earlier_starts(call)
        known = ",".join(one.isoformat() for one in earlier or ())
        key = key_of(transcript_key, to_json(call), judge.key, known)
        try:
            kept = store.find_report(key)
            result = kept or judge_call(call, transcript, judge, earlier=earlier)
        except Exception as error:  # noqa: BLE001 - a batch ends at no call, whatever is wrong with it
            failures.append(keep_failure(store, call, "analyse", reason_of(error)))
            continue
        store.put_report(
            key,
            call,
            result,
            rules_sha256=judge.ruleset.sha256,
            scene=rules.CallSnapshot.take(result, call.order_id).to_json(),
            digest=periods.summarise_call(result, call.order_id, rules_sha256=judge.ruleset.sha256),
        )
        done.append(call)
        outcome = "kept" if kept else "done"
        events.happened("analyse", outcome, call_id=call.call_id, order_id=call.order_id, duration_ms=watch.lap_ms())
        on_progress("analyse", number, len(items))
    return tuple(done), tuple(failures)


def orders_of(calls: Iterable[Call]) -> list[str]:
    """Name the reports that the calls belong to, each once: the order, or the call itself when it has none."""
    return list(dict.fromkeys(call.order_id or call.call_id for call in calls))


def _call_report(call: Call, transcript: Transcript, found: Analysis, judgement: Judgement) -> CallReport:
    return CallReport(
        call_id=call.call_id,
        agent_id=call.agent_id,
        started_at=call.started_at,
        customer_phone=mask_phone(call.customer_phone),
        audio=transcript.audio,
        model=transcript.model,
        metrics=found.metrics,
        silences=found.silences,
        interruptions=found.interruptions,
        trajectory=found.trajectory,
        curve=found.curve,
        moments=found.moments,
        promises=found.promises,
        issues=found.issues,
        stages=found.stages,
        findings=judgement.findings,
        score=judgement.score,
        scorecard=judgement.scorecard,
        risk=judgement.risk,
        segments=transcript.segments,
        notes=(*transcript.notes, *found.notes),
    )


def content_key(transcript: Transcript) -> str:
    """Return the key of a transcript that came from elsewhere: the hash of its content."""
    return key_of("transcript", to_json(transcript))


def replay_key(key: str, judge: RuleBook) -> str:
    """Return the key of a stored result that is judged anew."""
    return key_of("replay", key, judge.key)


def mask_phone(number: str | None) -> str | None:
    """Hide the middle of a number to call back: 13812345678 -> 138****5678; a short one is hidden whole."""
    if number is None:
        return None
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 10 else "****"


def _try(read: Callable[[], T], problems: list[Problem]) -> T | None:
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        return None


def reason_of(error: Exception) -> str:
    """Word any error for a list of failures; one that is not ours is logged whole."""
    if isinstance(error, QareportError):
        return str(error)
    _log.error("unexpected error", exc_info=error)
    return f"unexpected {type(error).__name__}: {error} (a fault in qareport: please report it; details with -v)"
