"""A language model of the user's own as a reader: a masked transcript goes in, acts and topics come out.

Only sentences with their speaker, tags and pauses are sent, personal data of all kinds masked; no name of a call, an
order or a person. An answer counts when it is exactly what its schema asks for. Otherwise, and whenever the server
gives none, the fallback reads the call, and a note says so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qareport import events, privacy
from qareport.codec import to_json
from qareport.files import atomic_write, content_key, in_home
from qareport.model import (
    ACTS_OF,
    Act,
    Note,
    NoteCode,
    PersonalKind,
    ReaderFault,
    Role,
    Segment,
    SpokenAct,
    TopicScore,
    Transcript,
)
from qareport.settings import LanguageModelSettings
from qareport.understanding import prompt
from qareport.understanding.chat_client import ChatClient, ChatError
from qareport.understanding.reader import LANGUAGE_MODEL, Reader

_log = logging.getLogger(__name__)
#: How many sentences before and after those of a request are told as its context.
_BEFORE, _AFTER = 12, 4
#: Room for an answer, in tokens: of a sentence, and of everything else.
_TOKENS_EACH, _TOKENS = 40, 200
#: After this many requests in a row that reached nobody, the fallback reads alone for a while: a night's run must end.
_PATIENCE, _PAUSE_S = 3, 300.0
_OF_SERVER = frozenset((ReaderFault.UNREACHABLE, ReaderFault.TIMEOUT, ReaderFault.KEY_REFUSED, ReaderFault.REDIRECT))


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    segments: dict[str, Annotated[list[Act], Field(max_length=prompt.MOST_ACTS)]]
    topics: Annotated[list[str], Field(max_length=prompt.MOST_TOPICS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked about a part of a call."""

    #: By number, the speakers of the sentences that are asked about.
    roles: Mapping[int, Role]
    messages: Sequence[Mapping[str, str]]

    def read_answer(self, content: str | bytes) -> _Answer:
        """Read an answer.

        Raises:
            ChatError: it is not what the schema asks for: an unknown sentence, act or topic, an act of the other role.
        """
        try:
            answer = _Answer.model_validate_json(content)
        except ValidationError:  # without it as the cause: it quotes the answer
            raise ChatError(ReaderFault.BAD_ANSWER, "not JSON of the schema") from None
        if answer.segments.keys() != {str(number) for number in self.roles}:
            raise ChatError(ReaderFault.BAD_ANSWER, "other sentences than those asked about")
        if any(act not in ACTS_OF[role] for number, role in self.roles.items() for act in answer.segments[str(number)]):
            raise ChatError(ReaderFault.BAD_ANSWER, "an act of the other role")
        if not prompt.TOPICS.keys() >= set(answer.topics):
            raise ChatError(ReaderFault.BAD_ANSWER, "an unknown topic")
        return answer


class LanguageModelReader:
    """Reads with a language model, and with another reader whatever the model does not.

    What it reads of a call depends on no other call. It only remembers that the server is gone, so as not to wait for
    it call after call.
    """

    def __init__(self, settings: LanguageModelSettings, *, key: str = "", fallback: Reader) -> None:
        """Take the settings, the key of the server ("" = none), and the reader to fall back on."""
        self._settings = settings
        self._client = ChatClient(settings, key)
        self._cache = in_home(settings.cache) if settings.cache else None
        self._fallback = fallback
        self._unanswered = 0
        self._paused_until = 0.0
        self._paused_by = ReaderFault.UNREACHABLE

    @property
    def key(self) -> str:
        """Hash of the model's name, what is asked and how, and of the key of the fallback; not of where it is asked."""
        chosen = replace(self._settings, url="", key_file="", timeout_s=1.0, cache="")
        return content_key(LANGUAGE_MODEL, prompt.VERSION, to_json(chosen), self._fallback.key)

    def read(self, transcript: Transcript) -> Transcript:
        """Read with the model; a fault leaves the whole call to the fallback, with the note `language_model_failed`."""
        # A call without known speakers is no question.
        if not any(ACTS_OF[segment.role] for segment in transcript.segments):
            return self._fallback.read(transcript)
        acts: dict[int, list[Act]] = {}
        topics: list[str] = []
        try:
            for question in self._questions(transcript.segments):
                answer = self._answer(question)
                acts |= {number: answer.segments[str(number)] for number in question.roles}
                topics += answer.topics
        except ChatError as fault:
            events.happened("understand", "failed", call_id=transcript.call_id, reason=str(fault))
            read = self._fallback.read(transcript)
            note = Note(code=NoteCode.LANGUAGE_MODEL_FAILED, values={"fault": fault.fault})
            return replace(read, notes=(*read.notes, note))
        return _with_claims(transcript, acts, topics)

    def _questions(self, segments: Sequence[Segment]) -> Iterator[_Question]:
        masked = privacy.mask_segments(segments, frozenset(PersonalKind)).segments
        lines = [
            prompt.write_line(number, segment, masked[number - 2] if number > 1 else None)
            for number, segment in enumerate(masked, start=1)
        ]
        known = [number for number, segment in enumerate(masked, start=1) if ACTS_OF[segment.role]]
        for start in range(0, len(known), self._settings.max_segments):
            asked = known[start : start + self._settings.max_segments]
            shown = lines[max(0, asked[0] - 1 - _BEFORE) : asked[-1] + _AFTER]
            roles = {number: masked[number - 1].role for number in asked}
            yield _Question(roles=roles, messages=prompt.write_messages(shown, asked))

    def _answer(self, question: _Question) -> _Answer:
        settings = self._settings
        key = content_key(prompt.VERSION, settings.model, repr(settings.extra), repr(question))
        kept = self._kept(key, question)
        if kept is not None:
            return kept
        answer = self._ask(question)
        self._keep(key, answer)
        return answer

    def _ask(self, question: _Question) -> _Answer:
        """Ask, and ask once more when the answer is not what was asked for."""
        try:
            return question.read_answer(self._complete(question, seed=0, temperature=0.0))
        except ChatError as fault:
            if fault.fault is not ReaderFault.BAD_ANSWER:
                raise
        # Without any chance the model would only repeat itself.
        return question.read_answer(self._complete(question, seed=1, temperature=0.5))

    def _complete(self, question: _Question, **sampling: float) -> str:
        if time.monotonic() < self._paused_until:
            raise ChatError(self._paused_by, "not asked: so ended the last requests")
        schema = {"name": "call", "strict": True, "schema": prompt.answer_schema(question.roles)}
        body: dict[str, Any] = {
            **sampling,
            "max_tokens": _TOKENS + _TOKENS_EACH * len(question.roles),
            **self._settings.extra,
            "model": self._settings.model,
            "messages": question.messages,
            "response_format": {"type": "json_schema", "json_schema": schema},
        }
        try:
            content = self._client.complete(body)
        except ChatError as fault:
            self._unanswered = self._unanswered + 1 if fault.fault in _OF_SERVER else 0
            if self._unanswered >= _PATIENCE:
                self._paused_until, self._paused_by = time.monotonic() + _PAUSE_S, fault.fault
            raise
        self._unanswered = 0
        return content

    def _kept(self, key: str, question: _Question) -> _Answer | None:
        """Return the answer of an earlier time; one that is damaged is none."""
        if self._cache is None:
            return None
        try:
            return question.read_answer((self._cache / f"{key}.json").read_bytes())
        except (OSError, ChatError):
            return None

    def _keep(self, key: str, answer: _Answer) -> None:
        """Keep an answer: numbers, acts and topics, nothing of what was said."""
        if self._cache is None:
            return
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with atomic_write(self._cache / f"{key}.json") as file:
                file.write(answer.model_dump_json().encode())
        except OSError as error:  # the answer is good, it will only be asked for again
            _log.warning("%s: answers cannot be kept: %s", self._cache, error.strerror)


def _with_claims(transcript: Transcript, acts: Mapping[int, list[Act]], topics: Sequence[str]) -> Transcript:
    """Put the claims on a transcript, each once: acts by the numbers of segments, from 1, and topics."""
    segments = []
    for number, segment in enumerate(transcript.segments, start=1):
        claimed = dict.fromkeys(acts.get(number, ()))
        segments.append(replace(segment, acts=tuple(SpokenAct(act=act, reader=LANGUAGE_MODEL) for act in claimed)))
    named = tuple(TopicScore(name=name, reader=LANGUAGE_MODEL) for name in dict.fromkeys(topics))
    return replace(transcript, segments=tuple(segments), topics=named)
