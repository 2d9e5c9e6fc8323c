"""Find the calls that sources and a manifest hold: each recording and each row ends in exactly one place."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qareport.audio.containers import AUDIO_SUFFIXES
from qareport.errors import NotFoundError
from qareport.ingest.addresses import is_url, refusal, shown
from qareport.ingest.manifest import Manifest, base_name, read_manifest
from qareport.ingest.matching import Ingest, Matching
from qareport.ingest.recordings import TEMPORARY_SUFFIXES, RecordingFile, settle, with_readable_path
from qareport.ingest.remote import RemoteSource
from qareport.ingest.sources import LINKS, find_file, read_sources
from qareport.messages import say
from qareport.settings import AudioSettings, IngestSettings

_DEFAULTS, _AUDIO = IngestSettings(), AudioSettings()


def find_calls(
    sources: Sequence[str],
    manifest: Path | None,
    *,
    cache: Path,
    settings: IngestSettings = _DEFAULTS,
    audio: AudioSettings = _AUDIO,
    time_zone: str = "Asia/Shanghai",
    wait: Callable[[float], None] = time.sleep,
) -> Ingest:
    """Find the calls that the sources hold, in the order given (folders by name).

    With a manifest and no sources, its rows are the calls. What cannot be used is named in the result, and never keeps
    the rest from being found.

    Args:
        sources: files, folders or URLs (`https://…`, and fsspec's: `s3://bucket/day/`).
        manifest: a CSV, XLSX or JSON lines file, or None.
        cache: folder into which recordings behind URLs are fetched, and in which the legs of a call are joined.
        settings: the pattern of names, what may be fetched, and how long a file must stay unchanged to count as
            complete.
        audio: how long a recording may be whose legs are joined.
        time_zone: IANA name of the zone of times that are written without an offset.
        wait: sleeps while files that were written to just now are watched.

    Raises:
        NotFoundError: none of the sources can be read or holds a recording.
        ConfigError: the manifest cannot be read.
    """
    listed = None if manifest is None else read_manifest(manifest, time_zone, settings=settings)
    named = [] if listed is None else [base_name(audio) for row in listed.rows for audio in (row.audio, row.other_leg)]
    found = read_sources(sources, cache, settings=settings, named=named, wait=wait)
    if sources and listed is None and found.problems and not found.recordings:
        raise NotFoundError.of(found.problems)
    matching = Matching(
        found.recordings,
        settings=settings,
        time_zone=time_zone,
        cache=cache,
        max_duration_ms=audio.max_duration_minutes * 60_000,
    )
    if listed is not None:
        if not sources:
            matching.by_audio.update(_OfRows(listed, cache, settings, wait).find())
        for row in listed.rows:
            matching.take_row(row, listed.path)
    return matching.finish(found, manifest=listed, with_sources=bool(sources))


@dataclass(frozen=True, slots=True)
class _OfRows:
    """The recordings that the rows of a manifest name, where no sources do."""

    manifest: Manifest
    cache: Path
    settings: IngestSettings
    wait: Callable[[float], None]

    def find(self) -> dict[str, RecordingFile]:
        """Find them by how they are written."""
        audios = list(
            dict.fromkeys(audio for row in self.manifest.rows for audio in (row.audio, row.other_leg) if audio)
        )
        local = {audio: file for audio in audios if not is_url(audio) and (file := self._beside(audio)) is not None}
        settled = settle(list(local.values()), settle_s=self.settings.settle_s, wait=self.wait)
        files = dict(zip(local, settled, strict=True))
        files |= {audio: self._behind(audio) for audio in audios if is_url(audio)}
        return {audio: with_readable_path(file, self.cache / LINKS) for audio, file in files.items()}

    def _beside(self, audio: str) -> RecordingFile | None:
        path = self.manifest.path.parent / audio
        file = find_file(path)
        if file is None and path.suffix.lower() not in AUDIO_SUFFIXES:
            alike = [beside for suffix in AUDIO_SUFFIXES if (beside := find_file(Path(f"{path}{suffix}"))) is not None]
            file = alike[0] if len(alike) == 1 else None
        if file is not None:
            return file
        if any(path.with_name(path.name + ending).exists() for ending in TEMPORARY_SUFFIXES):
            return RecordingFile(path=path, name=path.name, whole=False)
        return None

    def _behind(self, url: str) -> RecordingFile:
        name = base_name(url)
        why = refusal(url, allowed=self.settings.manifest_urls, beside=self.manifest.path.parent)
        if why is not None:
            return RecordingFile(path=Path(shown(url)), name=name, fault=why, address=shown(url))
        contents = RemoteSource(cache=self.cache, settings=self.settings, wait=self.wait).fetch(url)
        if len(contents.recordings) == 1:
            return contents.recordings[0]
        count = len(contents.recordings)
        fault = (
            contents.problems[0].what
            if contents.problems
            else say("{count} recordings behind this address", count=count)
        )
        return RecordingFile(path=Path(shown(url)), name=name, fault=fault, address=shown(url))
