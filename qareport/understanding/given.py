"""The reader of transcripts that carry their acts already: it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from qareport.model import Transcript


@dataclass(frozen=True, slots=True)
class GivenReader:
    """Take the acts and topics that came with the transcript, and claim nothing else."""

    @property
    def key(self) -> str:
        """Its only version."""
        return "given"

    def read(self, transcript: Transcript) -> Transcript:
        """Return the transcript as it is."""
        return transcript
