"""The ports on which sound comes in: websockets by path, FunASR's clients, and AudioSocket over TCP.

One thread runs them all; a fault of a connection closes it alone.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from qareport import events
from qareport.model import LiveEvent
from qareport.settings import LiveSettings
from qareport.store import Store
from qareport.web.ingest.admission import Admitted, Door, refusal
from qareport.web.ingest.asterisk import AsteriskConvention
from qareport.web.ingest.audiosocket import AudioSocketConvention
from qareport.web.ingest.conventions import (
    DONE,
    NOT_ALLOWED,
    OVERLOAD,
    Began,
    Convention,
    FrameError,
    Held,
    Over,
    Reply,
    SoundFrame,
    Step,
)
from qareport.web.ingest.funasr import FunasrConvention
from qareport.web.ingest.plain import ForkConvention, PcmConvention
from qareport.web.ingest.twilio import TwilioConvention
from qareport.workflows.live.service import LiveService
from qareport.workflows.live.starting import LiveLeg, LiveRefusedError, LiveStart

#: In bytes.
LARGEST_FRAME: Final = 64 * 1024
#: In seconds: so soon the first message, which begins the call, must come.
FIRST_WITHIN_S: Final = 5.0
#: Frames of one channel in a second.
MOST_FRAMES: Final = 200
#: In milliseconds: sound that waits to be heard before more is read.
_MOST_WAITING_MS: Final = 20_000
_SUBPROTOCOLS = [Subprotocol(name) for name in ("media", "audio.drachtio.org", "audio.jambonz.org", "binary")]
_CONVENTIONS: dict[str, Callable[[dict[str, str]], Convention]] = {
    "pcm": lambda query: PcmConvention(),
    "twilio": lambda query: TwilioConvention(),
    "telnyx": lambda query: TwilioConvention(),
    "exotel": lambda query: TwilioConvention(),
    "asterisk": AsteriskConvention,
    "freeswitch": ForkConvention,
    "jambonz": ForkConvention,
}


class _Connection:
    """What a connection does to the calls of the service, whatever carries it."""

    def __init__(
        self, service: LiveService, door: Door, convention: Convention, name: str, peer: str, admitted: Admitted | None
    ) -> None:
        self._service = service
        self._door = door
        self.convention = convention
        self._name = name
        self._peer = peer
        self._admitted = admitted
        self._leg: LiveLeg | None = None
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._frames = 0
        self._second = 0
        #: Whether a call of it is or was heard.
        self.was_on = False

    def count(self, frames: int = 1) -> None:
        """Count frames.

        Raises:
            FrameError: there are too many in this second.
        """
        second = int(time.monotonic())
        self._frames = frames + (self._frames if second == self._second else 0)
        self._second = second
        if self._frames > MOST_FRAMES * self.convention.most_channels:
            raise FrameError("too many frames", NOT_ALLOWED)

    async def follow(self, steps: list[Step]) -> None:
        """Do what a message said.

        Raises:
            FrameError: it is not let in.
            LiveRefusedError: it is not heard.
        """
        for step in steps:
            match step:
                case Began():
                    await self._begin(step)
                case SoundFrame() if self._leg is not None:
                    self._service.push(self._leg, step.channel, step.samples, step.at_ms)
                    while self._service.waiting_ms(self._leg) > _MOST_WAITING_MS:  # files come faster than speech
                        await asyncio.sleep(0.05)
                case Held() if self._leg is not None:
                    self._service.hold(self._leg, is_held=step.is_held)
                case Over():
                    await self.end("hangup")
                case Reply():
                    self.told.put_nowait(step.text)
                case _:
                    pass

    async def end(self, reason: str) -> None:
        """End the call of this connection, if there is one."""
        leg, self._leg = self._leg, None
        if leg is not None:
            await asyncio.to_thread(self._service.end, leg, reason)

    async def _begin(self, began: Began) -> None:
        admitted = self._admitted
        if admitted is None and began.ticket:
            admitted = await asyncio.to_thread(self._door.by_ticket, began.ticket)
        if admitted is None:
            raise FrameError(refusal(), NOT_ALLOWED)
        whole = admitted.complete(began)
        start = LiveStart(
            convention=self._name, call_id=whole.call_id or f"live-{secrets.token_hex(6)}", order_id=whole.order_id,
            agent_id=whole.agent_id, external_ref=whole.external_ref, customer_phone=whole.customer_phone,
            peer=self._peer, roles=whole.roles, sample_rate=whole.sample_rate, is_half=whole.is_half,
        )  # fmt: skip
        self._leg = await asyncio.to_thread(self._service.begin, start, listener=self._hear)
        self.was_on = True

    def _hear(self, event: LiveEvent) -> None:
        kinds = {"live.line": "line", "live.partial": "partial", "live.channel_ended": "over", "live.ended": "over"}
        text = self.convention.told(kinds[event.type], event.data) if event.type in kinds else None
        if text is not None:
            with suppress(RuntimeError):  # the ports are closed already
                self._loop.call_soon_threadsafe(self.told.put_nowait, text)


class IngestServer:
    """All ports. Use it as a context manager."""

    def __init__(
        self, service: LiveService, store: Store, settings: LiveSettings, *, host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self.service: Final = service
        self._settings = settings
        self._host = host
        self._tls = tls
        self._door = Door(store, settings, clock)
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="qareport-live-ingest", daemon=True)
        #: Ports that are open, by name.
        self.ports: Final[dict[str, int]] = {}

    def __enter__(self) -> IngestServer:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open the ports.

        Raises:
            OSError: one is taken.
        """
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            self._thread.join()
            raise self._failed

    def close(self) -> None:
        """Close the ports; calls whose connections end with them are lost."""
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:  # a port is taken
            self._failed = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        live = self._settings
        websockets = await self._open(live.port, self._by_path, self._let_in)
        self.ports["live"] = websockets.sockets[0].getsockname()[1]
        servers: list[Server | asyncio.Server] = [websockets]
        if live.funasr_port:
            server = await self._open(live.funasr_port, self._funasr, self._let_near_in)
            self.ports["funasr"] = server.sockets[0].getsockname()[1]
            servers.append(server)
        if live.audiosocket_port:
            tcp = await asyncio.start_server(self._audiosocket, self._host, live.audiosocket_port)
            self.ports["audiosocket"] = tcp.sockets[0].getsockname()[1]
            servers.append(tcp)
        self._ready.set()
        await self._stop.wait()
        for each in servers:
            each.close()
        await asyncio.wait({asyncio.create_task(each.wait_closed()) for each in servers}, timeout=2)
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _open(self, port: int, handler: Any, let_in: Any) -> Server:
        return await serve(
            handler, self._host, port, process_request=let_in, subprotocols=_SUBPROTOCOLS, max_size=LARGEST_FRAME,
            open_timeout=FIRST_WITHIN_S, close_timeout=2, ping_interval=20, ping_timeout=40, ssl=self._tls,
            server_header=None, select_subprotocol=_subprotocol, compression=None,
        )  # fmt: skip

    # --- who is let in ------------------------------------------------------------------------------------------------

    async def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        address = urlsplit(request.path)
        name = address.path.removeprefix("/live/")
        if name not in _CONVENTIONS or not address.path.startswith("/live/"):
            return connection.respond(HTTPStatus.NOT_FOUND, "no such convention\n")
        if (busy := self._busy(connection)) is not None:
            return busy
        origin = request.headers.get("Origin")
        host = request.headers.get("Host", "")
        if origin is not None and urlsplit(origin).netloc != host:
            return connection.respond(HTTPStatus.FORBIDDEN, "another site\n")
        query = dict(parse_qsl(address.query))
        admitted = await asyncio.to_thread(self._admit, request, host, query, _peer(connection))
        signed = name in ("twilio", "telnyx", "exotel")
        if admitted is None and not (signed or name == "pcm"):  # those may bring a ticket in their first message
            return connection.respond(HTTPStatus.UNAUTHORIZED, refusal() + "\n")
        connection.admitted = admitted  # type: ignore[attr-defined]
        return None

    def _admit(self, request: Request, host: str, query: dict[str, str], peer: str) -> Admitted | None:
        authorization = request.headers.get("Authorization", "")
        if authorization:
            return self._door.by_header(authorization, peer)
        if ticket := query.get("ticket"):
            return self._door.by_ticket(ticket)
        return self._door.by_signature(request.headers.get("X-Twilio-Signature", ""), host, request.path)

    async def _let_near_in(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self._door.is_near(_peer(connection)):
            return connection.respond(HTTPStatus.FORBIDDEN, "not allowed from there\n")
        if request.headers.get("Origin") is not None:
            return connection.respond(HTTPStatus.FORBIDDEN, "not for browsers\n")
        connection.admitted = Admitted()  # type: ignore[attr-defined]
        return self._busy(connection)

    def _busy(self, connection: ServerConnection) -> Response | None:
        core = self.service.core
        if len(core.calls) < self._settings.max_calls and not core.load.is_overloaded:
            return None
        response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many calls at once\n")
        response.headers["Retry-After"] = "10"
        return response

    # --- connections --------------------------------------------------------------------------------------------------

    async def _by_path(self, websocket: ServerConnection) -> None:
        request = websocket.request
        address = urlsplit(request.path if request else "")
        name = address.path.removeprefix("/live/")
        await self._talk(websocket, _CONVENTIONS[name](dict(parse_qsl(address.query))), name)

    async def _funasr(self, websocket: ServerConnection) -> None:
        await self._talk(websocket, FunasrConvention(), "funasr")

    async def _talk(self, websocket: ServerConnection, convention: Convention, name: str) -> None:
        admitted: Admitted | None = getattr(websocket, "admitted", None)
        connection = _Connection(self.service, self._door, convention, name, _peer(websocket), admitted)
        telling = asyncio.create_task(_send_told(websocket, connection))
        code, why, reason = DONE, "", "vanished"
        try:
            async for message in _messages(websocket, connection):
                connection.count()
                await connection.follow(convention.feed(message))
        except FrameError as error:
            code, why, reason = error.code, str(error), "fault"
        except LiveRefusedError as error:
            code, why = (OVERLOAD if error.code == "overload" else NOT_ALLOWED), str(error)
        except ConnectionClosed:
            pass
        else:
            reason = "vanished" if websocket.close_code in (None, 1006) else "hangup"
        await connection.end(reason)
        telling.cancel()
        if code != DONE:
            events.happened("live_ingest", "refused", reason=why, convention=name)
        await websocket.close(code, why[:100])

    async def _audiosocket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        convention = AudioSocketConvention()
        connection = _Connection(self.service, self._door, convention, "audiosocket", peer, None)
        reason = "vanished"
        try:
            while self._door.is_near(peer):
                timeout = None if connection.was_on else FIRST_WITHIN_S
                data = await asyncio.wait_for(reader.read(LARGEST_FRAME), timeout)
                if not data:
                    break
                frames = convention.frames
                steps = convention.feed(data)
                connection.count(convention.frames - frames)
                await connection.follow(steps)
                if any(isinstance(step, Over) for step in steps):
                    break
        except (FrameError, LiveRefusedError, OSError, TimeoutError) as error:
            reason = "fault"
            events.happened("live_ingest", "refused", reason=str(error), convention="audiosocket")
        await connection.end(reason)
        writer.close()


async def _messages(websocket: ServerConnection, connection: _Connection) -> AsyncIterator[str | bytes]:
    """Yield messages; the first must come soon."""
    latest_s = time.monotonic() + FIRST_WITHIN_S
    while True:
        left_s = None if connection.was_on else max(0.01, latest_s - time.monotonic())
        try:
            yield await asyncio.wait_for(websocket.recv(), left_s)
        except TimeoutError as error:
            raise FrameError("nothing began within 5 s", NOT_ALLOWED) from error
        except ConnectionClosed:
            return


async def _send_told(websocket: ServerConnection, connection: _Connection) -> None:
    while True:
        await websocket.send(await connection.told.get())


def _subprotocol(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Choose one that is known; peers that offer none, or others, are talked to all the same."""
    return next((name for name in offered if name in _SUBPROTOCOLS), None)


def _peer(connection: ServerConnection) -> str:
    return str((connection.remote_address or ("",))[0])
