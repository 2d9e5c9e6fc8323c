"""What `import qareport` offers to notebooks and programs: recordings to transcripts, transcripts to judged calls.

`qareport.Workspace` opens the store. Everything is imported when it is used.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, overload

from qareport.errors import AudioError, NotFoundError, QareportError, TranscriptError
from qareport.messages import say
from qareport.workflows.workspace import DEFAULT_MODEL, Workspace

if TYPE_CHECKING:
    from qareport.asr import Transcriber
    from qareport.model import CallReport, FailedCall, Transcript
    from qareport.settings import AsrSettings, AudioSettings
    from qareport.workflows.judge import RuleBook

__all__ = ["Workspace", "analyse", "transcribe"]


@overload  # a str is an Iterable of str, too: the first signature is the one that counts for it
def transcribe(  # type: ignore[overload-overlap]
    recordings: str | Path, *, model: str = DEFAULT_MODEL, device: str = "auto", config: str | Path | None = None
) -> Transcript: ...
@overload
def transcribe(
    recordings: Iterable[str | Path],
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    config: str | Path | None = None,
) -> list[Transcript | FailedCall]: ...
def transcribe(
    recordings: str | Path | Iterable[str | Path],
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    config: str | Path | None = None,
) -> Transcript | list[Transcript | FailedCall]:
    """Transcribe recordings: text, emotion, audio events, language and speaker of each segment. Nothing is stored.

    The model stays loaded for the next call with the same model, device and settings.

    Args:
        recordings: a file, or several files, folders and fsspec URLs.
        model: "demo" for the small bundled one, a directory, or a hub name that was downloaded (`qareport models
            fetch`).
        device: "auto", "cpu", "cuda" or "cuda:N".
        config: folder of `qareport.yaml`; None: as `Workspace.open`.

    Returns:
        the transcript of one file; of several, a transcript for each recording in the order given, and a `FailedCall`
        with the reason in the place of one that could not be used.

    Raises:
        NotFoundError: there is no such file or folder, or no recording in it.
        ModelError: the model or the engine is not installed.
        AudioError: the one file cannot be used.
    """
    from qareport.ingest import find_calls

    alone = isinstance(recordings, str | Path)
    sources = [str(recordings)] if isinstance(recordings, str | Path) else [str(path) for path in recordings]
    settings = Workspace.open(config=_path(config)).settings
    with tempfile.TemporaryDirectory(prefix="qareport-") as cache:
        found = find_calls(
            sources,
            None,
            cache=Path(cache),
            settings=replace(settings.ingest, settle_s=0.0),
            audio=settings.audio,
            time_zone=settings.period.time_zone,
        )
        if found.problems:
            raise NotFoundError.of(found.problems)
        count = len(found.calls) + len(found.failures)
        if alone and count != 1:
            raise NotFoundError(
                say("{count} recordings", count=count),
                where=sources[0],
                expected=say("one"),
                to_do=say("pass a list"),
            )
        outcomes = [*_engine(model, device, settings.asr, settings.audio).transcribe(found.calls), *found.failures]
    return _transcript_of(outcomes[0]) if alone else outcomes


def analyse(
    transcript: Transcript | Mapping[str, object] | str | Path, *, config: str | Path | None = None
) -> CallReport:
    """Analyse and judge one transcript: moments, trajectory, metrics, findings, score and risk. Nothing is stored.

    Personal data is not masked: that happens where results leave the store.

    Args:
        transcript: a transcript, its JSON as a dictionary, or a JSON lines file that holds one. Segments need no more
            than start_ms, end_ms, role and text.
        config: folder of `qareport.yaml`, topics and rules; None: as `Workspace.open`.

    Raises:
        TranscriptError: it does not follow the contract, or the file does not hold exactly one.
        ConfigError: everything wrong in settings, topics and rules, with line and column.
    """
    from qareport.model import Call
    from qareport.workflows.judge import judge_call

    known = _read_transcript(transcript)
    call = Call(
        call_id=known.call_id,
        audio_path=known.audio.path if known.audio else "",
        order_id=known.order_id,
        agent_id=known.agent_id,
        shop=known.shop,
        started_at=known.started_at,
    )
    return judge_call(call, known, _rule_book(_path(config)))


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


@functools.lru_cache(maxsize=1)
def _engine(model: str, device: str, asr_settings: AsrSettings, audio_settings: AudioSettings) -> Transcriber:
    from qareport import asr

    return asr.load(asr.locate(model, asr_settings), device=device, asr=asr_settings, audio=audio_settings)


def _transcript_of(outcome: Transcript | FailedCall) -> Transcript:
    from qareport.model import FailedCall

    if isinstance(outcome, FailedCall):
        raise AudioError(outcome.reason) if outcome.step in ("ingest", "decode") else QareportError(outcome.reason)
    return outcome


def _read_transcript(source: Transcript | Mapping[str, object] | str | Path) -> Transcript:
    from qareport import codec

    if isinstance(source, Mapping):
        return codec.read_transcript(json.dumps(source).encode(), where="transcript")
    if not isinstance(source, str | Path):
        return source
    transcripts = codec.read_transcripts(Path(source))
    if len(transcripts) != 1:
        raise TranscriptError(
            say("{count} transcripts", count=len(transcripts)),
            where=str(source),
            expected=say("one"),
            to_do=say("read them with qareport.codec.read_transcripts, and pass each"),
        )
    (transcript,) = transcripts
    if isinstance(transcript, TranscriptError):
        raise transcript
    return transcript


def _rule_book(config: Path | None) -> RuleBook:
    """Read the rules, again whenever a file of the configuration has changed."""
    folder = Workspace.open(config=config).config
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _read_rules(folder, tuple((str(path), path.stat().st_mtime_ns) for path in files))


@functools.lru_cache(maxsize=1)
def _read_rules(folder: Path, state: tuple[tuple[str, int], ...]) -> RuleBook:
    return Workspace.open(config=folder).rule_book
