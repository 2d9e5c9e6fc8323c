"""Robots as a channel of the outbox, and whoever else has something to tell: at most so many messages a minute to each.

Messages leave through the client of `outgoing`: addresses of private networks are reached only where `webhooks.allow`
names them. A robot has three seconds to answer.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import pydantic

from qareport.delivery.chat.robots import ChatLine, ChatMessage, RobotRequest, read_answer, write_request
from qareport.delivery.outbox import Clock, DispatchResult, RetryPolicy, dispatch
from qareport.errors import DeliveryError, NotFoundError
from qareport.messages import keep, say
from qareport.model import ROBOT, ChannelKind, Delivery, DeliveryRecord, DeliveryState, Edition, Outcome
from qareport.outgoing import OutgoingClient, OutgoingError, OutgoingFault, OutgoingReach
from qareport.presentation.locale import _, plural
from qareport.settings import NotifySettings, RobotSettings, Settings
from qareport.settings.notify import Told
from qareport.settings.secrets import find_secret
from qareport.store import Store

#: In seconds: a robot that has not answered by then has not answered.
ANSWERS_WITHIN: Final = 3.0
_MINUTE: Final = timedelta(minutes=1)
_MESSAGE: Final = pydantic.TypeAdapter(ChatMessage)
#: Lines of a message that folds several.
_MOST_FOLDED: Final = 10
_CLOCK: Final = Clock()


class Robots:
    """The robots of the settings. Threads may share it."""

    def __init__(
        self,
        settings: NotifySettings,
        client: OutgoingClient,
        *,
        now: Callable[[], datetime],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the robots and how they are reached.

        Args:
            settings: the robots.
            client: what messages leave through (`client_of`).
            now: the time.
            environment: where secrets are; None: that of the process.
        """
        self._settings = settings
        self._client = client
        self._now = now
        self._environment = environment
        self._sent: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def list(self, told: Told | None = None, team_id: str | None = None) -> Sequence[RobotSettings]:
        """Return the robots that tell something, and that are of a team or of all calls; None: whatever it is."""
        return [
            robot
            for robot in self._settings.robots
            if (told is None or told in robot.tells) and (team_id is None or robot.team in ("*", team_id))
        ]

    def get(self, name: str) -> RobotSettings:
        """Return a robot.

        Raises:
            NotFoundError: the settings have none of that name.
        """
        for robot in self._settings.robots:
            if robot.name == name:
                return robot
        raise NotFoundError(say("there is no robot {name!r}", name=name), where="notify.robots")

    def tell(self, name: str, message: ChatMessage, *, begin: Callable[[], bool] = lambda: True) -> Outcome | None:
        """Post a message to a robot.

        Args:
            name: of the robot.
            message: what it tells.
            begin: called right before the message leaves; False: it must not.

        Returns:
            SENT; RETRY where it has certainly not arrived: too many within a minute, a secret that is missing; FAILED
            where it was refused for good; UNKNOWN where it may have arrived; None when `begin` returned False.
        """
        try:
            robot = self.get(name)
        except NotFoundError as error:
            return Outcome(state=DeliveryState.FAILED, reply=keep(error))
        try:
            request = self._write(robot, message)
        except DeliveryError as error:
            return Outcome(state=DeliveryState.RETRY, reply=keep(error))
        if not self._has_room(name):
            most = self._settings.per_minute
            return Outcome(state=DeliveryState.RETRY, reply=keep(say("more than {most} messages a minute", most=most)))
        if not begin():
            return None
        try:
            answer = self._client.send(
                "POST", request.url, body=request.body, headers={"Content-Type": "application/json; charset=utf-8"}
            )
        except OutgoingError as error:
            if error.fault is OutgoingFault.FORBIDDEN:
                return Outcome(state=DeliveryState.FAILED, reply=keep(error))
            state = DeliveryState.UNKNOWN if error.may_have_arrived else DeliveryState.RETRY
            return Outcome(state=state, reply=keep(error))
        return read_answer(robot.kind, answer.status, answer.body)

    def _write(self, robot: RobotSettings, message: ChatMessage) -> RobotRequest:
        where = f"notify.robots {robot.name}"
        url = find_secret(robot.url, where=where, error=DeliveryError, environment=self._environment)
        secret = ""
        if robot.secret:
            secret = find_secret(robot.secret, where=where, error=DeliveryError, environment=self._environment)
        return write_request(robot.kind, url, secret, message, self._now())

    def _has_room(self, name: str) -> bool:
        now = self._now()
        with self._lock:
            sent = self._sent.setdefault(name, deque())
            while sent and sent[0] <= now - _MINUTE:
                sent.popleft()
            if len(sent) >= self._settings.per_minute:
                return False
            sent.append(now)
            return True


class RobotChannel:
    """The channel of the outbox over robots."""

    def __init__(self, robots: Robots) -> None:
        """Take the robots."""
        self._robots = robots

    @property
    def kind(self) -> ChannelKind:
        """At least once."""
        return ROBOT

    def send(self, delivery: DeliveryRecord, content: bytes, *, begin: Callable[[], bool]) -> Outcome | None:
        """Try to tell one robot (`Robots.tell`)."""
        try:
            message = _MESSAGE.validate_json(content)
        except pydantic.ValidationError:
            return Outcome(state=DeliveryState.FAILED, reply=keep(say("the message cannot be read")))
        return self._robots.tell(delivery.recipient, message, begin=begin)

    def close(self) -> None:
        """Do nothing: no connection is kept."""


def client_of(settings: Settings) -> OutgoingClient:
    """Make the client through which messages to robots leave."""
    reach = OutgoingReach(allow=settings.webhooks.allow, timeout_s=ANSWERS_WITHIN, silence_s=ANSWERS_WITHIN)
    return OutgoingClient(reach)


def delivery_of(robot: RobotSettings, message: ChatMessage, *, period: str, kind: str) -> Delivery:
    """Make the delivery of a message: the same robot, period and kind are the same delivery, which goes out once.

    Args:
        robot: who tells it.
        message: what it tells.
        period: what it is about: `day:2026-11-21`.
        kind: what it says about it: `headline`.
    """
    content = json.dumps(dataclasses.asdict(message), ensure_ascii=False).encode()
    return Delivery(
        channel=ROBOT, edition=Edition.TEAM, recipient=robot.name, period=period, kind=kind, subject=message.title,
        message_id="", content=content,
    )  # fmt: skip


def tell_due(
    store: Store, robots: Robots, settings: NotifySettings, *, clock: Clock = _CLOCK,
    on_sent: Callable[[int, int], None], waits_s: Sequence[float] | None = None,
) -> DispatchResult:  # fmt: skip
    """Send all messages to robots that are due in the outbox. Call it only while holding the store's lock.

    Args:
        store: holds the outbox.
        robots: who tells them.
        settings: how long to try.
        clock: the time.
        on_sent: called with `(done, total)` after each message.
        waits_s: seconds between the rounds of this call; None: those of the settings.
    """
    policy = RetryPolicy(waits_s=settings.retry_s, give_up_hours=settings.give_up_hours)
    return dispatch(store, RobotChannel(robots), policy, clock=clock, on_sent=on_sent, waits_s=waits_s)


def fold(messages: Sequence[ChatMessage]) -> ChatMessage:
    """Make one message of several: a line of each, at most ten, and how many more there are."""
    if len(messages) == 1:
        return messages[0]
    lines: list[ChatLine] = []
    for message in messages[:_MOST_FOLDED]:
        said = _("：").join((message.title, *(line.text for line in message.lines[:1])))
        lines.append(ChatLine(text=said[:200], url=next((line.url for line in message.lines if line.url), "")))
    rest = len(messages) - _MOST_FOLDED
    if rest > 0:
        lines.append(ChatLine(text=plural("还有{n}条。", rest, n=rest)))
    title = plural("{n}条提醒", len(messages), n=len(messages))
    return ChatMessage(title=title, lines=tuple(lines))
