"""The exception tree. Every error that qareport raises on purpose is a `QareportError`.

    QareportError
    ├── AudioError          a recording that cannot be used (empty, truncated, not audio, too long)
    │   └── UnavailableError  it cannot be read now (missing, no access, no memory): another try may go well
    ├── TranscriptError     a transcript that does not follow the contract
    ├── ModelError          a model directory that is absent, incomplete or inconsistent
    ├── NotFoundError       an order, call or file that was requested and does not exist
    ├── QueryError          an invalid search query, with the position
    ├── StoreError          the store cannot be opened, read or written
    │   ├── NoStoreError    there is no store to read
    │   ├── InUseError      another process writes to the store for longer than was waited
    │   ├── StoreFullError  there is no room on its disk
    │   └── DamagedError    one row of the store cannot be read; all others can
    ├── DocumentError       a template or a renderer could not make a document
    │   └── TagError        a tag of a template that cannot be used
    ├── BusyError           another process holds a resource that only one process may use
    ├── ClusterError        a Ray cluster that cannot be reached or used
    ├── DeliveryError       a channel of deliveries cannot be used
    │   └── MailError       mail is not configured, cannot be composed, or its server cannot be used
    └── ConfigError         configuration, manifest, topics or rules: carries every problem, not only the first

The text of an error has one line for each problem, `where: what; expected …; what to do`, in the language that messages
speak when it is read (`qareport.messages`), without the passwords of URLs. A `Diagnostic` is a problem with a stable
code, so that programs and `# qareport: ignore[code]` can name it.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from qareport.messages import Message, say

#: ftp://user:secret@host; not http://host:80/a@b.
_CREDENTIALS = re.compile(r"(://[^\s:@/]*:)(?!\d+[/\s])\S*@")
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:passw(?:or)?d|pwd|secret|token|signature|credential|api_?key|accesskey)[\w.-]*|pw|sig|key)=)"
    r"[^&\s#;'\"]+?(?=[:,.]?(?:[&\s#;'\"]|$))"
)


def redact(text: str) -> str:
    """Hide passwords in the URLs of a text: `ftp://user:***@host`, `?password=***`."""
    if "://" not in text and "=" not in text:
        return text
    return _SECRET_PARAMETER.sub(r"\1***", _CREDENTIALS.sub(r"\1***@", text))


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

    what: str | Message
    where: SourceLocation | str | None = None
    expected: str | Message | None = None
    to_do: str | Message | None = None

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where is not None else str(self.what)
        if self.expected:
            text = str(say("{what}; expected {expected}", what=text, expected=self.expected))
        if self.to_do:
            text = str(say("{what}; {to_do}", what=text, to_do=self.to_do))
        return redact(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic(Problem):
    """A problem with a stable code and a severity; its text is that of the problem."""

    #: Lower-case words joined by dashes, for example `unknown-key`. `qareport.rules.CODES` explains each.
    code: str
    severity: Literal["error", "warning", "info"] = "error"


class QareportError(Exception):
    """Base of all errors raised on purpose. Its text says where, what, what was expected and what to do."""

    def __init__(
        self,
        what: str | Message,
        *,
        where: SourceLocation | str | None = None,
        expected: str | Message | None = None,
        to_do: str | Message | None = None,
    ) -> None:
        self.problems: tuple[Problem, ...] = (Problem(what=what, where=where, expected=expected, to_do=to_do),)
        super().__init__(what)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> Self:
        """Make an error of several problems."""
        first = problems[0]
        error = cls(first.what, where=first.where, expected=first.expected, to_do=first.to_do)
        error.problems = tuple(problems)
        return error


class AudioError(QareportError):
    """A recording that cannot be used."""


class UnavailableError(AudioError):
    """A recording that cannot be read now, for a reason that is not in its bytes: another try may go well."""


class TranscriptError(QareportError):
    """A transcript that does not follow the contract."""


class ModelError(QareportError):
    """A model directory that is absent, incomplete or inconsistent."""


class NotFoundError(QareportError):
    """Something that was requested by name and does not exist."""


class QueryError(QareportError):
    """An invalid search query; the text names the position."""

    #: The character at which it goes wrong, from 1; 0: at none.
    place: int = 0


class StoreError(QareportError):
    """The store cannot be opened, read or written."""


class NoStoreError(StoreError):
    """There is no store to read."""


class InUseError(StoreError):
    """Another process writes to the store for longer than was waited."""


class StoreFullError(StoreError):
    """There is no room on the disk of the store."""


class DamagedError(StoreError):
    """One row of the store cannot be read; all others can."""


class DocumentError(QareportError):
    """A template or a renderer could not make a document."""


class TagError(DocumentError):
    """A tag of a template that cannot be used."""

    def __init__(self, what: str | Message, *, where: str, to_do: str | Message, paragraph: str = "") -> None:
        super().__init__(what, where=where, to_do=to_do)
        #: The text of the paragraph that holds the tag (Word).
        self.paragraph = paragraph


class BusyError(QareportError):
    """Another process holds a resource that only one process may use."""


class ClusterError(QareportError):
    """A Ray cluster that cannot be reached, or on which nothing can be done."""


class DeliveryError(QareportError):
    """A channel of deliveries cannot be used."""


class MailError(DeliveryError):
    """Mail is not configured, cannot be composed, or its server cannot be used."""


class ConfigError(QareportError):
    """Configuration, manifest, topics or rules that cannot be used: all problems at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("a ConfigError needs at least one problem")
        Exception.__init__(self, tuple(problems))
        self.problems = tuple(problems)


#: Usual reasons of the system, in its words.
_OS_REASONS: Final[Mapping[int, Message]] = {
    errno.ENOENT: say("No such file or directory"),
    errno.EACCES: say("Permission denied"),
    errno.EPERM: say("Operation not permitted"),
    errno.EISDIR: say("Is a directory"),
    errno.ENOTDIR: say("Not a directory"),
    errno.EEXIST: say("File exists"),
    errno.ENOSPC: say("No space left on device"),
    errno.EDQUOT: say("Disk quota exceeded"),
    errno.EROFS: say("Read-only file system"),
    errno.EFBIG: say("File too large"),
    errno.EIO: say("Input/output error"),
    errno.ENOMEM: say("Cannot allocate memory"),
    errno.EMFILE: say("Too many open files"),
    errno.ENAMETOOLONG: say("File name too long"),
    errno.EILSEQ: say("the locale has no letters for this name: set PYTHONUTF8=1, or a locale with UTF-8"),
    errno.ELOOP: say("Too many levels of symbolic links"),
    errno.EINVAL: say("Invalid argument"),
    errno.ECONNREFUSED: say("Connection refused"),
    errno.ECONNRESET: say("Connection reset by peer"),
    errno.ETIMEDOUT: say("Connection timed out"),
    errno.EHOSTUNREACH: say("No route to host"),
    errno.ENETUNREACH: say("Network is unreachable"),
    errno.EADDRINUSE: say("Address already in use"),
}


#: What libraries say, each in its own words, where a process may use no more memory.
_OUT_OF_MEMORY: Final = (
    "failed to map segment",
    "llocate memory",
    "bad_alloc",
    "could not create a primitive",
    "can't start new thread",
)


def no_memory(error: BaseException) -> Message | None:
    """Say that something failed for want of memory (`ulimit -v`, a container's limit); None: it did for another reason.

    The words of the library that noticed it are there for who mends it.
    """
    telling = [line.strip() for line in str(error).splitlines() if any(words in line for words in _OUT_OF_MEMORY)]
    if not telling and not isinstance(error, MemoryError):
        return None
    return say(
        "this process may use no more memory: allow it more, or end programs beside it ({error})",
        error=": ".join((type(error).__name__, *telling[:1])),
    )


def fault_reason(error: BaseException) -> Message | str:
    """Say why something failed that was not raised on purpose: the name of the error is there for who mends it."""
    return no_memory(error) or f"{type(error).__name__}: {error}"


def os_reason(error: BaseException) -> Message | str:
    """Say why the system refused something: in the reader's language where the reason is a usual one."""
    if "No usable temporary directory" in str(error):  # Python says "no such file" of what is to be written
        return say("there is no folder for temporary files (/tmp): set TMPDIR to one that can be written")
    known = _OS_REASONS.get(getattr(error, "errno", None) or 0)
    return known or getattr(error, "strerror", None) or str(error) or type(error).__name__


#: What pydantic says in a programmer's words, in a supervisor's.
_PLAINLY: Mapping[str, Message] = {
    "int_type": say("a whole number"),
    "float_type": say("a number"),
    "dict_type": say("keys with values below it, not a bare value"),
    "dataclass_type": say("keys with values below it, not a bare value"),
    "list_type": say("a list, each item after a dash"),
    "tuple_type": say("a list, each item after a dash"),
    "string_type": say("text"),
    "too_short": say("at least one"),
    "word": say("words, not a blank"),
    "bool_type": say("true or false"),
    "bool_parsing": say("true or false"),
    "int_parsing": say("a whole number"),
    "int_from_float": say("a whole number"),
    "float_parsing": say("a number"),
    "finite_number": say("a number"),
    "string_pattern_mismatch": say("text of another form"),
    "string_too_long": say("a shorter text"),
    "string_too_short": say("a longer text"),
    "too_long": say("fewer"),
    "none_required": say("nothing"),
    "datetime_parsing": say("a time such as 2026-11-21T09:13:05+08:00"),
    "datetime_from_date_parsing": say("a time such as 2026-11-21T09:13:05+08:00"),
    "datetime_type": say("a time such as 2026-11-21T09:13:05+08:00"),
    "timezone_aware": say("a time such as 2026-11-21T09:13:05+08:00"),
    "date_parsing": say("a date such as 2026-11-21"),
    "date_from_datetime_parsing": say("a date such as 2026-11-21"),
    "date_type": say("a date such as 2026-11-21"),
}
_BOUNDS: Mapping[str, Callable[[object], Message]] = {
    "greater_than": lambda bound: say("a number above {bound}", bound=bound),
    "greater_than_equal": lambda bound: say("{bound} or more", bound=bound),
    "less_than": lambda bound: say("a number below {bound}", bound=bound),
    "less_than_equal": lambda bound: say("{bound} or less", bound=bound),
}


def choices_of(issue: Any) -> list[str]:
    """Return the values to choose from when pydantic refused another; empty for other refusals."""
    expected = issue.get("ctx", {}).get("expected")
    return re.findall(r"'([^']*)'", expected) if isinstance(expected, str) else []


def expected_by(issue: Any) -> Message:
    """Say what pydantic expected, in the words of a person who writes YAML."""
    details = issue.get("ctx", {})
    own = details.get("expected")
    if isinstance(own, Message):
        return own
    if choices := choices_of(issue):
        return say("one of {choices}", choices=", ".join(choices))
    if issue["type"] in _BOUNDS:
        (bound,) = (value for value in details.values() if isinstance(value, int | float))
        return _BOUNDS[issue["type"]](f"{bound:g}")
    reason = re.sub(r"^(Input|Value) should be |^Value error, ", "", issue["msg"])
    return _PLAINLY.get(issue["type"]) or say("{reason}", reason=reason[:1].lower() + reason[1:])


#: What Python's reader of JSON says.
_OF_JSON: Mapping[str, Message] = {
    "Expecting value": say("a value is missing"),
    "Expecting property name enclosed in double quotes": say("a name in double quotes is missing"),
    "Expecting ':' delimiter": say("a colon (:) is missing"),
    "Expecting ',' delimiter": say("a comma (,) is missing"),
    "Extra data": say("something follows after its end"),
    "Unterminated string starting at": say("a quotation mark is never closed"),
    "Invalid control character at": say("a line break or tab within quotation marks"),
    "Invalid \\escape": say("a backslash that is not doubled"),
    "Invalid \\uXXXX escape": say("a backslash that is not doubled"),
}


def of_json(said: str) -> Message | str:
    """Say in plain words what a reader of JSON says; words that are not known stay as they are."""
    return _OF_JSON.get(said, said)


def json_reason(error: ValueError) -> Message | str:
    """Say why a text is no JSON, and where in it."""
    if not isinstance(error, json.JSONDecodeError):
        said = error.args[0] if error.args else ""
        return said if isinstance(said, Message) else str(error)
    return say(
        "{what} (line {line}, character {column})", what=of_json(error.msg), line=error.lineno, column=error.colno
    )
