"""The document of the HTTP API (`/api/v1/openapi.json`, OpenAPI 3.1) and the page that is made from it (`/api`)."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from qareport import __version__, messages
from qareport.messages import Message
from qareport.web.dependencies import MyAccess
from qareport.web.errors import CODES
from qareport.web.middleware import cookie_name
from qareport.web.templating import render

router = APIRouter()
#: A line break within a paragraph, and the end of a sentence.
_BREAK: Final = re.compile(r"(?<!\n)\n(?!\n)")
_SENTENCE: Final = re.compile(r"(?<=[.。])\s+|(?<=。)|\n")
_ABOUT: Final = (
    "Authenticate with `Authorization: Bearer qar_…` (a token of the desk), or with the session of a browser. "
    "Users, teams, tokens and webhooks are changed, appeals and question-answer pairs decided, and calls deleted, "
    "with a session only. "
    "Fields are only added within a version; unknown ones in requests are refused. Lists go on from `next`. "
    "Errors are `application/problem+json` (RFC 9457) with a stable `code`."
)
#: Who may do what, whom the desk tells, what is decided on a person's word, and what is deleted for good: a person's
#: deed, which no token does.
_OF_PERSONS: Final = re.compile(
    r"[A-Z]+ /api/v1/(?:users|teams|tokens|webhooks|deliveries|appeals)(?:/.*)?|DELETE /api/v1/calls/\{call_id\}"
    r"|PATCH /api/v1/qa-pairs/\{pair_id\}"
)
_SESSION_ONLY: Final[list[dict[str, list[str]]]] = [{"session": []}]
_PROBLEM: Final = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "code", "errors"],
    "properties": {
        "type": {"type": "string", "description": "`/api#` and the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, in the language of the request."},
        "instance": {"type": "string"},
        "code": {"type": "string", "enum": sorted(CODES)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": ["string", "null"]} for name in ("at", "got", "expected", "to_do")},
            },
        },
    },
}
_KEY: Final = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
    "description": "The same request with the same key within 24 hours is answered as before, and makes nothing more.",
}  # fmt: skip
#: Values of the examples, by parameter.
_PLACES: Final = {
    "call_id": "20261121-0913-A017", "order_id": "20261121000123", "finding_id": "service.anger-without-empathy@10000",
    "upload_id": "1", "user_id": "1", "team_id": "red", "token_id": "1", "appeal_id": "1", "format": "json",
    "kind": "day", "name": "2026-11-21", "webhook_id": "1", "delivery_id": "msg_1", "export_id": "1", "pair_id": "1",
    "live_id": "1", "alert_id": "1", "replay_id": "1",
}  # fmt: skip
_RULE_FILE: Final = "service.yaml"
#: Queries and bodies of the examples, by operation.
_ASKED: Final[Mapping[str, Mapping[str, Any]]] = {
    "GET /calls": {"query": {"q": "ANGRY AND 退货", "limit": "20"}},
    "GET /heat": {"query": {"from": "2026-11-01", "to": "2026-11-30"}},
    "GET /audit": {"query": {"action": "login", "limit": "20"}},
    "GET /rules/schema": {"query": {"kind": "rules"}},
    "POST /uploads": {"body": {"file_name": "20261121-0913-A017.wav", "language": "zh", "agent_id": "A017"}},
    "PUT /uploads/{upload_id}/content": {"file": "20261121-0913-A017.wav"},
    "PUT /calls/{call_id}/findings/{finding_id}/verdict": {"body": {"verdict": "rejected", "reason": "wrong_words"}},
    "POST /calls/{call_id}/findings": {"body": {"rule_id": "service.anger-without-empathy", "at_ms": 10000}},
    "POST /appeals": {
        "body": {"call_id": "20261121-0913-A017", "finding_id": _PLACES["finding_id"], "comment": "当时已经道歉了"}
    },
    "POST /appeals/{appeal_id}/decision": {"body": {"decision": "upheld", "comment": "确实道歉了"}},
    "PUT /rules/files/{name}": {"body": {"text": "schema: 1\nrules: []\n", "reason": "新的话术"}},
    "PUT /rules/drafts/{name}": {"body": {"text": "schema: 1\nrules: []\n"}},
    "POST /rules/lint": {"body": {"files": {}}},
    "POST /rules/test": {"body": {"files": {}}},
    "POST /rules/explain": {"body": {"call_id": "20261121-0913-A017", "rule_id": "service.anger-without-empathy"}},
    "POST /rules/replay": {"body": {"files": {}, "first": "2026-11-01"}},
    "POST /users": {"body": {"name": "li.min", "role": "supervisor", "display": "李敏", "teams": ["red"]}},
    "PATCH /users/{user_id}": {"body": {"display": "李敏"}},
    "POST /teams": {"body": {"team_id": "red", "name": "售后一组", "agents": ["A017", "A023"]}},
    "DELETE /calls/{call_id}": {"query": {"confirm": "20261121-0913-A017"}},
    "PATCH /calls/{call_id}": {"body": {"agent_id": "A017"}},
    "POST /calls/{call_id}/rehear": {"body": {"language": "yue"}},
    "POST /exports": {"body": {"kind": "calls", "format": "xlsx", "q": "退货"}},
    "PATCH /qa-pairs/{pair_id}": {"body": {"state": "approved"}},
    "POST /webhooks": {"body": {"url": "https://crm.example.com/qareport", "types": ["call.judged"]}},
    "PATCH /webhooks/{webhook_id}": {"body": {"on": False}},
    "GET /live/calls": {"query": {"state": "ended"}},
    "GET /alerts": {"query": {"state": "all", "rule": "anger", "limit": "20"}},
    "POST /live/tickets": {"body": {"call_id": "20261121-1405-A017", "agent_id": "A017", "tracks": ["customer"]}},
    "POST /alerts/{alert_id}/snooze": {"body": {"minutes": 5}},
    "POST /alerts/{alert_id}/false-alarm": {"body": {"reason": "客户在说别家的店"}},
    "POST /tokens": {"body": {"name": "工单系统", "scopes": ["calls:read"], "days": 90}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Mapping[str, Any], ...]
    #: JSON, indented; "" for none.
    body: str
    curl: str

    @property
    def group(self) -> str:
        """What it is about: the first part of its address within the API."""
        return self.path.removeprefix("/api/v1/").partition("/")[0]


def install(app: FastAPI) -> None:
    """Let an application write its document as this module words it."""

    worded: dict[str, dict[str, Any]] = {}

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = make_document(app)
        if (language := messages.language()) not in worded:
            worded[language] = word_document(app.openapi_schema)
        return worded[language]

    app.openapi = document  # type: ignore[method-assign]


@router.get("/api/v1/openapi.json")
def get_openapi_document(request: Request, access: MyAccess) -> Response:
    """Send the document of the API."""
    return JSONResponse(request.app.openapi())


@router.get("/api")
def show_reference(request: Request, access: MyAccess) -> Response:
    """Show what the API can do, with an example of each."""
    document = request.app.openapi()
    address = str(request.base_url).rstrip("/")
    operations = sorted(operations_of(document, address), key=lambda operation: (operation.group, operation.path))
    return render(request, "api.html.j2", operations=operations, codes=CODES)


def operations_of(document: Mapping[str, Any], address: str) -> Iterator[Operation]:
    """Yield the operations of a document, each with an example for the command line.

    Args:
        document: as `/api/v1/openapi.json` has it.
        address: of the desk, without a slash at its end.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            short = path.removeprefix("/api/v1")
            asked = _ASKED.get(f"{method.upper()} {short}", {})
            body = json.dumps(asked["body"], ensure_ascii=False, indent=2) if "body" in asked else ""
            yield Operation(
                name=operation["operationId"], method=method.upper(), path=path, summary=operation["summary"],
                text=operation.get("description", ""), parameters=tuple(operation.get("parameters", ())), body=body,
                curl=_curl(method.upper(), path, asked, address, key=_key(operation, address)),
            )  # fmt: skip


def _key(operation: Mapping[str, Any], address: str) -> str:
    """Return what opens the desk to an example: a token, or a session, which says where it is from."""
    if operation.get("security") != _SESSION_ONLY:
        return '-H "Authorization: Bearer $QAREPORT_TOKEN"'
    cookie = f'-H "Cookie: {cookie_name(urlsplit(address).scheme)}=$QAREPORT_SESSION"'
    return f"{cookie} -H {shlex.quote(f'Origin: {address}')}"


def _curl(method: str, path: str, asked: Mapping[str, Any], address: str, *, key: str) -> str:
    places = _PLACES | ({"name": _RULE_FILE} if path.startswith("/api/v1/rules") else {})
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    query = "?" + urlencode(asked["query"]) if "query" in asked else ""
    words = ["curl", "--fail-with-body", *(["-X", method] if method != "GET" else [])]
    line = f"{shlex.join(words)} {key}"
    if "body" in asked:
        line += f" --json {shlex.quote(json.dumps(asked['body'], ensure_ascii=False))}"
    if "file" in asked:
        line += f" --data-binary @{asked['file']}"
    return f"{line} {shlex.quote(address + path + query)}"


def texts_of(part: Any) -> Iterator[str]:
    """Yield what a document says to people, in English: its descriptions."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "description" and isinstance(value, str):
                yield _flowing(value)
            else:
                yield from texts_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from texts_of(value)


def word_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document in the language that messages speak; operations are summed up by their first sentence."""
    worded: dict[str, Any] = _worded(document)
    for methods in worded["paths"].values():
        for operation in methods.values():
            operation["summary"] = _SENTENCE.split(operation["description"], maxsplit=1)[0].rstrip(".。")
    return worded


def _worded(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {
            name: str(Message(_flowing(value))) if name == "description" and isinstance(value, str) else _worded(value)
            for name, value in part.items()
        }
    return [_worded(value) for value in part] if isinstance(part, list) else part


def _flowing(text: str) -> str:
    """Undo the line breaks of a source within paragraphs."""
    return _BREAK.sub(" ", text.strip())


def make_document(app: FastAPI) -> dict[str, Any]:
    """Make the document of an application, in English."""
    document = get_openapi(
        title="qareport", version=__version__, description=_ABOUT, routes=app.routes, openapi_version="3.1.0"
    )
    parts = document.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of the desk: qar_…"},
        "session": {"type": "apiKey", "in": "cookie", "name": "__Host-qareport"},
    }
    document["security"] = [{"token": []}, {"session": []}]
    problem = {
        "description": "An error.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if _OF_PERSONS.fullmatch(f"{method.upper()} {path}"):
                operation["security"] = _SESSION_ONLY
            responses = operation["responses"]
            responses.pop("422", None)
            responses["4XX"] = responses["5XX"] = problem
            if method == "post" and not responses.keys().isdisjoint(("201", "202")):
                operation.setdefault("parameters", []).append(_KEY)
    return document
