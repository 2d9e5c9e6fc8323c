"""Settings of calls that are heard while they are on, and of the alerts that they raise."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.strict_yaml import refusal


def _known_network(written: str) -> str:
    try:
        ipaddress.ip_network(written, strict=False)
    except ValueError as error:
        raise refusal("network", say("a network such as 10.0.0.0/8 or 127.0.0.1/32")) from error
    return written


Network = Annotated[str, AfterValidator(_known_network)]
SignalName = Literal["anger", "churn", "escalation", "irony", "waiting", "no_answer", "hold"]


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """Calls that are heard while they are on (`qareport serve`)."""

    #: Port of the websockets on which telephone systems send sound.
    port: Annotated[int, Field(ge=1, le=65535)] = 8711
    #: Port for clients of FunASR's runtime, which can show no token; 0 = none.
    funasr_port: Annotated[int, Field(ge=0, le=65535)] = 0
    #: Port for Asterisk's AudioSocket; 0 = none.
    audiosocket_port: Annotated[int, Field(ge=0, le=65535)] = 0
    #: The address under which telephone systems reach the port, as wss://qa.example.com; Twilio signs it; "" = that of
    #: the request.
    public_url: str = ""
    #: The most calls at once; more are refused.
    max_calls: Annotated[int, Field(ge=1, le=1000)] = 50
    #: Networks from which FunASR and AudioSocket are let in.
    allow: tuple[Network, ...] = ("127.0.0.1/32",)
    #: In ms: a pause of this length ends an utterance.
    end_silence_ms: Annotated[int, Field(ge=200, le=5000)] = 500
    #: In ms: so much sound before an utterance is heard with it.
    preroll_ms: Annotated[int, Field(ge=0, le=2000)] = 300
    #: In ms: longer utterances are cut at their quietest place.
    max_utterance_ms: Annotated[int, Field(ge=2000, le=18_000)] = 15_000
    #: In ms: so often an utterance that goes on is heard; less often where the machine is busy.
    partial_ms: Annotated[int, Field(ge=200, le=5000)] = 600
    #: Whether the sound of a call is kept after it was judged.
    keep_audio: bool = True
    #: In seconds: a call that sends nothing for so long has ended.
    idle_s: Annotated[int, Field(ge=5, le=600)] = 30
    #: In minutes: a longer call is ended.
    max_minutes: Annotated[int, Field(ge=1, le=1440)] = 180


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSettings:
    """Who is told of the alerts of a team."""

    #: Id of the team; "*" = every team.
    team: str = "*"
    #: Who is told, one after the other: the next where nobody acknowledges. `desk` = the board.
    to: Annotated[tuple[str, ...], Field(min_length=1)] = ("desk",)


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Alerts to supervisors while a call is on."""

    #: Signals that raise an alert: anger, churn, escalation, irony, waiting, no_answer, hold.
    signals: tuple[SignalName, ...] = ("anger", "churn", "escalation", "irony", "waiting", "no_answer")
    #: From 0 to 1, a score of the model: from here on a voice counts as angry.
    anger_score: Annotated[float, Field(ge=0, le=1)] = 0.6
    #: In seconds: the same again within this time raises nothing.
    cooldown_s: Annotated[int, Field(ge=0, le=3600)] = 60
    #: In seconds: after this time without an acknowledgement the next of the route is told.
    escalate_s: Annotated[int, Field(ge=5, le=3600)] = 60
    #: Who is told, by team; the first entry that names the team counts.
    routes: tuple[RouteSettings, ...] = (RouteSettings(),)

    def targets(self, teams: tuple[str, ...]) -> tuple[str, ...]:
        """Return who is told, one after the other, of an alert about an agent of these teams."""
        for route in self.routes:
            if route.team == "*" or route.team in teams:
                return route.to
        return ("desk",)
