"""The steps from recordings to documents, as plain functions over a store, and one progress hook.

ingest -> transcribe -> analyse and judge -> render. Each step's result is kept under the hash of everything that
decided it, so a second run does only what is missing, and a killed run goes on where it was. A call that fails becomes
a `FailedCall`; nothing here stops a batch for one call.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qareport import __version__, analysis, audio, digest, events, privacy, report, rules
from qareport import settings as settings_module
from qareport.codec import to_json
from qareport.errors import AudioError, ConfigError, Problem, QareportError
from qareport.model import (
    Analysis,
    Call,
    CallReport,
    FailedCall,
    Judgement,
    Note,
    OrderReport,
    Provenance,
    Risk,
    Transcript,
)
from qareport.settings import PrivacySettings, ReportSettings, Settings
from qareport.store import Store

if TYPE_CHECKING:
    from qareport.asr import Transcriber

T = TypeVar("T")
_log = logging.getLogger(__name__)

#: Called as `(step, done, total)`; steps are decode, transcribe, analyse and render.
Progress = Callable[[str, int, int], None]
#: What is masked where nobody says otherwise.
MASK_ALL = PrivacySettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Everything that turns a transcript into a judged call, read once: settings, topics and rules."""

    settings: Settings
    topics: analysis.Topics
    ruleset: rules.RuleSet
    #: What a reader must know of the rules in use; stands at the top of every report.
    notes: tuple[Note, ...] = ()

    @classmethod
    def load_for_run(cls, config_dir: Path, store: Store) -> Judge:
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
            kept = rules.load_files({name: text.encode() for name, text in files.items()}, where="store")
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
    def load(cls, config_dir: Path) -> Judge:
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
        return _hash(
            __version__,
            to_json(self.settings.analysis),
            to_json(self.settings.score),
            repr(self.topics),
            self.ruleset.sha256,
            *(to_json(note) for note in self.notes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The outcome of the first step."""

    transcripts: tuple[tuple[Call, str, Transcript], ...]
    failures: tuple[FailedCall, ...]
    reused: int
    heard_ms: int
    seconds: float


def listen(
    calls: Sequence[Call],
    store: Store,
    *,
    engine_key: str,
    load_transcriber: Callable[[], Transcriber],
    on_progress: Progress,
) -> Listening:
    """Transcribe the calls whose transcript the store does not hold yet; load a model only if there are any.

    Args:
        calls: recordings with unique call ids.
        store: where transcripts are kept, each as soon as it is there.
        engine_key: hash of model and engine settings.
        load_transcriber: loads the model.
        on_progress: told after each call.
    """
    started = time.monotonic()
    keys: dict[str, str] = {}
    ready: dict[str, Transcript] = {}
    failures: list[FailedCall] = []
    missing: list[Call] = []
    for call in calls:
        store.put_call(call)
        try:
            keys[call.call_id] = _hash(engine_key, audio.sha256_of(call.audio_path), ",".join(call.channel_roles))
        except AudioError as error:
            failures.append(_keep_failure(store, call, "decode", str(error)))
            continue
        found = store.find_transcript(keys[call.call_id])
        failure = store.find_failure(call.call_id, keys[call.call_id])
        if found is not None:
            ready[call.call_id] = readdress(found, call)
        elif failure is not None:
            failures.append(_keep_failure(store, call, failure.step, failure.reason, key=keys[call.call_id]))
        else:
            missing.append(call)
    reused = len(ready)
    for name in ready:
        events.happened("transcribe", "kept", call_id=name)
    heard_ms = 0
    if missing:
        transcriber = load_transcriber()
        watch = events.Watch()
        by_id = {call.call_id: call for call in missing}
        for outcome in transcriber.transcribe(missing, on_progress=on_progress):
            call = by_id[outcome.call_id]
            if isinstance(outcome, FailedCall):
                # The same bytes will not decode another time either; whatever else failed may go well.
                key = keys[call.call_id] if outcome.step == "decode" else None
                failures.append(_keep_failure(store, call, outcome.step, outcome.reason, key=key))
            else:
                events.happened("transcribe", "done", call_id=call.call_id, duration_ms=watch.lap_ms())
                store.put_transcript(keys[call.call_id], outcome)
                ready[call.call_id] = outcome
                heard_ms += outcome.audio.duration_ms if outcome.audio else 0
    transcripts = tuple((call, keys[call.call_id], ready[call.call_id]) for call in calls if call.call_id in ready)
    return Listening(
        transcripts=transcripts,
        failures=tuple(failures),
        reused=reused,
        heard_ms=heard_ms,
        seconds=time.monotonic() - started,
    )


def judge_call(
    call: Call, transcript: Transcript, judge: Judge, *, earlier: tuple[datetime, ...] | None = None
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
    transcripts: Iterable[tuple[Call, str, Transcript]], store: Store, judge: Judge, *, on_progress: Progress
) -> tuple[tuple[Call, ...], tuple[FailedCall, ...]]:
    """Judge the transcripts whose result the store does not hold yet. Returns the calls done and those that failed."""
    items = list(transcripts)
    watch = events.Watch()
    done: list[Call] = []
    failures: list[FailedCall] = []
    for number, (call, transcript_key, transcript) in enumerate(items, start=1):
        earlier = store.earlier_starts(call)
        known = ",".join(one.isoformat() for one in earlier or ())
        key = _hash(transcript_key, to_json(call), judge.key, known)
        try:
            kept = store.find_report(key)
            result = kept or judge_call(call, transcript, judge, earlier=earlier)
        except Exception as error:  # noqa: BLE001 - a batch ends at no call, whatever is wrong with it
            failures.append(_keep_failure(store, call, "analyse", _reason(error)))
            continue
        store.put_report(
            key,
            call,
            result,
            rules_sha256=judge.ruleset.sha256,
            scene=rules.pack(result, call.order_id),
            digest=digest.digest_call(result, call.order_id, rules_sha256=judge.ruleset.sha256),
        )
        done.append(call)
        outcome = "kept" if kept else "done"
        events.happened("analyse", outcome, call_id=call.call_id, order_id=call.order_id, duration_ms=watch.lap_ms())
        on_progress("analyse", number, len(items))
    return tuple(done), tuple(failures)


def order_report(store: Store, name: str, masking: PrivacySettings = MASK_ALL) -> OrderReport:
    """Assemble the report of one order (or of one call without an order) from the store alone, fit to leave it.

    Personal data is masked as `masking` says; what the store holds stays as it is.

    Raises:
        NotFoundError: the store knows no such order or call.
    """
    record = store.order(name)
    models = {f"{item.model.name}@{item.model.revision}" for item in record.reports if item.model}
    whole = OrderReport(
        order_id=record.order_id,
        calls=record.reports,
        failed_calls=record.failures,
        provenance=Provenance(
            qareport=__version__,
            model=", ".join(sorted(models)) or "none",
            rules_sha256=record.rules_sha256,
            audio_sha256=tuple(item.audio.sha256 for item in record.reports if item.audio),
        ),
    )
    return privacy.mask_order(whole, masking.kinds) if masking.enabled else whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The outcome of the last step."""

    documents: tuple[Path, ...]
    reused: int
    #: Orders whose documents could not be made, with the reason.
    problems: tuple[tuple[str, str], ...]


def render_orders(
    names: Sequence[str],
    store: Store,
    *,
    formats: Sequence[str],
    out_dir: Path,
    templates: Path,
    settings: ReportSettings,
    masking: PrivacySettings = MASK_ALL,
    on_progress: Progress,
) -> Rendering:
    """Write the documents of some orders; one that is there already and made of the same is left alone.

    Personal data is masked as `masking` says.

    Raises:
        NotFoundError: the store knows one of the names neither as an order nor as a call.
    """
    documents: list[Path] = []
    problems: list[tuple[str, str]] = []
    reused = 0
    templates_key = _folder_hash(templates)
    watch = events.Watch()
    for number, name in enumerate(names, start=1):
        result = order_report(store, name, masking)
        content = to_json(result)
        for format_name in formats:
            path = out_dir / report.file_name(result, format_name)
            key = _hash(__version__, content, templates_key, to_json(settings), format_name)
            if path.exists() and store.document_key(path.resolve()) == key:
                documents.append(path)
                reused += 1
                _rendered(result, format_name, "kept", watch)
                continue
            try:
                documents += report.write(result, [format_name], out_dir, templates=templates, settings=settings)
                store.put_document(path.resolve(), key, name=name)
                _rendered(result, format_name, "done", watch)
            except Exception as error:  # noqa: BLE001 - nor at any document
                problems.append((f"{name} {format_name}", _reason(error)))
                _rendered(result, format_name, "failed", watch, reason=problems[-1][1])
        on_progress("render", number, len(names))
    return Rendering(documents=tuple(documents), reused=reused, problems=tuple(problems))


def _rendered(
    result: OrderReport, format_name: str, outcome: str, watch: events.Watch, *, reason: str | None = None
) -> None:
    names = [one.call_id for one in result.calls] + [one.call_id for one in result.failed_calls]
    events.happened(
        "render",
        outcome,
        order_id=result.order_id,
        call_ids=names,
        format=format_name,
        duration_ms=watch.lap_ms(),
        reason=reason,
    )


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
    return _hash("transcript", to_json(transcript))


def replay_key(key: str, judge: Judge) -> str:
    """Return the key of a stored result that is judged anew."""
    return _hash("replay", key, judge.key)


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


def _reason(error: Exception) -> str:
    if isinstance(error, QareportError):
        return str(error)
    _log.error("unexpected error", exc_info=error)
    return f"unexpected {type(error).__name__}: {error} (a fault in qareport: please report it; details with -v)"


def _keep_failure(store: Store, call: Call, step: str, reason: str, *, key: str | None = None) -> FailedCall:
    failure = FailedCall.of(call, step, reason)
    store.put_failure(call, failure, key=key)
    events.happened(step, "failed", call_id=call.call_id, order_id=call.order_id, reason=reason)
    return failure


def readdress(transcript: Transcript, call: Call) -> Transcript:
    """Give a stored transcript the identity that the manifest has for its call today."""
    heard = transcript.audio and replace(transcript.audio, path=call.audio_path)
    return replace(
        transcript,
        call_id=call.call_id,
        order_id=call.order_id,
        agent_id=call.agent_id,
        started_at=call.started_at,
        audio=heard,
    )


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def _folder_hash(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.suffix in (".j2", ".css", ".docx"))
    return _hash(*(part for path in files for part in (path.name, hashlib.sha256(path.read_bytes()).hexdigest())))
