"""The calls that ring on the demo's desk: bundled recordings, played in real time to its live port, now and then."""

from __future__ import annotations

import asyncio
import csv
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qareport import events, settings
from qareport.model import Role

if TYPE_CHECKING:
    from qareport.store import Store

#: The recordings that ring, each of another agent: asked three times, a threat to complain, a customer who gives up.
CALLS: Final = ("c07-asked-three-times.ogg", "c13-escalation.ogg", "c04-given-up.ogg")
#: In seconds: after the engine is ready; from one call's beginning to the next one's; from the first round to the
#: second, and twice as long each time, up to an hour: a demo that is left alone does not fill up.
_FIRST_S, _APART_S, _PAUSE_S, _MOST_PAUSE_S = 5.0, 40.0, 120.0, 3_600.0
_LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLine:
    """Where the demo's calls come in."""

    store: Store
    #: ws://…/live/pcm.
    url: str
    calls: Sequence[str] = CALLS
    apart_s: float = _APART_S
    #: How many times faster than people speak.
    speed: float = 1.0
    parent: int = field(default_factory=os.getppid)


def ring_demo(line: DemoLine, desk_folder: Path) -> None:
    """Let the demo's calls ring until the process is ended, or who started it is gone.

    Args:
        line: where they come in.
        desk_folder: where the worker says that it is ready.
    """
    from qareport.web.health import read_sign_of_life

    wait_s, pause_s = _FIRST_S, _PAUSE_S
    while _is_wanted(line):
        time.sleep(_LOOK_S)
        if read_sign_of_life(desk_folder).state != "ready":
            continue
        wait_s -= _LOOK_S
        if wait_s <= 0:
            asyncio.run(ring_round(line))
            wait_s, pause_s = pause_s, min(2 * pause_s, _MOST_PAUSE_S)


async def ring_round(line: DemoLine) -> list[str]:
    """Let each call ring once, one after the other. Returns their ids; a call that is not taken ends alone."""
    began = datetime.now(UTC)
    known = _manifest()
    ids = [f"demo-{began:%Y%m%d-%H%M%S}-{number}" for number in range(1, len(line.calls) + 1)]
    ringing: list[asyncio.Task[None]] = []
    for call_id, name in zip(ids, line.calls, strict=True):
        if ringing:
            await asyncio.sleep(line.apart_s)
        ringing.append(asyncio.create_task(_ring(line, call_id, name, known.get(name, {}))))
    await asyncio.gather(*ringing)
    return ids


async def _ring(line: DemoLine, call_id: str, name: str, known: Mapping[str, str]) -> None:
    from websockets.exceptions import WebSocketException

    from qareport.web.ingest.player import Play, play, read_sound

    roles = (Role.AGENT, Role.CUSTOMER)  # as the bundled recordings have them
    facts = {fact: known[fact] for fact in ("order_id", "agent_id", "customer_phone") if known.get(fact)}
    sound = await asyncio.to_thread(partial(read_sound, settings.bundled_calls() / name, 8000))
    tracks = [role.value for role in roles]
    ticket = line.store.live_tickets.make({**facts, "call_id": call_id, "tracks": tracks}, at=datetime.now(UTC))
    call = Play(
        sound=sound, url=line.url, convention="pcm", facts={"call_id": call_id}, roles=tuple(tracks), ticket=ticket,
        speed=line.speed,
    )  # fmt: skip
    try:
        await play(call)
    except (OSError, WebSocketException) as error:
        events.happened("demo", "failed", call_id=call_id, reason=str(error) or type(error).__name__)


def _is_wanted(line: DemoLine) -> bool:
    """Tell whether who started this process is still there."""
    return os.getppid() == line.parent


def _manifest() -> dict[str, dict[str, str]]:
    text = (settings.bundled_calls() / "manifest.csv").read_text("utf-8")
    return {row["audio"]: row for row in csv.DictReader(text.splitlines())}
