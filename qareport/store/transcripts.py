"""Transcripts, under the hash of everything that decided them."""

from __future__ import annotations

from sqlalchemy import select

from qareport.codec import from_json, to_json
from qareport.model import Transcript
from qareport.store.database import Database
from qareport.store.queries import upsert
from qareport.store.schema import CallRow, TranscriptRow


class TranscriptRepository:
    """The transcripts of a store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, key: str) -> Transcript | None:
        """Return the transcript under a key, or None."""
        with self._database.read() as session:
            row = session.get(TranscriptRow, key)
            return None if row is None else self._read(row)

    def put(self, key: str, transcript: Transcript) -> None:
        """Put a transcript under the hash of recording, model, engine settings and channel map."""
        with self._database.write() as session:
            upsert(
                session,
                TranscriptRow,
                key=key,
                transcript=to_json(transcript),
                call_id=transcript.call_id,
                audio_sha256=transcript.audio.sha256 if transcript.audio else None,
            )

    def list(self, call_id: str) -> tuple[tuple[str, Transcript], ...]:
        """Return all transcripts of a call, or of the recording that it shares with another call, with their keys."""
        audio = select(CallRow.audio_sha256).where(CallRow.call_id == call_id).scalar_subquery()
        query = (
            select(TranscriptRow)
            .where((TranscriptRow.call_id == call_id) | (TranscriptRow.audio_sha256 == audio))
            .order_by(TranscriptRow.key)
        )
        with self._database.read() as session:
            return tuple((row.key, self._read(row)) for row in session.scalars(query))

    def _read(self, row: TranscriptRow) -> Transcript:
        return from_json(Transcript, row.transcript, where=f"{self._database.url} transcript {row.key}")
