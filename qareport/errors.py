"""The exception tree. Every error that qareport raises on purpose is a `QareportError`.

    QareportError
    ├── AudioError          a recording that cannot be used (empty, truncated, not audio, too long)
    ├── TranscriptError     a transcript that does not follow the contract
    ├── ModelError          a model directory that is absent, incomplete or inconsistent
    ├── NotFoundError       an order, call or file that was asked for and is not there
    ├── StoreError          the store cannot be opened, read or written
    │   └── NoStoreError    there is none, where one was to be read
    ├── QueryError          a search that makes no sense, with the place
    ├── BusyError           another process holds what only one may work on
    ├── DocumentError       a template or a renderer could not make a document
    │   └── TagError        a tag of a template that cannot be used
    ├── DeliveryError       a channel of deliveries cannot be used
    │   └── MailError       mail is not set up, cannot be composed, or its server cannot be used
    └── ConfigError         configuration, manifest, topics or rules: carries every problem found, not the first

An error's text is one line a problem, `where: what; expected …; what to do`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLocation:
    """A place in a text file that a person edits. Lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in a file: where, what, what was expected and what to do."""

    what: str
    where: SourceLocation | str | None = None
    expected: str | None = None
    to_do: str | None = None

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where is not None else self.what
        if self.expected:
            text += f"; expected {self.expected}"
        if self.to_do:
            text += f"; {self.to_do}"
        return text


class QareportError(Exception):
    """Base of all errors raised on purpose. Its text tells where, what, what was expected and what to do."""

    def __init__(
        self,
        what: str,
        *,
        where: SourceLocation | str | None = None,
        expected: str | None = None,
        to_do: str | None = None,
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(what=what, where=where, expected=expected, to_do=to_do),)
        super().__init__(str(self.problems[0]))


class AudioError(QareportError):
    """A recording that cannot be used."""


class TranscriptError(QareportError):
    """A transcript that does not follow the contract."""


class ModelError(QareportError):
    """A model directory that is absent, incomplete or inconsistent."""


class NotFoundError(QareportError):
    """Something asked for by name that is not there."""


class QueryError(QareportError):
    """A search that makes no sense; the text names the character."""


class StoreError(QareportError):
    """The store cannot be opened, read or written."""


class NoStoreError(StoreError):
    """There is no store where one was to be read."""


class DocumentError(QareportError):
    """A template or a renderer could not make a document."""


class TagError(DocumentError):
    """A tag of a template that cannot be used."""

    def __init__(self, what: str, *, where: str, to_do: str, paragraph: str = "") -> None:
        super().__init__(what, where=where, to_do=to_do)
        #: The text of the paragraph it stands in (Word).
        self.paragraph = paragraph


class BusyError(QareportError):
    """Another process holds what only one may work on at a time."""


class DeliveryError(QareportError):
    """A channel of deliveries cannot be used."""


class MailError(DeliveryError):
    """Mail is not set up, cannot be composed, or its server cannot be used."""


class ConfigError(QareportError):
    """Configuration, manifest, topics or rules that cannot be used: all problems at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("a ConfigError needs at least one problem")
        Exception.__init__(self, "\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
