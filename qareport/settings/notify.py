"""Settings of chat robots: which group of which chat is told of what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, with_config

from qareport.messages import say
from qareport.settings.secrets import SecretPlace
from qareport.strict_yaml import refusal

RobotKind = Literal["dingtalk", "wecom", "feishu", "slack", "teams"]
#: What a robot tells: the headline of daily reports, alerts of live calls.
Told = Literal["daily", "alerts"]


def _given(place: str) -> str:
    if not place:
        raise refusal("secret_place", say("where the secret is: env:NAME, or file: and a path"))
    return place


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class RobotSettings:
    """A robot of a chat group."""

    #: Its name in lists; a robot with another name is another robot.
    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[\w.-]+$")]
    #: Whose robot it is: dingtalk, wecom, feishu, slack or teams.
    kind: RobotKind
    #: Where the address of the robot is, which is a secret: env:NAME, or file: and a path.
    url: Annotated[SecretPlace, AfterValidator(_given)]
    #: Where the key is with which messages are signed (dingtalk, feishu); "" = they are not signed.
    secret: SecretPlace = ""
    #: The team whose calls it tells of, by its id; "*" = all calls.
    team: Annotated[str, Field(min_length=1, max_length=100)] = "*"
    #: What it tells: daily (the headline of a report), alerts (of live calls).
    tells: tuple[Told, ...] = ("daily", "alerts")


def _distinct(robots: tuple[RobotSettings, ...]) -> tuple[RobotSettings, ...]:
    names = [robot.name for robot in robots]
    if len(set(names)) < len(names):
        raise refusal("robot_name", say("robots of different names"))
    return robots


@with_config(extra="forbid")
@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Chat robots."""

    #: The robots; [] = none.
    robots: Annotated[tuple[RobotSettings, ...], AfterValidator(_distinct)] = ()
    #: Messages to one robot within a minute, at most: more than 20 make DingTalk silent for ten minutes.
    per_minute: Annotated[int, Field(ge=1, le=20)] = 20
    #: In seconds: alerts that are raised within this time go out as one message.
    fold_s: Annotated[float, Field(ge=0, le=60)] = 3.0
    #: In seconds: waits between attempts within a daily run; later runs try again.
    retry_s: tuple[Annotated[float, Field(ge=0, le=600)], ...] = (5.0, 60.0)
    #: In hours: a headline that could not be sent within this time is given up.
    give_up_hours: Annotated[float, Field(gt=0)] = 24.0
