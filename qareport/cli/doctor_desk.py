"""What `qareport doctor` looks at for the desk: its port, files, worker and queue, its certificates, and the clock."""

from __future__ import annotations

import shutil
import socket
import ssl
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qareport.errors import NoStoreError, Problem
from qareport.messages import Message, say
from qareport.model import JobKind
from qareport.outgoing import OutgoingClient, OutgoingError, OutgoingReach

if TYPE_CHECKING:
    from qareport.settings import DeskSettings
    from qareport.workflows.workspace import Workspace

#: An answer on this machine takes no longer.
_ANSWER_S: Final = 3.0
#: A recording that waits longer than this, while the worker is ready, waits too long.
_LONG_WAIT: Final = timedelta(minutes=10)
#: Clocks of two machines may differ by so much.
_SAME_TIME: Final = timedelta(minutes=1)


class Level(StrEnum):
    """How much a finding matters."""

    FINE = "fine"
    #: Nothing is broken, but something that a daily run may need is not set up.
    HINT = "hint"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What a check has found; a hint or a fault says what to do."""

    text: Message | Problem
    level: Level = Level.FINE

    def __str__(self) -> str:
        match self.level:
            case Level.FAULT:
                return str(say("FAULT {what}", what=self.text))
            case Level.HINT:
                return str(say("HINT {what}", what=self.text))
        return str(self.text)


def check_desk(workspace: Workspace) -> Iterator[CheckOutcome]:
    """Check the desk: whether it runs or could, who reaches it, who reads its files, and whether its worker works."""
    if find_spec("fastapi") is None:
        yield CheckOutcome(say("not installed; who wants it: pip install 'qareport[desk]'"))
        return
    settings = workspace.settings.desk
    running = _answers(settings)
    if running is None:
        free = say("{host}:{port} is free: `qareport serve` opens the desk", host=settings.host, port=settings.port)
        yield CheckOutcome(free)
    elif running:
        yield CheckOutcome(say("{host}:{port}: the desk answers", host=settings.host, port=settings.port))
    else:
        what = say("another program listens on {host}:{port}", host=settings.host, port=settings.port)
        to_do = say("end it, or choose another desk.port")
        yield CheckOutcome(Problem(what=what, to_do=to_do), Level.FAULT)
    yield from _check_exposure(settings)
    yield from _check_files(Path(settings.folder), settings.key_path)
    if running:
        yield from _check_worker(workspace, Path(settings.folder))


def _answers(settings: DeskSettings) -> bool | None:
    """Ask the desk's port: True: a desk answers; False: something else does; None: nothing listens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - only compared
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only its answer matters
    try:
        socket.create_connection((host, settings.port), timeout=_ANSWER_S).close()
    except OSError:
        return None
    client = OutgoingClient(OutgoingReach(private=True, timeout_s=_ANSWER_S), context=context)
    place = f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
    for scheme in ("http", "https"):
        with suppress(OutgoingError):
            if client.send("GET", f"{scheme}://{place}/healthz").body.startswith(b"ok\n"):
                return True
    return False


def _check_exposure(settings: DeskSettings) -> Iterator[CheckOutcome]:
    from qareport.web.health import is_loopback

    if settings.insecure_http:
        what = say("desk.insecure_http is set: passwords and what customers say go over the network unencrypted")
        yield CheckOutcome(Problem(what=what, to_do=say("serve with --tls-cert and --tls-key")), Level.HINT)
    elif not is_loopback(settings.host):
        yield CheckOutcome(
            say("{host} is reached by other machines: serve with --tls-cert, or --behind-proxy", host=settings.host)
        )
    if settings.public_url.startswith("http://") and not settings.insecure_http:
        what = say("desk.public_url begins with http: browsers send it no log-in cookie")
        yield CheckOutcome(Problem(what=what, expected=Message("https://…")), Level.HINT)


def _check_files(folder: Path, key: Path) -> Iterator[CheckOutcome]:
    """Check who may read the folder of the desk, and its key, which the desk refuses where its group may."""
    folders = [folder / name for name in ("uploads", "sound", "exports")]
    for path, others in (*((path, 0o007) for path in folders), (key, 0o077)):
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
        if mode & others:
            safe = "0700" if path.is_dir() else "0600"
            what = say("others may read it (mode {mode:04o})", mode=mode)
            to_do = Message(f"chmod {safe} {path}")
            problem = Problem(what=what, where=str(path), expected=say("mode {mode}", mode=safe), to_do=to_do)
            yield CheckOutcome(problem, Level.FAULT)


def _check_worker(workspace: Workspace, folder: Path) -> Iterator[CheckOutcome]:
    from qareport.web.health import read_sign_of_life

    sign = read_sign_of_life(folder)
    if sign.state == "ready":
        yield CheckOutcome(say("the worker is ready, model {model}", model=sign.model))
    elif sign.state == "starting":
        yield CheckOutcome(say("the worker is starting"), Level.HINT)
    elif sign.state == "failed":
        what = say("the worker cannot load the model: {reason}", reason=sign.reason)
        yield CheckOutcome(what, Level.FAULT)
    else:
        what = say("no worker gives a sign of life in {folder}", folder=folder)
        to_do = say("serve without --no-engine, from the folder that desk.folder is meant from")
        yield CheckOutcome(Problem(what=what, to_do=to_do), Level.HINT)
    try:
        since = workspace.store.jobs.find_oldest_waiting(JobKind.UPLOAD)
    except NoStoreError:  # the check of the store says it
        return
    waits = datetime.now(UTC) - since if since is not None else timedelta()
    minutes = waits // timedelta(minutes=1)
    if waits > _LONG_WAIT:
        what = say("the oldest upload has waited for {minutes} minutes", minutes=minutes)
        yield CheckOutcome(Problem(what=what, to_do=say("look at the worker's log, or give it a GPU")), Level.FAULT)
    else:
        yield CheckOutcome(say("no upload waits for long"))


def check_tls(_: Workspace, *, cert: Path, key: Path) -> Iterator[CheckOutcome]:
    """Check certificates for the desk: readable, the key belongs to them, and others cannot read it."""
    for path in (cert, key):
        if not path.is_file():
            yield CheckOutcome(Problem(what=say("no such file"), where=str(path)), Level.FAULT)
            return
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & 0o007:
        what = say("others may read it (mode {mode:04o})", mode=mode)
        expected, to_do = say("mode {mode}", mode="0600"), Message(f"chmod 600 {key}")
        yield CheckOutcome(Problem(what=what, where=str(key), expected=expected, to_do=to_do), Level.FAULT)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        what = say("certificate and key cannot be used together: {reason}", reason=str(error))
        to_do = say("give the certificate chain (PEM) and its own key, without a password")
        yield CheckOutcome(Problem(what=what, where=str(cert), to_do=to_do), Level.FAULT)
    else:
        yield CheckOutcome(say("{cert}: the key belongs to it", cert=cert))


def check_clock(workspace: Workspace) -> Iterator[CheckOutcome]:
    """Check that the clock is not behind what the store has, and that something keeps it right."""
    now = datetime.now(UTC)
    try:
        newest = workspace.store.audit.list(limit=1)
    except NoStoreError:
        newest = ()
    if newest and newest[0].at > now + _SAME_TIME:
        what = say("the clock is behind: the audit log has a line of {at}", at=f"{newest[0].at:%Y-%m-%d %H:%M} UTC")
        yield CheckOutcome(Problem(what=what, to_do=say("set the clock, by NTP")), Level.FAULT)
        return
    kept = _is_kept_right()
    if kept is False:
        to_do = say("nothing keeps the clock right (timedatectl): log-ins, leases and appeals are timed by it")
        yield CheckOutcome(to_do, Level.HINT)
    else:
        yield CheckOutcome(Message(f"{now:%Y-%m-%d %H:%M} UTC"))


def _is_kept_right() -> bool | None:
    """Ask systemd whether the clock is synchronised; None: nobody knows."""
    if shutil.which("timedatectl") is None or not Path("/run/systemd/system").is_dir():
        return None
    asked = ["timedatectl", "show", "--property=NTPSynchronized", "--value"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our words
    return {"yes": True, "no": False}.get(shown)
