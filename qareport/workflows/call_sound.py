"""Sound for listening on the desk: Opus with personal data under a tone, and the peaks of the wave, cached by hash.

They are made by the worker, which has the libraries that decode; the web process only reads the files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qareport import privacy
from qareport.errors import AudioError, NotFoundError, QareportError, fault_reason
from qareport.files import atomic_write, content_key, is_file
from qareport.messages import keep, say
from qareport.model import CallReport, Job, JobState
from qareport.report.order.transcript_lines import covered_ms
from qareport.settings import PrivacySettings

if TYPE_CHECKING:
    from qareport.workflows.workspace import Workspace

#: Peaks of one channel at most: enough for a wave 4,000 pixels wide, 30 KB as text.
_POINTS = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The files of one call's sound; they may not be there yet."""

    sound: Path
    waveform: Path

    @property
    def is_made(self) -> bool:
        """Whether both files are there."""
        return self.sound.is_file() and self.waveform.is_file()


def find_listening(folder: Path, call: CallReport, masking: PrivacySettings, *, original: bool = False) -> Listening:
    """Say where the sound of a call is, or will be.

    Args:
        folder: of the cache.
        call: as the store has it.
        masking: which personal data is covered by a tone.
        original: nothing is covered.

    Raises:
        NotFoundError: the call came without a recording.
    """
    if call.audio is None:
        raise NotFoundError(say("call {call_id} has no recording", call_id=call.call_id))
    covered = _covered(call, masking, original=original)
    key = content_key("2", call.audio.sha256, json.dumps(covered))
    sha256 = call.audio.sha256  # the names begin with it: with the recording all of its files are deleted
    return Listening(sound=folder / f"{sha256}-{key[:32]}.ogg", waveform=folder / f"{sha256}.json")


def make_listening(
    folder: Path, call: CallReport, masking: PrivacySettings, *, max_duration_ms: int, original: bool = False
) -> Listening:
    """Make what is missing of a call's sound (see `find_listening`).

    Raises:
        NotFoundError: the call came without a recording.
        AudioError: the recording is gone, is another one now, cannot be decoded, or is too long.
    """
    from qareport.audio.playback import compress, make_waveform, read_analysed  # they decode recordings

    made = find_listening(folder, call, masking, original=original)
    if call.audio is None or made.is_made:
        return made
    path = Path(call.audio.path)
    if not is_file(path):
        raise AudioError(say("the recording is not where it was"), where=str(path))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    recording = read_analysed(path, sha256=call.audio.sha256, max_duration_ms=max_duration_ms)
    if not made.sound.is_file():
        content = compress(recording, covered_ms=_covered(call, masking, original=original))
        with atomic_write(made.sound) as file:
            file.write(content)
    if not made.waveform.is_file():
        channels, duration_ms = make_waveform(recording, points=_POINTS), recording.info.duration_ms
        with atomic_write(made.waveform) as file:
            file.write(json.dumps({"duration_ms": duration_ms, "channels": channels}, separators=(",", ":")).encode())
    return made


def make_sound(workspace: Workspace, job: Job, owner: str) -> None:
    """Do a job of the kind SOUND: make the sound of one call for listening."""
    store, settings, code, words = workspace.store, workspace.settings, "", ""
    try:
        make_listening(
            Path(settings.desk.folder) / "sound",
            store.results.get(str(job.payload["call_id"])),
            settings.privacy,
            max_duration_ms=settings.audio.max_duration_minutes * 60_000,
            original=bool(job.payload.get("original")),
        )
    except QareportError as error:
        code, words = "no_sound", keep(error, clean=_masked)
    except Exception as error:  # noqa: BLE001 - one bad recording stops no other
        code, words = "no_sound", keep(fault_reason(error), clean=_masked)
    state = JobState.FAILED if code else JobState.DONE
    store.jobs.finish(job.job_id, owner, state, at=datetime.now(UTC), error_code=code, error=words)


def _masked(words: str) -> str:
    return privacy.mask(words)[0]


def _covered(call: CallReport, masking: PrivacySettings, *, original: bool) -> Sequence[tuple[int, int]]:
    if original or not masking.enabled:
        return []
    return sorted(set(covered_ms(privacy.mask_report(call, masking.kinds))))
