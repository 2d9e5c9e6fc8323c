"""Match recordings with manifest rows and file names, and the legs of a call with each other."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qareport import privacy
from qareport.audio.containers import sha256_of
from qareport.errors import Problem, QareportError, UnavailableError
from qareport.events import reason_of
from qareport.ingest.addresses import is_url, shown
from qareport.ingest.manifest import Manifest, ManifestRow, base_name
from qareport.ingest.recordings import RecordingFile, SourceContents
from qareport.ingest.sources import find_file
from qareport.messages import Message, say
from qareport.model import Call, FailedCall, Role
from qareport.settings import IngestSettings
from qareport.settings.name_pattern import NameParts, NameReader

#: Folder below the cache with the joined legs of calls.
_JOINED = "joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """What was found: calls to work on, and what is not one yet."""

    calls: tuple[Call, ...]
    #: Recordings and manifest rows that cannot be used, with the reason.
    failures: tuple[FailedCall, ...] = ()
    #: Sources, folders, links and manifest rows that cannot be read, and of which nobody knows what calls they hold.
    problems: tuple[Problem, ...] = ()
    #: Files that are no recordings by their names.
    skipped: tuple[str, ...] = ()
    #: Recordings that no manifest row names, when there is a manifest.
    unlisted: tuple[str, ...] = ()
    #: Headings of the manifest that are not known.
    unknown_columns: tuple[str | Message, ...] = ()
    #: Calls whose recording is still being written: the next run takes them.
    waiting: tuple[Call, ...] = ()
    #: Recordings whose name does not fit the pattern, when there is one and no row names them.
    unmatched: tuple[str, ...] = ()
    #: Pairs of recordings that look like the legs of one call, when nothing says that they are.
    leg_pairs: tuple[tuple[str, str], ...] = ()
    #: Ids that were made from file names; those of other recordings may have been the same on other days.
    ids_from_file_name: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A call and the recordings that it consists of: one, or two legs."""

    call: Call
    recordings: tuple[RecordingFile, ...]
    #: Why it cannot be used.
    fault: str | Message | None = None
    #: Whether the id of the call was given, rather than made of the name of a file.
    id_given: bool = False


class Matching:
    """The recordings and rows of one search, each on its way to one place."""

    def __init__(
        self,
        recordings: Iterable[RecordingFile],
        *,
        settings: IngestSettings,
        time_zone: str,
        cache: Path,
        max_duration_ms: int,
    ) -> None:
        #: Recordings by the words of the manifest rows that name them.
        self.by_audio: dict[str, RecordingFile] = {}
        self._settings = settings
        self._legs = {word.lower(): Role(role) for word, role in settings.legs.items()}
        self._reader = NameReader(settings.name_pattern, time_zone) if settings.name_pattern else None
        self._cache = cache
        self._max_duration_ms = max_duration_ms
        self._calls: list[Call] = []
        self._failures: list[FailedCall] = []
        self._problems: list[Problem] = []
        self._waiting: list[Call] = []
        self._taken: set[Path] = set()
        self._by_path: dict[Path, RecordingFile] = {}
        self._by_name: dict[str, list[RecordingFile]] = defaultdict(list)
        #: By their names as people write them again, with and without the suffix.
        self._by_likeness: dict[str, list[RecordingFile]] = defaultdict(list)
        for recording in recordings:
            if self._by_path.setdefault(_identity(recording.path), recording) is recording:
                self._by_name[recording.name].append(recording)
                for name in {_likeness(recording.name), _likeness(recording.stem)}:
                    self._by_likeness[name].append(recording)

    def take_row(self, row: ManifestRow, manifest: Path) -> None:
        """Find the recordings of a manifest row; with what is wrong with it, they wait for a better row."""
        found = [self._match(audio, manifest) for audio in (row.audio, row.other_leg) if audio]
        recordings = tuple(recording for recording in found if isinstance(recording, RecordingFile))
        faults = [fault for fault in found if isinstance(fault, Message)]
        self._taken.update(_identity(recording.path) for recording in recordings)
        if row.call is None:
            self._problems += row.problems
            return
        call = replace(row.call, audio_path=shown(row.audio) if is_url(row.audio) else row.audio)
        if row.problems:
            self._failures.append(FailedCall.of(call, "ingest", QareportError.of(row.problems)))
        elif faults or any(found):  # else they are outside the sources, and were not requested
            missing = say("the other leg is not among the sources") if len(recordings) < len(found) else None
            self._settle(_Unit(call=call, recordings=recordings, fault=faults[0] if faults else missing))

    def _match(self, audio: str, manifest: Path) -> RecordingFile | Message | None:
        """Find the recording that a row names. A message: why there is none; None: it is outside the sources."""
        if audio in self.by_audio:
            return self.by_audio[audio]
        path = manifest.parent / audio
        if (exact := self._by_path.get(_identity(path))) is not None:
            return exact
        named = self._by_name.get(base_name(audio)) or self._by_likeness.get(_likeness(base_name(audio)), [])
        if len(named) > 1:
            self._taken.update(_identity(recording.path) for recording in named)
            places = ", ".join(str(recording.path) for recording in named)
            return say("several recordings have this name; write which: {places}", places=places)
        if named:
            return named[0]
        file = None if is_url(audio) else find_file(path)
        if file is None:
            return say("listed in {manifest}, but there is no such file", manifest=manifest)
        return None if file.fault is None else file

    def _settle(self, unit: _Unit) -> None:
        """Put a call where it belongs: to work on, to wait for, or failed."""
        call, recordings = unit.call, unit.recordings
        if unit.fault is not None:
            self._fail(call, "ingest", Problem(where=call.audio_path, what=unit.fault))
        elif broken := next((recording for recording in recordings if recording.fault is not None), None):
            problem = Problem(where=broken.place, what=broken.fault or "")
            self._fail(replace(call, audio_path=broken.place), "ingest", problem)
        elif not all(recording.whole for recording in recordings):
            self._waiting.append(replace(call, audio_path=str(recordings[0].path)))
        elif len(recordings) == 1:
            self._calls.append(replace(call, audio_path=str(recordings[0].path)))
        else:
            self._join(call, recordings)

    def _join(self, call: Call, recordings: tuple[RecordingFile, ...]) -> None:
        first, second = (recording.path for recording in recordings)
        try:
            from qareport.audio.legs import join_legs  # it imports what decodes recordings

            joined = join_legs((first, second), self._cache / _JOINED, max_duration_ms=self._max_duration_ms)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a call, the others are found
            self._fail(replace(call, audio_path=str(first)), "decode", reason_of(error))
        else:
            self._calls.append(replace(call, audio_path=str(joined)))

    def _fail(self, call: Call, step: str, reason: object) -> None:
        self._failures.append(FailedCall.of(call, step, reason))

    # --- what no row names --------------------------------------------------------------------------------------------

    def finish(self, found: SourceContents, *, manifest: Manifest | None, with_sources: bool) -> Ingest:
        """Make calls of the recordings that no row names.

        Args:
            found: what else the sources hold.
            manifest: where it is among the recordings, it is left out.
            with_sources: recordings without a row are named.
        """
        own = {_identity(manifest.path)} if manifest is not None else set()
        rest = [item for path, item in self._by_path.items() if path not in self._taken | own]
        names = [self._read_name(recording) for recording in rest]
        known = {item.call_id for item in (*self._calls, *self._waiting, *self._failures)}
        units = _distinct(self._units(rest, names), known)
        for unit in units:
            self._settle(unit)
        unnamed = [item for item, name in zip(rest, names, strict=True) if name is None]
        return Ingest(
            calls=tuple(self._calls),
            failures=tuple(self._failures),
            problems=(*found.problems, *self._problems),
            skipped=tuple(path for path in found.skipped if _identity(Path(path)) not in own),
            unlisted=tuple(str(item.path) for item in rest) if manifest is not None and with_sources else (),
            unknown_columns=() if manifest is None else manifest.unknown_columns,
            waiting=tuple(self._waiting),
            unmatched=tuple(str(item.path) for item in unnamed) if self._reader is not None else (),
            leg_pairs=find_pairs(unnamed, self._legs),
            ids_from_file_name=frozenset(unit.call.call_id for unit in units if not unit.id_given),
        )

    def _read_name(self, recording: RecordingFile) -> NameParts | None:
        parts = None if self._reader is None else self._reader.read(recording.stem)
        return None if parts is None or (parts.leg is not None and parts.leg.lower() not in self._legs) else parts

    def _units(self, recordings: Sequence[RecordingFile], names: Sequence[NameParts | None]) -> list[_Unit]:
        """Make a unit of each recording, and of the legs of each call."""
        units: list[_Unit] = []
        legs: dict[object, list[tuple[RecordingFile, NameParts]]] = defaultdict(list)
        counts = Counter((name.call_id, name.leg) for name in names if name is not None and name.leg is not None)
        for recording, name in zip(recordings, names, strict=True):
            if name is None or name.leg is None:
                given = name is not None and name.call_id is not None
                units.append(_Unit(call=_call_of(recording, name), recordings=(recording,), id_given=given))
                continue
            # The same number in several folders is several calls, and each has its legs in one folder.
            twice = any(counts[name.call_id, word] > 1 for word in self._legs)
            legs[name.call_id, recording.path.parent if twice else None].append((recording, name))
        return units + [self._of_legs(found) for found in legs.values()]

    def _of_legs(self, found: Sequence[tuple[RecordingFile, NameParts]]) -> _Unit:
        recordings = tuple(recording for recording, _ in found)
        roles = tuple(self._legs[(name.leg or "").lower()] for _, name in found)
        starts = [name.started_at for _, name in found if name.started_at is not None]
        call = replace(_call_of(*found[0]), channel_roles=roles, started_at=min(starts, default=None))
        if len(found) == 2 and len(set(roles)) == 2:
            return _Unit(call=call, recordings=recordings)
        if len(found) == 1:
            other = Role.CUSTOMER if roles[0] is Role.AGENT else Role.AGENT
            fault = say("the leg of the {role} is missing", role=other)
        else:
            fault = say(
                "{count} recordings are legs of this call: {names}",
                count=len(found),
                names=", ".join(item.name for item in recordings),
            )
        if not all(recording.whole for recording in recordings):
            return _Unit(call=call, recordings=recordings)
        return _Unit(call=call, recordings=recordings, fault=fault)


def _likeness(name: str) -> str:
    """Return what a name has in common with others that are written alike: case and composed letters do not count."""
    return unicodedata.normalize("NFC", name).casefold()


def _identity(path: Path) -> Path:
    """Return what tells a file from others, also of paths that no file can have."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return path


def _call_of(recording: RecordingFile, name: NameParts | None) -> Call:
    """Make a call from a recording and the metadata in its name."""
    if name is None:
        return Call(call_id=_id_from(recording.stem, recording), audio_path=str(recording.path))
    return Call(
        call_id=_id_from(name.call_id or recording.stem, recording),
        audio_path=str(recording.path),
        order_id=name.order_id,
        agent_id=name.agent_id,
        started_at=name.started_at,
        customer_phone=name.customer_phone,
    )


def _id_from(name: str, recording: RecordingFile) -> str:
    """Make an id of a file's name: without the numbers of persons, and then told from others by what it holds."""
    short = privacy.shorten_numbers(name)
    if short == name:
        return name
    try:
        return f"{short}-{sha256_of(recording.path)[:8]}"
    except UnavailableError:
        return short


def _distinct(units: Iterable[_Unit], known: Iterable[str]) -> list[_Unit]:
    """Give every call an id of its own: `a`, `a-2`, `a-3` for files of one name in several folders."""
    taken = set(known)
    result = []
    for unit in units:
        call_id, number = unit.call.call_id, 1
        while call_id in taken:
            number += 1
            call_id = f"{unit.call.call_id}-{number}"
        taken.add(call_id)
        result.append(replace(unit, call=replace(unit.call, call_id=call_id)))
    return result


def find_pairs(recordings: Iterable[RecordingFile], words: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Find recordings whose names differ by the word for a leg alone: 7001-in.wav and 7001-out.wav."""
    ending = re.compile(rf"(.+[-_. ])({'|'.join(map(re.escape, sorted(words)))})", re.IGNORECASE)
    named: defaultdict[tuple[Path, str], list[str]] = defaultdict(list)
    for recording in recordings:
        if match := ending.fullmatch(recording.stem):
            named[recording.path.parent, match[1]].append(recording.name)
    return tuple((names[0], names[1]) for names in named.values() if len(names) == 2)
