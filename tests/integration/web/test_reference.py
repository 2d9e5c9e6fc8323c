"""The document of the API is valid, the application keeps to it, and every example of the page `/api` runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openapi_spec_validator
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from qareport.model import TOKEN_SCOPES, UserRole
from qareport.web import create_app
from qareport.web.errors import CODES
from qareport.web.limiting import RequestLimits
from tests.support.desk import OpenDesk, open_desk

with pytest.warns() if False else __import__("contextlib").nullcontext():
    import schemathesis

#: Requests of each operation.
EXAMPLES = 8


def make_token(opened: OpenDesk) -> str:
    """Make a token of the administrator that may do everything that tokens can."""
    admin = opened.users[UserRole.ADMIN]
    lasts = opened.desk.session_lasts
    return opened.desk.store.tokens.add("all", admin.user_id, TOKEN_SCOPES, at=opened.clock.now, lasts=lasts)[1]


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


def test_the_application_keeps_to_its_document(shared: OpenDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestLimits, "wait_s", lambda *_: 0)
    app, headers = create_app(shared.desk), {"Authorization": f"Bearer {make_token(shared)}"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=headers)
    faults = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(headers=headers)

        try:
            ask()
        except BaseException as fault:  # noqa: BLE001 - each operation's faults are shown together
            faults.append(f"{operation.label}: {fault}")
    assert not faults, "\n\n".join(faults)
