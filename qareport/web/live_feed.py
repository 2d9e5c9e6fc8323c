"""What happens in live calls, from the worker to the desk: lines of JSON over a socket that only its owner may use.

The worker sends each event to whoever listens; the desk numbers what it gets and keeps the last thousand, so that a
browser that was away learns what it missed.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from qareport.model import Agents, LiveEvent

#: Events that are kept for browsers that come back.
KEPT: Final = 1000
#: Lines that wait for a slow listener before it is let go.
_MOST_WAITING = 2000
_RETRY_S, _COMMENT_S = 1.0, 15.0
#: So often a stream looks whether who listens still may.
LOOK_S: Final = 5.0
#: What a stream says last where the desk ends.
BYE: Final = "event: bye\ndata: {}\n\n"
SOCKET: Final = "live.sock"


def line_of(event: LiveEvent) -> str:
    """Write an event as a line."""
    values = {"type": event.type, "live_id": event.live_id, "agent_id": event.agent_id, "data": event.data}
    return json.dumps(values, ensure_ascii=False, default=str) + "\n"


class LiveFeed:
    """The worker's side. Use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SOCKET
        self._loop = asyncio.new_event_loop()
        self._listeners: set[asyncio.Queue[str]] = set()
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="qareport-live-feed", daemon=True)

    def __enter__(self) -> LiveFeed:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def tell(self, event: LiveEvent) -> None:
        """Tell everyone who listens; any thread may call it."""
        if self._listeners and self._stop is not None:
            self._loop.call_soon_threadsafe(self._spread, line_of(event))

    def _spread(self, line: str) -> None:
        for queue in list(self._listeners):
            if queue.qsize() < _MOST_WAITING:
                queue.put_nowait(line)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):
            self._path.unlink()
        before = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._listen, str(self._path))
        finally:
            os.umask(before)
        self._ready.set()
        await self._stop.wait()
        server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        with suppress(FileNotFoundError):
            self._path.unlink()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            while True:
                writer.write((await queue.get()).encode())
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._listeners.discard(queue)
            writer.close()


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event as the desk got it."""

    number: int
    type: str
    agent_id: str | None
    values: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The event as browsers read it."""
        data = json.dumps(self.values, ensure_ascii=False)
        return f"id: {self.number}\nevent: {self.type}\ndata: {data}\n\n"


def _is_for(event: NumberedEvent, agents: Agents) -> bool:
    return (event.agent_id is None and event.type == "live.overload") or agents.holds(event.agent_id)


class LiveBoard:
    """The desk's side: listens to the worker while anyone looks, and spreads what it hears."""

    def __init__(self, folder: Path, *, began: int = 0) -> None:
        """Take the folder of the socket; `began`: no event before had a larger number, also of an earlier process."""
        self._path = folder / SOCKET
        self._events: deque[NumberedEvent] = deque(maxlen=KEPT)
        self._number = began
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        #: Whether the desk is about to end: every stream says `bye` and ends.
        self.is_leaving = False

    async def follow(
        self, agents: Agents, last: int, *, live_id: str = "", lasts_s: float = math.inf,
        still: Callable[[], bool] = lambda: True,
    ) -> AsyncIterator[str]:  # fmt: skip
        """Yield server-sent events about calls of these agents.

        Args:
            agents: whose calls may be seen.
            last: number of the last event that was seen; 0: none. Where it is too long ago, `reset` is sent.
            live_id: of this call alone; "": of all.
            lasts_s: then the stream ends, and a browser comes back for more, if it still may.
            still: tells whether the session or token of who asks is still good; the stream ends when it is not.
        """
        began = commented = looked = time.monotonic()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen())
        seen, oldest = last or self._number, self._events[0].number if self._events else self._number + 1
        if last and not oldest - 1 <= last <= self._number:
            seen = self._number
            yield f"id: {seen}\nevent: reset\ndata: {{}}\n\n"
        while (now := time.monotonic()) < began + lasts_s:
            if self.is_leaving:
                yield BYE
                return
            if now - looked >= LOOK_S:
                looked = now
                if not await anyio.to_thread.run_sync(still):
                    return
            for event in [event for event in self._events if event.number > seen]:
                seen = event.number
                if live_id in ("", event.values["live_id"]) and _is_for(event, agents):
                    commented = now
                    yield event.text
            if now - commented >= _COMMENT_S:
                commented = now
                yield ": waiting\n\n"
            await self._wait(seen, min(commented + _COMMENT_S, looked + LOOK_S, began + lasts_s) - time.monotonic())

    async def _wait(self, seen: int, most_s: float) -> None:
        """Wait for the next event, or so long."""
        with suppress(TimeoutError):
            async with self._changed:
                if self._number <= seen and not self.is_leaving:
                    await asyncio.wait_for(self._changed.wait(), max(0.0, most_s))

    async def leave(self) -> None:
        """End all streams: the desk is about to end."""
        self.is_leaving = True
        async with self._changed:
            self._changed.notify_all()

    async def _listen(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path), limit=1 << 20)
            except OSError:
                await asyncio.sleep(_RETRY_S)
                continue
            try:
                while line := await reader.readline():
                    await self._take(json.loads(line))
            except (OSError, ValueError):
                pass
            finally:
                writer.close()

    async def _take(self, values: Mapping[str, Any]) -> None:
        async with self._changed:
            self._number += 1
            event = NumberedEvent(self._number, str(values["type"]), values["agent_id"], values)
            self._events.append(event)
            self._changed.notify_all()
