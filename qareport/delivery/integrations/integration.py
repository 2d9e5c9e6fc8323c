"""Integrations: files of `config/integrations/` that say which requests follow from an event, checked as they are read.

Every problem of every file is reported at once with its line and column. `CODES` explains what `qareport integrations
lint` names in square brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, with_config

from qareport.delivery.integrations.data_templates import TemplateFault, check_expression, check_template
from qareport.errors import ConfigError, Diagnostic, Problem, SourceLocation
from qareport.messages import Message, say
from qareport.model import EventType
from qareport.settings.secrets import PLACE
from qareport.strict_yaml import NodePath, YamlSource, parse_yaml, unreadable, validate

#: Every code with its meaning.
CODES: Mapping[str, Message] = {
    "wrong-suffix": say("The file ends with .yml and would be overlooked; integrations end with .yaml."),
    "no-request": say("The file has neither a request (`url`) nor a list of `requests`, or has both."),
    "invalid-address": say("The address is not https://…, or its host is not written out."),
    "invalid-header": say("The header cannot be sent, or does not say where its secret is."),
    "secret-in-file": say("A secret stands in the file; it belongs into the environment or a file of its own."),
    "ticket-too-early": say("`ticket` is used where it is not known yet: in a condition, `each` or the look-up."),
    "item-without-each": say("`item` is used in a request that is not made for `each`."),
    "answer-without-get": say("`answer` is used in a request that reads nothing first."),
    "invalid-template": say("The template is not one, or the condition has braces."),
    "template-call": say("Templates cannot call anything."),
    "template-part": say("Templates print, loop and choose; they have no macros and include no files."),
    "full-width-tag": say("The braces of a tag are full-width."),
    "unknown-name": say("The template uses a name that it does not have."),
}
#: What templates may use, from every event; what an event lacks is None, or an empty list.
FIELDS: Final = (
    "call_id", "order_id", "external_ref", "agent_id", "team", "score", "risk", "reviewed", "tags", "tags_added",
    "tags_removed", "evidence", "url",
)  # fmt: skip
_LISTS: Final = ("tags", "tags_added", "tags_removed", "evidence")
#: Of the delivery: type and time of the event, all of its data, an id that is the same on every try.
_ABOUT: Final = ("event", "at", "data", "delivery_id")
#: Headers whose values are secrets, whatever they are called.
_SECRET_HEADER = re.compile(r"(?i)authorization|cookie|token|secret|password|passwd|api[-_]?key|credential|signature")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: A secret in a header: alone, or after words like `Bearer` and `Token token=`.
_SECRET_VALUE = re.compile(rf"(?P<before>(?:[\x21-\x7e][\x20-\x7e]*[ =])?)(?P<place>{PLACE.pattern})")
#: Of one file, at most: a slip in it must not become a flood.
_MOST_REQUESTS = 10


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """A request that follows from an event."""

    #: What it is called in lists; by default its place.
    name: Annotated[str, Field(max_length=40)] = ""
    #: The condition under which it is made: an expression.
    condition: Annotated[str, Field(alias="if")] = ""
    #: An expression with a list: the request is made for each `item` of it.
    each: str = ""
    #: Address that is read first; its JSON is the `answer`.
    get: str = ""
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Any JSON whose texts are templates; absent: no body.
    body: Any = None


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class LookupForm:
    """How the ticket of a call is found."""

    #: The condition under which it is looked up; else `external_ref` is the ticket.
    condition: Annotated[str, Field(alias="if")] = "not external_ref and order_id"
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    #: An expression over the `answer`, the JSON that was read; nothing: there is no ticket yet.
    ticket: str


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationForm:
    """A file of `config/integrations/`: which events, and which requests follow; one request may be written plainly."""

    on: Annotated[tuple[EventType, ...], Field(min_length=1)]
    condition: Annotated[str, Field(alias="if")] = ""
    #: Only calls of these teams; none: all.
    teams: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    lookup: LookupForm | None = None
    requests: Annotated[tuple[RequestForm, ...], Field(max_length=_MOST_REQUESTS)] = ()
    each: str = ""
    get: str = ""
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str = ""
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """An integration without problems."""

    #: The name of its file.
    name: str
    form: IntegrationForm
    requests: tuple[RequestForm, ...]

    def name_of(self, request: RequestForm) -> str:
        """Name one of its requests in lists: `zammad.note`, `zammad.1`."""
        return f"{self.name}.{request.name or self.requests.index(request) + 1}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it sends to, each once."""
        urls = [request.url for request in self.requests]
        return tuple(dict.fromkeys(urlsplit(url).netloc for url in urls))


def load_integrations(config_dir: Path) -> tuple[Integration, ...]:
    """Read all integrations of a configuration folder, by name; none where there is no folder of them.

    Raises:
        ConfigError: every problem in every file, with line and column.
    """
    found, problems = [], list[Problem]()
    folder = config_dir / "integrations"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix == ".yml":
            what, to_do = say("would be overlooked"), say("rename it to {name}", name=f"{path.stem}.yaml")
            problems.append(Diagnostic(code="wrong-suffix", what=what, where=str(path), to_do=to_do))
        elif path.suffix == ".yaml" and not path.name.startswith("."):
            try:
                found.append(read_integration(path))
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def read_integration(path: Path) -> Integration:
    """Read one integration.

    Raises:
        ConfigError: every problem in it, with line and column.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError([unreadable(error, str(path))]) from error
    source = parse_yaml(content, name=str(path))
    form = validate(IntegrationForm, source)
    checker = _Checker(source, content.decode("utf-8-sig"))
    requests = checker.check(form)
    if checker.problems:
        raise ConfigError(checker.problems)
    return Integration(name=path.stem, form=form, requests=requests)


def split_secret(value: str) -> tuple[str, str]:
    """Return what stands before the secret of a header, and where that is; ("…", "") for a header without one."""
    match = _SECRET_VALUE.fullmatch(value)
    return (match["before"], match["place"]) if match else (value, "")


def values_of(event: Mapping[str, Any], *, delivery_id: str = "") -> dict[str, Any]:
    """Return what templates see of an event `{type, timestamp, data}`."""
    data = event["data"]
    values = {name: data.get(name, [] if name in _LISTS else None) for name in FIELDS}
    return values | {"event": event["type"], "at": event["timestamp"], "data": data, "delivery_id": delivery_id}


class _Checker:
    """Checks what the form of a file alone does not."""

    def __init__(self, source: YamlSource, text: str) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._lines = text.splitlines()

    def check(self, form: IntegrationForm) -> tuple[RequestForm, ...]:
        """Check everything. Returns the requests."""
        known = {*FIELDS, *_ABOUT}
        self._expression(("if",), form.condition, known)
        self._headers(("headers",), form.headers)
        if form.lookup is not None:
            self._expression(("lookup", "if"), form.lookup.condition, known)
            self._address(("lookup", "url"), form.lookup.url, known)
            self._headers(("lookup", "headers"), form.lookup.headers)
            self._expression(("lookup", "ticket"), form.lookup.ticket, known | {"answer"})
        if bool(form.url) == bool(form.requests):
            what, to_do = say("one request, or a list of requests, is needed"), say("write `url:`, or `requests:`")
            self._add("no-request", ("requests",) if form.requests else (), what, to_do)
            return ()
        if form.requests:
            for place, request in enumerate(form.requests):
                self._request(("requests", place), request, known)
            return form.requests
        plain = RequestForm(each=form.each, get=form.get, method=form.method, url=form.url, body=form.body)
        self._request((), plain, known)
        return (plain,)

    def _request(self, path: NodePath, request: RequestForm, known: set[str]) -> None:
        if path:
            self._expression((*path, "if"), request.condition, known)
            self._headers((*path, "headers"), request.headers)
        self._expression((*path, "each"), request.each, known)
        wider = known | {"ticket"} | ({"item"} if request.each else set())
        if request.get:
            self._address((*path, "get"), request.get, wider)
            wider = wider | {"answer"}
        self._address((*path, "url"), request.url, wider)
        self._body((*path, "body"), request.body, wider)

    def _body(self, path: NodePath, value: Any, known: Collection[str]) -> None:
        if isinstance(value, str):
            self._faults(path, value, check_template(value, known))
        elif isinstance(value, Mapping | list):
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            for key, child in items:
                self._body((*path, key), child, known)

    def _expression(self, path: NodePath, text: str, known: Collection[str]) -> None:
        if text:
            self._faults(path, text, check_expression(text, known))

    def _address(self, path: NodePath, text: str, known: Collection[str]) -> None:
        parts = urlsplit(text.partition("{")[0])
        whole = "{" not in text or parts.path.startswith("/")  # else the host is not written out
        if parts.scheme not in ("https", "http") or not parts.hostname or not whole or "@" in parts.netloc:
            expected = say("https:// and a host that is written out, then a path")
            what = say("got {value!r}", value=text)
            self._add("invalid-address", path, what, expected=expected)
        self._faults(path, text, check_template(text, known))

    def _headers(self, path: NodePath, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            place = (*path, name)
            before, secret = split_secret(value)
            if not _HEADER_NAME.fullmatch(name) or not before.isascii() or not (before + "x").isprintable():
                what = say("{name}: cannot be sent as a header", name=name)
                self._add("invalid-header", place, what, expected=say("one line of ASCII"))
            elif not secret and ("env:" in value or "file:" in value):
                expected = say("env:NAME or file:PATH, at the end: Bearer env:NAME")
                self._add("invalid-header", place, say("{name}: no place of a secret", name=name), expected=expected)
            elif not secret and _SECRET_HEADER.search(name):
                what, to_do = say("{name}: a secret stands here", name=name), say("write env:NAME, or file:PATH")
                self._add("secret-in-file", place, what, to_do)

    def _faults(self, path: NodePath, text: str, faults: Iterator[TemplateFault]) -> None:
        for fault in faults:
            code, to_do = fault.code, fault.to_do
            if code == "unknown-name" and fault.word in _MISSING:
                code, to_do = _MISSING[fault.word]
            where = self._place(path, text, fault)
            self.problems.append(Diagnostic(code=code, what=fault.what, where=where, to_do=to_do))

    def _place(self, path: NodePath, text: str, fault: TemplateFault) -> SourceLocation:
        """Find the word at fault in the lines of the file from the key on; the key's own place where it is not."""
        key = self._source.locate(path)
        lines = text.splitlines() or [""]
        wanted = lines[min(fault.line, len(lines)) - 1].strip()
        for number in range(key.line, min(len(self._lines), key.line + len(lines) + 2) + 1):
            column = self._lines[number - 1].find(wanted)
            if wanted and column >= 0:
                within = re.search(rf"(?<!\w){re.escape(fault.word)}(?!\w)", wanted) if fault.word else None
                return SourceLocation(file=key.file, line=number, column=column + (within.start() if within else 0) + 1)
        return key

    def _add(
        self, code: str, path: NodePath, what: Message, to_do: Message | None = None, expected: Message | None = None
    ) -> None:
        where = self._source.locate(path)
        self.problems.append(Diagnostic(code=code, what=what, where=where, to_do=to_do, expected=expected))


#: Names that some places have, and what it means where they are missing.
_MISSING: Final = {
    "ticket": ("ticket-too-early", say("use it in url, get and body")),
    "item": ("item-without-each", say("add `each:` with a list")),
    "answer": ("answer-without-get", say("add `get:` with the address that is read first")),
}
