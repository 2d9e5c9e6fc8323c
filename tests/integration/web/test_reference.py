"""The document of the API is valid, the application keeps to it, and every example of the page `/api` runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openapi_spec_validator
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import ignored_auth

from qareport.model import TOKEN_SCOPES, UserRole
from qareport.web.errors import CODES
from qareport.web.limiting import RequestLimits
from qareport.web.reference import operations_of, texts_of
from tests.support.desk import OpenDesk, open_desk
from tests.support.serving import listening

#: Requests of each operation.
EXAMPLES = 3


def make_token(opened: OpenDesk) -> str:
    """Make a token of the administrator that may do everything that tokens can."""
    admin = opened.users[UserRole.ADMIN]
    lasts = opened.desk.session_lasts
    return opened.desk.store.tokens.add("all", admin.user_id, TOKEN_SCOPES, at=opened.clock.now, lasts=lasts)[1]


def keys(opened: OpenDesk, operation: Mapping[str, Any]) -> dict[str, str]:
    """Return headers that let an administrator ask for an operation: a token, or the session that it takes."""
    if operation.get("security") == [{"session": []}]:
        session = opened.enter(UserRole.ADMIN).cookies["qareport"]
        return {"Cookie": f"qareport={session}", "Origin": "http://testserver"}
    return {"Authorization": f"Bearer {make_token(opened)}"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenDesk]:
    """A desk that the tests of this module share."""
    with open_desk(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


def test_the_document_is_valid_openapi(shared: OpenDesk) -> None:
    document = shared.enter(UserRole.AGENT).get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    openapi_spec_validator.validate(document)
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert set(codes) == set(CODES)


@pytest.mark.parametrize(
    ("language", "said", "unsaid"), [("zh", "登记一个录音", "Announce"), ("en", "Announce", "登记")]
)
def test_the_reference_speaks_the_readers_language(shared: OpenDesk, language: str, said: str, unsaid: str) -> None:
    admin, headers = shared.enter(UserRole.ADMIN), {"accept-language": language}
    page = admin.get("/api", headers=headers).text
    assert said in page
    assert unsaid not in page
    document = admin.get("/api/v1/openapi.json", headers=headers).json()
    upload = document["paths"]["/api/v1/uploads"]["post"]
    assert upload["operationId"].startswith("add_upload")
    assert upload["summary"].startswith(said)
    chinese = [text for text in texts_of(document) if re.search("[\u3400-\u9fff]", text)]
    assert len(chinese) == (len(list(texts_of(document))) if language == "zh" else 0)


def test_the_application_keeps_to_its_document(shared: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestLimits, "wait_s", lambda *_: 0)
    token = {"Authorization": f"Bearer {make_token(shared)}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", shared.app, headers=token)
    accepted = schema.config.checks.positive_data_acceptance
    accepted.expected_statuses = [*accepted.expected_statuses, "422"]  # no schema says which query or cursor is one
    # The stream of live calls has no end.
    operations: Iterator[Any] = schema.exclude(path="/api/v1/live/stream").get_all_operations()
    # Each with its own key: what is asked may revoke tokens and end sessions.
    asked = (found.ok() for found in operations)
    faults = [fault for found in asked for fault in faults_of(found, keys(shared, found.definition.raw))]
    assert not faults, "\n\n".join(faults)


def faults_of(operation: Any, headers: dict[str, str]) -> Iterator[str]:
    """Ask for an operation in some ways, and yield how the answers differ from the document."""
    # Without encryption the cookie is called otherwise than in the document.
    unchecked = [ignored_auth] if "Cookie" in headers else []

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers, excluded_checks=unchecked)

    try:
        ask()
    except BaseException as fault:  # noqa: BLE001 - each operation's faults are shown together
        yield f"{operation.label}: {fault}"


def test_the_document_says_what_no_token_may_do(shared: OpenDesk) -> None:
    program = shared.browser()
    program.headers["authorization"] = f"Bearer {make_token(shared)}"
    of_persons = [item for item in operations_of(shared.app.openapi(), "") if "QAREPORT_SESSION" in item.curl]
    groups = {"users", "teams", "tokens", "webhooks", "deliveries", "calls", "appeals", "qa-pairs"}
    assert {item.group for item in of_persons} == groups
    for operation in of_persons:
        address = re.sub(r"\{\w+_id\}", "1", operation.path.replace("{call_id}", "c1"))
        body = json.loads(operation.body or "null")
        answer = program.request(operation.method, address, json=body, params={"confirm": "c1"})
        assert answer.json()["code"] in ("forbidden", "unknown_field", "invalid"), (operation.name, answer.text)


RECORDING = "20261121-0913-A017.wav"
#: Examples that say no on this desk, and why: the state of things, not the request.
REFUSED = {
    "PUT /api/v1/rules/files/{name}": {"conflict"},  # names no file that was read
    "POST /api/v1/appeals": {"forbidden"},  # an administrator has no calls to appeal for
    "POST /api/v1/calls/{call_id}/acknowledge": {"forbidden"},
    "POST /api/v1/appeals/{appeal_id}/decision": {"not_found"},
    "POST /api/v1/appeals/{appeal_id}/escalate": {"not_found"},
    "POST /api/v1/appeals/{appeal_id}/withdraw": {"not_found"},
    "PATCH /api/v1/qa-pairs/{pair_id}": {"not_found"},  # nothing was mined, nobody calls, nothing was sent
    "GET /api/v1/live/calls/{live_id}": {"not_found"},
    "GET /api/v1/alerts/{alert_id}": {"not_found"},
    "POST /api/v1/alerts/{alert_id}/ack": {"not_found"},
    "POST /api/v1/alerts/{alert_id}/snooze": {"not_found"},
    "POST /api/v1/alerts/{alert_id}/false-alarm": {"not_found"},
    "POST /api/v1/deliveries/{delivery_id}/replay": {"not_found"},
    "GET /api/v1/rules/replays/{replay_id}": {"not_found"},  # replays have random names
    "DELETE /api/v1/rules/replays/{replay_id}": {"not_found"},
    "GET /api/v1/exports/{export_id}/content": {"conflict"},  # no worker has written it
}
#: curl's exit status when the time that it was given is over: a stream has no end.
OUT_OF_TIME = 28


def test_every_example_of_the_reference_runs(shared: OpenDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(RequestLimits, "wait_s", lambda *_: 0)
    admin, token = shared.enter(UserRole.ADMIN), make_token(shared)
    session = admin.cookies["qareport"]
    finding = admin.get("/api/v1/calls/c1/findings").json()["findings"][0]
    (tmp_path / RECORDING).write_bytes(b"RIFF")
    made = {"upload_id": "", "user_id": "", "token_id": "", "webhook_id": "", "export_id": ""}
    wrong = {}
    with listening(shared.app) as address:
        page = admin.get("/api")
        assert page.status_code == 200
        operations = sorted(operations_of(admin.get("/api/v1/openapi.json").json(), address), key=_order)
        for operation in operations:
            assert operation.path in page.text
            line = _line(operation.curl, finding, made).replace("$QAREPORT_TOKEN", token)
            line = line.replace("$QAREPORT_SESSION", session)
            endless, streams = operation.path.endswith("/stream"), operation.path.endswith(("/stream", "/events"))
            words = [*shlex.split(line), *(["--max-time", "1"] if endless else [])]
            ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
            if endless and ran.returncode == OUT_OF_TIME:
                continue
            answer = ran.stdout if streams else json.loads(ran.stdout or "null")
            if operation.method == "POST" and isinstance(answer, dict):
                made |= {name: str(answer[name]) for name in made if name in answer}
            name = f"{operation.method} {operation.path}"
            code = answer.get("code") if ran.returncode and isinstance(answer, dict) else None
            if ran.returncode and code not in REFUSED.get(name, ()):
                wrong[name] = (ran.stdout or ran.stderr)[-300:]
    assert not wrong, "\n".join(f"{name}: {answer}" for name, answer in wrong.items())


def _order(operation: Any) -> tuple[bool, bool]:
    """Make things before they are asked for, and delete or turn them last; an upload ends before it is followed."""
    late = operation.method == "DELETE" or operation.path.endswith(("/events", "/swap-roles"))
    return (late, operation.method != "POST")


def _line(curl: str, finding: dict[str, Any], made: dict[str, str]) -> str:
    """Put what is on this desk in the place of what the examples name."""
    finding_id, rule_id = finding["finding_id"], finding["rule_id"]
    values = {
        RECORDING: RECORDING, "20261121-0913-A017": "c1", "20261121000123": "o1",
        "service.anger-without-empathy%4010000": quote(finding_id, safe=""),
        "service.anger-without-empathy@10000": finding_id, "service.anger-without-empathy": rule_id,
    }  # fmt: skip
    curl = re.sub("|".join(map(re.escape, values)), lambda found: values[found.group()], curl)
    for name, number in made.items():
        place = name.removesuffix("_id") + "s"
        curl = re.sub(rf"/{place}/1\b", f"/{place}/{number}", curl)
    return curl
