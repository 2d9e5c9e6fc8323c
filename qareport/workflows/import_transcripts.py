"""Take in transcripts that exist already, with what a manifest knows of their calls; none vanishes unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from qareport import codec, ingest
from qareport.errors import Problem, TranscriptError
from qareport.messages import Message, say
from qareport.model import Call, CallSource, FailedCall, Transcript, unfit_id
from qareport.settings import Settings
from qareport.store import Store
from qareport.workflows.judge import transcript_key
from qareport.workflows.transcribe import TranscribedCall, id_taken


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTranscripts:
    """The transcripts of a file, and what could not be taken."""

    calls: tuple[TranscribedCall, ...]
    failures: tuple[FailedCall, ...] = ()
    #: Rows of the manifest that cannot be used.
    problems: tuple[Problem, ...] = ()
    #: Headings of the manifest that are not known.
    unknown_columns: tuple[str | Message, ...] = ()
    #: Calls of the manifest of which there is no transcript.
    missing: tuple[str, ...] = ()


def import_transcripts(path: Path, store: Store, settings: Settings, *, manifest: Path | None) -> ImportedTranscripts:
    """Read transcripts and put them into a store.

    What the manifest says of a call wins over what its transcript says. Its rows are found by the call's id, or by the
    name of the recording without its suffix.

    Args:
        path: JSON lines.
        store: where calls and transcripts are kept.
        settings: the time zone, and the words for legs.
        manifest: order, agent, time and phone of the calls; None: as the transcripts say.

    Raises:
        TranscriptError: the file cannot be read.
        ConfigError: the manifest cannot be read.
    """
    zone_name = settings.period.time_zone
    listed = None
    if manifest is not None:
        listed = ingest.read_manifest(manifest, zone_name, settings=settings.ingest, needs_audio=False)
    work = _Import(store, ZoneInfo(zone_name), _by_name(listed.calls if listed else ()))
    for transcript in codec.read_transcripts(path, zone=ZoneInfo(zone_name)):
        work.take(transcript)
    return ImportedTranscripts(
        calls=tuple(work.calls.values()),
        failures=tuple(work.failures),
        problems=listed.problems if listed else (),
        unknown_columns=listed.unknown_columns if listed else (),
        missing=tuple(call.call_id for call in (listed.calls if listed else ()) if call.call_id not in work.listed),
    )


def _by_name(calls: tuple[Call, ...]) -> dict[str, Call]:
    """Index the calls of a manifest by their id, and by the names of recordings that only one of them has."""
    names: dict[str, Call | None] = {}
    for call in calls:
        stem = Path(call.audio_path).stem
        names[stem] = None if stem in names else call
    return {stem: call for stem, call in names.items() if call is not None} | {call.call_id: call for call in calls}


@dataclass(slots=True)
class _Import:
    store: Store
    zone: ZoneInfo
    rows: Mapping[str, Call]
    calls: dict[str, TranscribedCall] = field(default_factory=dict)
    failures: list[FailedCall] = field(default_factory=list)
    #: Calls of the manifest that have a transcript.
    listed: set[str] = field(default_factory=set)

    def take(self, transcript: Transcript | TranscriptError) -> None:
        """Keep a transcript, or say why not."""
        if isinstance(transcript, TranscriptError):
            where, reason = str(transcript.problems[0].where), str(replace(transcript.problems[0], where=None))
            self.failures.append(FailedCall(call_id=where, audio_path=where, step="ingest", reason=reason))
            return
        key = transcript_key(transcript)
        call = self._described(transcript)
        why = self._refusal(call, key)
        if why is not None:
            self.failures.append(FailedCall.of(call, "ingest", why))
            return
        transcript = replace(
            transcript,
            call_id=call.call_id,
            order_id=call.order_id,
            agent_id=call.agent_id,
            started_at=call.started_at,
        )
        self.store.calls.put(call)
        self.store.transcripts.put(key, transcript)
        self.calls[call.call_id] = TranscribedCall(call=call, key=key, transcript=transcript)

    def _described(self, transcript: Transcript) -> Call:
        path = transcript.audio.path if transcript.audio else ""
        call = Call(
            call_id=transcript.call_id,
            audio_path=path,
            order_id=transcript.order_id,
            agent_id=transcript.agent_id,
            shop=transcript.shop,
            started_at=transcript.started_at,
            source=CallSource.TRANSCRIPT,
        )
        row = self.rows.get(transcript.call_id) or self.rows.get(Path(path).stem)
        if row is None:
            return call
        self.listed.add(row.call_id)
        return replace(
            call,
            call_id=row.call_id,
            order_id=row.order_id or call.order_id,
            agent_id=row.agent_id or call.agent_id,
            shop=row.shop or call.shop,
            started_at=row.started_at or call.started_at,
            customer_phone=row.customer_phone,
            external_ref=row.external_ref,
            channel_roles=row.channel_roles,
        )

    def _refusal(self, call: Call, key: str) -> Message | None:
        """Say why a transcript cannot be kept under the id of its call; None: it can."""
        if (unfit := unfit_id(call)) is not None:
            return unfit
        first = self.calls.get(call.call_id)
        if first is not None:
            return say("a second transcript with the call_id {call!r}; the first is used", call=call.call_id)
        known = self.store.calls.list_recordings([call.call_id]).get(call.call_id)
        if known is None or self.store.transcripts.find(key) is not None:
            return None
        return id_taken(known[0], call, self.zone)
