"""`/healthz`, `/readyz` and `/metrics`, and the sign of life that the worker leaves for them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from qareport.errors import StoreError
from qareport.files import atomic_write
from qareport.model import JobKind, Permission
from qareport.web.dependencies import AnyDesk, MyAccess
from qareport.web.desk import Desk

router = APIRouter()
#: A worker that has given no sign of life for so long is gone.
_SILENT = timedelta(seconds=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """What the worker says of itself: `starting`, `ready` or `failed` (with the reason)."""

    state: str
    model: str = ""
    reason: str = ""

    def leave(self, folder: Path) -> None:
        """Write it where the web process looks."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with atomic_write(folder / "worker.json") as file:
            file.write(json.dumps(asdict(self) | {"at": datetime.now(UTC).isoformat()}).encode())


def engine_state(desk: Desk) -> SignOfLife:
    """Return how the worker is: what it said last, or `absent` when that is long ago or never was."""
    return read_sign_of_life(Path(desk.settings.desk.folder))


def read_sign_of_life(folder: Path) -> SignOfLife:
    """Return how the worker of a desk is that keeps its files in a folder (see `engine_state`)."""
    path = folder / "worker.json"
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        at = datetime.fromisoformat(said.pop("at"))
    except (OSError, ValueError, KeyError):
        return SignOfLife(state="absent")
    if datetime.now(UTC) - at > _SILENT:
        return SignOfLife(state="absent", reason=str(said.get("reason", "")))
    return SignOfLife(**said)


@router.get("/healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(desk: AnyDesk) -> Response:
    """Say whether store and engine can be used, and how long the queue is: 200, or 503."""
    try:
        waiting, store = desk.store.jobs.count_waiting(JobKind.UPLOAD), "ready"
    except StoreError:
        waiting, store = 0, "unreachable"
    engine = engine_state(desk)
    ready = store == "ready" and engine.state == "ready"
    body = {"store": store, "engine": engine.state, "model": engine.model, "queue": waiting}
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get("/metrics")
def metrics(request: Request, access: MyAccess) -> Response:
    """Write figures for Prometheus; needs the scope `metrics:read`."""
    access.require(Permission.METRICS_READ)
    desk = access.desk
    counts = desk.store.calls.count()
    lines = [
        f'qareport_calls{{state="judged"}} {counts.judged}',
        f'qareport_calls{{state="failed"}} {counts.failed}',
        f'qareport_calls{{state="waiting"}} {counts.waiting}',
        f"qareport_upload_queue {desk.store.jobs.count_waiting(JobKind.UPLOAD)}",
        *(
            f'qareport_webhook_deliveries{{state="{state}"}} {count}'
            for state, count in sorted(desk.store.webhook_queue.count().items())
        ),
        f"qareport_engine_ready {int(engine_state(desk).state == 'ready')}",
    ]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
