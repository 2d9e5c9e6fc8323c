"""What people corrected of a call. It counts however often the call is found, heard or judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from qareport.model.call import Call, Segment, Transcript
from qareport.model.vocabulary import NoteCode, Role, RoleSource

#: Facts of a call that can be corrected.
CORRECTABLE: Final = ("order_id", "agent_id", "started_at")
_OTHER: Final[Mapping[Role, Role]] = MappingProxyType({Role.AGENT: Role.CUSTOMER, Role.CUSTOMER: Role.AGENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCorrection:
    """The corrections of one call, all together."""

    call_id: str
    #: Corrected facts by their names (`CORRECTABLE`), an instant in ISO 8601; "": it is not known.
    facts: Mapping[str, str] = field(default_factory=dict)
    #: Who speaks on each channel; empty: as the transcript says.
    channel_roles: tuple[Role, ...] = ()
    #: Key of the transcript of a single channel in which agent and customer were taken for each other; "": of none.
    swapped_key: str = ""
    #: Key of the transcript of the recording as it was heard again; "": the newest of the usual language.
    transcript_key: str = ""
    #: In which language it was heard again, as `asr.language`; "": it was not.
    language: str = ""
    #: Orders (or the call itself) that it was filed under before: their documents tell of it, too.
    former_subjects: tuple[str, ...] = ()
    #: Id of the user who corrected it last, and when.
    user_id: int | None = None
    at: datetime | None = None

    def of_call(self, call: Call) -> Call:
        """Return what is known of the call, corrected."""
        values: dict[str, Any] = {name: value or None for name, value in self.facts.items()}
        if values.get("started_at"):
            values["started_at"] = datetime.fromisoformat(values["started_at"])
        return replace(call, **values)

    def of_transcript(self, transcript: Transcript, key: str) -> Transcript:
        """Return a transcript of the call with the right speakers.

        Args:
            transcript: as it was heard.
            key: under which the store has it.
        """
        if self.channel_roles:
            segments = tuple(self._of_channel(segment) for segment in transcript.segments)
        elif self.swapped_key and self.swapped_key == key:
            segments = tuple(
                replace(segment, role=_OTHER.get(segment.role, segment.role)) for segment in transcript.segments
            )
        else:
            return transcript
        notes = tuple(note for note in transcript.notes if note.code is not NoteCode.CHANNELS_MAYBE_SWAPPED)
        return replace(transcript, segments=segments, notes=notes)

    def _of_channel(self, segment: Segment) -> Segment:
        if segment.channel is None or segment.channel >= len(self.channel_roles):
            return segment
        return replace(segment, role=self.channel_roles[segment.channel], role_source=RoleSource.GIVEN)

    def swap_roles(self, transcript: Transcript, key: str) -> CallCorrection | None:
        """Return the correction in which agent and customer change places; None: nobody is known to be either.

        Where each speaks on a channel of their own, the channels are named for good, whatever hears them later; two
        speakers on one channel change places in this transcript alone.

        Args:
            transcript: as it was heard.
            key: under which the store has it.
        """
        spoken = [segment for segment in self.of_transcript(transcript, key).segments if segment.role in _OTHER]
        if not spoken:
            return None
        roles = _roles_by_channel(spoken)
        if len(roles) > 1 and all(len(found) == 1 for found in roles.values()):
            named = {channel: _OTHER[found.copy().pop()] for channel, found in roles.items()}
            channels = tuple(named.get(channel, Role.UNKNOWN) for channel in range(max(named) + 1))
            return replace(self, channel_roles=channels, swapped_key="")
        if self.channel_roles:
            others = tuple(_OTHER.get(role, role) for role in self.channel_roles)
            return replace(self, channel_roles=others)
        return replace(self, swapped_key="" if self.swapped_key == key else key)

    @property
    def judged_by(self) -> tuple[str, ...]:
        """What a judgement follows from besides the call and its transcript."""
        return (",".join(self.channel_roles), self.swapped_key)


def _roles_by_channel(segments: Sequence[Segment]) -> dict[int, set[Role]]:
    """Return who speaks on each channel; a transcript without channels has one."""
    roles: dict[int, set[Role]] = {}
    for segment in segments:
        roles.setdefault(segment.channel or 0, set()).add(segment.role)
    return roles
