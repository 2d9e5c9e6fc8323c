"""The worker process: loads the engine once, then hears uploads and calls that are on, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, TypeGuard

from qareport import events
from qareport.asr.engine import Engine
from qareport.asr.streaming import LiveRecogniser, ModelTurns, SharedSpeech
from qareport.errors import QareportError
from qareport.understanding import open_reader
from qareport.web.health import SignOfLife
from qareport.web.ingest.server import IngestServer
from qareport.web.live_feed import LiveFeed
from qareport.web.processes import share_heaps, trim_until
from qareport.workflows.export.jobs import sweep_exports
from qareport.workflows.hear_uploads import UploadWorker
from qareport.workflows.judge import RuleBook
from qareport.workflows.live.load import LiveFigures
from qareport.workflows.live.merging import settle
from qareport.workflows.live.service import LiveService
from qareport.workflows.uploads import UploadFolder
from qareport.workflows.workspace import Workspace

if TYPE_CHECKING:
    from qareport.asr import Transcriber

_log = logging.getLogger(__name__)
#: A sign of life is left so often.
_BEAT_S = 10.0
#: Files of exports are looked through so often.
_TIDY_S = 3600.0
#: A look at what can be given back holds up all threads for some milliseconds.
_TRIM_S = 20.0
#: A thread that computes gives way to the one that hears live calls after so long.
_SWITCH_S = 0.0005
#: Recordings beside live calls get what these leave of the processor: a tenth where both want all of it.
_NICENESS = 10
#: How many of the kernels that oneDNN compiles for the lengths of sound are kept, and how many of their descriptions
#: (250 KB each) by each thread, for each kind of layer: a dozen for each length. By themselves oneDNN and what PyTorch
#: puts around it keep 1,024 of either, some gigabyte after hours of live calls, for lengths of which hardly one comes
#: again.
_KEPT: Final = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "LRU_CACHE_CAPACITY": "64"}
#: What is in work when it is told to stop has so long to be done.
_LEAVE_S = 4.0


def run_worker(workspace: Workspace, *, live: LivePorts | None = None) -> None:
    """Hear uploads, and calls that are on, until SIGTERM or SIGINT.

    Args:
        workspace: the installation.
        live: where sound of calls comes in; None: nowhere.

    Raises:
        ModelError: the speech model cannot be loaded; the desk shows why.
    """
    share_heaps()
    keep_few_kernels()
    desk = workspace.settings.desk
    folder = Path(desk.folder)
    signs = _Signs(folder)
    signs.start()  # loading may take longer than a sign of life counts
    UploadFolder(path=folder / "uploads", most_bytes=0).sweep()
    try:
        engine = workspace.load_engine()
        model = workspace.engine_files().info.name
    except QareportError as error:
        signs.end(SignOfLife(state="failed", reason=str(error)))
        raise
    turns = ModelTurns()
    worker = UploadWorker(
        workspace, shared(engine, turns), is_busy=lambda: turns.is_busy, niceness=_NICENESS if live else 0
    )

    def stop(number: int, frame: FrameType | None) -> None:
        worker.stopping.set()
        threading.Thread(target=_leave_soon, args=(workspace, worker, signs), daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    threading.Thread(target=_tidy, args=(workspace, worker.stopping), daemon=True).start()
    threading.Thread(target=trim_until, args=(worker.stopping,), kwargs={"every_s": _TRIM_S}, daemon=True).start()
    with heard_live(workspace, engine, turns, live) if live else nullcontext() as server:
        ports = {} if server is None else dict(server.ports)
        if server is not None:
            signs.figures = server.service.figures
        signs.say(SignOfLife(state="ready", model=model, live_ports=ports))  # from here on calls get in, too
        worker.run()
    signs.end(SignOfLife(state="stopped"))


def keep_few_kernels() -> None:
    """Bound what oneDNN keeps, where nobody else has set it; to be called before torch computes anything."""
    for variable, count in _KEPT.items():
        os.environ.setdefault(variable, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePorts:
    """Where sound of calls comes in."""

    host: str
    #: None: as `live.port` says.
    port: int | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None


def shared(engine: Transcriber, turns: ModelTurns) -> Transcriber:
    """Return an engine of recordings that gives way to live calls."""
    return replace(engine, speech=SharedSpeech(speech=engine.speech, turns=turns)) if _is_own(engine) else engine


def _is_own(engine: Transcriber) -> TypeGuard[Engine]:
    return isinstance(engine, Engine)


@contextmanager
def heard_live(
    workspace: Workspace, engine: Transcriber, turns: ModelTurns, ports: LivePorts
) -> Iterator[IngestServer | None]:
    """Hear live calls inside a block.

    Yields:
        the open ports; None where one is taken.

    Raises:
        ConfigError: rules or settings are wrong, and the store has no valid ones.
    """
    if not isinstance(engine, Engine):
        yield None
        return
    settings = workspace.settings
    written = settings.live if ports.port is None else replace(settings.live, port=ports.port)
    folder = Path(settings.desk.folder)
    book = live_rule_book(workspace)
    book.reader.key  # noqa: B018 - its model is loaded before the first call comes in
    # The thread that hears gives way in each of its many small steps: recordings that are judged beside it must not
    # make it wait for 5 ms (Python's own value) each time.
    sys.setswitchinterval(_SWITCH_S)
    tls = None
    if ports.tls_cert and ports.tls_key:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(ports.tls_cert, ports.tls_key)
    service = LiveService(workspace.store, book, LiveRecogniser(engine, turns), folder / "live")
    server = IngestServer(service, workspace.store, written, host=ports.host, tls=tls)
    with LiveFeed(folder) as feed, service:
        service.listeners.append(feed.tell)
        try:
            server.open()
        except OSError as error:  # a port is taken: uploads are heard all the same
            events.happened("live", "failed", reason=str(error))
            _log.error("no sound of calls comes in: port %s: %s", written.port, error.strerror or error)
            yield None
            return
        try:
            yield server
        finally:
            server.close()


def live_rule_book(workspace: Workspace) -> RuleBook:
    """Return the rule book with the bundled reader: a call that is on is read anew after each sentence.

    Raises:
        ConfigError: rules or settings are wrong, and the store has no valid ones.
    """
    book = workspace.rule_book_for_run
    quick = replace(book.settings.understanding, reader="bundled")
    return replace(book, reader=open_reader(quick, workspace.config))


def _leave_soon(workspace: Workspace, worker: UploadWorker, signs: _Signs) -> None:
    """End the process although the model still works on a recording: the next worker hears that one anew."""
    time.sleep(_LEAVE_S)
    worker.give_back()
    signs.end(SignOfLife(state="stopped"))
    os._exit(0)


def _tidy(workspace: Workspace, stopping: threading.Event) -> None:
    """Index what an older version stored, and delete the files of exports whose time is over, once an hour.

    Live calls are settled whose recording was given up.
    """
    while not stopping.is_set():
        with suppress(QareportError):  # the next time it may go well, and what is wrong is told elsewhere
            sweep_exports(workspace, datetime.now(UTC))
            settle(workspace.store, keep_audio=workspace.settings.live.keep_audio)
            workspace.store.search_index.index_missing(on_progress=lambda *_: None, on_damaged=lambda _: None)
        stopping.wait(_TIDY_S)


class _Signs:
    """Leaves a sign of life every `_BEAT_S`, and whenever it says something else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said = SignOfLife(state="starting")
        #: How live calls go: told with each sign.
        self.figures: Callable[[], LiveFigures] = LiveFigures
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin with `starting`."""
        self.say(self._said)
        threading.Thread(target=self._repeat, daemon=True).start()

    def say(self, said: SignOfLife) -> None:
        """Leave this one now, and from now on."""
        with self._lock:
            if not self._ended.is_set():
                self._said = said
                replace(said, live=self.figures()).leave(self._folder)

    def end(self, last: SignOfLife) -> None:
        """Leave the last one; nothing is said after it."""
        self.say(last)
        self._ended.set()

    def _repeat(self) -> None:
        while not self._ended.wait(_BEAT_S):
            self.say(self._said)
