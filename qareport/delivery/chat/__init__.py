"""Chat robots: what a message looks like for each, and the channel of the outbox over them."""

from qareport.delivery.chat.alerts import AlertTeller, keep_robots
from qareport.delivery.chat.channel import RobotChannel, Robots, client_of, delivery_of, fold, tell_due
from qareport.delivery.chat.robots import ChatLine, ChatMessage, read_answer, write_request

__all__ = [
    "AlertTeller",
    "ChatLine",
    "ChatMessage",
    "RobotChannel",
    "Robots",
    "client_of",
    "delivery_of",
    "fold",
    "keep_robots",
    "read_answer",
    "tell_due",
    "write_request",
]
