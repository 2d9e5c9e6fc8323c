"""`/healthz`, `/readyz` and `/metrics`, and the sign of life that the worker leaves for them."""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from qareport.errors import StoreError
from qareport.files import atomic_write
from qareport.messages import say
from qareport.model import Agents, JobKind, Permission
from qareport.web import errors
from qareport.web.access import Access, EngineStartingError
from qareport.web.dependencies import AnyDesk, require_principal
from qareport.web.desk import Desk
from qareport.workflows.live.load import BOUNDS_S, LiveFigures

router = APIRouter()
#: A worker that has given no sign of life for so long is gone.
_SILENT = timedelta(seconds=40)
#: What proxies say of whom they forward.
_FORWARDED: Final = frozenset(("forwarded", "x-forwarded-for", "x-real-ip", "via"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife:
    """What the worker says of itself: `starting`, `ready` or `failed` (with the reason)."""

    state: str
    model: str = ""
    reason: str = ""
    #: Ports on which sound of live calls comes in, by name; empty: none is open.
    live_ports: Mapping[str, int] = field(default_factory=dict)
    #: How live calls go since the worker began.
    live: LiveFigures = field(default_factory=LiveFigures)

    def leave(self, folder: Path) -> None:
        """Write it where the web process looks."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with atomic_write(folder / "worker.json") as file:
            told = asdict(self) | {"at": datetime.now(UTC).isoformat(), "pid": os.getpid()}
            file.write(json.dumps(told).encode())


def engine_state(desk: Desk) -> SignOfLife:
    """Return how the worker is: what it said last, or `absent` when that is long ago or never was.

    A worker that has ended without a word is started again: `starting`.
    """
    return read_sign_of_life(Path(desk.settings.desk.folder))


def read_sign_of_life(folder: Path) -> SignOfLife:
    """Return how the worker of a desk is that keeps its files in a folder (see `engine_state`)."""
    path = folder / "worker.json"
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        at, pid = datetime.fromisoformat(said.pop("at")), said.pop("pid", None)
        said["live"] = LiveFigures(**said.get("live", {}))
    except (OSError, ValueError, KeyError, TypeError):
        return SignOfLife(state="absent")
    if datetime.now(UTC) - at > _SILENT:
        return SignOfLife(state="absent", reason=str(said.get("reason", "")))
    if said["state"] == "ready" and pid is not None and not _runs(pid):
        said["state"] = "starting"
    return SignOfLife(**said)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def require_engine(desk: Desk) -> None:
    """Refuse what needs the engine while it starts.

    Raises:
        EngineStartingError: it is starting.
    """
    if engine_state(desk).state == "starting":
        raise EngineStartingError(say("the speech engine is starting"), to_do=say("try again in some seconds"))


@router.get("/healthz")
def healthz() -> Response:
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request, desk: AnyDesk) -> Response:
    """Say whether store and engine can be used, and how long the queue is: 200, or 503 with what is missing."""
    try:
        waiting, store = desk.store.jobs.count_waiting(JobKind.UPLOAD), "ready"
    except StoreError:
        waiting, store = 0, "unreachable"
    engine = engine_state(desk)
    body = {"store": store, "engine": engine.state, "model": engine.model, "queue": waiting}
    if store != "ready":
        return errors.refuse(request, 503, say("the store cannot be reached"), code="store", more=body)
    if desk.preparing:
        return errors.refuse(request, 503, say("the desk is being loaded"), code="desk_starting", more=body)
    if engine.state == "starting":
        detail = say("the speech engine is starting; what is uploaded now is heard when it is ready")
        return errors.refuse(request, 503, detail, code="engine_starting", more=body)
    if engine.state != "ready":
        detail = say("the speech engine is not running; what is uploaded now waits for it")
        return errors.refuse(request, 503, detail, code="engine_absent", more=body)
    return JSONResponse(body)


@router.get("/metrics")
def metrics(request: Request, desk: AnyDesk) -> Response:
    """Write figures for Prometheus, to this machine itself, or to who has the scope `metrics:read`."""
    if request.state.principal is not None or not is_from_here(request):
        Access(desk, require_principal(request)).require(Permission.METRICS_READ)
    counts, engine = desk.store.calls.count(), engine_state(desk)
    live = engine.live
    oldest = desk.store.jobs.find_oldest_waiting(JobKind.UPLOAD)
    requests = sorted(desk.requests.items())
    figures: dict[str, list[tuple[str, float]]] = {
        "qareport_calls": [
            ('{state="judged"}', counts.judged), ('{state="failed"}', counts.failed),
            ('{state="waiting"}', counts.waiting),
        ],
        "qareport_upload_queue": [("", desk.store.jobs.count_waiting(JobKind.UPLOAD))],
        "qareport_upload_queue_oldest_seconds": [("", (desk.now() - oldest).total_seconds() if oldest else 0)],
        "qareport_webhook_deliveries": [
            (f'{{state="{state}"}}', count) for state, count in sorted(desk.store.webhook_queue.count().items())
        ],
        "qareport_live_calls": [("", len(desk.store.live_calls.list_on(Agents())))],
        "qareport_open_alerts": [("", len(desk.store.alerts.list_open(Agents())))],
        "qareport_live_busy_share": [("", live.busy)],
        "qareport_live_final_delay_seconds": _histogram(live.final_counts, live.final_s),
        "qareport_live_alert_delay_seconds": _histogram(live.alert_counts, live.alert_s),
        "qareport_engine_ready": [("", int(engine.state == "ready"))],
        "qareport_requests_total": [
            (f'{{method="{method}",status="{status}"}}', count) for (method, status), (count, _s) in requests
        ],
        "qareport_request_seconds_total": [
            (f'{{method="{method}",status="{status}"}}', round(busy, 3)) for (method, status), (_n, busy) in requests
        ],
    }  # fmt: skip
    lines = []
    for name, values in figures.items():
        kind = "histogram" if "_delay_" in name else "counter" if name.endswith("_total") else "gauge"
        lines.append(f"# TYPE {name} {kind}")
        lines += [f"{name}{labels} {value}" for labels, value in values]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_from_here(request: Request) -> bool:
    """Tell whether a request comes from this machine itself, and was not forwarded by a proxy on it."""
    if request.client is None or not _FORWARDED.isdisjoint(request.headers.keys()):
        return False
    return is_loopback(request.client.host)


def _histogram(counts: Sequence[int], total_s: float) -> list[tuple[str, float]]:
    """Word a histogram: how many were up to each bound, their sum and their number."""
    bounds = (*(f"{bound:g}" for bound in BOUNDS_S), "+Inf")
    buckets = zip(bounds, itertools.accumulate(counts), strict=True)
    of_bounds: list[tuple[str, float]] = [(f'_bucket{{le="{bound}"}}', count) for bound, count in buckets]
    return [*of_bounds, ("_sum", total_s), ("_count", sum(counts))]
