"""`qareport live`: play a recording to a port as a telephone system would send it."""

from __future__ import annotations

import asyncio
import os
import secrets
from importlib.util import find_spec
from pathlib import Path

import click

from qareport.cli.console import Options, notify, takes_options
from qareport.cli.language import SpokenGroup
from qareport.errors import ConfigError, Problem, UnavailableError
from qareport.messages import say

#: Environment variable that holds a token with the scope `live:ingest`.
TOKEN_VARIABLE = "QAREPORT_TOKEN"  # noqa: S105 - its name
_CONVENTIONS = ("twilio", "audiosocket", "asterisk", "freeswitch", "funasr", "pcm")


@click.group("live", cls=SpokenGroup)
def live_group() -> None:
    """Try calls that are heard while they are on."""


@live_group.command(short_help="Play a recording to a live port")
@click.argument("audio", type=click.Path(path_type=Path), metavar="AUDIO")
@click.option("--to", "url", required=True, metavar="URL", help="ws://…, wss://…, or tcp://HOST:PORT for AudioSocket.")
@click.option("--as", "convention", type=click.Choice(_CONVENTIONS), default="pcm", help="Whose frames are sent.")
@click.option("--speed", type=click.FloatRange(0.1, 20), default=1.0, metavar="N", help="So many times real time.")
@click.option("--rate", type=click.Choice(["8000", "16000"]), default="8000", help="Sample rate of the telephone.")
@click.option("--call-id", default="", metavar="ID", help="Id of the call; made up where it is not given.")
@click.option("--agent", default="", metavar="ID", help="The agent who takes the call.")
@click.option("--order", default="", metavar="ID", help="The order that it is about.")
@click.option("--swap", is_flag=True, help="Send the right channel first: the customer is expected on the first.")
@click.option("--ticket", default="", metavar="UUID", help="A ticket of POST /api/v1/live/tickets.")
@takes_options
def play(
    options: Options,
    audio: Path,
    url: str,
    convention: str,
    speed: float,
    rate: str,
    call_id: str,
    agent: str,
    order: str,
    swap: bool,
    ticket: str,
) -> int:
    """Play AUDIO to a live port, in real time or faster, as a telephone system sends it.

    A token with the scope live:ingest is read from QAREPORT_TOKEN; or give a ticket.
    """
    if find_spec("websockets") is None:
        raise ConfigError([Problem(what=say("the desk is not installed"), to_do=say("pip install 'qareport[desk]'"))])
    from websockets.exceptions import WebSocketException

    from qareport.web.ingest.player import Play, read_sound
    from qareport.web.ingest.player import play as send

    if convention == "audiosocket" and not ticket:
        raise ConfigError([Problem(what=say("AudioSocket needs --ticket"), to_do=say("POST /api/v1/live/tickets"))])
    sound = read_sound(audio, int(rate))
    if convention in ("audiosocket", "asterisk", "funasr"):
        sound = sound[-1:] if swap else sound[:1]
    elif swap:
        sound = sound[::-1]
    known = {"call_id": call_id or f"play-{secrets.token_hex(4)}", "agent_id": agent, "order_id": order}
    facts = {name: value for name, value in known.items() if value}
    what = Play(
        sound=sound, sample_rate=int(rate), url=url, convention=convention, facts=facts, ticket=ticket, speed=speed,
        token=os.environ.get(TOKEN_VARIABLE, ""), on_text=click.echo,
    )  # fmt: skip
    notify(say("{call_id}: {seconds:.0f} s of sound", call_id=facts["call_id"], seconds=sound.shape[1] / int(rate)))
    try:
        asyncio.run(send(what))
    except (OSError, WebSocketException) as error:
        raise UnavailableError(
            say("the call was not taken: {reason}", reason=str(error) or type(error).__name__),
            where=url,
            to_do=say("is `qareport serve` running, and may this token or ticket send calls?"),
        ) from error
    return 0
